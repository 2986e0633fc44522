"""Sample moments are sums over respondents: they add and subtract."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.moment.moments import Moments


def combine(one: Moments, other: Moments, sign: int) -> Moments:
    """Add (+1) or take away (−1) the sums behind two sets of moments."""
    _check_combination(one, other)
    other = other.select(one.names)
    shift = one.mean
    sums = [_raw(m, shift) for m in (one, other)]
    total = [a + sign * b for a, b in zip(*sums, strict=True)]
    n, W, W2, first, second = total
    if (np.asarray(n) < 0).any() or (np.asarray(W) <= 0).any():
        raise DataError("nobody would be left", code="empty-moments")
    m = first / W[..., None]
    divisor = W - W2 / W
    cov = second - first[..., :, None] * m[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = cov / np.where(divisor > 1e-9 * W, divisor, np.nan)[..., None, None]
    rows = np.asarray(n)
    return dataclasses.replace(
        one,
        n=np.rint(rows).astype(np.int64),
        mean=shift + m,
        cov=cov,
        n_eff=W**2 / W2,
        weight_sum=W,
        taylor=None,
        acov=None,
    )


def _raw(m: Moments, shift: FloatArray) -> tuple[Any, ...]:
    W = np.asarray(m.weight_sum, dtype=np.float64)
    W2 = W**2 / m.n_eff
    d = m.mean - shift
    first = W[..., None] * d
    second = m.cov * (W - W2 / W)[..., None, None]
    second = np.nan_to_num(second) + first[..., :, None] * d[..., None, :]
    return np.asarray(m.n), W, W2, first, second


def _check_combination(one: Moments, other: Moments) -> None:
    for m in (one, other):
        if m.kind != "sample":
            raise DataError(
                f"{m.kind} moments cannot be merged or subtracted",
                code="not-sample-moments",
                value=m.kind,
                remedy="compute them again from the answers",
            )
    if set(one.names) != set(other.names):
        odd = sorted(set(one.names) ^ set(other.names))
        raise DataError(
            f"the two sets of moments differ in items: {odd[:5]}",
            code="different-items",
            value=tuple(odd),
            remedy="select() the common items first",
        )
    if one.batch_shape != other.batch_shape:
        raise DataError("the two batches differ in size", code="bad-shape")
