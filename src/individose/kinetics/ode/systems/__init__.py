"""One module for each family of systems; each makes `OdeSystem` records and knows nothing of how they are solved."""
