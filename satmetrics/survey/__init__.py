"""Surveys: scales, instruments, answers with their roles, and their files."""

from satmetrics.survey.draft import ItemSpec, init_study
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.instrument_check import InstrumentCheck
from satmetrics.survey.item import Dimension, Form, IndustryWeights, Item
from satmetrics.survey.missing import Treated, treat_missing
from satmetrics.survey.questionnaire import Questionnaire
from satmetrics.survey.readers import read
from satmetrics.survey.scale import Scale
from satmetrics.survey.study import Study
from satmetrics.survey.survey import Survey, as_survey

__all__ = [
    "Dimension",
    "Form",
    "IndustryWeights",
    "Instrument",
    "InstrumentCheck",
    "Item",
    "ItemSpec",
    "Questionnaire",
    "Scale",
    "Study",
    "Survey",
    "Treated",
    "as_survey",
    "init_study",
    "read",
    "treat_missing",
]
