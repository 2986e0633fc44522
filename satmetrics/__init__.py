"""Satisfaction and service quality, from answers to decisions."""

__version__ = "0.1.0"
