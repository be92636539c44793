"""Speed, measured: ratios within one run, first call and later calls apart. `make bench` runs them all."""
