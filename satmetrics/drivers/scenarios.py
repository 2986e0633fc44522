"""`drivers.scenario`: several drivers moved at once, and where all else would stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.drivers.drawn_rows import Drawing, DrawnRows, DrawnTable, require_fit
from satmetrics.drivers.goal import movers, positions, reaches
from satmetrics.drivers.impacts import CAVEAT, ROUNDING, is_step
from satmetrics.drivers.on_points import OnPoints
from satmetrics.errors import OptionError
from satmetrics.estimation import _structure
from satmetrics.estimation.structural import StructuralFit
from satmetrics.inference.kinds import Interval
from satmetrics.survey.scale import ScaleLike

TERMS = ("change", "level")
RULES = {
    False: "a stated change is added to what flows in from other changed constructs",
    True: "a changed construct is held at its stated change; nothing flows in",
}


@dataclass(frozen=True, eq=False, repr=False)
class Scenario(DrawnTable):
    """Changes of constructs and where they would stand, one row a figure.

    Attributes
    ----------
    changes : pairs (construct, points) that were stated.
    hold : whether changed constructs are held at their stated change.
    """

    changes: tuple[tuple[str, float], ...] = field(default=())
    hold: bool = False

    def summary(self) -> Summary:
        """Return the changes and the levels they lead to."""
        parts = {term: self.table.where(term=term) for term in TERMS}
        columns: dict[str, object] = {
            name: parts["change"][name]
            for name in ("construct", "stated", "now", "reason")
        }
        words = {"construct": "construct", "now": "now", "stated": "stated"}
        places = {"now": 1, "stated": 1}
        for term, part in parts.items():
            columns[term] = part["estimate"]
            words[term], places[term] = term, 1 + (term == "change")
            for end in ("low", "high") if self.n_draws else ():
                columns[f"{term} {end}"] = part[f"conf_{end}"]
                words[f"{term} {end}"], places[f"{term} {end}"] = end, places[term]
        if any(self.table["reason"]):
            words["reason"] = "reason"
        notes = (
            "change: points (0–100), through all paths; level: the index that would be",
            f"rule: {RULES[self.hold]}",
            CAVEAT,
            *self._drawn_notes(),
        )
        body = section("", Table.of(columns), words, decimals=places, max_rows=60)
        stated = ", ".join(f"{name} {points:+g}" for name, points in self.changes)
        facts = (*self._facts(), ("changes", stated))
        return Summary(f"Scenario in {self.model}", facts, (body,), notes)


@friendly_keywords
def scenario(  # noqa: PLR0913 - one keyword per choice, all with a default
    fit: StructuralFit,
    data: object = None,
    *,
    changes: Mapping[str, float],
    on: str | Sequence[str] | None = None,
    hold: bool = False,
    n_draws: int = 5000,
    level: float = 0.95,
    interval: Interval = "percentile",
    rng: RngLike = None,
    scale: ScaleLike | None = None,
) -> Scenario:
    r"""Return what several changes at once go with, and where constructs would stand.

    With B the path coefficients on 0–100 and d the stated changes, all changes are

    .. math:: Δ = d\,(I - B)^{-1},

    so that each construct changes by what is stated for it plus what flows in along its
    paths, nothing twice: with quality up by 5, value up by another 2 and a path of 0.3
    from quality to value, value changes by 2 + 1.5. With `hold` the paths into the
    changed constructs are cut, and value changes by 2.

    Parameters
    ----------
    fit : a single fit.
    data : the survey or frame that was fitted; None for the fit's moments (intervals
        are then by normal theory).
    changes : ``{construct: points}`` on 0–100, negative for a fall.
    on : constructs to be listed; all that change when None.
    hold : hold changed constructs at their stated change, whatever flows in.
    n_draws : bootstrap draws; 0 for estimates alone (errors and limits are NaN).
    level : confidence level of the intervals.
    interval : kind of interval; see `sat.bootstrap`.
    rng : Generator or seed (SPEC 7).
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.

    Returns
    -------
    Scenario
        Per construct a row with term "change" (points) and one with term "level" (the
        index there would be): construct, term, n, estimate, std_error, conf_low,
        conf_high, stated (points, NaN where none are), now (the index as it is) and
        reason, said where a level would be off 0–100.

    Raises
    ------
    DataError
        If a construct does not exist or is a product, an item has no scale, or the data
        are not those of the fit.
    OptionError
        If no changes are stated, or one is 0 or beyond 100 points.

    Notes
    -----
    The model is linear, and so is the scenario: effects of changes add up, and a level
    off 0–100 is reported, not cut. The interval of a change is that of the effects; the
    stated changes are taken as certain.

    References
    ----------
    Bollen (1989), Structural Equations with Latent Variables, chapter 8; Ringle and
    Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> found = sat.drivers.scenario(
    ...     fit, changes={"Quality": 5, "Value": -2}, on="Satisfaction", n_draws=0
    ... )
    >>> found.to_frame().set_index("term")["estimate"].round(2).to_dict()
    {'change': 2.92, 'level': 75.38}
    """
    require_fit("scenario", fit)
    asked = Drawing.of(n_draws, level, interval, rng)
    stated = _stated(fit, changes)
    moved = _Moved.of(fit, data, scale, stated, on, hold=hold)
    rows = DrawnRows.of(fit, data, moved, asked)
    return Scenario(
        _table(fit, moved, rows),
        rows.context.plus(notes=moved.points.notes(fit)),
        level=level,
        changes=tuple((str(name), float(by)) for name, by in changes.items()),
        hold=bool(hold),
        **rows.told(fit, asked),
    )


def _stated(fit: StructuralFit, changes: Mapping[str, float]) -> FloatArray:
    """Return the stated change of every construct (q,), NaN where there is none."""
    if not isinstance(changes, Mapping) or not changes:
        raise OptionError(
            f"changes={changes!r}",
            code="no-changes",
            column="changes",
            value=changes,
            remedy='give {construct: points}, such as {"Quality": 5, "Value": -2}',
        )
    stated = np.full(len(fit.model.names), np.nan)
    for name, points in changes.items():
        if not is_step(points):
            raise OptionError(
                f"a change of {name!r} by {points!r}",
                code="bad-points",
                column=str(name),
                value=points,
                remedy="give points on 0–100 other than 0, such as 5 or -2",
            )
        stated[movers(fit, str(name))] = points
    return stated


@dataclass(frozen=True, eq=False)
class _Moved:
    """Changes of constructs, then the levels they lead to (…, 2 k).

    Attributes
    ----------
    points : the constructs on 0–100.
    stated : (q,) stated changes, NaN where there is none.
    shown : positions of the constructs that are asked about.
    hold : whether the stated changes are all there is to a changed construct.
    """

    points: OnPoints
    stated: FloatArray
    shown: IntArray
    hold: bool

    @classmethod
    def of(
        cls,
        fit: StructuralFit,
        data: object,
        scale: ScaleLike | None,
        stated: FloatArray,
        on: str | Sequence[str] | None,
        *,
        hold: bool,
    ) -> _Moved:
        changed = np.isfinite(stated)
        moving = changed | reaches(fit)[changed].any(axis=0)
        shown = np.flatnonzero(moving) if on is None else positions(fit, on)
        used = np.union1d(np.flatnonzero(moving), shown)
        return cls(OnPoints.of(fit, data, scale, used), stated, shown, bool(hold))

    def __call__(self, fits: StructuralFit) -> FloatArray:
        B = self.points.in_points(fits, fits.path_matrix)
        changed = np.isfinite(self.stated)
        if self.hold:
            B = np.where(changed, 0.0, B)
        at = np.flatnonzero(changed)
        d = self.stated[at]
        change = np.einsum("i,...ij->...j", d, _structure.total_effects(B)[..., at, :])
        change[..., at] += d
        level = self.points.performance(fits) + change
        return np.concatenate(
            [change[..., self.shown], level[..., self.shown]], axis=-1
        )


def _table(fit: StructuralFit, moved: _Moved, rows: DrawnRows) -> Table:
    """Return a row of change and one of level per construct."""
    k = len(moved.shown)
    term, at = (grid.T.ravel() for grid in np.indices((2, k)))
    rows = rows.take(term * k + at)
    now = moved.points.performance(fit)[moved.shown][at]
    is_level = term == TERMS.index("level")
    level = np.where(is_level, rows.estimate, now + rows.estimate)
    reason = [
        f"would be at {value:.1f}, off 0–100" if off else ""
        for value, off in zip(
            level, (level > 100 + ROUNDING) | (level < -ROUNDING), strict=True
        )
    ]
    labels = {
        "construct": [fit.model.names[moved.shown[i]] for i in at],
        "term": [TERMS[t] for t in term],
    }
    more = {"stated": moved.stated[moved.shown][at], "now": now, "reason": reason}
    return Table.of({**labels, **rows.columns(), **more})
