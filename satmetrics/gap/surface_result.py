"""A response surface as a result: its table, what it says, and points on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._display import Section, Summary, percent, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.gap.surface_rows import TERMS

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = {
    "coefficient": "Coefficients",
    "line": "Along and across the line of agreement",
    "axis": "Stationary point and principal axes",
    "fit": "Fit",
    "test": "Tests of simpler models (F)",
    "share": "Respondents by discrepancy",
}
SHOWN = {
    "coefficient": ("estimate", "std_error", "p_value", "conf_low", "conf_high", "vif"),
    "line": ("estimate", "std_error", "p_value", "conf_low", "conf_high"),
    "axis": ("estimate", "std_error", "conf_low", "conf_high"),
    "fit": ("estimate",),
    "test": ("statistic", "df_numerator", "df", "p_value"),
    "share": ("share", "low", "high"),
}
WORDS = {
    "estimate": "estimate",
    "std_error": "s.e.",
    "statistic": "F",
    "p_value": "p",
    "conf_low": "low",
    "conf_high": "high",
    "df_numerator": "df 1",
    "df": "df 2",
    "vif": "VIF",
    "share": "share",
    "low": "low",
    "high": "high",
}
RULE = (
    "discrepancy: P and E standardised, half a standard deviation apart (rule of "
    "thumb; Shanock et al. 2010, doi:10.1007/s10869-010-9183-4); a surface says little "
    "where few respondents are"
)


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceResult(TableResult):
    """Polynomial regression of an outcome on expectation and perception.

    Attributes
    ----------
    table : the `by` columns, then ``level`` ("dimension", "overall"), ``dimension``,
        ``kind`` ("coefficient", "line", "axis", "fit", "test", "share"), ``term``,
        ``n, estimate, std_error, statistic`` (t; F of tests), ``p_value, conf_low,
        conf_high, df`` (of the error), ``df_numerator`` (of tests), ``vif`` (of b1 to
        b5), ``reason`` (why a figure is absent).
    outcome : the column explained.
    level : confidence level.
    by : the group columns.
    errors : how standard errors were found.
    n_draws : bootstrap draws behind the limits of the axes; 0 for none.
    centre : (D,) what was subtracted from E and P, model by model.
    ends : (D, 2) lowest and highest score of each model.
    coefficients : (G, D, 6) b0 … b5; covariance : (G, D, 6, 6); df : (G, D).
    context : origin, and what was left out.
    """

    outcome: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()
    errors: str = ""
    n_draws: int = 0
    centre: FloatArray = field(default_factory=lambda: np.zeros(0))
    ends: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    coefficients: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 6)))
    covariance: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 6, 6)))
    df: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def rows(self, kind: str) -> Table:
        """Return the rows of one kind, such as "coefficient", "line" or "test"."""
        return self.table.where(kind=kind)

    def surface(self, points: int | Sequence[Sequence[float]] = 21) -> pd.DataFrame:
        """Return points on every fitted surface, with standard errors.

        Parameters
        ----------
        points : how many steps from the lowest to the highest score of each of E and P;
            or pairs (E, P) in answer units.

        Returns
        -------
        Frame with the group columns, level, dimension, expectation, perception (answer
        units), estimate (fitted outcome) and std_error (of the fitted mean).

        Raises
        ------
        OptionError
            If `points` is neither.
        """
        pairs = _pairs(points, self.ends)
        D, m = pairs.shape[:2]
        e, p = np.moveaxis(pairs - self.centre[:, None, None], -1, 0)
        x = np.stack([np.ones_like(e), e, p, e * e, e * p, p * p], axis=-1)
        fitted = np.einsum("dmk,gdk->gdm", x, self.coefficients)
        variance = np.einsum("dmk,gdkl,dml->gdm", x, self.covariance, x)
        first = self.table.take(np.flatnonzero(self.table["term"] == "b0"))
        keys = {
            name: np.repeat(first[name], m) for name in (*self.by, "level", "dimension")
        }
        G = len(fitted)
        whole = np.broadcast_to(pairs, (G, D, m, 2))
        columns: dict[str, object] = {
            **keys,
            "expectation": whole[..., 0].ravel(),
            "perception": whole[..., 1].ravel(),
            "estimate": fitted.ravel(),
            "std_error": np.sqrt(np.maximum(variance, 0)).ravel(),
        }
        names = tuple(columns)
        return Table(names, tuple(map(np.asarray, columns.values()))).to_frame()

    def summary(self) -> Summary:
        """Return lines, tests, coefficients, axes and shares of every model."""
        facts = (
            *self.context.facts(),
            ("outcome", self.outcome),
            ("E and P less", ", ".join(f"{c:g}" for c in dict.fromkeys(self.centre))),
            ("errors", self.errors),
            ("level", f"{self.level:g}"),
        )
        order = ("line", "test", "fit", "coefficient", "axis", "share")
        return Summary(
            f"Response surface of {self.outcome}",
            facts,
            tuple(self._section(kind) for kind in order),
            (
                "Z = b0 + b1 E + b2 P + b3 E² + b4 E P + b5 P², E expectation and P "
                "perception less the centre; positive a3 means that the outcome rises "
                "where expectation exceeds perception",
                *self._axes_note(),
                RULE,
                *self.context.sentences(),
                *self._reasons(),
            ),
        )

    def _section(self, kind: str) -> Section:
        rows = self.rows(kind)
        several = len(self.centre) > 1 or bool(self.by)
        meaning = [TERMS[kind][str(term)] for term in rows["term"]]
        added: dict[str, object] = {"what": meaning}
        added["model"] = [str(d) or "overall" for d in rows["dimension"]]
        if kind == "share":
            pairs = (("share", "estimate"), ("low", "conf_low"), ("high", "conf_high"))
            for name, source in pairs:
                added[name] = [percent(float(v)) for v in rows[source]]
        shown = rows.extended(added)
        words = {name: name for name in self.by}
        words |= {"model": "dimension"} if several else {}
        words |= {"term": "term", "what": "meaning"}
        words |= {name: WORDS[name] for name in SHOWN[kind]}
        places = {"df": 0, "df_numerator": 0, "vif": 1}
        return section(HEADINGS[kind], shown, words, decimals=places, max_rows=60)

    def _axes_note(self) -> tuple[str, ...]:
        place = "the stationary point and the axes are in E and P less the centre"
        if not self.n_draws:
            return (f"{place}; without draws they have no limits",)
        return (
            f"{place}; their limits are percentiles of {self.n_draws:,} bootstrap "
            "draws, and undefined where a denominator may be zero",
        )


def _pairs(points: int | Sequence[Sequence[float]], ends: FloatArray) -> FloatArray:
    """Return pairs (D, m, 2) of expectation and perception."""
    if isinstance(points, int) and not isinstance(points, bool) and points >= 2:
        steps = np.linspace(0, 1, points)
        unit = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
        low, high = ends[:, None, :1], ends[:, None, 1:]
        return np.asarray(low + (high - low) * unit.reshape(1, -1, 2))
    try:
        pairs = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise OptionError(
            f"points={points!r}",
            code="bad-points",
            column="points",
            value=str(points),
            remedy="give a number of steps from 2 on, or pairs such as [(6, 5)]",
        )
    return np.broadcast_to(pairs, (len(ends), *pairs.shape))
