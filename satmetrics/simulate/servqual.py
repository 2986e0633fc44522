"""SERVQUAL surveys from a stated population of expectations and perceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from satmetrics._checks import did_you_mean, friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.errors import SpecificationError
from satmetrics.simulate import _draws as kernel
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument

CHIPS = 20
"""Points are laid out in CHIPS portions of 5, as people do."""
ITEM_STEP = 0.1
"""Items of a dimension differ by this many scale points from one to the next."""


@dataclass(frozen=True)
class GapPopulation(Record):
    """A population of customers with known expectations and perceptions.

    Behind every answer stands a normal variable ``μ + σ(λ f + √(1 − λ²) ε)`` cut to the
    scale (`ordinal_cut`); the factors f of a form correlate by `between_dimensions`,
    and those of one dimension's expectation and perception by `between_forms`.

    Attributes
    ----------
    expectation, perception : dimension → mean μ before cutting, in scale points. The
        items of a dimension lie 0.1 apart about it.
    units : unit (branch) → shift of all its perceptions, in scale points.
    instrument : id of the instrument; its scale, items and column names are used.
    sd : standard deviations σ of expectation and perception before cutting.
    loading : λ of every item.
    between_dimensions, between_forms : correlations of factors.
    points : dimension → mean importance points; empty for none.
    points_spread : log-SD of a respondent's points about the means.
    """

    expectation: Mapping[str, float]
    perception: Mapping[str, float]
    units: Mapping[str, float] = field(default_factory=lambda: {"all": 0.0})
    instrument: str = "servqual"
    sd: tuple[float, float] = (0.9, 1.2)
    loading: float = 0.8
    between_dimensions: float = 0.6
    between_forms: float = 0.35
    points: Mapping[str, float] = field(default_factory=dict)
    points_spread: float = 0.4

    def __post_init__(self) -> None:
        for name in ("expectation", "perception", "units", "points"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        _check(self)

    def truth(self) -> Table:
        """Return the exact population means after cutting.

        Returns
        -------
        Table with columns unit, level ("item", "dimension"), dimension, item,
        expectation, perception and estimate (their gap); no sampling error.
        """
        spec = instruments.load(self.instrument)
        E, P = (
            kernel.expected_cut(mu, np.asarray(sd), *_scale(spec))
            for mu, sd in zip(latent_means(self, spec), self.sd, strict=True)
        )
        owner = owners(spec)
        M = (owner[:, None] == np.arange(len(spec.dimensions))) * 1.0
        M /= M.sum(axis=0)
        E, P = (np.hstack([X, X @ M]) for X in (E, P))
        dimensions = [d.id for d in spec.dimensions]
        k, D, U = len(owner), len(dimensions), len(self.units)
        return Table.of(
            {
                "unit": np.repeat(np.asarray(list(self.units), dtype=object), k + D),
                "level": (["item"] * k + ["dimension"] * D) * U,
                "dimension": [*(dimensions[d] for d in owner), *dimensions] * U,
                "item": [*(item.id for item in spec.items), *[""] * D] * U,
                "expectation": E.ravel(),
                "perception": P.ravel(),
                "estimate": (P - E).ravel(),
            },
            keys=("unit",),
        )


@friendly_keywords
def simulate_servqual(
    population: GapPopulation,
    n: int | Mapping[str, int] = 100,
    *,
    missing: float = 0.0,
    rng: RngLike = None,
) -> pd.DataFrame:
    """Draw the answers of customers from a stated population.

    Parameters
    ----------
    population : the truth.
    n : respondents per unit; one number, or unit → number.
    missing : share of answers left out completely at random.
    rng : Generator, seed, or None for fresh entropy. The same seed gives the same
        answers with every version of numpy.

    Returns
    -------
    A fresh pandas frame: respondent, unit, the columns of the instrument's expectation
    and perception forms (nullable whole numbers), then the points, if the population
    has any. Give it to ``sat.Survey(frame, instrument, unit="unit",
    origin="simulated")``.

    Raises
    ------
    SpecificationError
        If `n` names an unknown unit.

    Examples
    --------
    >>> from satmetrics.simulate import GapPopulation, simulate_servqual
    >>> dimensions = ["tangibles", "reliability", "responsiveness"]
    >>> dimensions += ["assurance", "empathy"]
    >>> population = GapPopulation(
    ...     expectation=dict.fromkeys(dimensions, 6.0),
    ...     perception=dict.fromkeys(dimensions, 5.0),
    ... )
    >>> simulate_servqual(population, n=3, rng=1).shape
    (3, 46)
    """
    spec = instruments.load(population.instrument)
    draws = np.random.default_rng(rng)
    codes = unit_codes(population.units, n)
    answers = _answers(population, spec, codes, draws)
    gone = kernel.blanks(draws, answers.shape, missing)
    answers = np.where(gone, np.nan, answers)
    names = [*spec.columns("expectation"), *spec.columns("perception")]
    units = np.asarray(list(population.units), dtype=object)
    frame = pd.DataFrame(
        {
            "respondent": np.arange(1, len(codes) + 1),
            "unit": units[codes],
            **{name: whole(answers[:, j]) for j, name in enumerate(names)},
        }
    )
    if population.points:
        mean = np.array([population.points[d.id] for d in spec.dimensions])
        laid = kernel.allocate(mean, population.points_spread, CHIPS, draws, len(codes))
        for j, dimension in enumerate(spec.dimensions):
            column = spec.column(dimension.id, "importance")
            frame[column] = laid[:, j] * (100 // CHIPS)
    return frame


def unit_codes(units: Mapping[str, object], n: int | Mapping[str, int]) -> IntArray:
    """Return the unit of every respondent, by position."""
    sizes = dict.fromkeys(units, n) if not isinstance(n, Mapping) else dict(n)
    for name in sizes:
        if name not in units:
            raise SpecificationError(
                f"n names the unit {name!r}, which the population does not have",
                code="unknown-unit",
                column="n",
                value=name,
                remedy=did_you_mean(name, units),
            )
    counts = [positive_int(f"n of {name}", sizes.get(name, 0)) for name in units]
    return np.repeat(np.arange(len(counts)), counts)


def whole(values: FloatArray) -> pd.Series[int]:
    """Return whole numbers that keep their gaps (nullable integers)."""
    return pd.Series(values).astype("Int64")


def owners(spec: Instrument) -> IntArray:
    """Return the dimension of each item, by position."""
    place = {dimension.id: i for i, dimension in enumerate(spec.dimensions)}
    return np.array([place[item.dimension] for item in spec.items], dtype=np.int64)


def latent_means(
    population: GapPopulation, spec: Instrument
) -> tuple[FloatArray, FloatArray]:
    """Return μ of expectation and perception (units, items) before cutting."""
    owner = owners(spec)
    names = [dimension.id for dimension in spec.dimensions]
    step = np.concatenate(
        [np.arange(k) - (k - 1) / 2 for k in np.bincount(owner, minlength=len(names))]
    )
    offset = np.empty(len(owner))
    offset[np.argsort(owner, kind="stable")] = ITEM_STEP * step
    E, P = (
        np.array([means[name] for name in names])[owner] + offset
        for means in (population.expectation, population.perception)
    )
    shift = np.array(list(population.units.values()))[:, None]
    return np.tile(E, (len(shift), 1)), P + shift


def _answers(
    population: GapPopulation,
    spec: Instrument,
    codes: IntArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw expectation and perception answers (n, 2k)."""
    D, owner = len(spec.dimensions), owners(spec)
    within = (1 - population.between_dimensions) * np.eye(D)
    within += population.between_dimensions
    forms = np.array(
        [[1, population.between_forms], [population.between_forms, 1]], dtype=float
    )
    root = np.linalg.cholesky(np.kron(forms, within))
    factors = kernel.normals(rng, (len(codes), 2 * D)) @ root.T
    both = np.concatenate([owner, owner + D])
    loading = np.full(len(both), population.loading)
    items = kernel.factor_items(factors, both, loading, rng)
    mean = np.hstack(latent_means(population, spec))[codes]
    thresholds, minimum = _scale(spec)
    latent = mean + np.repeat(population.sd, len(owner)) * items
    return kernel.cut(latent, thresholds, minimum)


def _scale(spec: Instrument) -> tuple[FloatArray, float]:
    if spec.scale is None:
        raise SpecificationError(
            f"instrument {spec.id!r} has no scale", code="no-scale"
        )
    low, high = spec.scale.minimum, spec.scale.maximum
    return kernel.half_points(low, high), low


def _check(population: GapPopulation) -> None:
    spec = instruments.load(population.instrument)
    names = [dimension.id for dimension in spec.dimensions]
    for part in ("expectation", "perception", "points"):
        given = getattr(population, part)
        odd = set(given) ^ set(names) if given or part != "points" else set()
        if odd:
            raise SpecificationError(
                f"{part} and dimensions of {spec.id!r} differ: {sorted(odd)[0]!r}",
                code="unknown-dimension",
                column=part,
                value=sorted(odd)[0],
                remedy=f"name each of {', '.join(names)}",
            )
    for part in ("loading", "between_dimensions", "between_forms"):
        if not 0 <= getattr(population, part) < 1:
            raise SpecificationError(
                f"{part}={getattr(population, part)!r}",
                code="bad-correlation",
                column=part,
                value=getattr(population, part),
                remedy="give a number from 0 to below 1",
            )
