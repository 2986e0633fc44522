"""Changes of an index from wave to wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import IntArray
from satmetrics.errors import DataError
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.joint import Joint


@dataclass(frozen=True, eq=False, repr=False)
class ChangeResult(TableResult):
    """Differences of an index between neighbouring waves.

    Attributes
    ----------
    over : the key column the changes run along.
    target : the construct the model names as its index.
    level : confidence level.
    joint : the changes with what is known of their errors.
    weighting : the key columns within which weights were estimated.
    by : the key columns.
    shared : whether a unit's waves share respondents or clusters.
    credit : what must be said of a published model form.
    """

    over: str = "wave"
    target: str | None = None
    level: float = 0.95
    joint: Joint | None = None
    weighting: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    shared: bool = False
    credit: str = ""

    def _sampling(self) -> str:
        """Return how waves are related."""
        if self.joint is not None and self.joint.n_draws:
            return "from bootstrap draws of both waves, weights estimated anew in each"
        if self.shared:
            return (
                "what waves share, respondents (a panel) or clusters, is in the "
                "errors; weights are taken as fixed"
            )
        return (
            "waves are taken as independent samples of different respondents, weights "
            "as fixed"
        )

    def _weights(self) -> tuple[str, ...]:
        """Say where weights differ between waves."""
        if self.over not in self.weighting:
            return ()
        return (
            f"weights were estimated per {self.over}: a change is one of weights too",
        )

    def summary(self) -> Summary:
        """Return the changes of the target construct."""
        words = {
            **{key: key for key in self.by},
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
            self._sampling(),
            *self._weights(),
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
        )
        body = section("", table, words, decimals=places, max_rows=40)
        return Summary(f"Change by {self.over}", self.context.facts(), (body,), notes)


@friendly_keywords
def changes(result: IndexResult, *, over: str = "wave") -> ChangeResult:
    """Return the change of each index from one wave to the next.

    The variance of a change is the sum of the two squared standard errors, less twice
    the covariance where waves share respondents (a panel, by the survey's respondent
    role) or clusters; with an index that has bootstrap draws, that of the draws.

    Parameters
    ----------
    result : what ``sat.index(…, by=[…, wave])`` returned.
    over : the key column to run along, in the order of its labels.

    Returns
    -------
    ChangeResult
        Keys, ``since`` (the wave before; the last one in which there is such a row, so
        that a unit may miss waves), construct, n (both waves), estimate in index
        points, std_error, statistic, p_value, conf_low, conf_high.

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
    row, one = np.arange(len(later)), np.ones(len(later))
    levels = result.errors()
    moved = levels.combined(
        np.concatenate([row, row]),
        np.concatenate([later, earlier]),
        np.concatenate([one, -one]),
    )
    reasons = [a or b for a, b in zip(low["reason"], high["reason"], strict=True)]
    both = {name: low[name] + high[name] for name in ("n", "n_eff") if name in low}
    made = high.extended(
        {
            "since": low[over],
            **both,
            "reason": reasons,
            **moved.test_columns(result.level),
        },
        keys=result.by,
    )
    return ChangeResult(
        made,
        result.context,
        over=over,
        target=result.target,
        level=result.level,
        joint=moved,
        weighting=result.weighting,
        by=result.by,
        shared=_shared(levels.pairs, earlier, later),
        credit=result.credit,
    )


def _shared(pairs: IntArray, earlier: IntArray, later: IntArray) -> bool:
    """Return whether errors of two neighbouring waves of a unit go together."""
    size = int(max(pairs.max(initial=0), earlier.max(), later.max())) + 1
    between = np.minimum(earlier, later) * size + np.maximum(earlier, later)
    return bool(np.isin(between, pairs[:, 0] * size + pairs[:, 1]).any())


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
