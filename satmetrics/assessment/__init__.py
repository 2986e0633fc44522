"""Reliability, validity, collinearity and fit; prediction of those left out."""

from satmetrics.assessment.loss_comparison import cvpat
from satmetrics.assessment.mediators import mediation
from satmetrics.assessment.prediction import predict
from satmetrics.assessment.rules import guidance
from satmetrics.inference.jackknife import jackknife

__all__ = ["cvpat", "guidance", "jackknife", "mediation", "predict"]
