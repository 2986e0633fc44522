"""Customers, managers and employees of many units, with the five gaps known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from satmetrics._checks import friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.errors import SpecificationError
from satmetrics.simulate import _draws as kernel
from satmetrics.simulate.servqual import ITEM_STEP, owners, unit_codes, whole
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument

STAGES = (
    "expectation",
    "perception",
    "belief",
    "standards",
    "delivery",
    "promises",
    "employee belief",
)
"""What is known of each unit and dimension, in this order."""


@dataclass(frozen=True)
class FiveGapPopulation(Record):
    """Units (branches) whose gaps are known, and how the gaps make gap 5.

    For unit u and dimension d, in scale points before answers are rounded,

    ``gap_k = mean_k + sd_k (√ρ a_uk + √(1 − ρ) b_udk)``, k = 1 … 4, and
    ``gap_5 = β_0 + Σ_k β_k gap_k + unit_sd c_u + residual_sd d_ud``

    with standard normal a, b, c, d drawn once with `seed`: they are part of the
    population. The stages follow: belief = expectation + gap 1, standards = belief +
    gap 2, delivery = standards + gap 3, promises = delivery − gap 4, perception =
    expectation + gap 5, employees' belief = expectation + gap 6. Behind every answer
    stands a normal variable about its stage, cut to the points of the scale: far from
    the ends the expectation of the answers is the stage, and `truth` is exact.

    Attributes
    ----------
    units : how many units.
    expectation : mean expectation of every dimension.
    gap_means, gap_sds : mean and standard deviation between units of gaps 1 to 4.
    gap_6 : mean and standard deviation between units of gap 6.
    intercept, coefficients : β_0 and β_1 … β_4.
    unit_sd, residual_sd : standard deviations of what gaps 1 to 4 do not explain.
    between : ρ, the correlation of a unit's gaps k between dimensions.
    sds : standard deviation of answers within a unit: expectation, perception,
        managers, employees.
    loading, between_dimensions : of the items on their factor, of the factors.
    instrument : id of the instrument; its items, scale and columns are used.
    seed : of the units' gaps.
    """

    units: int = 40
    expectation: float = 5.2
    gap_means: tuple[float, float, float, float] = (-0.2, -0.3, -0.3, -0.2)
    gap_sds: tuple[float, float, float, float] = (0.35, 0.35, 0.45, 0.35)
    gap_6: tuple[float, float] = (-0.1, 0.2)
    intercept: float = -0.1
    coefficients: tuple[float, float, float, float] = (0.15, 0.25, 0.6, 0.35)
    unit_sd: float = 0.1
    residual_sd: float = 0.15
    between: float = 0.5
    sds: tuple[float, float, float, float] = (0.8, 1.0, 0.6, 0.8)
    loading: float = 0.8
    between_dimensions: float = 0.5
    instrument: str = "servqual"
    seed: int = 1

    def __post_init__(self) -> None:
        positive_int("units", self.units)
        spreads = (*self.gap_sds, self.gap_6[1], self.unit_sd, self.residual_sd)
        if min(spreads) < 0 or min(self.sds) <= 0:
            raise SpecificationError(
                "a standard deviation of the population is negative",
                code="bad-spread",
                value=min(*spreads, *self.sds),
                remedy="give 0 or more between units, more than 0 within them",
            )
        for name in ("loading", "between", "between_dimensions"):
            if not 0 <= getattr(self, name) < 1:
                raise SpecificationError(
                    f"{name}={getattr(self, name)!r}",
                    code="bad-correlation",
                    column=name,
                    value=getattr(self, name),
                    remedy="give a number from 0 to below 1",
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the units, "unit 01" …, in order."""
        digits = max(2, len(str(self.units)))
        return tuple(f"unit {k + 1:0{digits}d}" for k in range(self.units))

    def latent(self) -> FloatArray:
        """Return the stages before rounding (units, dimensions, `STAGES`)."""
        rng = np.random.default_rng(self.seed)
        U, D = self.units, len(instruments.load(self.instrument).dimensions)
        means = np.array([*self.gap_means, self.gap_6[0]])
        sds = np.array([*self.gap_sds, self.gap_6[1]])
        common = kernel.normals(rng, (U, 1, 5))
        own = kernel.normals(rng, (U, D, 5))
        mixed = np.sqrt(self.between) * common + np.sqrt(1 - self.between) * own
        gap = means + sds * mixed
        rest = self.unit_sd * kernel.normals(rng, (U, 1))
        rest = rest + self.residual_sd * kernel.normals(rng, (U, D))
        five = self.intercept + gap[..., :4] @ np.array(self.coefficients) + rest
        expectation = np.full((U, D), self.expectation)
        belief = expectation + gap[..., 0]
        standards = belief + gap[..., 1]
        delivery = standards + gap[..., 2]
        return np.stack(
            [
                expectation,
                expectation + five,
                belief,
                standards,
                delivery,
                delivery - gap[..., 3],
                expectation + gap[..., 4],
            ],
            axis=-1,
        )

    def stages(self) -> Table:
        """Return the exact mean answers of every stage.

        Returns
        -------
        Table with columns unit, level ("dimension", "overall"), dimension, stage,
        estimate. Overall is the mean of the dimensions.
        """
        means = _with_overall(_expected(self))
        return _laid_out(self, means, "stage", STAGES)

    def truth(self) -> Table:
        """Return the exact gaps of the mean answers, each stage on one scale.

        Returns
        -------
        Table with columns unit, level ("dimension", "overall"), dimension, gap (1 … 7)
        and estimate: M − E, S − M, D − S, D − C, P − E, employees' belief − E,
        employees' belief − M.
        """
        m = _with_overall(_expected(self))
        E, P, M, S, D, C, B = np.moveaxis(m, -1, 0)
        gaps = np.stack([M - E, S - M, D - S, D - C, P - E, B - E, B - M], axis=-1)
        return _laid_out(self, gaps, "gap", tuple(range(1, 8)))


@dataclass(frozen=True, eq=False)
class FiveGapFrames:
    """What three groups of people answered, one fresh pandas frame each.

    Attributes
    ----------
    customers : respondent, unit, expectation and perception of each item.
    managers : manager, unit, what they believe customers expect (the same columns as
        the expectations), and ``s_<dimension>``, the standards set.
    employees : employee, unit, what they believe customers expect, ``d_<dimension>``,
        what is delivered, and ``c_<dimension>``, what is promised.
    """

    customers: pd.DataFrame = field(repr=False)
    managers: pd.DataFrame = field(repr=False)
    employees: pd.DataFrame = field(repr=False)


@friendly_keywords
def simulate_five_gaps(
    population: FiveGapPopulation,
    customers: int | Mapping[str, int] = 50,
    managers: int | Mapping[str, int] = 4,
    employees: int | Mapping[str, int] = 10,
    *,
    missing: float = 0.0,
    rng: RngLike = None,
) -> FiveGapFrames:
    """Draw customers, managers and employees of every unit of a population.

    Parameters
    ----------
    population : the truth.
    customers, managers, employees : respondents per unit; one number, or unit → number.
    missing : share of answers left out completely at random.
    rng : Generator, seed, or None for fresh entropy. The same seed gives the same
        answers with every version of numpy.

    Returns
    -------
    FiveGapFrames

    Raises
    ------
    SpecificationError
        If a number names an unknown unit.

    Examples
    --------
    >>> from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps
    >>> drawn = simulate_five_gaps(FiveGapPopulation(units=3), 20, 2, 5, rng=1)
    >>> [len(frame) for frame in (drawn.customers, drawn.managers, drawn.employees)]
    [60, 6, 15]
    """
    spec = instruments.load(population.instrument)
    draws = np.random.default_rng(rng)
    sizes = {"respondent": customers, "manager": managers, "employee": employees}
    made = {
        who: _people(population, spec, who, n, missing, draws)
        for who, n in sizes.items()
    }
    return FiveGapFrames(made["respondent"], made["manager"], made["employee"])


def _people(
    population: FiveGapPopulation,
    spec: Instrument,
    who: str,
    n: int | Mapping[str, int],
    missing: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw one kind of people: who they are, their unit and their answers."""
    stages = dict(zip(STAGES, np.moveaxis(population.latent(), -1, 0), strict=True))
    codes = unit_codes(dict.fromkeys(population.names), n)
    columns: dict[str, object] = {
        who: np.arange(1, len(codes) + 1),
        "unit": np.asarray(population.names, dtype=object)[codes],
    }
    for names, stage, sd in _asked(population, spec, who):
        means = stages[stage][codes]
        answers = _answers(population, spec, means, sd, len(names), rng)
        gone = kernel.blanks(rng, answers.shape, missing)
        answers = np.where(gone, np.nan, answers)
        columns |= {name: whole(answers[:, j]) for j, name in enumerate(names)}
    return pd.DataFrame(columns)


def _asked(
    population: FiveGapPopulation, spec: Instrument, who: str
) -> list[tuple[list[str], str, float]]:
    """Return what one kind of people is asked: columns, stage, SD of the answers."""
    items = list(spec.columns("expectation"))
    dimensions = [d.id for d in spec.dimensions]
    of_customers, of_perceptions, of_managers, of_employees = population.sds
    if who == "respondent":
        seen = list(spec.columns("perception"))
        return [
            (items, "expectation", of_customers),
            (seen, "perception", of_perceptions),
        ]
    if who == "manager":
        set_ = [f"s_{d}" for d in dimensions]
        return [(items, "belief", of_managers), (set_, "standards", of_managers)]
    return [
        (items, "employee belief", of_employees),
        ([f"d_{d}" for d in dimensions], "delivery", of_employees),
        ([f"c_{d}" for d in dimensions], "promises", of_employees),
    ]


def _answers(
    population: FiveGapPopulation,
    spec: Instrument,
    means: FloatArray,
    sd: float,
    k: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw answers (n, k) to every item, or to one question per dimension (k = D)."""
    owner, offset = _owner(spec, k)
    D = means.shape[1]
    within = (1 - population.between_dimensions) * np.eye(D)
    root = np.linalg.cholesky(within + population.between_dimensions)
    factors = kernel.normals(rng, (len(means), D)) @ root.T
    loading = np.full(k, population.loading)
    items = kernel.factor_items(factors, owner, loading, rng)
    return kernel.cut(means[:, owner] + offset + sd * items, *_scale(spec))


def _owner(spec: Instrument, k: int) -> tuple[IntArray, FloatArray]:
    """Return the dimension of each question and its distance from the stage."""
    D = len(spec.dimensions)
    if k == D:
        return np.arange(D), np.zeros(D)
    owner = owners(spec)
    sizes = np.bincount(owner, minlength=D)
    offset = np.empty(k)
    offset[np.argsort(owner, kind="stable")] = np.concatenate(
        [ITEM_STEP * (np.arange(size) - (size - 1) / 2) for size in sizes]
    )
    return owner, offset


def _expected(population: FiveGapPopulation) -> FloatArray:
    """Return the expected answers of each stage (units, dimensions, stages)."""
    spec = instruments.load(population.instrument)
    latent = population.latent()
    D = latent.shape[1]
    sd_e, sd_p, sd_m, sd_s = population.sds
    sds = (sd_e, sd_p, sd_m, sd_m, sd_s, sd_s, sd_s)
    by_item = ("expectation", "perception", "belief", "employee belief")
    out = np.empty_like(latent)
    for s, (name, sd) in enumerate(zip(STAGES, sds, strict=True)):
        owner, offset = _owner(spec, len(spec.items) if name in by_item else D)
        mean = latent[:, owner, s] + offset
        answer = kernel.expected_cut(mean, np.asarray(sd), *_scale(spec))
        M = (owner[:, None] == np.arange(D)) * 1.0
        out[..., s] = answer @ (M / M.sum(axis=0))
    return out


def _scale(spec: Instrument) -> tuple[FloatArray, float]:
    if spec.scale is None:
        raise SpecificationError(
            f"instrument {spec.id!r} has no scale", code="no-scale"
        )
    low, high = spec.scale.minimum, spec.scale.maximum
    return kernel.half_points(low, high), low


def _with_overall(values: FloatArray) -> FloatArray:
    """Add the mean over dimensions (axis 1) as a last one."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)


def _laid_out(
    population: FiveGapPopulation,
    values: FloatArray,
    key: str,
    labels: tuple[object, ...],
) -> Table:
    U, D, K = values.shape
    dimensions = [d.id for d in instruments.load(population.instrument).dimensions]
    names = np.asarray([*dimensions, ""], dtype=object)
    levels = np.asarray(["dimension"] * (D - 1) + ["overall"], dtype=object)
    return Table.of(
        {
            "unit": np.repeat(np.asarray(population.names, dtype=object), D * K),
            "level": np.tile(np.repeat(levels, K), U),
            "dimension": np.tile(np.repeat(names, K), U),
            key: np.tile(np.asarray(labels), U * D),
            "estimate": values.ravel(),
        },
        keys=("unit", key),
    )
