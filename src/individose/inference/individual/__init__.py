"""Estimation of one patient, several methods in one shape."""
