"""How often encounters meet the standards of a blueprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import FloatArray
from satmetrics.errors import SpecificationError
from satmetrics.gap._pooled import pooled_shares
from satmetrics.gap.design import Design
from satmetrics.gap.five.steps import Step
from satmetrics.gap.forms import FormAnswers, read_forms
from satmetrics.survey.survey import as_survey

LABELS = ("level", "dimension", "step")
DIRECTION = (
    "share of encounters that meet the standard: 1 is best; gap 3 is 1 − this share"
)


@dataclass(frozen=True, eq=False, repr=False)
class ConformanceResult(TableResult):
    """Shares of encounters that meet standards, with Wilson limits.

    Attributes
    ----------
    table : the `by` columns, ``level`` ("step", "dimension", "overall"),
        ``dimension, step, n`` (encounters, or measured steps of them), ``estimate``
        (share that meets the standard), ``std_error, conf_low, conf_high, successes``
        (the share times n), ``n_eff, fail_point, standard, reason``.
    level : confidence level.
    by : the group columns.
    weighted : whether weights of encounters were used.
    name : of the blueprint.
    context : origin, and what was left out.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    weighted: bool = False
    name: str = ""

    def summary(self) -> Summary:
        """Return shares by step, dimension and overall."""
        keys = {name: name for name in self.by}
        words = {
            "standard": "standard",
            "n": "n",
            "estimate": "share met",
            "conf_low": "low",
            "conf_high": "high",
        }
        parts = [
            section(level.capitalize(), part, {**keys, level: level, **words})
            for level in ("step", "dimension", "overall")
            if len(part := self.table.where(level=level))
        ]
        return Summary(
            f"Conformance to the standards of {self.name}",
            (*self.context.facts(), ("level", f"{self.level:g}")),
            tuple(parts),
            (
                DIRECTION,
                "Wilson limits with n effective: weights, clusters and the steps of "
                "one encounter are allowed for",
                *self.context.sentences(),
            ),
        )


def conformance(
    steps: Sequence[Step],
    encounters: object,
    *,
    by: str | Sequence[str] | None,
    level: float,
    name: str,
) -> ConformanceResult:
    """Compute what `Blueprint.conformance` describes."""
    check_level(level)
    pairs = [(s, own) for s in steps if (own := s.measured_standard()) is not None]
    measured, standards = [s for s, _ in pairs], [own for _, own in pairs]
    if not measured:
        raise nothing_measured(name)
    columns = tuple(dict.fromkeys(standard.column for standard in standards))
    survey = as_survey(encounters)
    answers = read_forms(survey, Design(columns, {"encounter": columns}), by=by)
    values = dict(zip(columns, answers["encounter"], strict=True))
    met = [standard.met(values[standard.column]) for standard in standards]
    table = _table(measured, met, answers, level)
    lost = [
        Exclusion("not measured", int(np.isnan(x).sum()), "encounters", s.id)
        for s, x in zip(measured, met, strict=True)
    ]
    context = answers.context.plus(*lost, notes=answers.error_note())
    weighted = answers.weighted
    return ConformanceResult(table, context, level, answers.by, weighted, name)


def nothing_measured(name: str) -> SpecificationError:
    """Return the fault of a blueprint none of whose standards names a column."""
    return SpecificationError(
        f"no standard of blueprint {name!r} names a column",
        code="nothing-measured",
        remedy="give a standard its column, comparison and target",
    )


def _table(
    steps: Sequence[Step],
    met: Sequence[FloatArray],
    answers: FormAnswers,
    level: float,
) -> Table:
    """Lay out shares as rows: steps, dimensions, overall, group by group."""
    blocks, labels = _blocks(steps)
    found = pooled_shares(
        [[met[k] for k in block] for block in blocks], answers.rows, level
    )
    G, K = found.n.shape
    data = {
        "n": found.n.astype(np.int64),
        **found.columns(),
        "reason": np.where(found.n == 0, "no encounter measured here", "").astype(
            object
        ),
    }
    keys = answers.key_columns(K, (*labels, *data))
    return Table.of(
        {
            **keys,
            **{k: np.tile(np.asarray(v), G) for k, v in labels.items()},
            **{k: v.ravel() for k, v in data.items()},
        },
        keys=(*keys, *LABELS),
    )


def _blocks(
    steps: Sequence[Step],
) -> tuple[list[list[int]], dict[str, Sequence[object]]]:
    """Return which steps make each row, and the rows' labels."""
    named = list(dict.fromkeys(s.dimension for s in steps if s.dimension))
    blocks = [[k] for k in range(len(steps))]
    blocks += [[k for k, s in enumerate(steps) if s.dimension == d] for d in named]
    blocks.append(list(range(len(steps))))
    D = len(named)
    labels: dict[str, Sequence[object]] = {
        "level": ["step"] * len(steps) + ["dimension"] * D + ["overall"],
        "dimension": [*(s.dimension for s in steps), *named, ""],
        "step": [*(s.id for s in steps), *[""] * (D + 1)],
        "fail_point": [any(steps[k].fail_point for k in block) for block in blocks],
        "standard": [*(str(s.standard) for s in steps), *[""] * (D + 1)],
    }
    return blocks, labels
