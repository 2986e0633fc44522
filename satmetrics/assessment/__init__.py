"""Reliability, validity, collinearity, fit, prediction; comparison of groups."""

from satmetrics.assessment.groups import compare_groups
from satmetrics.assessment.invariance import micom
from satmetrics.assessment.loss_comparison import cvpat
from satmetrics.assessment.mediators import mediation
from satmetrics.assessment.prediction import predict
from satmetrics.assessment.rules import guidance
from satmetrics.inference.jackknife import jackknife

__all__ = [
    "compare_groups",
    "cvpat",
    "guidance",
    "jackknife",
    "mediation",
    "micom",
    "predict",
]
