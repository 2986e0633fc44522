"""The models lavaan was run on, their answers, and fits of them."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.estimation.sem import fit_covariances
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_table import Parameter, ParameterTable, table_of_model
from satmetrics.inference.protocol import Sampling

HS = {
    "visual": ["x1", "x2", "x3"],
    "textual": ["x4", "x5", "x6"],
    "speed": ["x7", "x8", "x9"],
}
PD = {
    "ind60": ["x1", "x2", "x3"],
    "dem60": ["y1", "y2", "y3", "y4"],
    "dem65": ["y5", "y6", "y7", "y8"],
}
PD_PATHS = {"ind60": ["dem60", "dem65"], "dem60": ["dem65"]}
PD_PAIRS = ("y1 y5", "y2 y4", "y2 y6", "y3 y7", "y4 y8", "y6 y8")
ECSI = sat.models.load("ecsi")
MOBILE = {c.name: list(c.indicators) for c in ECSI.constructs if len(c.indicators) > 1}


def free_factors(table: ParameterTable) -> ParameterTable:
    """Replace the paths by all covariances of factors."""
    rows = [r for r in table.rows if r.op != "~" and _own(r, table)]
    names = table.latent
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    rows += [Parameter(a, "~~", b) for a, b in pairs]
    return ParameterTable(tuple(rows), table.observed, names, means=table.means)


def _own(row: Parameter, table: ParameterTable) -> bool:
    return row.op != "~~" or row.lhs == row.rhs or row.lhs not in table.latent


def case(name, data, **options):
    """Fit "hs", "pd" or "mobile" with the options; `data` is a frame or Moments."""
    settings = SemOptions(**options)
    if name == "pd":
        blocks, paths = PD, PD_PATHS
    else:
        blocks = HS if name == "hs" else MOBILE
        chain = list(blocks)
        paths = {a: [b] for a, b in pairwise(chain)}
    model = sat.StructuralModel.from_blocks(
        name, constructs=blocks, paths=paths, target=list(blocks)[-1]
    )
    table = table_of_model(
        model, means=bool(settings.means), identification=settings.identification
    )
    if name == "pd":
        pairs = [p.split() for p in PD_PAIRS]
        extra = tuple(Parameter(a, "~~", b) for a, b in pairs)
        table = ParameterTable(
            (*table.rows, *extra), table.observed, table.latent, means=table.means
        )
    else:
        table = free_factors(table)
    moments = data
    if not isinstance(data, sat.Moments):
        moments = sat.Moments.from_frame(data, model.indicators, acov=settings.robust)
    ends = np.full((2, len(model.indicators)), np.nan)
    return fit_covariances(model, table, moments, settings, ends, Sampling())


def key(lhs, op, rhs):
    """Return one name for a parameter, whichever way round a covariance is."""
    pair = sorted((lhs, rhs)) if op == "~~" else (lhs, rhs)
    return re.sub(" +", " ", f"{pair[0]} {op} {pair[1]}").strip()


@pytest.fixture(scope="session")
def lavaan_answers(mobi):
    """Return the answers of each model, pandas frames by its name."""
    examples = pytest.importorskip("semopy.examples")
    return {
        "hs": examples.holzinger39.get_data(),
        "pd": examples.political_democracy.get_data(),
        "mobile": mobi,
    }


@pytest.fixture(scope="session")
def lavaan():
    """Return `case`, which fits, `key`, which names a parameter, and `free_factors`."""
    return SimpleNamespace(case=case, key=key, free_factors=free_factors)
