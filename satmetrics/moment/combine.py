"""Sample moments are sums over respondents: they add and subtract."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table, stack
from satmetrics._result import Context
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.moment.moments import Moments

NOT_KNOWN = (
    "standard errors of means are not known after weighted moments were merged or "
    "subtracted: compute the moments again from the answers"
)


def combine(one: Moments, other: Moments, sign: int) -> Moments:
    """Add (+1) or take away (−1) the sums behind two sets of moments.

    Groups of a batch are matched by their keys; a merge keeps the groups of both.
    """
    _check(one, other)
    other = other.select(one.names)
    keys, at_one, at_other = _matched(one, other, sign)
    G = max(int(at_one.max(initial=-1)), int(at_other.max(initial=-1))) + 1
    shift = _shift(one, other, at_one, at_other, G)
    own, taken = _sums(one, at_one, G, shift), _sums(other, at_other, G, shift)
    total = own.plus(taken, sign)
    _check_members(total)
    weighted = not (_unweighted(one) and _unweighted(other))
    made = total.moments(one.names, shift)
    nothing = np.full_like(made.cov, np.nan)
    made = dataclasses.replace(
        made,
        keys=keys,
        taylor=nothing if weighted else None,
        context=_context(one.context, other.context, sign, weighted=weighted),
    )
    return made if one.batch_shape else made.group(0)


@dataclass(frozen=True)
class _Sums:
    """Counts (G,) and sums about a shift: W, Σw², Σwz (G, p), Σwzzᵀ (G, p, p).

    ``scale`` (G, p) is what went into the sums of squares: the size of their rounding.
    """

    n: FloatArray
    W: FloatArray
    W2: FloatArray
    first: FloatArray
    second: FloatArray
    scale: FloatArray

    def plus(self, other: _Sums, sign: int) -> _Sums:
        return _Sums(
            n=self.n + sign * other.n,
            W=self.W + sign * other.W,
            W2=self.W2 + sign * other.W2,
            first=self.first + sign * other.first,
            second=self.second + sign * other.second,
            scale=self.scale + other.scale,
        )

    def moments(self, names: tuple[str, ...], shift: FloatArray) -> Moments:
        """Return a batch of moments; rounding error left of a variance is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            m = self.first / self.W[:, None]
            cross = self.second - self.first[:, :, None] * m[:, None, :]
            index = np.arange(len(names))
            flat = np.abs(cross[:, index, index]) <= 1e-12 * self.scale
            cross[flat[:, :, None] | flat[:, None, :]] = 0.0
            divisor = self.W - self.W2 / self.W
            divisor = np.where(divisor > 1e-9 * self.W, divisor, np.nan)
            n_eff = self.W**2 / self.W2
        return Moments(
            names=names,
            n=np.rint(self.n).astype(np.int64),
            mean=shift + m,
            cov=cross / divisor[:, None, None],
            n_eff=n_eff,
            weight_sum=self.W,
        )


def _sums(m: Moments, at: IntArray, G: int, shift: FloatArray) -> _Sums:
    """Return the sums of each group, at its place among G; absent groups are zero."""
    n = np.atleast_1d(m.n).astype(np.float64)
    there = n > 0
    W = np.where(there, np.atleast_1d(m.weight_sum), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        W2 = np.where(there, W**2 / np.atleast_1d(m.n_eff), 0.0)
        divisor = np.where(there, W - W2 / W, 0.0)
    mean, cov = np.atleast_2d(m.mean), m.cov.reshape(-1, *m.cov.shape[-2:])
    d = np.where(there[:, None], mean - shift[at], 0.0)
    first = W[:, None] * d
    spread = np.where(n[:, None, None] > 1, cov, 0.0) * divisor[:, None, None]
    second = spread + first[:, :, None] * d[:, None, :]
    index = np.arange(second.shape[-1])
    parts = (n, W, W2, first, second, second[:, index, index])
    return _Sums(*(_placed(part, at, G) for part in parts))


def _shift(
    one: Moments, other: Moments, at_one: IntArray, at_other: IntArray, G: int
) -> FloatArray:
    """Return a common shift (G, p) per group: the mean of whichever has rows."""
    shift = np.zeros((G, len(one.names)))
    for m, at in ((other, at_other), (one, at_one)):
        there = np.atleast_1d(m.n) > 0
        shift[at[there]] = np.atleast_2d(m.mean)[there]
    return shift


def _placed(values: FloatArray, at: IntArray, G: int) -> FloatArray:
    """Put rows at their places among G; the other places are zero."""
    out = np.zeros((G, *values.shape[1:]))
    out[at] = values
    return out


def _matched(
    one: Moments, other: Moments, sign: int
) -> tuple[Table | None, IntArray, IntArray]:
    """Return the keys of the result and where the groups of both stand in it."""
    if one.keys is None or other.keys is None:
        if one.batch_shape != other.batch_shape or one.keys is not other.keys:
            raise DataError(
                "one of the two is a batch with keys and the other is not",
                code="different-groups",
                remedy="compute both with the same by=",
            )
        places = np.arange(max(1, int(np.prod(one.batch_shape, dtype=int))))
        return None, places, places
    if one.keys.names != other.keys.names:
        raise DataError(
            f"the groups are keyed by {one.keys.names} and by {other.keys.names}",
            code="different-groups",
            remedy="compute both with the same by=",
        )
    rows = [tuple(row.values()) for row in one.keys.rows()]
    place = {row: i for i, row in enumerate(rows)}
    found = [tuple(row.values()) for row in other.keys.rows()]
    fresh = [i for i, row in enumerate(found) if row not in place]
    if fresh and sign < 0:
        raise DataError(
            f"the group {found[fresh[0]]} is not among those to subtract from",
            code="different-groups",
            value=found[fresh[0]],
        )
    place |= {found[i]: len(rows) + k for k, i in enumerate(fresh)}
    keys = stack([one.keys, other.keys.take(np.array(fresh, dtype=np.int64))])
    at_other = np.array([place[row] for row in found], dtype=np.int64)
    return keys, np.arange(len(rows)), at_other


def _context(one: Context, other: Context, sign: int, *, weighted: bool) -> Context:
    notes = (NOT_KNOWN,) if weighted else ()
    if sign < 0:
        gone = f"{other.n_rows:,} rows were subtracted" if other.n_rows else ""
        return one.plus(notes=(*notes, *((gone,) if gone else ())))
    joined = dataclasses.replace(one, n_rows=one.n_rows + other.n_rows)
    return joined.plus(*other.exclusions, notes=(*other.notes, *notes))


def _unweighted(m: Moments) -> bool:
    return bool(np.all(np.asarray(m.n_eff) == np.asarray(m.n)))


def _check(one: Moments, other: Moments) -> None:
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


def _check_members(total: _Sums) -> None:
    index = np.arange(total.second.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        left = total.second[:, index, index] - total.first**2 / total.W[:, None]
    negative = (left < -1e-9 * total.scale).any()
    if (total.n < 0).any() or (total.W < -1e-9).any() or negative:
        raise DataError(
            "respondents to subtract are not among those of these moments",
            code="not-members",
            remedy="subtract only moments of rows that were counted here",
        )
    if not (total.n > 0).any():
        raise DataError("nobody would be left", code="empty-moments")
