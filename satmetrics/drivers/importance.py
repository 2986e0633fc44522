"""`drivers.importance_performance`: what moves the target, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.drivers import _importance as kernel
from satmetrics.drivers.components import Score, scores_among
from satmetrics.drivers.drawn_rows import Drawing, DrawnRows, drawn_facts, require_fit
from satmetrics.drivers.goal import drivers_of, goal_of
from satmetrics.drivers.on_points import OnPoints
from satmetrics.estimation import _structure
from satmetrics.estimation.door import oriented
from satmetrics.estimation.structural import StructuralFit
from satmetrics.inference.kinds import SAID, Interval
from satmetrics.survey.scale import ScaleLike

PLACES = {"importance": 3, "performance": 1}


@dataclass(frozen=True, eq=False, repr=False)
class ImportancePerformance(TableResult):
    """Importance and performance of drivers and of their indicators.

    Attributes
    ----------
    target : the construct they drive.
    confidence : confidence level of the intervals.
    interval : kind of the intervals.
    n_draws : bootstrap draws; 0 for none.
    failures : pairs (reason, how many) of the draws that could not be used.
    resampled : what was drawn; empty without a bootstrap.
    model : name of the model.
    credit : what must be said of a published model form.
    """

    target: str = ""
    confidence: float = 0.95
    interval: str = "percentile"
    n_draws: int = 0
    failures: tuple[tuple[str, int], ...] = ()
    resampled: str = ""
    model: str = ""
    credit: str = ""

    def summary(self) -> Summary:
        """Return importance beside performance, of constructs and of indicators."""
        drawn = drawn_facts(self.n_draws, self.failures, self.resampled)
        notes = [
            f"importance: points of {self.target} that go with one point of the "
            "driver, all else on the way included (unstandardised total effect on "
            "0–100); an indicator's is its construct's times its weight",
            "performance: mean on 0–100; 0 = the lowest, 100 = the highest possible "
            "answer",
            "importance is association in one survey, not proof of cause",
        ]
        if self.n_draws:
            notes.append(f"interval: {SAID[self.interval]}")
        if self.resampled == "normal theory":
            notes.append("normal theory, no answers")
        notes += [note for note in (self.credit, *self.context.sentences()) if note]
        return Summary(
            f"Importance and performance for {self.target}",
            (*self.context.facts(), *drawn),
            (self._section("construct"), self._section("indicator")),
            tuple(notes),
        )

    def _section(self, level: str) -> Section:
        rows = self.table.where(level=level)
        parts = {term: rows.where(term=term) for term in PLACES}
        labels = ("construct",) if level == "construct" else ("construct", "indicator")
        columns: dict[str, object] = {
            name: parts["importance"][name] for name in labels
        }
        words = {name: name for name in labels}
        places: dict[str, int] = {}
        for term, part in parts.items():
            columns[term] = part["estimate"]
            words[term] = term
            places[term] = PLACES[term]
            for end in ("low", "high") if self.n_draws else ():
                columns[f"{term} {end}"] = part[f"conf_{end}"]
                words[f"{term} {end}"] = end
                places[f"{term} {end}"] = PLACES[term]
        heading = f"{level.capitalize()}s"
        return section(heading, Table.of(columns), words, decimals=places, max_rows=60)


@friendly_keywords
def importance_performance(
    fit: StructuralFit,
    data: object = None,
    *,
    target: str | None = None,
    n_draws: int = 5000,
    level: float = 0.95,
    interval: Interval = "percentile",
    rng: RngLike = None,
    scale: ScaleLike | None = None,
) -> ImportancePerformance:
    r"""Return importance and performance of the drivers of a construct, with intervals.

    With every answer on 0–100 by the ends of its scale and construct j the weighted
    mean of its items, :math:`\tilde w_{jh} = w_{jh} r_h / Σ_h w_{jh} r_h` (w the
    weights of the answers as given, r the range of the scale), **importance** is the
    unstandardised total effect

    .. math:: t_j · \frac{Σ_h w_{jh} r_h}{Σ_h w_{gh} r_h}

    on the target g (t standardised; times :math:`\sqrt{ρ_g / ρ_j}`, see the notes),
    and **performance** the mean, 0–100. An
    indicator's importance is :math:`\tilde w_{jh}` times its construct's.

    Parameters
    ----------
    fit : a single fit.
    data : the survey or frame that was fitted; None for the fit's moments (intervals
        are then by normal theory).
    target : the construct to drive; the model's target when None.
    n_draws : bootstrap draws; 0 for estimates alone (errors and limits are NaN).
    level : confidence level of the intervals.
    interval : kind of interval; see `sat.bootstrap`.
    rng : Generator or seed (SPEC 7).
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.

    Returns
    -------
    ImportancePerformance
        Rows with ``level`` "construct" or "indicator", ``term`` "importance" or
        "performance", n, estimate, std_error, conf_low, conf_high.

    Raises
    ------
    DataError
        If the model names no target or nothing leads to it, if an item has no scale, or
        if the data are not those of the fit.

    Notes
    -----
    A higher-order construct has its components as indicators, each on 0–100; their
    items follow under the component, with its importance times their weights.
    Interactions are no drivers.

    Effects among factors (consistent PLS) are freed of measurement error. So are their
    points: of the standard deviation of a composite's points its factor has the share
    :math:`\sqrt ρ` (ρ_A; 1 for composites), so that an error in the target alone leaves
    the effect in points as it is (Fuller 1987, Measurement Error Models, chapter 1).

    Indicators on different scales are made comparable by putting all on 0–100 first. A
    negative weight gives an indicator a negative importance and makes the construct no
    mean of its items; the result says where there is one.

    References
    ----------
    Ringle and Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449; Fornell et al. (1996),
    doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> found = sat.drivers.importance_performance(fit, n_draws=200, rng=1)
    >>> found.to_frame().query("term == 'importance'")["construct"].iloc[2]
    'Quality'
    """
    require_fit("importance_performance", fit)
    asked = Drawing.of(n_draws, level, interval, rng)
    goal = goal_of(fit, target)
    numbers = _Map.of(fit, data, scale, goal)
    rows = DrawnRows.of(fit, data, numbers, asked)
    return ImportancePerformance(
        Table.of({**numbers.labels(fit), **rows.columns()}),
        rows.context.plus(notes=numbers.points.notes(fit)),
        target=fit.model.names[goal],
        confidence=level,
        **rows.told(fit, asked),
    )


@dataclass(frozen=True, eq=False)
class _Map:
    """What to compute of a fit or a batch of fits.

    Attributes
    ----------
    points : the constructs on 0–100.
    goal : position of the target.
    drivers : positions of the constructs that lead to it.
    items : positions of their indicators; scores that stand for a construct's own
        items are left out.
    below : indicators that are scores, whose items have rows.
    """

    points: OnPoints
    goal: int
    drivers: IntArray
    items: IntArray
    below: tuple[Score, ...]

    @classmethod
    def of(
        cls, fit: StructuralFit, data: object, scale: ScaleLike | None, goal: int
    ) -> _Map:
        drivers = drivers_of(fit, goal)
        points = OnPoints.of(fit, data, scale, np.append(drivers, goal))
        items = np.flatnonzero(np.isin(fit.model.owner(), drivers))
        below = scores_among(fit, items)
        owner = fit.model.owner()
        alone = [s.at for s in below if fit.model.names[owner[s.at]] == s.name]
        return cls(points, goal, drivers, np.setdiff1d(items, alone), below)

    def __call__(self, fits: StructuralFit) -> FloatArray:
        """Return importance and performance (…, k) of drivers, items, items below."""
        found = kernel.importance_performance(
            _structure.total_effects(fits.path_matrix),
            fits.rho,
            fits.raw_weights(),
            oriented(fits.model, fits.moments, self.points.ends).mean,
            self.points.ends,
            fits.model.owner(),
            self.goal,
        )
        which = (self.drivers, self.drivers, self.items, self.items)
        parts = [v[..., at] for v, at in zip(found, which, strict=True)]
        lower = [score.of(fits) for score in self.below]
        parts += [
            share * found[2][..., [score.at]]
            for score, (share, _) in zip(self.below, lower, strict=True)
        ]
        parts += [level for _, level in lower]
        return np.concatenate(parts, axis=-1)

    def labels(self, fit: StructuralFit) -> dict[str, list[str]]:
        """Return level, construct, indicator and term of each number."""
        names, owner = fit.model.names, fit.model.owner()
        blocks = [names[k] for k in self.drivers]
        owners = [names[owner[i]] for i in self.items]
        items = [fit.model.indicators[i] for i in self.items]
        above = [score.name for score in self.below for _ in score.items]
        lower = [item for score in self.below for item in score.items]
        d, k, n = len(blocks), len(items), len(lower)
        terms = ("importance", "performance")
        return {
            "level": ["construct"] * 2 * d + ["indicator"] * 2 * (k + n),
            "construct": blocks * 2 + owners * 2 + above * 2,
            "indicator": [""] * 2 * d + items * 2 + lower * 2,
            "term": [t for n in (d, k, n) for t in terms for _ in range(n)],
        }
