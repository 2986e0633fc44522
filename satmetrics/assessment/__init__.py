"""Reliability, validity, collinearity, fit, prediction; comparison of groups."""

from satmetrics.assessment.blindfolds import blindfolding
from satmetrics.assessment.factors import explore_factors
from satmetrics.assessment.fit_tests import exact_fit
from satmetrics.assessment.groups import compare_groups
from satmetrics.assessment.invariance import micom
from satmetrics.assessment.item_dimensions import dimensionality
from satmetrics.assessment.item_reliability import reliability
from satmetrics.assessment.ladder import invariance_steps
from satmetrics.assessment.loss_comparison import cvpat
from satmetrics.assessment.mediators import mediation
from satmetrics.assessment.nested import compare_fits
from satmetrics.assessment.prediction import predict
from satmetrics.assessment.rules import guidance
from satmetrics.assessment.selection import compare_models
from satmetrics.assessment.slopes import simple_slopes
from satmetrics.inference.jackknife import jackknife

__all__ = [
    "blindfolding",
    "compare_fits",
    "compare_groups",
    "compare_models",
    "cvpat",
    "dimensionality",
    "exact_fit",
    "explore_factors",
    "guidance",
    "invariance_steps",
    "jackknife",
    "mediation",
    "micom",
    "predict",
    "reliability",
    "simple_slopes",
]
