"""Errors of indices over sampled units of several rows, or that groups share.

Scores of respondents are linear in their answers once weights are fixed, so each index
is a weighted mean of scores and its error follows from the design of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment._across import Cells
from satmetrics.moment._blocks import membership
from satmetrics.moment._column_means import Rows, influences
from satmetrics.moment._linked import linked
from satmetrics.moment.people import by_people
from satmetrics.survey.missing import complete_rows
from satmetrics.survey.survey import Survey

INDEPENDENT = (
    "respondents or clusters may be in several groups; with {} errors of groups are "
    "taken as independent"
)


@dataclass(frozen=True, eq=False)
class ItemRows:
    """Complete answers of a survey, one array per item.

    Attributes
    ----------
    columns : P arrays (N,), all rows of the survey.
    kept : positions of the rows used; None for all.
    rows : groups, weights and sampled units of the rows used.
    words : how respondents were sampled; empty where rows were sampled singly.
    notes : what to say of people with several rows.
    """

    columns: tuple[FloatArray, ...]
    kept: IntArray | None
    rows: Rows
    words: str = ""
    notes: tuple[str, ...] = ()

    def column(self, j: int) -> FloatArray:
        """Return the answers to item j in the rows used."""
        whole = self.columns[j]
        return whole if self.kept is None else whole[self.kept]

    def degrees(self) -> FloatArray:
        """Return sampled units less strata of each group (G,); NaN below 1."""
        if self.rows.unit is None:
            n = self.rows.total()
            return np.where(n > 1, n - 1, np.nan)
        every = np.ones(len(self.rows.codes), dtype=np.bool_)
        return Cells.of(self.rows).own_degrees(every)


def row_wise(fit: StructuralFit) -> bool:
    """Return whether the fit's moments are sums over complete rows."""
    return not unlike_rows(fit)


def unlike_rows(fit: StructuralFit) -> str:
    """Return what keeps the fit's moments from being sums over complete rows, or ""."""
    how = fit.sampling
    if how.ordinal:
        return "polychoric correlations"
    if how.products:
        return "products of items"
    return "" if how.missing in ("listwise", "error") else f"missing={how.missing!r}"


def item_rows(
    fit: StructuralFit, survey: Survey, codes: IntArray, n_groups: int
) -> ItemRows:
    """Return the complete rows of the fit's items that belong to a group.

    Parameters
    ----------
    codes : (N,) group of each row of the survey, −1 for none.
    """
    names = fit.source.names
    columns = survey.answer_columns(names)
    kept = complete_rows(columns, names, "listwise").rows
    if (codes < 0).any():
        whole = np.arange(survey.n) if kept is None else kept
        kept = whole[codes[whole] >= 0]
    here = codes if kept is None else codes[kept]
    w = survey.weights
    w = w if w is None or kept is None else w[kept]
    rows = Rows(here, n_groups, w, *_units(survey, kept))
    people = by_people(survey, rows, kept)
    words = survey.design().words
    if people is None:
        return ItemRows(columns, kept, rows, words)
    said = words if people.words is None else people.words
    return ItemRows(columns, kept, people.rows, said, people.notes)


def _units(
    survey: Survey, kept: IntArray | None
) -> tuple[IntArray | None, IntArray | None]:
    from satmetrics.moment.designs import sampled_rows

    sampled = sampled_rows(survey, kept)
    return (None, None) if sampled is None else (sampled.unit, sampled.strata)


def coefficients(
    fit: StructuralFit, weights: FloatArray, ends: FloatArray, which: IntArray
) -> FloatArray:
    """Return what a point more in each item of the data adds to an index (…, k, P).

    Parameters
    ----------
    weights : (p,) or (G, p) of the indicators as given.
    ends : (2, p) of their scales.
    which : positions of k constructs.
    """
    owner, q = fit.model.owner(), len(fit.model.names)
    turned = {item for c in fit.model.constructs for item in c.reverse}
    sign = np.array([-1.0 if i in turned else 1.0 for i in fit.model.indicators])
    M = membership(owner, q)[:, which]
    span = (weights * (ends[1] - ends[0])) @ M
    a = np.swapaxes((weights * sign)[..., None] * M, -1, -2)
    with np.errstate(divide="ignore", invalid="ignore"):
        a = 100 * a / span[..., None]
    if fit.staged is None:
        return np.asarray(a)
    return np.asarray(a @ fit.staged.matrix)


@dataclass(frozen=True, eq=False)
class Designed:
    """Errors of k indices in G groups.

    Attributes
    ----------
    std_error, df : (G, k)
    pairs : (m, 2) positions in the ravelled (G, k) of figures that covary.
    covariance : (m,)
    """

    std_error: FloatArray
    df: FloatArray
    pairs: IntArray
    covariance: FloatArray


def designed_errors(read: ItemRows, a: FloatArray) -> Designed:
    """Return the errors of indices over the sampled units of the rows.

    Parameters
    ----------
    a : (k, P) or (G, k, P), see `coefficients`.
    """
    rows, cells = read.rows, Cells.of(read.rows)
    k = a.shape[-2]
    df = cells.own_degrees(np.ones(len(rows.codes), dtype=np.bool_))
    found = [
        linked(list(influences([_score(read, a[..., j, :])], rows)), df[:, None], cells)
        for j in range(k)
    ]
    return Designed(
        np.sqrt(np.concatenate([own.variance for own in found], axis=1)),
        np.repeat(np.where(np.isnan(df), np.inf, df)[:, None], k, axis=1),
        np.concatenate([own.pairs * k + j for j, own in enumerate(found)]),
        np.concatenate([own.covariance for own in found]),
    )


def _score(read: ItemRows, a: FloatArray) -> FloatArray:
    """Return ``Σ a x`` (n,) of the rows; a is (P,) or (G, P)."""
    codes = read.rows.codes
    total = np.zeros(len(codes))
    for s in range(a.shape[-1]):
        share = a[..., s]
        if not np.any(share):
            continue
        total += read.column(s) * (share if a.ndim == 1 else share[codes])
    return total
