"""Reliability, validity and collinearity of fits; prediction of those left out."""

from satmetrics.assessment.loss_comparison import cvpat
from satmetrics.assessment.mediators import mediation
from satmetrics.assessment.prediction import predict
from satmetrics.inference.jackknife import jackknife

__all__ = ["cvpat", "jackknife", "mediation", "predict"]
