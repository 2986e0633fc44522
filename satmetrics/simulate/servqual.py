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
from satmetrics.survey.item import Form

FORMS = ("expectation", "perception", "minimum", "importance")
"""The means a population may state, in the order in which answers are drawn."""
CHIPS = 20
"""Points are laid out in CHIPS portions of 5, as people do."""
ITEM_STEP = 0.1
"""Items of a dimension differ by this many scale points from one to the next."""


@dataclass(frozen=True)
class GapPopulation(Record):
    """A population of customers with known expectations and perceptions.

    Behind every answer stands a normal variable ``μ + σ(λ f + √(1 − λ²) ε)`` cut to the
    scale (`ordinal_cut`); the factors f of a form correlate by `between_dimensions`,
    and those of one dimension in two forms by `between_forms`. Answers of reversed
    items are turned, as respondents give them.

    Attributes
    ----------
    expectation, perception : dimension → mean μ before cutting, in scale points. The
        items of a dimension lie 0.1 apart about it. The expectation is that of the
        instrument's expectation form, else of its desired form; empty for an
        instrument that asks performance only.
    units : unit (branch) → shift of all its perceptions, in scale points.
    instrument : id of the instrument, or the `Instrument`; its scales, items and column
        names are used.
    sd : standard deviations σ before cutting of expectation, perception, minimum and
        importance; forms without one take the first.
    loading : λ of every item.
    between_dimensions, between_forms : correlations of factors.
    points : dimension → mean importance points; empty for none.
    points_spread : log-SD of a respondent's points about the means.
    minimum : dimension → mean μ of the least acceptable level; empty for none.
    importance : dimension → mean μ of the items' importance ratings; empty for none.
    """

    expectation: Mapping[str, float]
    perception: Mapping[str, float]
    units: Mapping[str, float] = field(default_factory=lambda: {"all": 0.0})
    instrument: Instrument | str = "servqual"
    sd: tuple[float, ...] = (0.9, 1.2)
    loading: float = 0.8
    between_dimensions: float = 0.6
    between_forms: float = 0.35
    points: Mapping[str, float] = field(default_factory=dict)
    points_spread: float = 0.4
    minimum: Mapping[str, float] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("units", "points", *FORMS):
            object.__setattr__(self, name, dict(getattr(self, name)))
        _check(self)

    @property
    def spec(self) -> Instrument:
        """The instrument itself."""
        if isinstance(self.instrument, Instrument):
            return self.instrument
        return instruments.load(self.instrument)

    @property
    def forms(self) -> tuple[str, ...]:
        """Names of the means that are stated, of `FORMS`."""
        return tuple(name for name in FORMS if getattr(self, name))

    def truth(self) -> Table:
        """Return the exact population means after cutting.

        Returns
        -------
        Table with columns unit, level ("item", "dimension"), dimension, item, those of
        expectation, perception, minimum and importance that are stated, and estimate
        (perception − expectation); no sampling error. High is good, also for items that
        are asked in reverse.
        """
        spec = self.spec
        owner = owners(spec)
        M = (owner[:, None] == np.arange(len(spec.dimensions))) * 1.0
        M = M[:, M.any(axis=0)] / M.sum(axis=0)[M.any(axis=0)]
        means = {}
        for form, mu in latent_means(self).items():
            X = kernel.expected_cut(
                mu, np.asarray(_sd(self, form)), *_scale(spec, form)
            )
            means[form] = np.hstack([X, X @ M])
        if "expectation" in means:
            means["estimate"] = means["perception"] - means["expectation"]
        dimensions = [spec.dimensions[d].id for d in np.unique(owner)]
        k, D, U = len(owner), len(dimensions), len(self.units)
        return Table.of(
            {
                "unit": np.repeat(np.asarray(list(self.units), dtype=object), k + D),
                "level": (["item"] * k + ["dimension"] * D) * U,
                "dimension": [*(spec.dimensions[d].id for d in owner), *dimensions] * U,
                "item": [*(item.id for item in spec.items), *[""] * D] * U,
                **{name: mean.ravel() for name, mean in means.items()},
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
    A fresh pandas frame: respondent, unit, the columns of those forms of the instrument
    whose means the population states (nullable whole numbers), then the points, if it
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
    spec = population.spec
    draws = np.random.default_rng(rng)
    codes = unit_codes(population.units, n)
    answers = _answers(population, spec, codes, draws)
    gone = kernel.blanks(draws, answers.shape, missing)
    answers = np.where(gone, np.nan, answers)
    names = [
        column
        for form in population.forms
        for column in spec.columns(_form(spec, form).id)
    ]
    units = np.asarray(list(population.units), dtype=object)
    frame = pd.DataFrame(
        {
            "respondent": np.arange(1, len(codes) + 1),
            "unit": units[codes],
            **{name: whole(answers[:, j]) for j, name in enumerate(names)},
        }
    )
    if population.points:
        mean = np.array(list(_in_order(population.points, spec).values()))
        laid = kernel.allocate(mean, population.points_spread, CHIPS, draws, len(codes))
        for j, dimension in enumerate(_in_order(population.points, spec)):
            column = spec.column(dimension, _points_form(spec))
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


def _in_order(points: Mapping[str, float], spec: Instrument) -> dict[str, float]:
    return {d.id: points[d.id] for d in spec.dimensions if d.id in points}


def whole(values: FloatArray) -> pd.Series[int]:
    """Return whole numbers that keep their gaps (nullable integers)."""
    return pd.Series(values).astype("Int64")


def owners(spec: Instrument) -> IntArray:
    """Return the dimension of each item, by position."""
    place = {dimension.id: i for i, dimension in enumerate(spec.dimensions)}
    return np.array([place[item.dimension] for item in spec.items], dtype=np.int64)


def latent_means(population: GapPopulation) -> dict[str, FloatArray]:
    """Return μ (units, items) before cutting, of every form that is stated."""
    spec = population.spec
    owner = owners(spec)
    step = np.concatenate(
        [
            np.arange(k) - (k - 1) / 2
            for k in np.bincount(owner, minlength=len(spec.dimensions))
        ]
    )
    offset = np.empty(len(owner))
    offset[np.argsort(owner, kind="stable")] = ITEM_STEP * step
    shift = np.array(list(population.units.values()), dtype=float)[:, None]
    found = {}
    for form in population.forms:
        means = getattr(population, form)
        of_items = np.array([means[item.dimension] for item in spec.items]) + offset
        moves = shift if form == "perception" else 0 * shift
        found[form] = of_items + moves
    return found


def _answers(
    population: GapPopulation,
    spec: Instrument,
    codes: IntArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the answers of all forms (n, forms x k), as respondents give them."""
    D, owner, forms = len(spec.dimensions), owners(spec), population.forms
    F, k = len(forms), len(owner)
    within = _equal(D, population.between_dimensions)
    root = np.linalg.cholesky(np.kron(_equal(F, population.between_forms), within))
    factors = kernel.normals(rng, (len(codes), F * D)) @ root.T
    every = (owner + D * np.arange(F)[:, None]).ravel()
    items = kernel.factor_items(factors, every, np.full(F * k, population.loading), rng)
    turned = np.array([item.reverse for item in spec.items])
    answers = np.empty_like(items)
    for f, (form, mean) in enumerate(latent_means(population).items()):
        own = slice(f * k, (f + 1) * k)
        thresholds, minimum = _scale(spec, form)
        latent = mean[codes] + _sd(population, form) * items[:, own]
        cut = kernel.cut(latent, thresholds, minimum)
        ends = 2 * minimum + len(thresholds)
        turns = turned & (form != "importance")
        answers[:, own] = np.where(turns, ends - cut, cut)
    return answers


def _equal(size: int, correlation: float) -> FloatArray:
    return np.asarray((1 - correlation) * np.eye(size) + correlation)


def _sd(population: GapPopulation, form: str) -> float:
    place = FORMS.index(form)
    return float(population.sd[place if place < len(population.sd) else 0])


def _form(spec: Instrument, name: str) -> Form:
    """Return the form that a stated mean belongs to."""
    kinds = ("expectation", "desired") if name == "expectation" else (name,)
    for kind in kinds:
        for form in spec.forms:
            if form.per_item and kind in (form.id, form.kind):
                return form
    raise SpecificationError(
        f"instrument {spec.id!r} does not ask {' or '.join(kinds)} of each item",
        code="no-form",
        column=name,
        value=spec.id,
        remedy="its forms are " + ", ".join(form.id for form in spec.forms),
    )


def _points_form(spec: Instrument) -> str:
    for form in spec.forms:
        if form.kind == "importance" and not form.per_item:
            return form.id
    raise SpecificationError(
        f"instrument {spec.id!r} does not ask for importance points by dimension",
        code="no-form",
        column="points",
        value=spec.id,
        remedy="leave points= empty",
    )


def _scale(spec: Instrument, name: str) -> tuple[FloatArray, float]:
    scale = _form(spec, name).scale or spec.scale
    if scale is None:
        raise SpecificationError(
            f"instrument {spec.id!r} has no scale", code="no-scale"
        )
    low, high = scale.minimum, scale.maximum
    return kernel.half_points(low, high), low


def _check(population: GapPopulation) -> None:
    spec = population.spec
    names = [d.id for d in spec.asked_dimensions]
    for part in (*FORMS, "points"):
        given = getattr(population, part)
        needed = part == "perception"
        odd = set(given) ^ set(names) if given or needed else set()
        if odd:
            raise SpecificationError(
                f"{part} and dimensions of {spec.id!r} differ: {sorted(odd)[0]!r}",
                code="unknown-dimension",
                column=part,
                value=sorted(odd)[0],
                remedy=f"name each of {', '.join(names)}",
            )
    for part in population.forms:
        _form(spec, part)
    if population.points:
        _points_form(spec)
    _check_numbers(population)


def _check_numbers(population: GapPopulation) -> None:
    for part in ("loading", "between_dimensions", "between_forms"):
        if not 0 <= getattr(population, part) < 1:
            raise SpecificationError(
                f"{part}={getattr(population, part)!r}",
                code="bad-correlation",
                column=part,
                value=getattr(population, part),
                remedy="give a number from 0 to below 1",
            )
    sd = population.sd
    if not 1 <= len(sd) <= len(FORMS) or not all(value > 0 for value in sd):
        raise SpecificationError(
            f"sd={sd!r}",
            code="bad-sd",
            column="sd",
            value=sd,
            remedy=f"give up to {len(FORMS)} positive numbers, in the order "
            + ", ".join(FORMS),
        )
