"""Results to report, computed once."""

from __future__ import annotations

import pytest

import satmetrics as sat


@pytest.fixture(scope="session")
def by_wave(fit, airlines):
    return sat.index(fit, airlines, by="wave")


@pytest.fixture(scope="session")
def by_both(fit, airlines):
    return sat.index(fit, airlines, by=["company", "wave"])


@pytest.fixture(scope="session")
def patients():
    return sat.gap_table(sat.datasets.table("patient_servqual"))


@pytest.fixture(scope="session")
def mobile_fit():
    return sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
