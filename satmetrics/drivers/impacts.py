"""`drivers.impact`: what some points more in a driver do to index and loyalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.drivers.drawn_rows import Drawing, DrawnRows, DrawnTable, require_fit
from satmetrics.drivers.goal import (
    movable,
    movers,
    positions,
    reached,
    reaches,
    target_of,
)
from satmetrics.drivers.on_points import OnPoints
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation import _structure
from satmetrics.estimation.structural import StructuralFit
from satmetrics.inference.kinds import Interval
from satmetrics.survey.scale import ScaleLike

CAVEAT = "association in one survey, not proof of cause"
TERMS = ("direct", "indirect", "total")
TOTAL = 2
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Impact(DrawnTable):
    """What some points more in a driver go with, one row an effect."""

    def summary(self) -> Summary:
        """Return the total effects, the direct and indirect parts beside them."""
        total = self.table.where(term="total")
        beside = {term: self.table.where(term=term)["estimate"] for term in TERMS[:2]}
        words = {
            "target": "on",
            "source": "driver",
            "performance": "now",
            "points": "points",
            "estimate": "effect",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "direct": "direct",
            "indirect": "indirect",
            "reason": "reason",
        }
        if not any(self.table["reason"]):
            del words["reason"]
        if not self.n_draws:
            del words["conf_low"], words["conf_high"]
        numbers = ("estimate", "conf_low", "conf_high", "direct", "indirect")
        places = dict.fromkeys(numbers, 2) | {"performance": 1, "points": 1}
        body = section("", total.extended(beside), words, decimals=places, max_rows=60)
        notes = (
            "effect: points (0–100) that go with so many points in the driver, all "
            "else on the way included: total = direct + indirect",
            CAVEAT,
            *self._drawn_notes(),
        )
        title = f"Impact in {self.model}"
        return Summary(title, self._facts(), (body,), notes)


@friendly_keywords
def impact(  # noqa: PLR0913 - one keyword per choice, all with a default
    fit: StructuralFit,
    data: object = None,
    *,
    points: float | Sequence[float] = (1, 5),
    on: str | Sequence[str] | None = None,
    drivers: str | Sequence[str] | None = None,
    n_draws: int = 5000,
    level: float = 0.95,
    interval: Interval = "percentile",
    rng: RngLike = None,
    scale: ScaleLike | None = None,
) -> Impact:
    r"""Return what some points more in a driver do to the index and what follows it.

    With all constructs on 0–100, a point more in driver j goes with
    :math:`t_{jk} · s_k / s_j` points more in construct k: the standardised effect t
    times the ratio of the standard deviations in points (of factors: those free of
    error). This is the importance of `importance_performance`, which has more on it.

    Parameters
    ----------
    fit : a single fit.
    data : the survey or frame that was fitted; None for the fit's moments (intervals
        are then by normal theory).
    points : by how many points (0–100) the driver moves: one number or several,
        negative for a fall.
    on : one construct or several that are moved; the model's target and all that
        follows it (such as loyalty) when None.
    drivers : one driver or several; all that lead to one of `on` when None.
    n_draws : bootstrap draws; 0 for estimates alone (errors and limits are NaN).
    level : confidence level of the intervals.
    interval : kind of interval; see `sat.bootstrap`.
    rng : Generator or seed (SPEC 7).
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.

    Returns
    -------
    Impact
        Rows with source (the driver), target, term ("direct", "indirect", "total"), n,
        estimate, std_error, conf_low, conf_high, points, performance (the driver's
        index), room (points the driver has left in that direction) and reason: said
        where the points exceed the room. Pairs that no chain of paths connects have no
        row.

    Raises
    ------
    DataError
        If the model names no target and `on` is None, nothing leads to what is asked
        about, an item has no scale, or the data are not those of the fit.
    OptionError
        If points are 0, or beyond 100.

    Notes
    -----
    Effects are linear: five points do five times what one does. They describe who
    answered how in one survey; that a company which raises a driver sees its index
    rise so much is a further claim.

    References
    ----------
    Ringle and Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449; Fornell et al. (1996),
    doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> found = sat.drivers.impact(fit, drivers="Quality", n_draws=0).to_frame()
    >>> total = found.query("term == 'total' and points == 5")
    >>> total.set_index("target")["estimate"].round(2).to_dict()
    {'Satisfaction': 3.2, 'Complaints': 2.96, 'Loyalty': 2.53}
    """
    require_fit("impact", fit)
    asked = Drawing.of(n_draws, level, interval, rng)
    steps = _steps(points)
    pairs = _Pairs.of(fit, on, drivers)
    effects = _Effects.of(fit, data, scale, pairs)
    rows = DrawnRows.of(fit, data, effects, asked)
    return Impact(
        _table(fit, effects, rows, steps),
        rows.context.plus(notes=effects.points.notes(fit)),
        level=level,
        **rows.told(fit, asked),
    )


def _steps(points: float | Sequence[float]) -> FloatArray:
    listed = [points] if isinstance(points, (int, float, str)) else list(points)
    wrong = [p for p in listed if not is_step(p)]
    if wrong or not listed:
        raise OptionError(
            f"points={points!r}",
            code="bad-points",
            column="points",
            value=wrong[0] if wrong else points,
            remedy="give points on 0–100, such as (1, 5); -5 for a fall",
        )
    return np.array(listed, dtype=np.float64)


def is_step(value: object) -> bool:
    """Return whether a value is a number of points by which something can move."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return False
    return 0 < abs(float(value)) <= 100


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of a driver and what it leads to, by target."""

    source: IntArray
    target: IntArray

    @classmethod
    def of(
        cls,
        fit: StructuralFit,
        on: str | Sequence[str] | None,
        drivers: str | Sequence[str] | None,
    ) -> _Pairs:
        leads = reaches(fit)
        if on is None:
            goal = target_of(fit, None, "on")
            targets = np.concatenate([[goal], reached(fit, goal)])
        else:
            targets = positions(fit, on)
        asked = movable(fit)
        if drivers is not None:
            asked = movers(fit, drivers)
        chosen = leads[np.ix_(asked, targets)]
        _check_led(fit, asked, targets, chosen, named=drivers is not None)
        column, row = np.nonzero(chosen.T)
        return cls(asked[row], targets[column])


def _check_led(
    fit: StructuralFit,
    sources: IntArray,
    targets: IntArray,
    leads: FloatArray,
    *,
    named: bool,
) -> None:
    """Raise ``DataError`` for a target without driver, or a driver that moves none."""
    names = fit.model.names
    alone = targets[~leads.any(axis=0)]
    idle = sources[~leads.any(axis=1)]
    listed = ", ".join(names[k] for k in targets)
    if named and len(idle):
        said, which = f"{names[idle[0]]!r} leads to none of {listed}", idle[0]
    elif len(alone) and (not named or len(alone) == len(targets)):
        said, which = f"nothing leads to {names[alone[0]]!r}", alone[0]
    else:
        return
    raise DataError(
        f"{said} in model {fit.model.name!r}",
        code="no-drivers",
        column=names[which],
        remedy="look at the paths: fit.paths()",
    )


@dataclass(frozen=True, eq=False)
class _Effects:
    """Effects of pairs in points: direct, indirect, total (…, 3 · pairs)."""

    points: OnPoints
    pairs: _Pairs

    @classmethod
    def of(
        cls, fit: StructuralFit, data: object, scale: ScaleLike | None, pairs: _Pairs
    ) -> _Effects:
        used = np.unique(np.concatenate([pairs.source, pairs.target]))
        return cls(OnPoints.of(fit, data, scale, used), pairs)

    def __call__(self, fits: StructuralFit) -> FloatArray:
        at = (..., self.pairs.source, self.pairs.target)
        total = self.points.in_points(fits, _structure.total_effects(fits.path_matrix))
        direct = self.points.in_points(fits, fits.path_matrix)
        parts = (direct, total - direct, total)
        return np.concatenate([part[at] for part in parts], axis=-1)


def _table(
    fit: StructuralFit, effects: _Effects, rows: DrawnRows, steps: FloatArray
) -> Table:
    """Return a row per pair, number of points and term."""
    pairs, names = effects.pairs, fit.model.names
    shape = (len(pairs.source), len(steps), len(TERMS))
    pair, step, term = (grid.ravel() for grid in np.indices(shape))
    own = rows.take(term * shape[0] + pair).times(steps[step])
    level = effects.points.performance(fit)
    now = level[pairs.source[pair]]
    room = np.where(steps[step] > 0, 100 - now, now)
    end = np.where(term == TOTAL, level[pairs.target[pair]] + own.estimate, np.nan)
    target = [names[k] for k in pairs.target[pair]]
    labels = {
        "source": [names[k] for k in pairs.source[pair]],
        "target": target,
        "term": [TERMS[k] for k in term],
    }
    reason = [
        _beyond(abs(p), r, name, e)
        for p, r, name, e in zip(steps[step], room, target, end, strict=True)
    ]
    more = {"points": steps[step], "performance": now, "room": room, "reason": reason}
    return Table.of({**labels, **own.columns(), **more})


def _beyond(points: float, room: float, target: str, end: float) -> str:
    """Say where the driver, or what it moves, would leave 0–100."""
    said = []
    if points > room + ROUNDING:
        said.append(f"the driver has room for {room:.1f} points only")
    if end > 100 + ROUNDING or end < -ROUNDING:
        said.append(f"{target} would be at {end:.1f}, off 0–100")
    return "; ".join(said)
