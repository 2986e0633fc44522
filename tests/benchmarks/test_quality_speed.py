"""What service quality costs with a million customers of a hundred branches."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import satmetrics as sat

N, BRANCHES = 1_000_000, 100
WORK = f"{N:,} × 44 answers, {BRANCHES} branches: "


@pytest.fixture(scope="module")
def customers() -> sat.Survey:
    """Return answers to expectation and perception, with a branch and an outcome."""
    rng = np.random.default_rng(1)
    spec = sat.instruments.load("servqual")
    mood = rng.normal(size=N)
    columns = {}
    for form, mean, sd in (("expectation", 6.0, 0.9), ("perception", 5.0, 1.2)):
        for name in spec.columns(form):
            x = mean + sd * (0.7 * mood + 0.7 * rng.normal(size=N))
            columns[name] = np.clip(np.rint(x), 1, 7).astype(np.int8)
    labels = np.array([f"branch {k:03d}" for k in range(BRANCHES)])
    columns["branch"] = labels[rng.integers(0, BRANCHES, N)]
    columns["satisfied"] = np.clip(np.rint(5 + mood), 1, 7).astype(np.int8)
    return sat.Survey(pl.DataFrame(columns), "servqual", unit="branch")


def test_gaps(timed, customers):
    """Gaps of items, dimensions and overall, tested, with shares."""
    call = lambda: sat.gaps(customers, by="unit")  # noqa: E731
    found = timed(WORK + "gaps", "satmetrics", call, rounds=3)
    assert len(found.table) == BRANCHES * (22 + 5 + 2)


def test_gaps_of_clusters(timed, customers):
    """The same with branches as sampled clusters."""
    clustered = customers.with_roles(cluster="branch")
    call = lambda: sat.gaps(clustered)  # noqa: E731
    found = timed(WORK + "gaps, errors over clusters", "satmetrics", call, rounds=3)
    assert set(found.table["df"]) == {BRANCHES - 1}


def test_study(timed, customers):
    """The eight steps, response quality among them."""
    call = lambda: sat.servqual_study(customers, by="unit")  # noqa: E731
    timed(WORK + "eight steps of a study", "satmetrics", call, rounds=2)


def test_comparison(timed, customers):
    """Every branch with the rest, on items, dimensions and overall."""
    call = lambda: sat.quality.compare_gaps(customers, by="unit")  # noqa: E731
    timed(WORK + "groups compared", "satmetrics", call, rounds=2)


def test_reliability(timed, customers):
    """Reliability of the perceptions, by branch."""
    call = lambda: sat.assessment.reliability(  # noqa: E731
        customers, "servqual", form="perception", by="unit"
    )
    timed(WORK + "reliability of perceptions", "satmetrics", call, rounds=2)


def test_check(timed, customers):
    """The columns and answers held against the instrument."""
    spec = sat.instruments.load("servqual")
    call = lambda: spec.check(customers)  # noqa: E731
    timed(WORK + "instrument checked", "satmetrics", call, rounds=2)


def test_five_gaps(timed, customers):
    """Gaps 1 and 5, with managers of every branch."""
    rng = np.random.default_rng(2)
    names = sat.instruments.load("servqual").columns("expectation")
    answers = rng.integers(4, 8, size=(10 * BRANCHES, len(names)))
    managers = pl.DataFrame(answers, schema=list(names)).with_columns(
        branch=pl.Series([f"branch {k % BRANCHES:03d}" for k in range(10 * BRANCHES)])
    )
    call = lambda: sat.five_gaps(customers, managers, by="branch", rng=1)  # noqa: E731
    timed(WORK + "gaps 1 and 5 by branch", "satmetrics", call, rounds=2)


def test_psychometrics(timed, customers):
    """Reliability of E, P and of their difference, by branch."""
    call = lambda: sat.quality.psychometrics(customers, by="unit")  # noqa: E731
    timed(WORK + "psychometrics of gaps", "satmetrics", call, rounds=2)


def test_surface(timed, customers):
    """Response surfaces of five dimensions and overall, no draws."""
    call = lambda: sat.quality.response_surface(  # noqa: E731
        customers, outcome="satisfied", by="unit", n_draws=0
    )
    timed(WORK + "response surfaces", "satmetrics", call, rounds=2)


def test_zones(timed):
    """Zones of 66 answers: adequacy, superiority, position and shares, tested."""
    rng = np.random.default_rng(2)
    forms = ("minimum", "desired", "perception")
    names = {form: [f"{form}{j:02d}" for j in range(22)] for form in forms}
    columns = {
        name: rng.integers(1, 10, N, dtype=np.int8)
        for own in names.values()
        for name in own
    }
    columns["branch"] = rng.integers(0, BRANCHES, N)
    survey = sat.Survey(pl.DataFrame(columns), scale=(1, 9), unit="branch")
    blocks = {f"d{k}": range(k, 22, 5) for k in range(5)}
    call = lambda: sat.quality.zones(  # noqa: E731
        survey, **names, dimensions=blocks, by="unit"
    )
    work = f"{N:,} × 66 answers, {BRANCHES} branches: zones of tolerance"
    found = timed(work, "satmetrics", call, rounds=2)
    assert len(found.table) == BRANCHES * (22 + 5 + 2) * 8
