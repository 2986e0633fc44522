"""From the psychometrics of one set of pairs to rows with limits and reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import ESTIMATES, Table, repeated_keys
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.assessment import _delta as delta
from satmetrics.assessment._delta import Delta
from satmetrics.assessment._reliability import correlation_limits, reliability_limits
from satmetrics.assessment.item_source import Block
from satmetrics.assessment.reliability_rows import HEYWOOD, TWO_FACTOR, UNFITTED
from satmetrics.gap import _psychometrics as kernel

FORMS = ("expectation", "perception", "gap")
SINGLE = "not defined for one item"
NO_ANSWERS = "needs the answers"
NO_SCALE = "the scale of the answers is not known"
CONSTANT = "not defined: a score does not vary"
LABELS = ("level", "dimension", "term", "form", "items")
NUMBERS = (*ESTIMATES, "df")
Limits = Callable[[FloatArray, FloatArray, float], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, eq=False)
class Row:
    """One number in G groups.

    Attributes
    ----------
    labels : level, dimension, term, form and items.
    numbers : by name of `NUMBERS`, (G,) each; NaN where absent.
    interval : (G,) kind of the interval; reason : (G,) why a figure is absent.
    """

    labels: tuple[str, ...]
    numbers: dict[str, FloatArray]
    interval: AnyArray
    reason: AnyArray


@dataclass(frozen=True)
class Place:
    """What rows speak of: level, dimension and which items."""

    level: str
    dimension: str
    items: str

    def labels(self, term: str, form: str) -> tuple[str, ...]:
        """Return the labels of a row."""
        return (self.level, self.dimension, term, form, self.items)


def score_rows(place: Place, block: Block, k: int, level: float) -> list[Row]:
    """Return the rows that need expectations and perceptions alone."""
    found = kernel.scores(block.S, k)
    parts: list[tuple[str, str, Delta, Limits]] = [
        *((*t, d, reliability_limits) for t, d in _zipped("alpha", found.alpha)),
        *((*t, d, reliability_limits) for t, d in _zipped("omega", found.omega)),
        (*DIFFERENCE, found.difference, reliability_limits),
        ("r_perception", "expectation", found.pe, correlation_limits),
        ("r_perception", "gap", found.gp, correlation_limits),
        ("r_expectation", "gap", found.ge, correlation_limits),
        *((*t, d, kernel.ratio_limits) for t, d in _zipped("sd", found.sd)),
        ("variance_ratio", "expectation", found.ratio, kernel.ratio_limits),
    ]
    rows = _measured(place, block, parts, level)
    for row in rows[:7] if k < 2 else ():
        row.reason[row.reason == CONSTANT] = SINGLE
    for at in range(3) if k > 1 else ():
        reason = rows[3 + at].reason
        reason[~found.fitted[at]] = UNFITTED if k > 2 else TWO_FACTOR
        reason[found.bad[at]] = HEYWOOD
    ratio = rows[-1].numbers
    tests = (
        kernel.pitman_morgan(found.ratio.value, found.pe.value, block.n),
        kernel.wald_of_log(ratio["estimate"], ratio["std_error"]),
    )
    return [*rows[:-1], _tested(rows[-1], block, *tests)]


def outcome_rows(place: Place, block: Block, k: int, level: float) -> list[Row]:
    """Return how the outcome, last in the block, goes with the scores."""
    found = kernel.predictions(block.S, k)
    lead = ("r_outcome_difference", "perception")
    parts: list[tuple[str, str, Delta, Limits]] = [
        *((*t, d, correlation_limits) for t, d in _zipped("r_outcome", found.r)),
        (*lead, found.lead, kernel.plain_limits),
    ]
    rows = _measured(place, block, parts, level)
    _, r_p, r_g = (r.value for r in found.r)
    _, p, g = kernel.averages(block.S.shape[-1], k)
    between = delta.correlation(block.S, g, p).value
    last = rows[-1].numbers
    tests = (
        kernel.williams(r_p, r_g, between, block.n),
        kernel.wald(last["estimate"], last["std_error"]),
    )
    squares = [
        _row(place.labels("r2_outcome", form), block, value)
        for form, value in (
            *((form, r.value**2) for form, r in zip(FORMS, found.r, strict=True)),
            ("expectation and perception", found.both),
        )
    ]
    return [*rows[:-1], _tested(rows[-1], block, *tests), *squares]


DIFFERENCE = ("difference_reliability", "gap")


def _pairs(term: str) -> tuple[tuple[str, str], ...]:
    return tuple((term, form) for form in FORMS)


def _zipped(
    term: str, values: tuple[Delta, ...]
) -> list[tuple[tuple[str, str], Delta]]:
    return list(zip(_pairs(term), values, strict=True))


def _measured(
    place: Place,
    block: Block,
    parts: Sequence[tuple[str, str, Delta, Limits]],
    level: float,
) -> list[Row]:
    """Return rows of numbers with errors and limits."""
    found = delta.stacked([part for _, _, part, _ in parts])
    error = block.errors(found)
    rows = []
    for t, (term, form, _, limits) in enumerate(parts):
        value, se = found.value[:, t], error[:, t]
        low, high = limits(value, se, level)
        row = _row(place.labels(term, form), block, value)
        row.numbers.update(std_error=se, conf_low=low, conf_high=high)
        kind = np.where(np.isfinite(low), block.interval, "").astype(object)
        rows.append(Row(row.labels, row.numbers, kind, row.reason))
    return rows


def _row(
    labels: tuple[str, ...],
    block: Block,
    value: FloatArray,
) -> Row:
    blank = np.full(len(block.n), np.nan)
    numbers = dict.fromkeys(NUMBERS, blank)
    numbers |= {"n": block.n, "estimate": value}
    own = np.asarray(block.reasons, dtype=object)
    why = np.where(np.isfinite(value), "", CONSTANT)
    why = np.where((own != "") & (why != ""), own, why).astype(object)
    return Row(labels, numbers, np.full(len(why), "", dtype=object), why)


def share_row(
    labels: tuple[str, ...], numbers: dict[str, FloatArray], reason: str, groups: int
) -> Row:
    """Return a row of a share, or the reason why there is none."""
    blank = np.full(groups, np.nan)
    why = np.full(groups, reason, dtype=object)
    known = dict.fromkeys(NUMBERS, blank) | {"n": np.zeros(groups)} | numbers
    return Row(labels, known, np.full(groups, "", dtype=object), why)


Test = tuple[FloatArray, FloatArray, FloatArray]


def _tested(row: Row, block: Block, exact: Test, wald: Test) -> Row:
    """Add the test for respondents sampled singly, or that by the error, by group."""
    statistic, df, p_value = (
        np.where(block.single, *pair) for pair in zip(exact, wald, strict=True)
    )
    row.numbers.update(statistic=statistic, df=df, p_value=p_value)
    return row


def table_of(rows: Sequence[Row], keys: Table | None) -> Table:
    """Lay out rows (T of G groups) group by group."""
    G = len(rows[0].reason)
    labels = {
        name: [row.labels[i] for row in rows] * G for i, name in enumerate(LABELS)
    }
    columns: dict[str, object] = {
        name: np.stack([row.numbers[name] for row in rows], axis=1).ravel()
        for name in NUMBERS
    }
    columns["n"] = np.asarray(columns["n"]).astype(np.int64)
    columns["interval"] = np.stack([row.interval for row in rows], axis=1).ravel()
    columns["reason"] = np.stack([row.reason for row in rows], axis=1).ravel()
    groups = repeated_keys(keys, len(rows), (*labels, *columns))
    return Table.of({**groups, **labels, **columns}, keys=(*groups, *LABELS))
