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
from satmetrics.gap._paired import wilson
from satmetrics.gap.design import Design
from satmetrics.gap.five.steps import Step
from satmetrics.gap.forms import FormAnswers, read_forms
from satmetrics.moment._column_means import Rows
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
    table : the `by` columns, ``level`` ("step", "dimension", "overall"), ``dimension,
        step, n`` (encounters, or measured steps of them), ``estimate`` (share that
        meets the standard), ``std_error, conf_low, conf_high, successes`` (the share
        times n), ``n_eff, fail_point, standard, reason``.
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
    measured = [s for s in steps if s.standard is not None and s.standard.measured]
    if not measured:
        raise SpecificationError(
            f"no standard of blueprint {name!r} names a column",
            code="nothing-measured",
            remedy="give a standard its column, comparison and target",
        )
    standards = [s.standard for s in measured if s.standard is not None]
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


def _table(
    steps: Sequence[Step],
    met: Sequence[FloatArray],
    answers: FormAnswers,
    level: float,
) -> Table:
    """Lay out shares as rows: steps, dimensions, overall, group by group."""
    blocks, labels = _blocks(steps)
    figures = [
        pooled_share([met[k] for k in block], answers.rows, level) for block in blocks
    ]
    n, p, error, n_eff, low, high = (
        np.stack(part, axis=1) for part in zip(*figures, strict=True)
    )
    G, K = n.shape
    data = {
        "n": n.astype(np.int64),
        "estimate": p,
        "std_error": error,
        "conf_low": low,
        "conf_high": high,
        "successes": np.where(n > 0, p * n, 0.0),
        "n_eff": n_eff,
        "reason": np.where(n == 0, "no encounter measured here", "").astype(object),
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


def pooled_share(
    met: Sequence[FloatArray], rows: Rows, level: float
) -> tuple[FloatArray, ...]:
    """Return n, share, error, effective n and limits (G,) of steps pooled.

    ``p = Σ w s / Σ w m`` with s of m steps of an encounter met; its error is that of a
    ratio, linearised over encounters or what was sampled. The effective n is n by the
    design effect, ``deff = se² / (p(1 − p)/(n − 1))``, and at most Kish's, which it is
    for one step of singly sampled encounters, and where p is 0 or 1.
    """
    observed = np.sum([np.isfinite(x) for x in met], axis=0).astype(np.float64)
    good = np.nansum(met, axis=0)
    n = rows.total(observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        W = rows.total(rows.weighted(observed))
        p = rows.total(rows.weighted(good)) / W
        share = np.where(W > 0, 1 / W, 0.0)
        residual = good - observed * rows.spread(np.nan_to_num(p))
        influence = rows.weighted(residual) * rows.spread(share)
        variance = rows.linearised_cov([influence])[:, 0, 0]
        plain = p * (1 - p) / (n - 1)
        kish = W * W / rows.total(rows.weighted(rows.weighted(observed)))
        effect = np.where(plain > 0, variance / plain, n / kish)
        simple = rows.unit is None and len(met) == 1
        n_eff = kish if simple else np.where(effect > 0, n / effect, kish)
        n_eff = np.minimum(np.where(np.isfinite(n_eff), n_eff, kish), kish)
        error = np.sqrt(np.maximum(variance, 0.0))
    return n, p, error, n_eff, *wilson(p, n_eff, level)
