"""From answers to moments: grouping, weights, missing answers."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, FloatArray, IntArray, MissingPolicy
from satmetrics.errors import MissingDataWarning, OptionError
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.moments import Moments
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey, as_survey

MANY_LOST = 0.2
"""A listwise loss above this share of rows is worth a warning."""


def from_answers(
    data: object,
    items: Sequence[str] | None,
    *,
    by: str | Sequence[str] | None,
    weights: str | None,
    missing: MissingPolicy,
    acov: bool,
) -> Moments:
    """Compute moments of answers; see `Moments.from_frame`."""
    survey = _weighted(as_survey(data), weights)
    names = tuple(items) if items is not None else survey.items
    answers = survey.answers(names)
    treated = treat_missing(answers, names, missing, survey.weights)
    context = survey.context_for(names).plus(*treated.exclusions)
    _warn_of_loss(treated.keep, missing)
    codes, keys = _grouping(survey, by)
    reasons = _absent_items(names, answers, codes, keys)
    kept = codes[treated.keep]
    lost = Exclusion(f"no value of {by}", int((kept < 0).sum()))
    w = None if survey.weights is None else survey.weights[treated.keep]
    build = _pairwise if missing == "pairwise" else _complete
    moments = build(names, treated.values, w, kept, keys, context.plus(lost))
    moments = dataclasses.replace(
        moments,
        reasons=_unpaired(moments, reasons),
        acov=_acov(treated.values, w, kept, len(reasons)) if acov else None,
    )
    return moments if by is not None else moments.group(0)


def _weighted(survey: Survey, weights: str | None) -> Survey:
    if weights is None:
        return survey
    if not isinstance(weights, str):
        raise OptionError(
            f"weights={weights!r} is not a column name",
            code="bad-weights",
            column="weights",
            remedy="put the weights in a column and name it",
        )
    return survey.with_roles(weight=weights)


def _warn_of_loss(keep: AnyArray, missing: MissingPolicy) -> None:
    lost = int((~keep).sum())
    if missing == "listwise" and lost > MANY_LOST * len(keep):
        warnings.warn(
            f"{lost} of {len(keep)} rows have a missing answer and are left out; "
            'missing="pairwise" would use their other answers',
            MissingDataWarning,
            stacklevel=4,
        )


def _grouping(
    survey: Survey, by: str | Sequence[str] | None
) -> tuple[IntArray, Table | None]:
    if by is None:
        return np.zeros(survey.n, dtype=np.int64), None
    return survey.groups(by)


def _complete(
    names: tuple[str, ...],
    X: FloatArray,
    weights: FloatArray | None,
    codes: IntArray,
    keys: Table | None,
    context: Context,
) -> Moments:
    used = codes >= 0
    G = 1 if keys is None else len(keys)
    w = np.ones(len(X)) if weights is None else weights
    filled = np.where(used[:, None], X, 0.0)
    shift = filled[used].mean(axis=0) if used.any() else np.zeros(X.shape[1])
    Z = filled - shift
    sums = kernel.moments_of_sums(kernel.group_sums(Z, w, codes, G), shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = sums.weight_sum**2 / sums.weight_sq
    taylor = None if weights is None else _taylor(Z, w, codes, sums, sums.mean - shift)
    return Moments(
        names=names,
        n=np.rint(sums.n).astype(np.int64),
        mean=sums.mean,
        cov=sums.cov,
        n_eff=n_eff,
        weight_sum=sums.weight_sum,
        taylor=taylor,
        keys=keys,
        context=context,
    )


def _taylor(
    Z: FloatArray, w: FloatArray, codes: IntArray, sums: kernel.Sums, m: FloatArray
) -> FloatArray:
    """Covariance of weighted means: n/(n−1) Σ w²(z−m)(z−m)ᵀ / (Σw)²."""
    p = Z.shape[1]
    T = kernel.group_sums(Z, w * w, codes, len(m))
    first = T[:, kernel.HEAD : kernel.HEAD + p]
    second = T[:, kernel.HEAD + p :][:, kernel.square(p)]
    cross = first[:, :, None] * m[:, None, :]
    middle = second - cross - np.swapaxes(cross, 1, 2)
    middle = middle + T[:, 1, None, None] * m[:, :, None] * m[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = sums.n / (sums.n - 1) / sums.weight_sum**2
    return np.asarray(middle * np.where(sums.n > 1, factor, np.nan)[:, None, None])


def _pairwise(
    names: tuple[str, ...],
    X: FloatArray,
    weights: FloatArray | None,
    codes: IntArray,
    keys: Table | None,
    context: Context,
) -> Moments:
    G = 1 if keys is None else len(keys)
    w = np.ones(len(X)) if weights is None else weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        shift = np.nan_to_num(np.nanmean(X, axis=0))
    sums = kernel.pairwise(X - shift, w, codes, G, shift)
    complete = np.nan_to_num(sums.cov)
    indefinite = int((np.linalg.eigvalsh(complete)[:, 0] < -1e-10).sum())
    note = f"{indefinite} pairwise covariance matrices are not positive semi-definite"
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = sums.weight_sum**2 / sums.weight_sq
        mean_cov = _pairwise_mean_cov(sums.cov, sums.pair_n)
    return Moments(
        names=names,
        n=np.rint(sums.n).astype(np.int64),
        mean=sums.mean,
        cov=sums.cov,
        n_eff=n_eff,
        weight_sum=sums.weight_sum,
        taylor=mean_cov * (sums.n / n_eff)[:, None, None],
        pair_n=sums.pair_n,
        kind="pairwise",
        keys=keys,
        context=context.plus(notes=(note,) if indefinite else ()),
    )


def _pairwise_mean_cov(cov: FloatArray, pair_n: FloatArray) -> FloatArray:
    """Covariance of available-case means: cov_ij n_ij / (n_i n_j)."""
    own = np.diagonal(pair_n, axis1=-2, axis2=-1)
    return np.asarray(cov * pair_n / (own[:, :, None] * own[:, None, :]))


def _absent_items(
    names: tuple[str, ...], answers: FloatArray, codes: IntArray, keys: Table | None
) -> tuple[str, ...]:
    G = 1 if keys is None else len(keys)
    seen = np.zeros((G, len(names)), dtype=np.int64)
    used = codes >= 0
    np.add.at(seen, codes[used], np.isfinite(answers[used]).astype(np.int64))
    reasons = []
    for g in range(G):
        empty = [names[j] for j in np.flatnonzero(seen[g] == 0)]
        reasons.append(f"no answers to {', '.join(empty[:5])}" if empty else "")
    return tuple(reasons)


def _unpaired(moments: Moments, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Name, per group, the first two items that nobody answered together."""
    if moments.pair_n is None:
        return reasons
    out = list(reasons)
    for g, i, j in np.argwhere(moments.pair_n < 2):
        if not out[g]:
            first, second = moments.names[i], moments.names[j]
            out[g] = f"fewer than two rows answer both {first} and {second}"
    return tuple(out)


def _acov(
    X: FloatArray, weights: FloatArray | None, codes: IntArray, n_groups: int
) -> FloatArray:
    """Covariance of (mean, vech cov) from each row's influence; groups one by one.

    The product of q columns per group is one BLAS call; a batched form would need
    rows × q² numbers at once.
    """
    p = X.shape[1]
    i, j = np.triu_indices(p)
    w = np.ones(len(X)) if weights is None else weights
    out = np.empty((n_groups, p + len(i), p + len(i)))
    for g in range(n_groups):
        rows = codes == g
        v = w[rows] / w[rows].sum()
        Z = X[rows] - v @ X[rows]
        products = Z[:, i] * Z[:, j]
        influence = np.hstack([Z, products - v @ products]) * v[:, None]
        n = rows.sum()
        out[g] = influence.T @ influence * (n / (n - 1))
    return out
