"""Changes of an index from wave to wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.indices.index import IndexResult
from satmetrics.inference._intervals import normal_interval, normal_p


@dataclass(frozen=True, eq=False, repr=False)
class ChangeResult(TableResult):
    """Differences of an index between neighbouring waves.

    Attributes
    ----------
    over : the key column the changes run along.
    target : the construct the model names as its index.
    level : confidence level.
    """

    over: str = "wave"
    target: str | None = None
    level: float = 0.95

    def summary(self) -> Summary:
        """Return the changes of the target construct."""
        own = ("construct", "since", "n", "reason")
        keys = {
            k: k
            for k in self.table.names
            if self.table[k].dtype.kind == "O" and k not in own
        }
        words = {
            **keys,
            "since": "since",
            "construct": "construct",
            "estimate": "change",
            "std_error": "std. error",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        table = self.table
        if self.target is not None:
            table = table.where(construct=self.target)
        places = {"estimate": 1, "conf_low": 1, "conf_high": 1, "std_error": 2}
        notes = (
            "index points; positive is better",
            "waves are taken as independent samples of different respondents",
            *self.context.sentences(),
        )
        body = section("", table, words, decimals=places, max_rows=40)
        return Summary(f"Change by {self.over}", self.context.facts(), (body,), notes)


@friendly_keywords
def changes(result: IndexResult, *, over: str = "wave") -> ChangeResult:
    """Return the change of each index from one wave to the next.

    Waves are independent samples: the variance of a change is the sum of the two
    squared standard errors, which take the weights as fixed.

    Parameters
    ----------
    result : what ``sat.index(…, by=[…, wave])`` returned.
    over : the key column to run along, in the order of its labels.

    Returns
    -------
    ChangeResult
        Keys, ``since`` (the earlier wave), construct, n (both waves), estimate in
        index points, std_error, statistic, p_value, conf_low, conf_high.

    Raises
    ------
    DataError
        If there is no such key, or one wave only.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> moved = sat.changes(sat.index(fit, survey, by=["company", "wave"]))
    >>> bool(moved.to_frame()["std_error"].gt(0).all())
    True
    """
    expect(
        "changes",
        result,
        IndexResult,
        "an index",
        remedy='pass what sat.index(fit, data, by=["unit", "wave"]) returned',
    )
    columns_present([over], result.by, where="the index")
    table = result.table
    earlier, later = _neighbours(table, over, [k for k in result.by if k != over])
    if not len(later):
        raise DataError(
            f"there is one {over} only, so nothing changed",
            code="one-wave",
            column=over,
            remedy="give an index of two waves or more",
        )
    low = table.take(earlier)
    high = table.take(later)
    estimate = high["estimate"] - low["estimate"]
    std_error = np.hypot(high["std_error"], low["std_error"])
    reasons = [a or b for a, b in zip(low["reason"], high["reason"], strict=True)]
    made = high.extended(
        {
            "since": low[over],
            "n": low["n"] + high["n"],
            "reason": reasons,
            **_inference(estimate, std_error, result.level),
        },
        keys=result.by,
    )
    return ChangeResult(
        made, result.context, over=over, target=result.target, level=result.level
    )


def _inference(
    estimate: FloatArray, std_error: FloatArray, level: float
) -> dict[str, FloatArray]:
    low, high = normal_interval(estimate, std_error, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / std_error
    return {
        "estimate": estimate,
        "std_error": std_error,
        "statistic": statistic,
        "p_value": normal_p(statistic),
        "conf_low": low,
        "conf_high": high,
    }


def _neighbours(
    table: Table, over: str, others: list[str]
) -> tuple[IntArray, IntArray]:
    """Return positions of the earlier and the later row of each change.

    Rows of one unit and construct stand in the order of their waves.
    """
    held: dict[tuple[object, ...], int] = {}
    pairs: list[tuple[int, int]] = []
    for i, row in enumerate(table.rows()):
        key = (*(row[k] for k in others), row["construct"])
        if key in held and row[over] != table[over][held[key]]:
            pairs.append((held[key], i))
        held[key] = i
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
