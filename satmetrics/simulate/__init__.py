"""Surveys whose truth is known: populations stated in numbers, and draws from them."""

from satmetrics.simulate.economy import Economy, simulate_economy
from satmetrics.simulate.five_gaps import (
    FiveGapFrames,
    FiveGapPopulation,
    simulate_five_gaps,
)
from satmetrics.simulate.index_survey import IndexPopulation, simulate_index_survey
from satmetrics.simulate.model_survey import (
    model_coefficients,
    model_loadings,
    model_population,
    simulate_model_survey,
)
from satmetrics.simulate.sampling import exact_sample, ordinal_cut
from satmetrics.simulate.servqual import GapPopulation, simulate_servqual

__all__ = [
    "Economy",
    "FiveGapFrames",
    "FiveGapPopulation",
    "GapPopulation",
    "IndexPopulation",
    "exact_sample",
    "model_coefficients",
    "model_loadings",
    "model_population",
    "ordinal_cut",
    "simulate_economy",
    "simulate_five_gaps",
    "simulate_index_survey",
    "simulate_model_survey",
    "simulate_servqual",
]
