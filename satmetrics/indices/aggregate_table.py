"""Cells of all levels as a table and its errors, whole or with what may be shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.errors import OptionError
from satmetrics.indices import _aggregate as kernel
from satmetrics.indices._disclosure import protected
from satmetrics.indices.disclosure import joint_without, replaced, without
from satmetrics.indices.given_figures import Figures
from satmetrics.indices.joint import Joint
from satmetrics.indices.membership import Membership

NO_ERROR = "no error known of a member"


def tidy(
    cells: Sequence[kernel.Level],
    at: AnyArray,
    figures: Figures,
    tree: Membership,
    names: Sequence[str],
    over: str | None,
    level: float,
) -> tuple[Table, Joint]:
    """Return the table, the top first, and its errors."""
    parts = [
        _rows(cell, names[k], tree.units[k], tree.units[k + 1 : k + 2], figures, over)
        for k, cell in enumerate(cells)
    ]
    joint = _combined(cells, figures.joint)
    order = top_first(cells)
    columns: dict[str, AnyArray] = {
        name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]
    }
    joint = joint.take(order)
    own = _own_reasons(cells[0], at, figures)
    reason = np.concatenate([own, *(_reasons(c, over) for c in cells[1:])])[order]
    unknown = (reason == "") & np.isnan(joint.std_error)
    reason[unknown & (columns["level"] != names[0])] = NO_ERROR
    columns["reason"] = reason
    keys = ("level", "name", "parent", *((over,) if over else ()))
    return Table.of({**columns, **joint.columns(level)}, keys=keys), joint


def top_first(cells: Sequence[kernel.Level]) -> AnyArray:
    """Return the positions of the cells there are, the highest level first."""
    starts = np.cumsum([0, *(len(c.known) for c in cells)])
    at = [s + np.flatnonzero(c.exists) for s, c in zip(starts, cells, strict=False)]
    return np.concatenate(at[::-1])


def _rows(
    cell: kernel.Level,
    name: str,
    units: Sequence[str],
    above: Sequence[Sequence[str]],
    figures: Figures,
    over: str | None,
) -> dict[str, AnyArray]:
    T, K = len(figures.waves), len(figures.constructs)
    C = len(cell.known)
    parents = np.array([*(above[0] if above else ()), ""], dtype=object)
    unit = np.where(cell.parent >= 0, cell.parent // (T * K), -1)
    waves = np.empty(T, dtype=object)
    waves[:] = figures.waves
    if all(isinstance(w, (int, float)) for w in figures.waves):
        waves = np.asarray(figures.waves)
    return {
        "level": np.full(C, name, dtype=object),
        "name": np.repeat(np.asarray(units, dtype=object), T * K),
        "parent": parents[unit],
        **({over: np.tile(np.repeat(waves, K), len(units))} if over else {}),
        "construct": np.tile(
            np.asarray(figures.constructs, dtype=object), len(units) * T
        ),
        "n": np.where(cell.known, cell.answers, 0),
        "members": cell.members,
        "missing": cell.missing,
        "weight": cell.share,
        "covered": cell.covered,
        "carried": cell.carried,
        "age": cell.age,
    }


def _combined(cells: Sequence[kernel.Level], joint: Joint) -> Joint:
    """Return the figures of all cells, NaN where there is none."""
    from scipy.sparse import vstack

    made = vstack([c.made for c in cells]).tocoo()
    known = np.concatenate([c.known for c in cells])
    place = np.cumsum(known) - 1
    row, column = (np.asarray(axis, dtype=np.int64) for axis in made.coords)
    if not known.any():
        C = len(known)
        return Joint.independent(np.full(C, np.nan), np.full(C, np.nan))
    found = joint.combined(place[row], column, np.asarray(made.data))
    return _widened(found, known)


def _widened(joint: Joint, known: BoolArray) -> Joint:
    """Return the figures in their places, NaN elsewhere."""
    at = np.flatnonzero(known)

    def wide(values: FloatArray) -> FloatArray:
        full = np.full((*values.shape[:-1], len(known)), np.nan)
        full[..., at] = values
        return full

    return Joint(
        wide(joint.estimate),
        wide(joint.std_error),
        wide(joint.df),
        at[joint.pairs],
        joint.covariance,
        wide(joint.draws) if joint.n_draws else joint.draws,
    )


def _own_reasons(cell: kernel.Level, at: AnyArray, figures: Figures) -> AnyArray:
    """Return what is to be said of the lowest level, from the figures given."""
    reason = np.full(len(cell.known), "", dtype=object)
    reason[~cell.known] = "no figure"
    place = at.ravel()[cell.source]
    reason[place >= 0] = figures.reason[place[place >= 0]]
    return reason


def _reasons(cell: kernel.Level, over: str | None) -> AnyArray:
    reason = np.full(len(cell.known), "", dtype=object)
    weightless = ~cell.known & (cell.members > 0)
    none = f"no member has a figure{' in this ' + over if over else ''}"
    reason[~cell.known] = none
    reason[weightless] = "the members with a figure have no weight"
    return reason


def shown_only(
    table: Table,
    joint: Joint,
    cells: Sequence[kernel.Level],
    tiers: Sequence[kernel.Tier],
    min_n: int,
) -> tuple[Table, Joint]:
    """Return table and errors without figures of few answers, and what gives them."""
    if ((table["n"] < 1) & np.isfinite(table["estimate"])).any():
        raise OptionError(
            "min_n= needs the answers behind every figure",
            code="no-counts",
            column="min_n",
            value=min_n,
            remedy="give a column n",
        )
    found = kernel.equations(cells)
    order = top_first(cells)
    place = np.full(sum(len(c.known) for c in cells), -1)
    place[order] = np.arange(len(order))
    primary, other = protected(
        table["n"], found.line, place[found.cell], found.value, min_n
    )
    hidden = primary | other
    table = without(table, primary, other, min_n)
    told = [i for i, tier in enumerate(tiers) if tier.weight is None]
    of_answers = np.repeat(np.arange(len(cells)), [len(c.known) for c in cells])[order]
    weight = table["weight"].copy()
    weight[hidden & np.isin(of_answers, told)] = np.nan  # it would say how many
    return replaced(table, {"weight": weight}), joint_without(joint, hidden)
