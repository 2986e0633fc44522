"""Reliability, validity and collinearity of fits."""

from satmetrics.assessment.mediators import mediation
from satmetrics.inference.jackknife import jackknife

__all__ = ["jackknife", "mediation"]
