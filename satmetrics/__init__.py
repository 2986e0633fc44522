"""Satisfaction and service quality, from answers to decisions.

The common way in: ``import satmetrics as sat``. The public names are those listed in
``__all__`` and nothing else. A few that bring many modules with them are imported when
they are first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics import assessment, datasets, drivers, errors, indices, models, plot
from satmetrics._later import later
from satmetrics._result import Context, Exclusion, read_result
from satmetrics._version import __version__ as __version__
from satmetrics.assessment.assess import assess
from satmetrics.estimation.effects import effects
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.pls import pls
from satmetrics.gap.gap_table import gap_table
from satmetrics.gap.gaps import gaps
from satmetrics.indices.changes import changes
from satmetrics.indices.index import index
from satmetrics.indices.priorities import priorities
from satmetrics.inference.bootstrap import bootstrap
from satmetrics.models.model import Construct, Path, StructuralModel
from satmetrics.moment.moments import Moments
from satmetrics.reporting.report import report
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.item import Item
from satmetrics.survey.label import Label
from satmetrics.survey.readers import read
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey

if TYPE_CHECKING:
    from satmetrics import metrics, quality
    from satmetrics.estimation.sem import sem
    from satmetrics.estimation.sem_options import SemOptions
    from satmetrics.gap.five.measured import five_gaps
    from satmetrics.gap.study import servqual_study

__all__ = [
    "Construct",
    "Context",
    "Exclusion",
    "Instrument",
    "Item",
    "Label",
    "Moments",
    "Path",
    "PlsOptions",
    "Scale",
    "SemOptions",
    "StructuralModel",
    "Survey",
    "assess",
    "assessment",
    "bootstrap",
    "changes",
    "datasets",
    "drivers",
    "effects",
    "errors",
    "five_gaps",
    "gap_table",
    "gaps",
    "index",
    "indices",
    "instruments",
    "metrics",
    "models",
    "plot",
    "pls",
    "priorities",
    "quality",
    "read",
    "read_result",
    "report",
    "sem",
    "servqual_study",
]

_LATER = {
    "SemOptions": "satmetrics.estimation.sem_options",
    "five_gaps": "satmetrics.gap.five.measured",
    "metrics": "satmetrics.metrics",
    "quality": "satmetrics.quality",
    "sem": "satmetrics.estimation.sem",
    "servqual_study": "satmetrics.gap.study",
}
__getattr__ = later(globals(), _LATER)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *_LATER})
