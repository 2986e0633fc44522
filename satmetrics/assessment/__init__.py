"""Reliability, validity and collinearity of fits."""
