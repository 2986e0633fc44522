"""Reliability, validity, collinearity, fit, prediction; comparison of groups.

What is of covariance structure models is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later
from satmetrics.assessment.blindfolds import blindfolding
from satmetrics.assessment.factors import explore_factors
from satmetrics.assessment.fit_tests import exact_fit
from satmetrics.assessment.groups import compare_groups
from satmetrics.assessment.invariance import micom
from satmetrics.assessment.item_dimensions import dimensionality
from satmetrics.assessment.item_reliability import reliability
from satmetrics.assessment.loss_comparison import cvpat
from satmetrics.assessment.mediators import mediation
from satmetrics.assessment.prediction import predict
from satmetrics.assessment.rules import guidance
from satmetrics.assessment.selection import compare_models
from satmetrics.assessment.slopes import simple_slopes
from satmetrics.inference.jackknife import jackknife

if TYPE_CHECKING:
    from satmetrics.assessment.ladder import invariance_steps
    from satmetrics.assessment.nested import compare_fits
    from satmetrics.assessment.power_by_rmsea import rmsea_power
    from satmetrics.estimation.sem_engines import compare_engines

__all__ = [
    "blindfolding",
    "compare_engines",
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
    "rmsea_power",
    "simple_slopes",
]

_HOMES = {
    "compare_engines": "satmetrics.estimation.sem_engines",
    "compare_fits": "satmetrics.assessment.nested",
    "invariance_steps": "satmetrics.assessment.ladder",
    "rmsea_power": "satmetrics.assessment.power_by_rmsea",
}
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
