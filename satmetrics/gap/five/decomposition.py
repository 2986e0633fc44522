"""The sum of the stages: what lies between expectation and perception, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import Context, TableResult
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError

STEPS = (
    ("gap 1", "belief", "expectation"),
    ("gap 2", "standards", "belief"),
    ("gap 3", "delivery", "standards"),
    ("− gap 4", "communication", "delivery"),
    ("perception − promises", "perception", "communication"),
    ("gap 5", "perception", "expectation"),
)
"""Term, later stage, earlier stage; the last is the sum of those before it."""
CHAIN = (
    "expectation",
    "belief",
    "standards",
    "delivery",
    "communication",
    "perception",
)
IDENTITY = (
    "P − E = (M − E) + (S − M) + (D − S) + (C − D) + (P − C): gap 5 = gap 1 + gap 2 + "
    "gap 3 − gap 4 + (perception − promises); gap 4 is delivered − promised, so that "
    "the step from delivery to promises is its negative"
)


@dataclass(frozen=True, eq=False, repr=False)
class GapDecomposition(TableResult):
    """Gap 5 as the sum of the steps between expectation and perception.

    Attributes
    ----------
    table : the `by` columns, ``level, dimension, term`` ("gap 1", "gap 2", "gap 3",
        "− gap 4", "perception − promises" and their sum "gap 5"), ``estimate`` and
        ``step`` (the stages it leads between).
    by : the group columns.
    scale : the one scale of all stages.
    context : origin, and what was left out.
    """

    by: tuple[str, ...] = ()
    scale: str = ""

    def summary(self) -> Summary:
        """Return the steps of every group and dimension."""
        words = {
            **{name: name for name in self.by},
            "dimension": "dimension",
            "term": "term",
            "step": "step",
            "estimate": "estimate",
        }
        return Summary(
            "Gap 5, step by step",
            (*self.context.facts(), ("scale", self.scale)),
            tuple(
                section(level.capitalize(), part, words, max_rows=60)
                for level in ("overall", "dimension")
                if len(part := self.table.where(level=level))
            ),
            (
                IDENTITY,
                "a sum of means, not a model: no step is the cause of gap 5",
                *self.context.sentences(),
            ),
        )


def decompose(
    stages: Table,
    context: Context,
    by: tuple[str, ...],
    *,
    against: str,
    rescaled: bool,
    counted: tuple[str, ...],
) -> GapDecomposition:
    """Return the telescoping sum of the stages' means, if all are on one scale.

    Raises
    ------
    DataError
        If a stage is absent, counted, or not on the customers' scale.
    """
    _check_chain(stages, counted)
    _check_scale(stages, against, rescaled)
    means = {name: stages.where(stage=name) for name in CHAIN}
    labels = means["expectation"].drop(
        *("stage", "source", "n", "estimate", "std_error", "minimum", "maximum")
    )
    parts = [
        _step(labels, term, later, earlier, means) for term, later, earlier in STEPS
    ]
    table = stack(parts, keys=(*by, "level", "dimension", "term"))
    row = np.tile(np.arange(len(labels)), len(STEPS))
    ends = means["expectation"]
    return GapDecomposition(
        table.take(np.argsort(row, kind="stable")),
        context,
        by=by,
        scale=f"{ends['minimum'][0]:g}-{ends['maximum'][0]:g}",
    )


def _step(
    labels: Table, term: str, later: str, earlier: str, means: dict[str, Table]
) -> Table:
    n = len(labels)
    estimate: FloatArray = means[later]["estimate"] - means[earlier]["estimate"]
    return labels.extended(
        {
            "term": np.full(n, term, dtype=object),
            "estimate": estimate,
            "step": np.full(n, f"{later} − {earlier}", dtype=object),
        }
    )


def _refused(why: str, remedy: str) -> DataError:
    return DataError(
        f"the gaps cannot be added up: {why}",
        code="not-one-scale",
        remedy=remedy,
    )


def _check_chain(stages: Table, counted: tuple[str, ...]) -> None:
    there = set(stages["stage"].tolist()) if len(stages) else set()
    for name in CHAIN:
        if name in counted:
            raise _refused(
                f"{name} is counted, a share, not a rating on the customers' scale",
                "look at each gap for itself, or explain gap 5 by a regression",
            )
        if name not in there:
            raise _refused(
                f"there is nothing on {name}",
                f"every stage must be asked on one scale: {', '.join(CHAIN)}",
            )


def _check_scale(stages: Table, against: str, rescaled: bool) -> None:
    if against != "stage":
        raise _refused(
            "standards and delivery are rated on scales of their own, against the "
            "maximum",
            'if they were rated on the customers\' scale, say so: against="stage"',
        )
    if rescaled:
        raise _refused(
            "answers were put on 0-100 from scales of their own",
            "ask every stage on the customers' scale",
        )
    for name in CHAIN:
        part = stages.where(stage=name)
        ends = part["minimum"][0], part["maximum"][0]
        if not np.isfinite(ends).all():
            raise _refused(
                f"the scale of {name} is not stated",
                "state it: Survey(frame, scale=(1, 7))",
            )
        first = stages.where(stage=CHAIN[0])
        if ends != (first["minimum"][0], first["maximum"][0]):
            raise _refused(
                f"{name} is on {ends[0]:g}-{ends[1]:g}, expectation on "
                f"{first['minimum'][0]:g}-{first['maximum'][0]:g}",
                "ask every stage on the customers' scale",
            )
