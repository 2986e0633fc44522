"""From answers to moments: grouping, weights, missing answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from satmetrics._checks import either
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray, MissingPolicy
from satmetrics.errors import DataError, OptionError
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.built import built, middle, warn_of_loss
from satmetrics.moment.designs import Sampled, sampled_rows, with_design
from satmetrics.moment.em import em_groups, require_identified
from satmetrics.moment.from_columns import large_groups, one_group
from satmetrics.moment.moments import Moments
from satmetrics.moment.polychoric import (
    OrdinalUnits,
    check_categories,
    ordered_items,
    scaled,
)
from satmetrics.moment.products import Products
from satmetrics.moment.streamed import LARGE
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey, as_survey

FILLED = (
    "missing answers were filled with item means and count as observed: "
    "standard errors are too small"
)


def from_answers(
    data: object,
    items: Sequence[str] | None,
    *,
    by: str | Sequence[str] | None,
    weights: str | None,
    missing: MissingPolicy,
    acov: bool,
    products: Products | None = None,
    ordinal: bool | Sequence[str] = False,
) -> Moments:
    """Compute moments of answers, and of products; see `Moments.from_frame`."""
    survey = _weighted(as_survey(data, borrow=True), weights)
    names = tuple(items) if items is not None else survey.items
    ordered = ordered_items(ordinal, names)
    _check_options(missing, ordered, acov=acov)
    if by is None and _streams(names, missing, products, ordered, acov=acov):
        return one_group(survey, names, missing)
    codes, keys = _grouping(survey, by)
    if keys is not None and not len(keys):
        raise no_groups(by)
    plain = _streams(names, missing, products, ordered, acov=acov)
    if plain and keys is not None and len(keys) * LARGE <= survey.n:
        return large_groups(survey, names, missing, codes, keys, by)
    answers = survey.answers(names)
    check_categories(names, answers, ordered)
    treated = treat_missing(answers, names, missing, survey.weights)
    warn_of_loss(int((~treated.keep).sum()), survey.n, missing, stacklevel=4)
    reasons = _absent_items(names, answers, codes, keys)
    keep = treated.keep
    w = None if survey.weights is None else survey.weights[keep]
    rows = _rows(answers[keep], w, codes[keep], len(reasons))
    sampled = sampled_rows(survey, np.flatnonzero(keep))
    whole = not np.isnan(rows.Z).any()
    if missing == "mean":
        rows = rows.filled()
    keyless = Exclusion(f"no value of {either(by)}", int((rows.codes < 0).sum()))
    context = survey.context_for(names).plus(*treated.exclusions, keyless)
    if missing == "mean" and np.isnan(answers[keep]).any():
        context = context.plus(notes=(FILLED,))
    if products is not None:
        rows, names = rows.beside(products, names), (*names, *products.names)
    rows = dataclasses.replace(rows, sampled=sampled)
    em = missing == "em" and not whole
    make = _pairwise if missing == "pairwise" else _complete
    make = partial(_em, acov=acov) if em else make
    moments = make(names, rows, keys, context)
    if acov and not em:
        moments = dataclasses.replace(moments, acov=_acov(rows))
    moments = with_design(moments, sampled, rows.codes, rows.weighted_column)
    if ordered:
        moments = _ordered(names, rows, moments, ordered)
    moments = dataclasses.replace(moments, reasons=_unpaired(moments, reasons))
    return moments if by is not None else _only(moments)


def _only(moments: Moments) -> Moments:
    """Return the one group of a batch, whose moments must be identified."""
    single = moments.group(0)
    if single.kind in ("em", "polychoric"):
        require_identified(single)
    return single


def _check_options(
    missing: MissingPolicy, ordered: tuple[str, ...], *, acov: bool
) -> None:
    if acov and (missing == "pairwise" or ordered):
        other = "ordinal items" if ordered else 'missing="pairwise"'
        raise OptionError(
            f"acov=True and {other} do not go together",
            code="no-acov",
            column="acov",
            remedy='use missing="listwise" without ordinal=',
        )
    if ordered and missing in ("mean", "em"):
        raise OptionError(
            f"missing={missing!r} and ordinal items do not go together: a mean is no "
            "category, and the normal distribution of EM is not that of categories",
            code="ordinal-missing",
            column="missing",
            value=missing,
            remedy='use missing="listwise", or "pairwise" for the tables of all rows '
            "that answer both items",
        )


def _streams(
    names: tuple[str, ...],
    missing: MissingPolicy,
    products: Products | None,
    ordered: tuple[str, ...],
    *,
    acov: bool,
) -> bool:
    """Return whether sums over complete rows are all that is asked for."""
    plain = bool(names) and products is None and not ordered and not acov
    return plain and missing in ("listwise", "error")


@dataclass(frozen=True)
class _Rows:
    """Answers less the mean of their group, so that nothing cancels.

    Attributes
    ----------
    Z : (U, p) centred answers; NaN is a missing one.
    w : (U,)
    weighted : whether the survey has weights.
    codes : (U,), −1 for rows of no group.
    means : (G, p), weighted means of the answers given.
    sampled : clusters and strata, where the survey has them.
    """

    Z: FloatArray
    w: FloatArray
    weighted: bool
    codes: IntArray
    means: FloatArray
    sampled: Sampled | None = None

    def beside(self, products: Products, names: tuple[str, ...]) -> _Rows:
        """Put the products of items beside the answers."""
        centre = np.where(self.codes[:, None] >= 0, self.means[self.codes], 0.0)
        answers = products.beside(self.Z + centre, names)
        w = self.w if self.weighted else None
        return _rows(answers, w, self.codes, len(self.means))

    def weighted_column(self, j: int) -> FloatArray:
        """Return the centred answers (U,) to item j times their weights."""
        return np.asarray(self.Z[:, j] * self.w)

    def filled(self) -> _Rows:
        """Put the mean of the group where an answer is missing and there is a mean."""
        known = np.isfinite(self.means)[self.codes]
        return dataclasses.replace(
            self, Z=np.where(np.isnan(self.Z) & known, 0, self.Z)
        )


def _rows(
    answers: FloatArray, weights: FloatArray | None, codes: IntArray, n_groups: int
) -> _Rows:
    w = np.ones(len(answers)) if weights is None else weights
    means = kernel.group_means(answers, w, codes, n_groups)
    centre = np.where(codes[:, None] >= 0, means[codes], 0.0)
    return _Rows(answers - centre, w, weights is not None, codes, means)


def _weighted(survey: Survey, weights: str | None) -> Survey:
    column = column_word(weights)
    return survey if column is None else survey.with_roles(weight=column)


def column_word(weights: object) -> str | None:
    """Return the name of the weight column, or raise if it is no name."""
    if weights is None or isinstance(weights, str):
        return weights
    raise OptionError(
        f"weights={weights!r} is not a column name",
        code="bad-weights",
        column="weights",
        remedy="put the weights in a column and name it",
    )


def no_groups(by: object) -> DataError:
    """Return the error for keys that no row has."""
    return DataError(
        f"no row has a value of {either(by)}",
        code="no-groups",
        value=by,
        remedy="name a column that tells the groups apart",
    )


def _grouping(
    survey: Survey, by: str | Sequence[str] | None
) -> tuple[IntArray, Table | None]:
    if by is None:
        return np.zeros(survey.n, dtype=np.int64), None
    return survey.groups(by)


def _complete(
    names: tuple[str, ...],
    rows: _Rows,
    keys: Table | None,
    context: Context,
) -> Moments:
    """Moments of complete rows, group by group."""
    G = len(rows.means)
    shift = np.nan_to_num(rows.means)
    used = rows.codes >= 0
    Z = np.where(used[:, None], rows.Z, 0.0)
    sums = kernel.moments_of_sums(kernel.group_sums(Z, rows.w, rows.codes, G), shift)
    taylor = _taylor(Z, rows, sums) if rows.weighted else None
    return built(names, sums, keys, context, taylor=taylor)


def _taylor(Z: FloatArray, rows: _Rows, sums: kernel.Sums) -> FloatArray:
    """Covariance of weighted means: n/(n−1) Σ w² z zᵀ / (Σw)², z about the mean."""
    return middle(kernel.group_sums(Z, rows.w**2, rows.codes, len(sums.n)), sums)


def _pairwise(
    names: tuple[str, ...],
    rows: _Rows,
    keys: Table | None,
    context: Context,
) -> Moments:
    """Moments of the pairs of answers that were both given."""
    G = len(rows.means)
    sums = kernel.pairwise(rows.Z, rows.w, rows.codes, G, np.nan_to_num(rows.means))
    indefinite = int((np.linalg.eigvalsh(np.nan_to_num(sums.cov))[:, 0] < -1e-10).sum())
    note = f"{indefinite} pairwise covariance matrices are not positive semi-definite"
    context = context.plus(notes=(note,) if indefinite else ())
    made = built(names, sums, keys, context, taylor=sums.taylor)
    return dataclasses.replace(made, pair_n=sums.pair_n, kind="pairwise")


def _em(
    names: tuple[str, ...],
    rows: _Rows,
    keys: Table | None,
    context: Context,
    *,
    acov: bool,
) -> Moments:
    """Maximum likelihood moments of incomplete answers, group by group."""
    shift = np.nan_to_num(rows.means)
    members = [np.flatnonzero(rows.codes == g) for g in range(len(shift))]
    groups = [(rows.Z[at], rows.w[at], shift[g]) for g, at in enumerate(members)]
    designs = None
    if rows.sampled is not None:
        designs = [rows.sampled.take(at) for at in members]
    made, notes = em_groups(names, groups, acov=acov, designs=designs)
    return dataclasses.replace(made, keys=keys, context=context.plus(notes=notes))


def _ordered(
    names: tuple[str, ...], rows: _Rows, moments: Moments, ordered: tuple[str, ...]
) -> Moments:
    """Put polychoric and polyserial correlations in the place of others.

    Means and standard deviations stay those of the answers.
    """
    mask = np.isin(names, ordered)
    correlations, reasons = [], []
    for g, shift in enumerate(np.nan_to_num(rows.means)):
        at = rows.codes == g
        units = OrdinalUnits(names, shift, rows.Z[at], rows.w[at], ordinal=mask)
        R, why = units.whole if at.any() else (np.full_like(moments.cov[g], np.nan), "")
        correlations.append(R)
        reasons.append(why)
    cov = scaled(np.stack(correlations), moments.cov)
    indefinite = int((np.linalg.eigvalsh(np.nan_to_num(cov))[:, 0] < -1e-10).sum())
    notes = (
        f"polychoric correlations in two steps (Olsson 1979) of {len(ordered)} ordered "
        "items; means and standard deviations are those of the answers",
        f"{indefinite} matrices of polychoric correlations are not positive "
        "semi-definite",
    )
    return dataclasses.replace(
        moments,
        cov=cov,
        taylor=moments.mean_cov,
        kind="polychoric",
        reasons=tuple(reasons),
        context=moments.context.plus(notes=notes if indefinite else notes[:1]),
    )


def _absent_items(
    names: tuple[str, ...], answers: FloatArray, codes: IntArray, keys: Table | None
) -> tuple[str, ...]:
    G = 1 if keys is None else len(keys)
    seen = np.zeros((G, len(names)), dtype=np.int64)
    used = codes >= 0
    for j in range(len(names)):
        there = codes[used & np.isfinite(answers[:, j])]
        seen[:, j] = np.bincount(there, minlength=G)
    reasons = []
    for g in range(G):
        empty = [names[j] for j in np.flatnonzero(seen[g] == 0)]
        reasons.append(f"no answers to {', '.join(empty[:5])}" if empty else "")
    return tuple(reasons)


def _unpaired(moments: Moments, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Name, per group, the first two items that nobody answered together."""
    out = [own or given for own, given in zip(reasons, moments.reasons, strict=True)]
    if moments.pair_n is None:
        return tuple(out)
    for g, i, j in np.argwhere(moments.pair_n < 2):
        if not out[g]:
            first, second = moments.names[i], moments.names[j]
            out[g] = f"fewer than two rows answer both {first} and {second}"
    return tuple(out)


def _acov(rows: _Rows) -> FloatArray:
    """Covariance of (mean, vech cov) from each row's influence; groups one by one.

    The product of q columns per group is one BLAS call; a batched form would need
    rows × q² numbers at once. A group of one row has none (NaN).
    """
    p = rows.Z.shape[1]
    i, j = np.triu_indices(p)
    out = np.full((len(rows.means), p + len(i), p + len(i)), np.nan)
    for g in range(len(rows.means)):
        here = rows.codes == g
        n = int(here.sum())
        if n < 2:
            continue
        v = rows.w[here] / rows.w[here].sum()
        Z = rows.Z[here]
        products = Z[:, i] * Z[:, j]
        influence = np.hstack([Z, products - v @ products]) * v[:, None]
        out[g] = (
            influence.T @ influence * (n / (n - 1))
            if rows.sampled is None
            else rows.sampled.take(np.flatnonzero(here)).covariance(
                iter(influence.T), np.zeros(n, dtype=np.int64), 1
            )[0]
        )
    return out
