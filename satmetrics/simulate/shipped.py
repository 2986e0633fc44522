"""The two simulated data sets that ship with the library, and how they were made.

``python -m satmetrics.simulate.shipped data`` writes both into a folder; a test
compares what it writes with what ships.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from satmetrics._typing import AnyArray, FloatArray
from satmetrics.simulate import _draws as kernel
from satmetrics.simulate.index_survey import IndexPopulation, simulate_index_survey
from satmetrics.simulate.servqual import GapPopulation, simulate_servqual

BANK_SEED = 19880101
AIRLINE_SEED = 20260101
BANK_MISSING = 0.02
AIRLINE_MISSING = 0.006
RESPONSE_CLASSES = (0.75, 1.0, 1.4)
"""Weight factors of people who are easy, average and hard to reach."""

BANK = GapPopulation(
    expectation={
        "tangibles": 5.7,
        "reliability": 6.5,
        "responsiveness": 6.3,
        "assurance": 6.4,
        "empathy": 6.0,
    },
    perception={
        "tangibles": 5.6,
        "reliability": 5.4,
        "responsiveness": 5.3,
        "assurance": 5.8,
        "empathy": 5.2,
    },
    units={
        "Harbour": 0.35,
        "Market Square": 0.1,
        "Northgate": -0.45,
        "Riverside": 0.0,
        "Station": -0.2,
        "University": 0.2,
    },
    points={
        "tangibles": 12.0,
        "reliability": 30.0,
        "responsiveness": 24.0,
        "assurance": 19.0,
        "empathy": 15.0,
    },
)
BANK_SIZES = {
    "Harbour": 120,
    "Market Square": 110,
    "Northgate": 90,
    "Riverside": 100,
    "Station": 100,
    "University": 80,
}
BANK_CUSTOMERS = {
    "Harbour": 5200,
    "Market Square": 9800,
    "Northgate": 4100,
    "Riverside": 3600,
    "Station": 7400,
    "University": 2900,
}
"""Customers of each branch, behind the weights."""

AIRLINES = IndexPopulation(
    coefficients={
        "Image": {"Expectation": 0.55, "Satisfaction": 0.20, "Loyalty": 0.20},
        "Expectation": {"Quality": 0.50, "Value": 0.10, "Satisfaction": 0.05},
        "Quality": {"Value": 0.50, "Satisfaction": 0.45},
        "Value": {"Satisfaction": 0.20},
        "Satisfaction": {"Complaints": 0.50, "Loyalty": 0.45},
        "Complaints": {"Loyalty": 0.10},
    },
    units={
        "Alder Air": {"Image": 0.30, "Quality": 0.25, "Value": -0.15},
        "Birch Airways": {},
        "Cormorant": {"Image": -0.20, "Quality": -0.15, "Value": 0.45},
        "Dunlin Air": {"Image": -0.30, "Quality": -0.45, "Complaints": -0.30},
    },
    waves={"2025-1": {}, "2025-2": {"Value": -0.10}, "2026-1": {"Value": -0.15}},
    trends={
        ("Birch Airways", "2025-2"): {"Quality": -0.25},
        ("Birch Airways", "2026-1"): {"Quality": -0.60, "Complaints": -0.20},
        ("Dunlin Air", "2025-2"): {"Quality": 0.20},
        ("Dunlin Air", "2026-1"): {"Quality": 0.50, "Complaints": 0.30},
    },
    mean={
        "IMAG3": 6.9,
        "CUEX3": 7.1,
        "PERV1": 6.4,
        "PERV2": 6.9,
        "CUSA3": 7.0,
        "CUSCO": 6.8,
        "CUSL2": 5.4,
    },
    loading={"IMAG3": 0.65, "CUEX3": 0.55, "CUSCO": 0.9, "CUSL2": 0.4},
)
AIRLINE_CELL = 120
AIRLINE_PASSENGERS = {
    "Alder Air": 6.1,
    "Birch Airways": 9.4,
    "Cormorant": 4.8,
    "Dunlin Air": 2.7,
}
"""Passengers of each company in millions, behind the weights."""


def bank_servqual() -> pd.DataFrame:
    """Return the answers of `bank_servqual`, exactly as they ship."""
    rng = np.random.default_rng(BANK_SEED)
    frame = simulate_servqual(BANK, BANK_SIZES, missing=BANK_MISSING, rng=rng)
    share = np.array([BANK_CUSTOMERS[u] / BANK_SIZES[u] for u in frame["unit"]])
    sources = np.asarray(["CATI", "comment card"], dtype=object)
    source = sources[kernel.pick(np.array([0.8, 0.2]), rng, len(frame))]
    unanswered = kernel.blanks(rng, (len(frame),), BANK_MISSING)
    points = [name for name in frame.columns if name.startswith("w_")]
    frame[points] = frame[points].astype("Int64")
    frame.loc[unanswered, points] = pd.NA
    return _with_roles(frame, share, source, rng, unit="branch")


def airline_waves() -> pd.DataFrame:
    """Return the answers of `airline_waves`, exactly as they ship."""
    rng = np.random.default_rng(AIRLINE_SEED)
    frame = simulate_index_survey(
        AIRLINES, AIRLINE_CELL, missing=AIRLINE_MISSING, rng=rng
    )
    share = np.array([AIRLINE_PASSENGERS[u] for u in frame["unit"]])
    source = np.full(len(frame), "CATI", dtype=object)
    return _with_roles(frame, share, source, rng, unit="company")


def _with_roles(
    frame: pd.DataFrame,
    share: FloatArray,
    source: AnyArray,
    rng: np.random.Generator,
    *,
    unit: str,
) -> pd.DataFrame:
    """Add weights of mean 1 and the interview mode; name the unit column."""
    reach = np.asarray(RESPONSE_CLASSES)[kernel.pick(np.ones(3), rng, len(frame))]
    weight = share * reach
    frame = frame.rename(columns={"unit": unit})
    roles = {"source": source, "weight": np.round(weight / weight.mean(), 4)}
    first = ["respondent", unit, *(["wave"] if "wave" in frame else []), *roles]
    frame = frame.assign(**roles)
    return frame[[*first, *(name for name in frame if name not in first)]]


def write(folder: str | Path) -> list[Path]:
    """Write both data sets into ``folder/<name>/<name>.csv`` and return the paths."""
    written = []
    for name, frame in (
        ("bank_servqual", bank_servqual()),
        ("airline_waves", airline_waves()),
    ):
        target = Path(folder) / name / f"{name}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as file:
            frame.to_csv(file, index=False, lineterminator="\n")
        written.append(target)
    return written


if __name__ == "__main__":
    write(sys.argv[1])
