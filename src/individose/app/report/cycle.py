"""Estradiol over the menstrual cycle: a background against which people like to see a curve.

Median, 5th and 95th percentile (pg/mL) of serum estradiol in 20 women with ovulatory cycles by day, from 15 days before to 14
days after the peak of luteinising hormone: Stricker R, Eberhart R, Chevailler MC, Quinn FA, Bischof P, Stricker R (2006),
Clinical Chemistry and Laboratory Medicine 44:883-887, doi 10.1515/CCLM.2006.160 (Abbott ARCHITECT).
"""

from __future__ import annotations

SOURCE = "Stricker et al. 2006, Clin Chem Lab Med 44:883-887"

FIRST_DAY = -15
"""Of the rows, counted from the peak of luteinising hormone."""

MEDIAN = (
    37.99, 40.59, 37.49, 34.99, 35.49, 39.54, 41.99, 44.34, 53.43, 58.58, 71.43, 98.92, 132.31, 177.35, 255.88,
    182.80, 85.23, 70.98, 87.97, 109.92, 122.77, 132.56, 150.30, 133.81, 137.16, 134.96, 92.73, 85.68, 46.34, 41.19,
)  # fmt: skip
LOW = (
    15.68, 18.14, 20.48, 21.63, 22.60, 23.86, 25.44, 30.64, 33.96, 42.95, 51.88, 50.79, 65.79, 91.89, 137.25,
    131.30, 43.55, 42.12, 56.83, 73.49, 79.70, 72.75, 79.46, 76.79, 76.05, 80.22, 57.26, 47.62, 27.77, 25.60,
)  # fmt: skip
HIGH = (
    52.97, 51.12, 51.58, 54.74, 53.59, 57.08, 61.20, 60.16, 72.79, 85.36, 94.46, 133.70, 218.89, 314.28, 413.41,
    388.28, 140.11, 108.52, 135.06, 181.42, 191.73, 196.05, 189.45, 195.64, 208.23, 219.75, 174.38, 148.77, 135.58, 188.92,
)  # fmt: skip
