"""Where the constructs of a path diagram stand: arrays in, positions out.

Positions are (column, row) on a grid; the cost of a placement adds backward arrows,
boxes on arrows, crossings, arrows that leave a box side by side, and length. All moves
of one box are tried at once, the best is taken, until none is better; this is repeated
from several fixed starts.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

COLUMN, ROW = 2.15, 0.66
"""Inches from one column, and one row, to the next."""
BOX = (1.36, 0.62)
"""Width and height of a box in inches."""
STARTS = 14


def place(adjacency: BoolArray) -> FloatArray:
    """Return positions (q, 2) in inches, y upwards, of the nodes of an acyclic graph.

    Parameters
    ----------
    adjacency : (q, q), True at [source, target].
    """
    q = len(adjacency)
    grid = _search(np.ascontiguousarray(adjacency).tobytes(), q)
    grid = grid - grid.min(axis=0)
    return np.column_stack([grid[:, 0] * COLUMN, -grid[:, 1] * ROW])


@lru_cache(maxsize=32)
def _search(graph: bytes, q: int) -> IntArray:
    adjacency = np.frombuffer(graph, dtype=np.bool_).reshape(q, q)
    edges = np.argwhere(adjacency)
    depth = depths(adjacency)
    columns = min(
        q, max(2, int(np.ceil(0.62 * (depth.max() + 1))), int(np.ceil(q / 4)))
    )
    rows = max(5, 2 * int(np.ceil(q / columns)) + 1)
    cells = np.array([(c, r) for c in range(columns) for r in range(rows)])
    rng = np.random.default_rng(0)
    best, best_cost = cells[:1], np.inf
    for _ in range(int(np.clip(STARTS * 49 // q**2, 2, STARTS))):
        start = _start(depth, columns, rows, rng)
        found, cost = _descend(start, cells, edges)
        if cost < best_cost - 1e-9:
            best, best_cost = found, cost
    return best


def depths(adjacency: BoolArray) -> IntArray:
    """Return the longest chain of arrows that leads to each node."""
    depth = np.zeros(len(adjacency), dtype=np.int64)
    for _ in range(len(adjacency)):
        before = np.where(adjacency, depth[:, None] + 1, 0).max(axis=0)
        depth = np.maximum(depth, before)
    return depth


def _start(
    depth: IntArray, columns: int, rows: int, rng: np.random.Generator
) -> IntArray:
    column = np.floor(depth / (depth.max() + 1) * columns).astype(np.int64)
    return np.column_stack([column, rng.integers(0, rows, len(depth))])


def _descend(
    start: IntArray, cells: IntArray, edges: IntArray
) -> tuple[IntArray, float]:
    q, now = len(start), start
    cost = float(_cost(now[None], edges)[0])
    for _ in range(60):
        moves = np.broadcast_to(now, (q * len(cells), q, 2)).copy()
        moves[np.arange(len(moves)), np.repeat(np.arange(q), len(cells))] = np.tile(
            cells, (q, 1)
        )
        i, j = np.triu_indices(q, 1)
        swaps = np.broadcast_to(now, (len(i), q, 2)).copy()
        at = np.arange(len(i))
        swaps[at, i], swaps[at, j] = now[j], now[i]
        options = np.concatenate([moves, swaps])
        costs = _cost(options, edges)
        k = int(costs.argmin())
        if costs[k] >= cost - 1e-9:
            break
        now, cost = options[k], float(costs[k])
    return now, cost


def _cost(grid: IntArray, edges: IntArray) -> FloatArray:
    """Cost (B,) of placements (B, q, 2)."""
    P = grid * np.array([COLUMN, ROW])
    A, Z = P[:, edges[:, 0]], P[:, edges[:, 1]]
    step = grid[:, edges[:, 1], 0] - grid[:, edges[:, 0], 0]
    length = np.hypot(*np.moveaxis(Z - A, -1, 0))
    cost = 60.0 * (step < 0).sum(axis=1) + 1.5 * (step == 0).sum(axis=1)
    cost = cost + 0.35 * length.sum(axis=1) + 0.1 * (length**2).sum(axis=1) / 4
    cost += 500.0 * _stacked(P) + 25.0 * _blocked(P, A, Z, edges)
    cost += _tangled(A, Z, edges)
    extent = P.max(axis=1) - P.min(axis=1)
    return np.asarray(cost + 0.35 * extent[:, 0] + 0.5 * extent[:, 1])


def _stacked(P: FloatArray) -> FloatArray:
    """Count pairs of boxes that touch."""
    i, j = np.triu_indices(P.shape[1], 1)
    apart = np.abs(P[:, i] - P[:, j])
    near = (apart[..., 0] < BOX[0] + 0.3) & (apart[..., 1] < BOX[1] + 0.25)
    return np.asarray(near.sum(axis=1) * 1.0)


def _blocked(
    P: FloatArray, A: FloatArray, Z: FloatArray, edges: IntArray
) -> FloatArray:
    """Sum how deeply arrows run through boxes that are not theirs."""
    scale = np.array(BOX)
    nodes, a, z = P[:, None] / scale, A[:, :, None] / scale, Z[:, :, None] / scale
    along = z - a
    squared = np.maximum((along**2).sum(axis=-1), 1e-12)
    t = np.clip(((nodes - a) * along).sum(axis=-1) / squared, 0, 1)
    gap = np.abs(a + t[..., None] * along - nodes).max(axis=-1)
    other = np.ones((len(edges), P.shape[1]), dtype=bool)
    other[np.arange(len(edges))[:, None], edges] = False
    return np.asarray((np.maximum(0, 0.85 - gap) * other).sum(axis=(1, 2)))


def _tangled(A: FloatArray, Z: FloatArray, edges: IntArray) -> FloatArray:
    """Cost of crossings, and of arrows that leave one box in nearly one direction."""
    i, j = np.triu_indices(len(edges), 1)
    shared = (edges[i][:, :, None] == edges[j][:, None, :]).any(axis=(1, 2))
    crossing = _cross(A[:, i], Z[:, i], A[:, j], Z[:, j]) & ~shared
    along = (Z - A) / np.maximum(np.linalg.norm(Z - A, axis=-1, keepdims=True), 1e-12)
    cosine = (along[:, i] * along[:, j]).sum(axis=-1)
    onward = (edges[i, 1] == edges[j, 0]) | (edges[i, 0] == edges[j, 1])
    cosine = np.where(onward, -cosine, cosine)
    narrow = np.maximum(0, cosine - 0.93) / 0.07 * shared
    return np.asarray(4.0 * crossing.sum(axis=1) + 4.0 * narrow.sum(axis=1))


def _cross(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> BoolArray:
    def side(p: FloatArray, r: FloatArray, s: FloatArray) -> FloatArray:
        u, v = r - p, s - p
        return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])

    one = side(a, b, c) * side(a, b, d) < -1e-9
    two = side(c, d, a) * side(c, d, b) < -1e-9
    return np.asarray(one & two)
