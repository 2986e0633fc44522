"""Figures that must not be shown or computed back: arrays in, arrays out.

A *cell* is a published figure. A *line* is a linear equation a reader knows to hold
among cells: the mean of an industry is the weighted mean of its companies. A hidden
cell that is the only one hidden in a line can be computed, so another is hidden too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

ZERO = 1e-9
"""A part of the square of a direction of unit length that is smaller counts as none."""


def hidden(
    n: IntArray, lines: Sequence[IntArray], min_n: int
) -> tuple[BoolArray, BoolArray]:
    """Return which cells of a table are hidden for their size, and which for others.

    Parameters
    ----------
    n : (R,) answers each figure rests on; a cell of none has no figure to hide.
    lines : arrays (R,), one per published margin: the line each cell belongs to, −1 for
        none. A total that is itself a cell has the label of its line too; a total that
        is not is taken as shown, and a line of one cell equals its total, which the
        caller then has to hide.
    min_n : figures of fewer answers are hidden.

    Returns
    -------
    primary, complementary : (R,) boolean, never both.
    """
    line, cell, start = [], [], 0
    for labels in lines:
        at = np.flatnonzero(labels >= 0)
        line.append(labels[at] + start)
        cell.append(at)
        start += int(labels.max(initial=-1)) + 1
    none = np.empty(0, dtype=np.int64)
    cells = np.concatenate([none, *cell])
    # margins add up what the answers of each cell sum to: every coefficient is 1
    return protected(
        n, np.concatenate([none, *line]), cells, np.ones(len(cells)), min_n
    )


def protected(
    n: IntArray, line: IntArray, cell: IntArray, value: FloatArray, min_n: int
) -> tuple[BoolArray, BoolArray]:
    """Return hidden cells, given the entries of the equations among them.

    Cells are hidden, the smallest of a line first, until no line has exactly one. Where
    lines share no cycle of hidden cells this is enough: a cell stands on a path that
    ends in hidden cells, along which all may move and every equation hold. With cycles
    the null space of the equations is looked at.

    Parameters
    ----------
    n : (R,) answers of each cell.
    line, cell, value : (m,) entries: the equation, the cell, its coefficient (not 0).
    min_n : figures of fewer answers are hidden.
    """
    primary = (n > 0) & (n < min_n)
    there = n[cell] > 0
    line, cell = line[there], cell[there]
    order = np.lexsort((cell, n[cell], line))
    line, cell = line[order], cell[order]
    shut = _closed(primary, line, cell)
    value = value[there][order]
    while True:
        wanted = _beside(_computable(shut, line, cell, value), shut, line, cell)
        if not len(wanted):
            return primary, shut & ~primary
        shut[wanted] = True
        shut = _closed(shut, line, cell)


def _closed(shut: BoolArray, line: IntArray, cell: IntArray) -> BoolArray:
    """Hide more until no line has exactly one hidden cell beside shown ones."""
    shut = shut.copy()
    size = int(line.max(initial=-1)) + 1
    while True:
        lone = np.bincount(line[shut[cell]], minlength=size) == 1
        wanted = _first(lone[line] & ~shut[cell], line, cell)
        if not len(wanted):
            return shut
        shut[wanted] = True


def _first(candidate: BoolArray, line: IntArray, cell: IntArray) -> IntArray:
    """Return the first candidate of each line; entries stand in order of size."""
    at = np.flatnonzero(candidate)
    _, first = np.unique(line[at], return_index=True)
    return np.unique(cell[at[first]])


def _beside(
    exposed: BoolArray, shut: BoolArray, line: IntArray, cell: IntArray
) -> IntArray:
    """Return the smallest shown cell in a line with an exposed one, if there is any."""
    touched = np.bincount(line[exposed[cell]], minlength=int(line.max(initial=-1)) + 1)
    at = np.flatnonzero((touched[line] > 0) & ~shut[cell])
    return _first(np.isin(np.arange(len(line)), at), line, cell)


def _computable(
    shut: BoolArray, line: IntArray, cell: IntArray, value: FloatArray
) -> BoolArray:
    """Return hidden cells that the equations determine, the shown ones being known."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    exposed = np.zeros(len(shut), dtype=bool)
    entry = np.flatnonzero(shut[cell])
    if not len(entry):
        return exposed
    rows, r = np.unique(line[entry], return_inverse=True)
    columns, c = np.unique(cell[entry], return_inverse=True)
    size = len(rows) + len(columns)
    graph = coo_array((np.ones(len(r)), (r, len(rows) + c)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    edges = np.bincount(part[r])
    cyclic = np.flatnonzero(edges >= np.bincount(part, minlength=len(edges)))
    for k in cyclic:  # cycles are rare
        here = np.flatnonzero(part[r] == k)
        a, b = (np.unique(x[here], return_inverse=True) for x in (r, c))
        A = np.zeros((len(a[0]), len(b[0])))
        A[a[1], b[1]] = value[entry[here]]
        exposed[columns[b[0]]] = _fixed(A)
    return exposed


def _fixed(A: FloatArray) -> BoolArray:
    """Return which unknowns of ``A x = b`` have one value only.

    Those are the unit vectors that lie in the space of the rows.
    """
    A = A / np.abs(A).max(axis=1, keepdims=True)
    _, size, V = np.linalg.svd(A, full_matrices=False)
    inside = V[size > ZERO * size[0]]
    return np.asarray((inside**2).sum(axis=0) > 1 - ZERO)
