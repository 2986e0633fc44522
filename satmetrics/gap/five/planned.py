"""What explains which gap, over which rows, and how reliable the rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import (
    columns_present,
)
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.gap.five.antecedents import antecedents_of
from satmetrics.gap.five.regressed import (
    MIN_UNITS,
    Problem,
)
from satmetrics.gap.five.units import UnitGaps

WEIGHTS = ("none", "precision", "respondents")


def gap_predictors(
    units: UnitGaps, predictors: Sequence[int] | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the gaps that explain gap 5, and what is absent."""
    there = tuple(k for k in units.gaps if k < 5)
    if 5 not in units.gaps or not there:
        lacking = "gap 5" if 5 not in units.gaps else "any of gaps 1 to 4"
        raise DataError(
            f"the table of gaps is without {lacking}",
            code="no-gap",
            column="gap",
            value=units.gaps,
            remedy=f"it has gaps {', '.join(map(str, units.gaps)) or 'none'}",
        )
    if predictors is None:
        absent = [str(k) for k in range(1, 5) if k not in there]
        notes = (f"gaps not among the data: {', '.join(absent)}",) if absent else ()
        return there, notes
    chosen = tuple(predictors)
    wrong = [k for k in chosen if k not in units.gaps or k == 5]
    if wrong or not chosen:
        raise DataError(
            f"predictors={list(chosen)!r}: gap {wrong[0] if wrong else '?'} cannot "
            "explain gap 5 here",
            code="no-gap",
            column="predictors",
            value=chosen,
            remedy=f"choose among {', '.join(map(str, there))}",
        )
    return chosen, ()


def row_weights(units: UnitGaps, weights: str) -> FloatArray:
    """Return weights of the rows, NaN where there is none."""
    if weights == "none":
        return np.ones(len(units.table))
    name = "gap5_std_error" if weights == "precision" else "gap5_n"
    columns_present([name], units.table.names, where="the table of gaps")
    values = units.column(name)
    with np.errstate(divide="ignore"):
        w = values if weights == "respondents" else 1 / values**2
    return np.where(np.isfinite(w) & (w > 0), w, np.nan)


def problem_of(
    units: UnitGaps,
    target: str,
    sources: tuple[str, ...],
    columns: Sequence[FloatArray],
    w: FloatArray,
    floor: int,
) -> tuple[Problem, Exclusion]:
    """Return the complete rows, and how many are left out."""
    Z = np.column_stack(columns)
    whole = np.isfinite(Z).all(axis=1) & np.isfinite(w)
    kept = int(whole.sum())
    codes = units.codes[whole]
    if len(np.unique(codes)) < MIN_UNITS:
        raise DataError(
            f"{target}: {len(np.unique(codes))} units have every figure that is needed",
            code="too-few-units",
            column=target,
            value=kept,
            remedy=f"even a correlation needs {MIN_UNITS}"
            + "".join(
                f"; figures of {name} are missing"
                for name, column in zip((*sources, target), columns, strict=True)
                if not np.isfinite(column).all()
            ),
        )
    lost = Exclusion("a figure is missing", len(Z) - kept, "rows", target)
    scaled = w[whole] / w[whole].mean()
    clustered = units.rows == "dimension"
    return Problem(target, sources, Z[whole], codes, scaled, clustered, floor), lost


def antecedent_plan(
    units: UnitGaps, predictors: Mapping[int, Sequence[str]] | None
) -> tuple[dict[int, tuple[str, ...]], tuple[str, ...]]:
    """Return the antecedents of each gap that is there."""
    if predictors is not None:
        for gap, names in predictors.items():
            columns_present([f"gap{gap}"], units.table.names, where="the table of gaps")
            columns_present(names, units.constructs, where="the antecedents")
        return {gap: tuple(names) for gap, names in predictors.items()}, ()
    known = antecedents_of()
    plan = {
        gap: tuple(name for name in names if name in units.constructs)
        for gap, names in known.items()
        if gap in units.gaps
    }
    plan = {gap: names for gap, names in plan.items() if names}
    every = [name for gap in plan for name in known[gap]]
    if not plan:
        raise DataError(
            "no gap has antecedents in the data",
            code="no-antecedents",
            column="antecedents",
            value=units.constructs,
            remedy="name columns as in sat.quality.antecedents_of(), or give "
            "predictors={gap: columns}",
        )
    used = [name for names in plan.values() for name in names]
    absent = [name for name in every if name not in units.constructs]
    spare = [name for name in units.constructs if name not in used]
    said = {"antecedents not among the data": absent, "columns not used": spare}
    notes = [f"{what}: {', '.join(them)}" for what, them in said.items() if them]
    return plan, tuple(notes)


def reliability(units: UnitGaps, gaps: Sequence[int]) -> Table:
    """Return ``1 − mean(se²)/variance`` between rows, per gap with known errors."""
    names, values, n = [], [], []
    for k in gaps:
        if f"gap{k}_std_error" not in units.table:
            continue
        y, se = units.column(f"gap{k}"), units.column(f"gap{k}_std_error")
        both = np.isfinite(y) & np.isfinite(se)
        if both.sum() < MIN_UNITS or not np.ptp(y[both]) > 0:
            continue
        names.append(f"gap {k}")
        values.append(max(0.0, 1 - float((se[both] ** 2).mean() / y[both].var(ddof=1))))
        n.append(int(both.sum()))
    k = len(names)
    return Table.of(
        {
            "target": np.full(k, "", dtype=object),
            "source": np.array(names, dtype=object),
            "term": np.full(k, "reliability", dtype=object),
            "n": np.array(n, dtype=np.int64),
            "estimate": np.array(values),
        }
    )


def beyond(problem: Problem) -> tuple[str, ...]:
    """Say where closing a gap goes beyond what any row shows."""
    notes = []
    for name, x in zip(problem.sources, problem.Z.T, strict=False):
        low, high = float(x.min()), float(x.max())
        if not low <= 0 <= high:
            notes.append(
                f"{name}: zero lies outside what these units show ({low:.2f} to "
                f"{high:.2f}); its change extrapolates"
            )
    return tuple(notes)
