"""Resampling and intervals; knows a fit by what it can be asked."""
