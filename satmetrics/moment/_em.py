"""Maximum likelihood of a normal mean and covariance when answers are missing.

Dempster, Laird and Rubin (1977); Little and Rubin (2002), chapter 11. Letters: Z the
answers about a shift, K the inverse of Σ, o and m what a pattern has observed and
missing. In terms of K a row's missing answers are expected at
``μ_m − K_mm⁻¹ K_mo (z_o − μ_o)`` with covariance ``K_mm⁻¹``, so that a pattern costs
the inverse of a matrix as large as what is missing, not as what is observed.

The batch axis B runs over resamples: counts (B, U) of the same U rows. A pattern of
many rows enters by its sums, the rows of small patterns by themselves; work is looped
over patterns and their sizes, never over resamples or rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import spd_inverse
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment import _kernel as kernel

LARGE = 2
"""A pattern of more than this many rows per item is summed up."""
CELLS = 2**22
"""Numbers of working memory of one part of the rows."""


def patterns_of(there: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return the different rows (K, p) of a (n, p) array, and which each row is."""
    bits = np.packbits(there, axis=1)
    keys = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), dtype=np.uint8)
    keys[:, : bits.shape[1]] = bits
    words = keys.view(np.uint64)
    at = np.zeros(len(words), dtype=np.int64)
    for word in words.T:  # 64 items at a time
        code = np.unique(word, return_inverse=True)[1].reshape(-1)
        joint = at * (int(code.max(initial=0)) + 1) + code
        at = np.unique(joint, return_inverse=True)[1].reshape(-1)
    first = np.unique(at, return_index=True)[1]
    return there[first], np.asarray(at, dtype=np.int64)


@dataclass(frozen=True)
class Part:
    """Rows of small patterns that miss equally many answers.

    Attributes
    ----------
    rows : (r,) positions among the U rows.
    Z, seen : (r, p) shifted answers (0 where missing) and 1 where answered.
    miss : (k, m) missing items of each of the k patterns.
    at : (r,) which of the k patterns a row has.
    order, starts, target : where the k·m·m numbers of K_mm⁻¹ go in a (p · p) matrix.
    """

    rows: IntArray
    Z: FloatArray
    seen: FloatArray
    miss: IntArray
    at: IntArray
    order: IntArray
    starts: IntArray
    target: IntArray


@dataclass(frozen=True)
class Block:
    """A pattern of many rows: their positions, and what is observed and missing."""

    rows: IntArray
    observed: IntArray
    missing: IntArray


@dataclass(frozen=True)
class Plan:
    """Rows sorted for EM.

    Attributes
    ----------
    Z : (U, p) answers about a shift, 0 where missing.
    w : (U,)
    seen : (K, p), True where a pattern has an answer.
    pattern : (U,) pattern of each row.
    parts, blocks : rows of small patterns, and large patterns.
    """

    Z: FloatArray
    w: FloatArray
    seen: BoolArray
    pattern: IntArray
    parts: tuple[Part, ...]
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, X: FloatArray, w: FloatArray) -> Plan:
        """Sort rows X (U, p) about a shift, NaN where missing, each with an answer."""
        there = np.isfinite(X)
        seen, pattern = patterns_of(there)
        size = np.bincount(pattern)
        Z = np.where(there, X, 0.0)
        large = size > LARGE * X.shape[1]
        blocks = tuple(
            Block(
                np.flatnonzero(pattern == k),
                np.flatnonzero(seen[k]),
                np.flatnonzero(~seen[k]),
            )
            for k in np.flatnonzero(large)
        )
        rest = np.flatnonzero(~large[pattern])
        lost = (~seen).sum(axis=1)[pattern]
        parts = []
        step = max(1, CELLS // X.shape[1] ** 2)
        for m in np.unique(lost[rest]):
            rows = rest[lost[rest] == m]
            rows = rows[np.argsort(pattern[rows], kind="stable")]
            parts += [
                _part(Z, seen, pattern, rows[k : k + step], int(m))
                for k in range(0, len(rows), step)
            ]
        return cls(Z, w, seen, pattern, tuple(parts), blocks)

    @property
    def row_cells(self) -> int:
        """Numbers one member of a batch works on."""
        p = self.Z.shape[1]
        widest = max((len(part.rows) for part in self.parts), default=0)
        cells = 4 * widest * p + len(self.blocks) * p * p + len(self.Z) + 8 * p * p
        return int(cells)


def _part(
    Z: FloatArray, seen: BoolArray, pattern: IntArray, rows: IntArray, m: int
) -> Part:
    p = Z.shape[1]
    which, at = np.unique(pattern[rows], return_inverse=True)
    miss = np.nonzero(~seen[which])[1].reshape(len(which), m).astype(np.int64)
    flat = (miss[:, :, None] * p + miss[:, None, :]).ravel()
    order = np.argsort(flat, kind="stable")
    target, starts = np.unique(flat[order], return_index=True)
    return Part(
        rows=rows,
        Z=Z[rows],
        seen=seen[pattern[rows]].astype(np.float64),
        miss=miss,
        at=np.asarray(at, dtype=np.int64).reshape(-1),
        order=order,
        starts=np.asarray(starts, dtype=np.int64),
        target=target,
    )


def pieces(plan: Plan) -> Iterator[Part]:
    """Yield all rows as parts, those of the large patterns too."""
    yield from plan.parts
    step = max(1, CELLS // plan.Z.shape[1] ** 2)
    for block in plan.blocks:
        for k in range(0, len(block.rows), step):
            rows = block.rows[k : k + step]
            yield _part(plan.Z, plan.seen, plan.pattern, rows, len(block.missing))


@dataclass(frozen=True)
class Load:
    """Weights of a batch of resamples.

    Attributes
    ----------
    total : (B,) sum of weights.
    parts : per part, (B, r) weights of its rows.
    blocks : per block, weight (B,), sum (B, o) and sum of products (B, o, o).
    """

    total: FloatArray
    parts: tuple[FloatArray, ...]
    blocks: tuple[tuple[FloatArray, FloatArray, FloatArray], ...]

    @classmethod
    def of(cls, plan: Plan, counts: FloatArray) -> Load:
        """Sum up counts (B, U) times the rows' weights."""
        weights = counts * plan.w
        blocks = []
        for block in plan.blocks:
            z = plan.Z[np.ix_(block.rows, block.observed)]
            T = kernel.resampled_sums(
                z, plan.w[block.rows], counts[:, block.rows], CELLS
            )
            o = len(block.observed)
            first = T[:, kernel.HEAD : kernel.HEAD + o]
            second = T[:, kernel.HEAD + o :][:, kernel.square(o)]
            blocks.append((T[:, 1], first, second))
        parts = tuple(weights[:, part.rows] for part in plan.parts)
        return cls(weights.sum(axis=1), parts, tuple(blocks))

    def take(self, rows: BoolArray) -> Load:
        """Return some members."""
        return Load(
            self.total[rows],
            tuple(c[rows] for c in self.parts),
            tuple((n[rows], s[rows], S[rows]) for n, s, S in self.blocks),
        )


@dataclass(frozen=True)
class State:
    """What a batch of resamples has answers to, before anything is fitted.

    Attributes
    ----------
    rows : (B,) different rows.
    pairs : (B, p, p) different rows that answer both items.
    mean, variance : (B, p) of the answers given, about the plan's shift.
    square : (B, p) mean square about the shift.
    """

    rows: IntArray
    pairs: FloatArray
    mean: FloatArray
    variance: FloatArray
    square: FloatArray

    def flat(self) -> BoolArray:
        """Return (B, p), True where all answers to an item are the same."""
        return np.asarray(self.variance <= kernel.ROUNDING * self.square)

    def start(self) -> tuple[FloatArray, FloatArray]:
        """Return means (B, p) and a diagonal covariance (B, p, p) to start from."""
        return self.mean, self.variance[:, :, None] * np.eye(self.mean.shape[1])


def state_of(plan: Plan, counts: FloatArray) -> State:
    """Count and sum up what resamples (B, U) have answers to."""
    B, p = len(counts), plan.Z.shape[1]
    order = np.argsort(plan.pattern, kind="stable")
    starts = np.searchsorted(plan.pattern[order], np.arange(len(plan.seen)))
    present = (counts > 0).astype(np.float64)
    N = np.add.reduceat(present[:, order], starts, axis=1)
    seen = plan.seen.astype(np.float64)
    pairs = np.zeros((B, p, p))
    step = max(1, CELLS // (B * p))
    for k in range(0, len(seen), step):
        pairs += (N[:, None, k : k + step] * seen[k : k + step].T) @ seen[k : k + step]
    weights = counts * plan.w
    with np.errstate(divide="ignore", invalid="ignore"):
        W = weights @ seen[plan.pattern]
        mean = weights @ plan.Z / W
        square = weights @ plan.Z**2 / W
    rows = np.rint(present.sum(axis=1)).astype(np.int64)
    return State(rows, pairs, mean, square - mean**2, square)


def em_step(
    mean: FloatArray, cov: FloatArray, plan: Plan, load: Load
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Take one EM step: new mean (B, p), covariance (B, p, p), and what had an inverse.

    With d the completed rows less μ and C the covariance of what was filled in,
    ``μ + Σd/W`` and ``Σ(dd′ + C)/W − (Σd/W)(Σd/W)′``.
    """
    K, ok = spd_inverse(cov)
    first = np.zeros(mean.shape)
    second = np.zeros(cov.shape)
    for part, c in zip(plan.parts, load.parts, strict=True):
        _add_rows(mean, K, part, c, first, second)
    for block, sums in zip(plan.blocks, load.blocks, strict=True):
        _add_block(mean, K, block, sums, first, second)
    move = first / load.total[:, None]
    spread = second / load.total[:, None, None]
    new = spread - move[:, :, None] * move[:, None, :]
    return mean + move, (new + np.swapaxes(new, 1, 2)) / 2, ok


def completed(
    mean: FloatArray, K: FloatArray, part: Part
) -> tuple[FloatArray, FloatArray]:
    """Return rows less μ with their missing answers expected (B, r, p), and K_mm⁻¹."""
    D = part.Z - mean[:, None, :] * part.seen
    m = part.miss.shape[1]
    if not m:
        return D, np.zeros((len(mean), len(part.miss), 0, 0))
    C, _ = spd_inverse(K[:, part.miss[:, :, None], part.miss[:, None, :]])
    where = np.broadcast_to(part.miss[part.at], (len(mean), len(part.at), m))
    pull = np.take_along_axis(D @ K, where, axis=2)
    fill = -(C[:, part.at] @ pull[..., None])[..., 0]
    np.put_along_axis(D, where, fill, axis=2)
    return D, C


def _add_rows(
    mean: FloatArray,
    K: FloatArray,
    part: Part,
    c: FloatArray,
    first: FloatArray,
    second: FloatArray,
) -> None:
    D, C = completed(mean, K, part)
    weighted = D * c[:, :, None]
    first += weighted.sum(axis=1)
    second += np.swapaxes(weighted, 1, 2) @ D
    if C.shape[-1]:
        begins = np.flatnonzero(np.r_[True, part.at[1:] != part.at[:-1]])
        N = np.add.reduceat(c, begins, axis=1)
        values = (N[:, :, None, None] * C).reshape(len(c), -1)[:, part.order]
        flat = second.reshape(len(c), -1)
        flat[:, part.target] += np.add.reduceat(values, part.starts, axis=1)


def _add_block(
    mean: FloatArray,
    K: FloatArray,
    block: Block,
    sums: tuple[FloatArray, FloatArray, FloatArray],
    first: FloatArray,
    second: FloatArray,
) -> None:
    N, s, S = sums
    o, m = block.observed, block.missing
    mu = mean[:, o]
    d = s - N[:, None] * mu
    T = S - s[:, :, None] * mu[:, None, :] - mu[:, :, None] * d[:, None, :]
    first[:, o] += d
    second[:, o[:, None], o[None, :]] += T
    if len(m):
        C, _ = spd_inverse(K[:, m[:, None], m[None, :]])
        slope = -C @ K[:, m[:, None], o[None, :]]
        cross = slope @ T
        first[:, m] += (slope @ d[..., None])[..., 0]
        second[:, m[:, None], o[None, :]] += cross
        second[:, o[:, None], m[None, :]] += np.swapaxes(cross, 1, 2)
        within = cross @ np.swapaxes(slope, 1, 2) + N[:, None, None] * C
        second[:, m[:, None], m[None, :]] += within
