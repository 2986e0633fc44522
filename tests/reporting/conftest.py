"""Results to report, computed once."""

from __future__ import annotations

import pytest

import satmetrics as sat


@pytest.fixture(scope="session")
def airlines():
    return sat.datasets.load("airline_waves")


@pytest.fixture(scope="session")
def fit(airlines):
    return sat.pls("ecsi", airlines)


@pytest.fixture(scope="session")
def boot(fit, airlines):
    return sat.bootstrap(fit, airlines, n_draws=200, rng=1)


@pytest.fixture(scope="session")
def by_wave(fit, airlines):
    return sat.index(fit, airlines, by="wave")


@pytest.fixture(scope="session")
def by_both(fit, airlines):
    return sat.index(fit, airlines, by=["company", "wave"])


@pytest.fixture(scope="session")
def bank():
    return sat.datasets.load("bank_servqual")


@pytest.fixture(scope="session")
def found_gaps(bank):
    return sat.gaps(bank)


@pytest.fixture(scope="session")
def patients():
    return sat.gap_table(sat.datasets.table("patient_servqual"))


@pytest.fixture(scope="session")
def mobile_fit():
    return sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
