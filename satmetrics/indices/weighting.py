"""Which weights make the index of which group: pooled, per industry or per unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import Table
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.structural import StructuralFit
from satmetrics.indices.index_result import METRIC_WORDS

IndexMetric = Literal["raw", "standardized", "equal", "factor"]
METRICS = ("raw", "standardized", "equal", "factor")
Negative = Literal["keep", "zero", "error"]
NEGATIVE = ("keep", "zero", "error")


@dataclass(frozen=True, eq=False)
class Weighting:
    """The weights of a fit, in one metric, for the groups of an index.

    Attributes
    ----------
    fit : the fit in that metric; a batch has one member per group of the index.
    metric : "raw", "standardized", "equal" or "factor".
    member : (G,) the member of the original fit behind each group; −1 for none.
    by : key columns within which weights were estimated; empty where pooled.
    negative : what was done with negative weights.
    """

    fit: StructuralFit
    metric: IndexMetric
    member: IntArray
    by: tuple[str, ...]
    negative: Negative

    @classmethod
    def of(
        cls,
        fit: StructuralFit,
        metric: IndexMetric | None,
        keys: Table | None,
        negative: Negative,
    ) -> Weighting:
        """Spread the weights of a fit over groups with these keys.

        Raises
        ------
        OptionError
            If the fit is of groups that `keys` do not tell apart.
        """
        one_of("metric", metric or fit.index_metric, METRICS)
        chosen = cast("IndexMetric", metric or fit.index_metric)
        one_of("negative", negative, NEGATIVE)
        made = fit if chosen == "equal" else fit.in_metric(chosen)
        if not fit.batched:
            groups = 1 if keys is None else len(keys)
            member = np.zeros(groups, dtype=np.int64)
            return cls(made, chosen, member, (), negative)
        member = members(fit, keys)
        spread = made.take(np.maximum(member, 0))
        return cls(spread, chosen, member, fit.key_names, negative)

    @property
    def words(self) -> str:
        """Which weights these are, for people."""
        if self.metric == "equal":
            return METRIC_WORDS["equal"]
        within = f", within {', '.join(self.by)}" if self.by else ""
        return METRIC_WORDS[self.metric] + within

    def shared(self) -> IntArray:
        """Return the member (G,) whose weights a group has; −1 for groups of none."""
        if self.metric == "equal" and self.fit.staged is None:
            return np.zeros(len(self.member), dtype=np.int64)
        return np.where(self.usable(), self.member, -1)

    def reasons(self) -> tuple[str, ...]:
        """Return per group why there are no weights, or what is wrong with them."""
        if not self.fit.batched or (self.metric == "equal" and self.usable().all()):
            return ("",) * len(self.member)
        none = f"no weights: the fit has no such {', '.join(self.by)}"
        said = zip(self.member, self.fit.reasons, strict=True)
        return tuple(none if m < 0 else reason for m, reason in said)

    def usable(self) -> BoolArray:
        """Return (G,), True where a fit converged, or no estimate is needed."""
        if not self.fit.batched or (self.metric == "equal" and self.fit.staged is None):
            return np.ones(len(self.member), dtype=np.bool_)
        return np.asarray((self.member >= 0) & np.asarray(self.fit.converged))

    def weights(self, which: IntArray) -> FloatArray:
        """Return weights of the answers as given, (p,) or (G, p), by the rule.

        Parameters
        ----------
        which : positions of the constructs whose index is wanted.

        Raises
        ------
        DataError
            If one of theirs is negative and the rule is "error".
        """
        given = self.given()
        below = self.below(given, which)
        if not len(below) or self.negative == "keep":
            return given
        if self.negative == "zero":
            return np.where(given < 0, 0.0, given)
        raise DataError(
            f"negative weight: {', '.join(below)}",
            code="negative-weight",
            column=below[0],
            value=below,
            remedy='was an item to be reversed? negative="keep" takes weights as they '
            'are, negative="zero" leaves such items out',
        )

    def given(self) -> FloatArray:
        """Return the weights as estimated, (p,) or (G, p)."""
        if self.metric == "equal":
            return np.ones(len(self.fit.model.indicators))
        return self.fit.raw_weights()

    def below(self, weights: FloatArray, which: IntArray) -> tuple[str, ...]:
        """Return the items of constructs whose weight is negative anywhere."""
        used = np.isin(self.fit.model.owner(), which)
        found = (weights < 0).reshape(-1, len(used)).any(axis=0) & used
        return tuple(self.fit.model.indicators[i] for i in np.flatnonzero(found))

    def notes(self, which: IntArray) -> tuple[str, ...]:
        """Return what is to be said of negative weights."""
        items = ", ".join(self.below(self.given(), which))
        if not items:
            return ()
        if self.negative == "zero":
            return (f"negative weight, set to zero: {items}",)
        return (
            f"negative weight: {items}; an index with negative weights is no "
            "mean of its items: was an item to be reversed?",
        )


def members(fit: StructuralFit, keys: Table | None) -> IntArray:
    """Return the member of a batch of fits behind each group (G,); −1 for none."""
    own = fit.keys
    if own is None or keys is None or not set(own.names) <= set(keys.names):
        held = ", ".join(fit.key_names)
        raise OptionError(
            f"the fit holds a group per {held}, and by= does not tell them apart",
            code="other-groups",
            column="by",
            value=() if keys is None else keys.names,
            remedy=f"name {held} in by= too, or pass a pooled fit",
        )
    rows = zip(*(own[name] for name in own.names), strict=True)
    at = {row: i for i, row in enumerate(rows)}
    asked = zip(*(keys[name] for name in own.names), strict=True)
    return np.array([at.get(row, -1) for row in asked], dtype=np.int64)
