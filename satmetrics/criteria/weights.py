"""`CriteriaWeights`: what each criterion counts for, however it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, TableResult
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError

POINTS = 100.0
"""Points to be shared out."""


@dataclass(frozen=True, eq=False, repr=False)
class CriteriaWeights(TableResult):
    """Weights of criteria, one row per criterion (and group); they sum to 1.

    Attributes
    ----------
    table : the `by` columns, then ``dimension, n, estimate`` (the weight),
        ``std_error, conf_low, conf_high`` (NaN where the method has no sampling error),
        ``points`` (the weight times 100), and what the method adds.
    method : how they were found, in words.
    industry : the industry they are for; empty if not stated.
    level : confidence level of the intervals.
    by : the group columns.
    cov : (D, D), or (G, D, D) of groups, covariance of the weights; None where there is
        no sampling error. Weights sum to 1, so that a gain of one is a loss of others:
        covariances are negative on the whole.
    consistency : of pairwise comparisons, one row per judge and one for all; else None.
    facts : pairs (label, value) a summary prints.
    remarks : what else is to be known of the weights.
    """

    method: str = ""
    industry: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()
    cov: FloatArray | None = None
    consistency: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The criteria, in order."""
        return tuple(dict.fromkeys(str(name) for name in self.table["dimension"]))

    def as_points(self, **where: object) -> dict[str, float]:
        """Return ``{dimension: points}``, 100 in all, as ``sat.gaps(points=)`` takes.

        Parameters
        ----------
        where : the group, such as ``unit="Riverside"``, where there are groups.

        Raises
        ------
        OptionError
            If there are groups and none is named, or no group has these keys.
        DataError
            If a weight is not known.
        """
        unknown = [name for name in where if name not in self.by]
        absent = [name for name in self.by if name not in where]
        if unknown or absent:
            raise self._which((unknown or absent)[0])
        rows = self.table.where(**where)
        if not len(rows):
            raise self._which(self.by[0])
        weights = np.asarray(rows["estimate"], dtype=np.float64)
        if not np.isfinite(weights).all():
            name = str(rows["dimension"][int(np.argmin(np.isfinite(weights)))])
            raise DataError(
                f"the weight of {name!r} is not known",
                code="no-weight",
                column=name,
                remedy="the result's reasons say why",
            )
        points = (POINTS * weights).tolist()
        return dict(zip(map(str, rows["dimension"]), points, strict=True))

    def _which(self, column: str) -> OptionError:
        shown = {name: list(dict.fromkeys(self.table[name])) for name in self.by}
        listed = "; ".join(f"{k} is one of {v[:8]}" for k, v in shown.items())
        return OptionError(
            f"as_points() cannot tell which weights are meant by {column!r}",
            code="which-group",
            column=column,
            remedy=listed or "there are no groups: call as_points() alone",
        )

    def summary(self) -> Summary:
        """Return the weights with their errors, and how they were found."""
        known = bool(np.isfinite(np.asarray(self.table["std_error"], float)).any())
        words = {name: name for name in self.by}
        words |= {"dimension": "criterion", "n": "n", "estimate": "weight"}
        if known:
            words |= {
                "std_error": "s.e.",
                "conf_low": f"{100 * self.level:g} % low",
                "conf_high": "high",
            }
        words |= {"points": "points"}
        extra = [n for n in self.table.names if n not in {*words, "std_error"}]
        words |= {n: n for n in extra if not n.startswith("conf_")}
        sections = [section("", self.table, words, max_rows=40)]
        if self.consistency is not None:
            judged = {name: name.replace("_", " ") for name in self.consistency.names}
            part = section("Consistency", self.consistency, judged, decimals=4)
            sections.append(part)
        facts = (
            *self.context.facts(),
            ("method", self.method),
            ("industry", self.industry or "not stated"),
            *self.facts,
        )
        notes = ("weights sum to 1; points are weights times 100", *self.remarks)
        return Summary(
            "Weights of criteria",
            facts,
            tuple(sections),
            (*notes, *self.context.sentences()),
        )


def known_weights(
    shares: Mapping[str, float],
    context: Context,
    *,
    n: float = np.nan,
    extra: Mapping[str, object] | None = None,
    **said: object,
) -> CriteriaWeights:
    """Return weights without sampling error.

    Parameters
    ----------
    shares : weights that sum to 1.
    n : what lies behind them: units, judges.
    extra : more columns.
    said : fields of `CriteriaWeights`.
    """
    values = np.array(list(shares.values()), dtype=np.float64)
    unknown = np.full(len(values), np.nan)
    columns: dict[str, object] = {
        "dimension": list(shares),
        "n": np.full(len(values), n),
        "estimate": values,
        "std_error": unknown,
        "conf_low": unknown,
        "conf_high": unknown,
        "points": POINTS * values,
    }
    table = Table.of({**columns, **(extra or {})})
    return CriteriaWeights(table, context, **said)  # type: ignore[arg-type]


def shares_of(
    values: Mapping[str, float], *, what: str = "weights"
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return numbers as shares of one, and a note if they sum to neither 1 nor 100.

    Raises
    ------
    DataError
        If there are none, one is no number or negative, or all are zero.
    """
    if not isinstance(values, Mapping) or not values:
        raise DataError(
            f"{what} are {values!r}",
            code="bad-weights",
            value=values,
            remedy="give {criterion: number}, such as {'reliability': 40, 'price': 60}",
        )
    for name, value in values.items():
        if not _is_weight(value):
            raise DataError(
                f"the weight of {name!r} is {value!r}",
                code="bad-weights",
                column=str(name),
                value=value,
                remedy="a weight is a number, not negative",
            )
    total = float(sum(values.values()))
    if total <= 0:
        raise DataError(
            f"all {what} are zero",
            code="bad-weights",
            value=total,
            remedy="give at least one criterion a weight",
        )
    shares = {str(name): float(value) / total for name, value in values.items()}
    whole = min(abs(total - 1), abs(total - POINTS) / POINTS) < 1e-9
    note = f"{what} sum to {total:g} and were divided by it"
    return shares, () if whole else (note,)


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return False
    return 0 <= float(value) < np.inf


def same_names(
    given: Mapping[str, object], wanted: tuple[str, ...], *, what: str
) -> None:
    """Raise unless `given` has a value for every name wanted and for no other."""
    unknown = [name for name in given if name not in wanted]
    absent = [name for name in wanted if name not in given]
    if unknown or absent:
        wrong = str((unknown or absent)[0])
        said = "names the unknown" if unknown else "has nothing for"
        hint = did_you_mean(wrong, absent) if unknown else ""
        raise DataError(
            f"{what} {said} {wrong!r}",
            code="unknown-criterion" if unknown else "absent-criterion",
            column=wrong,
            value=wrong,
            remedy=f"{hint} the criteria are {', '.join(wanted)}".strip(),
        )
