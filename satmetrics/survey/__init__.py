"""Surveys: scales, instruments, answers with their roles, and their files."""

from satmetrics.survey.instrument import Instrument
from satmetrics.survey.item import Dimension, Form, Item
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey, as_survey

__all__ = [
    "Dimension",
    "Form",
    "Instrument",
    "Item",
    "Scale",
    "Survey",
    "as_survey",
]
