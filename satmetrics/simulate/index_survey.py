"""Index surveys from a stated structural model: paths, loadings, means and shifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from satmetrics import models
from satmetrics._checks import did_you_mean, friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.errors import SpecificationError
from satmetrics.models.model import StructuralModel
from satmetrics.simulate import _draws as kernel
from satmetrics.simulate.path_checks import check_paths, check_residuals
from satmetrics.simulate.servqual import whole


@dataclass(frozen=True)
class IndexPopulation(Record):
    """Customers of several units in several waves, with known paths and means.

    Construct scores have unit variance and follow ``η = B η + a + ζ``; `shifts` are the
    a of a unit and of a wave, in standard deviations, and pass along the paths. Behind
    each answer stands ``μ + σ(λ η + √(1 − λ²) ε)``, cut to the model's scale.

    Attributes
    ----------
    coefficients : source → {target: standardised path coefficient}; every path of the
        model, and no other.
    units, waves : name → {construct: shift a}.
    trends : (unit, wave) → {construct: shift a} beyond those of unit and wave.
    model : id of a catalogue model, whose constructs and scale are used.
    mean : indicator → mean μ before cutting, in scale points; `default_mean` otherwise.
    loading : indicator → λ; `default_loading` otherwise.
    default_mean, default_loading, sd : common values; σ is in scale points.
    """

    coefficients: Mapping[str, Mapping[str, float]]
    units: Mapping[str, Mapping[str, float]]
    waves: Mapping[str, Mapping[str, float]]
    trends: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    model: str = "ecsi"
    mean: Mapping[str, float] = field(default_factory=dict)
    loading: Mapping[str, float] = field(default_factory=dict)
    default_mean: float = 7.5
    default_loading: float = 0.8
    sd: float = 1.9

    def __post_init__(self) -> None:
        for name in ("coefficients", "units", "waves", "trends", "mean", "loading"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        _check(self)

    def cells(self) -> tuple[tuple[str, str], ...]:
        """Return the (unit, wave) combinations, unit by unit."""
        return tuple((unit, wave) for unit in self.units for wave in self.waves)

    def truth(self) -> Table:
        """Return the exact population means after cutting, and the equal-weight index.

        Returns
        -------
        Table with columns unit, wave, level ("item", "construct"), construct, indicator
        and estimate: the mean answer of an item; of a construct, the mean of its items
        on 0-100.
        """
        spec = models.load(self.model)
        thresholds, low, high = _scale(spec)
        mu, sd = latent_means(self, spec)
        items = kernel.expected_cut(mu, np.full(mu.shape, sd), thresholds, low)
        M = (spec.owner()[:, None] == np.arange(len(spec.names))) * 1.0
        constructs = (items - low) / (high - low) * 100 @ (M / M.sum(axis=0))
        owned = [spec.names[i] for i in spec.owner()]
        p, q, C = len(owned), len(spec.names), len(self.cells())
        unit, wave = zip(*self.cells(), strict=True)
        return Table.of(
            {
                "unit": np.repeat(np.asarray(unit, dtype=object), p + q),
                "wave": np.repeat(np.asarray(wave, dtype=object), p + q),
                "level": (["item"] * p + ["construct"] * q) * C,
                "construct": [*owned, *spec.names] * C,
                "indicator": [*spec.indicators, *[""] * q] * C,
                "estimate": np.hstack([items, constructs]).ravel(),
            },
            keys=("unit", "wave"),
        )


@friendly_keywords
def simulate_index_survey(
    population: IndexPopulation,
    n: int | Mapping[tuple[str, str], int] = 100,
    *,
    missing: float = 0.0,
    rng: RngLike = None,
) -> pd.DataFrame:
    """Draw the answers of customers from a stated structural model.

    Parameters
    ----------
    population : the truth.
    n : respondents per unit and wave; one number, or (unit, wave) → number.
    missing : share of answers left out completely at random.
    rng : Generator, seed, or None for fresh entropy. The same seed gives the same
        answers with every version of numpy.

    Returns
    -------
    A fresh pandas frame: respondent, unit, wave and one column per indicator (nullable
    whole numbers).

    Raises
    ------
    SpecificationError
        If `n` lacks a unit and wave of the population.

    Examples
    --------
    >>> from satmetrics.simulate import simulate_index_survey
    >>> from satmetrics.simulate.shipped import AIRLINES
    >>> simulate_index_survey(AIRLINES, n=10, rng=1).shape
    (120, 27)
    """
    spec = models.load(population.model)
    draws = np.random.default_rng(rng)
    cells = population.cells()
    codes = np.repeat(np.arange(len(cells)), _sizes(cells, n))
    answers = _answers(population, spec, codes, draws)
    gone = kernel.blanks(draws, answers.shape, missing)
    answers = np.where(gone, np.nan, answers)
    named = [np.asarray(part, dtype=object) for part in zip(*cells, strict=True)]
    return pd.DataFrame(
        {
            "respondent": np.arange(1, len(codes) + 1),
            "unit": named[0][codes],
            "wave": named[1][codes],
            **{name: whole(answers[:, j]) for j, name in enumerate(spec.indicators)},
        }
    )


def latent_means(
    population: IndexPopulation, spec: StructuralModel
) -> tuple[FloatArray, float]:
    """Return μ (cells, indicators) before cutting, with the shifts passed on; and σ."""
    names = spec.names
    B = coefficient_matrix(population, spec)
    shift = np.array(
        [
            [
                sum(
                    part.get(name, 0.0)
                    for part in (
                        population.units[unit],
                        population.waves[wave],
                        population.trends.get((unit, wave), {}),
                    )
                )
                for name in names
            ]
            for unit, wave in population.cells()
        ]
    )
    eta = np.linalg.solve(np.eye(len(names)) - B, shift.T).T
    base = np.array(
        [population.mean.get(i, population.default_mean) for i in spec.indicators]
    )
    moved = population.sd * loadings(population, spec) * eta[:, spec.owner()]
    return base + moved, population.sd


def loadings(population: IndexPopulation, spec: StructuralModel) -> FloatArray:
    """Return λ of every indicator."""
    default = population.default_loading
    return np.array([population.loading.get(i, default) for i in spec.indicators])


def coefficient_matrix(
    population: IndexPopulation, spec: StructuralModel
) -> FloatArray:
    """Return B (q, q), the coefficient of source j for target i at [i, j]."""
    at = {name: i for i, name in enumerate(spec.names)}
    B = np.zeros((len(at), len(at)))
    for source, targets in population.coefficients.items():
        for target, value in targets.items():
            B[at[target], at[source]] = value
    return B


def _answers(
    population: IndexPopulation,
    spec: StructuralModel,
    codes: IntArray,
    rng: np.random.Generator,
) -> FloatArray:
    B = coefficient_matrix(population, spec)
    _, residual = kernel.structural_cov(B, _order(spec))
    scores = kernel.structural_scores(B, residual, rng, len(codes))
    items = kernel.factor_items(scores, spec.owner(), loadings(population, spec), rng)
    mean, sd = latent_means(population, spec)
    thresholds, low, _ = _scale(spec)
    return kernel.cut(mean[codes] + sd * items, thresholds, low)


def _order(spec: StructuralModel) -> IntArray:
    return np.array([spec.names.index(name) for name in spec.order], dtype=np.int64)


def _scale(spec: StructuralModel) -> tuple[FloatArray, float, float]:
    if spec.scale is None:
        raise SpecificationError(f"model {spec.name!r} has no scale", code="no-scale")
    low, high = spec.scale
    return kernel.half_points(low, high), low, high


def _sizes(
    cells: tuple[tuple[str, str], ...], n: int | Mapping[tuple[str, str], int]
) -> list[int]:
    if not isinstance(n, Mapping):
        return [positive_int("n", n)] * len(cells)
    for cell in n:
        if cell not in cells:
            raise SpecificationError(
                f"n names {cell!r}, which the population does not have",
                code="unknown-cell",
                column="n",
                value=cell,
            )
    return [
        positive_int(f"n of {unit}, {wave}", n.get((unit, wave), 0))
        for unit, wave in cells
    ]


def _check(population: IndexPopulation) -> None:
    spec = models.load(population.model)
    check_paths(spec, population.coefficients)
    shifts = [*population.units.values(), *population.waves.values()]
    for part in (*shifts, *population.trends.values()):
        _known("construct", part, spec.names)
    for part in (population.mean, population.loading):
        _known("indicator", part, spec.indicators)
    _, residual = kernel.structural_cov(
        coefficient_matrix(population, spec), _order(spec)
    )
    check_residuals(spec.names, residual)


def _known(what: str, part: Mapping[str, float], names: tuple[str, ...]) -> None:
    for name in part:
        if name not in names:
            raise SpecificationError(
                f"the population names the {what} {name!r}",
                code=f"unknown-{what}",
                column=name,
                value=name,
                remedy=f"{did_you_mean(name, names)} there are {', '.join(names)}",
            )
