"""The parameters of a covariance structure model, a row each, as lavaan has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import SpecificationError
from satmetrics.estimation import _sem as kernel
from satmetrics.models.model import StructuralModel

SHARE = 0.3
"""Share of a marker's variance that its factor has where the iteration starts."""
OPERATORS = ("=~", "~", "~~", "~1")


@dataclass(frozen=True)
class Parameter(Record):
    """One row: what it is, and whether it is estimated.

    Attributes
    ----------
    lhs, op, rhs : as in lavaan: ``f =~ x`` loading, ``y ~ x`` path, ``a ~~ b``
        covariance, ``x ~1`` intercept (rhs empty).
    group : 0, 1, … of a model of several groups.
    value : where it is fixed; None if it is free.
    label : parameters of one label are equal.
    start : where the iteration starts; None for a value from the data.
    hidden : whether it only ties an observed variable to its place among the latents.
    """

    lhs: str
    op: str
    rhs: str = ""
    group: int = 0
    value: float | None = None
    label: str = ""
    start: float | None = None
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class ParameterTable(Record):
    """All parameters of a model.

    Attributes
    ----------
    rows : the parameters.
    observed : the p observed variables, in the order of the moments.
    latent : the m latent variables, observed ones with paths among them.
    groups : labels of the groups; one empty label for one group.
    means : whether intercepts are in the model.
    defined : pairs (name, formula in labels) of defined parameters.
    unit : whether observed variables have variance 1 (ordered answers), so that
        residual variances follow from the rest.
    equal : pairs of labels that are equal.
    """

    rows: tuple[Parameter, ...]
    observed: tuple[str, ...]
    latent: tuple[str, ...]
    groups: tuple[str, ...] = ("",)
    means: bool = False
    defined: tuple[tuple[str, str], ...] = ()
    unit: bool = False
    equal: tuple[tuple[str, str], ...] = ()

    @cached_property
    def free(self) -> IntArray:
        """Number of the free parameter of each row, from 0; −1 where it is fixed."""
        found, known, count = [], {}, 0
        for k, row in enumerate(self.rows):
            if row.value is not None:
                found.append(-1)
                continue
            name = self.root(row.label) if row.label else f"#{k}"
            if name not in known:
                known[name] = count
                count += 1
            found.append(known[name])
        return np.array(found, dtype=np.int64)

    def root(self, label: str) -> str:
        """Return the label that stands for all that equal this one."""
        same, grown = {label}, True
        while grown:
            more = {a for pair in self.equal if same & set(pair) for a in pair} - same
            same |= more
            grown = bool(more)
        return min(same)

    @property
    def n_free(self) -> int:
        """Number of free parameters t."""
        return int(self.free.max(initial=-1)) + 1

    @cached_property
    def layout(self) -> kernel.Layout:
        """Where the parameters stand in the matrices.

        Raises
        ------
        SpecificationError
            If a row names a variable that the model does not have.
        """
        place = [self._place(row) for row in self.rows]
        part, row, column = np.array(place, dtype=np.int64).T
        return kernel.Layout(
            n_observed=len(self.observed),
            n_latent=len(self.latent),
            n_free=self.n_free,
            n_groups=len(self.groups),
            group=np.array([r.group for r in self.rows], dtype=np.int64),
            part=part,
            row=row,
            column=column,
            free=self.free,
            value=np.array([0.0 if r.value is None else r.value for r in self.rows]),
            means=self.means,
            unit=self.unit,
        )

    def _place(self, row: Parameter) -> tuple[int, int, int]:
        """Return matrix, row and column of a parameter."""
        if row.op == "=~":
            j = self._latent(row.lhs)
            if row.rhs != row.lhs and self._inner(row.rhs):
                return kernel.BETA, self._latent(row.rhs), j
            return kernel.LAMBDA, self._seen(row.rhs), j
        if row.op == "~":
            return kernel.BETA, self._latent(row.lhs), self._latent(row.rhs)
        if row.op == "~1":
            if self._inner(row.lhs):
                return kernel.ALPHA, self._latent(row.lhs), 0
            return kernel.NU, self._seen(row.lhs), 0
        both = (row.lhs, row.rhs)
        if all(name in self._latents for name in both) and not row.hidden:
            i, j = sorted(map(self._latent, both), reverse=True)
            return kernel.PSI, i, j
        i, j = sorted(map(self._seen, both), reverse=True)
        return kernel.THETA, i, j

    @cached_property
    def _latents(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.latent)}

    @cached_property
    def _observed(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.observed)}

    def _inner(self, name: str) -> bool:
        """Whether a variable stands among the latent ones only, or is tied to one."""
        seen = name in self._observed
        return name in self._latents and (not seen or name in self._tied)

    def is_tied(self, name: str) -> bool:
        """Whether an observed variable itself stands among the latent ones."""
        return name in self._tied

    @cached_property
    def _tied(self) -> frozenset[str]:
        return frozenset(
            row.lhs
            for row in self.rows
            if row.hidden and row.op == "=~" and row.lhs == row.rhs
        )

    def _latent(self, name: str) -> int:
        if name in self._latents:
            return self._latents[name]
        raise _unknown(name, self.latent)

    def _seen(self, name: str) -> int:
        if name in self._observed:
            return self._observed[name]
        raise _unknown(name, self.observed)

    def numbers(self, theta: FloatArray) -> FloatArray:
        """Return the value of every row (…, rows) at free parameters (…, t)."""
        fixed = np.array([0.0 if r.value is None else r.value for r in self.rows])
        out = np.broadcast_to(fixed, (*theta.shape[:-1], len(fixed))).copy()
        at = self.free >= 0
        out[..., at] = theta[..., self.free[at]]
        return out

    def names(self) -> tuple[str, ...]:
        """Return a name per free parameter, such as "Quality =~ PERQ2"."""
        found = [""] * self.n_free
        for row, k in zip(self.rows, self.free, strict=True):
            if k >= 0 and not found[k]:
                found[k] = " ".join(x for x in (row.lhs, row.op, row.rhs) if x)
        return tuple(found)

    def shown(self) -> IntArray:
        """Return the positions of the rows a reader sees."""
        return np.flatnonzero([not row.hidden for row in self.rows])

    def table(self) -> Table:
        """Return the rows a reader sees: lhs, op, rhs, group, label, free."""
        at = self.shown()
        rows = [self.rows[k] for k in at]
        columns: dict[str, object] = {
            "lhs": [r.lhs for r in rows],
            "op": [r.op for r in rows],
            "rhs": [r.rhs for r in rows],
        }
        if len(self.groups) > 1:
            columns["group"] = [self.groups[r.group] for r in rows]
        columns["label"] = [r.label for r in rows]
        columns["free"] = self.free[at] >= 0
        return Table.of(columns)


def _unknown(name: str, known: Sequence[str]) -> SpecificationError:
    return SpecificationError(
        f"the parameters name {name!r}, which the model does not have",
        code="unknown-variable",
        column=name,
        value=name,
        remedy=f"it has {', '.join(known)}",
    )


@dataclass(frozen=True)
class Measured:
    """What measures what, before defaults are added.

    Attributes
    ----------
    blocks : latent → its indicators, observed or latent.
    paths : pairs (source, target).
    """

    blocks: Mapping[str, tuple[str, ...]]
    paths: tuple[tuple[str, str], ...] = ()
    given: tuple[Parameter, ...] = field(default=())


def table_of_model(
    model: StructuralModel, *, means: bool = False, identification: str = "marker"
) -> ParameterTable:
    """Return the parameters of a model, with what is free by default.

    Free are loadings but for one per factor (``identification="marker"``) or the
    factors' variances (``"variance"``: these are 1 and all loadings free), residual
    variances, paths, variances of constructs, covariances among those that no path
    leads to, and among the residuals of those that lead to nothing and are led to.

    Raises
    ------
    SpecificationError
        If a construct is of mode B, or the model has interactions.
    """
    _check(model)
    blocks = {c.name: c.indicators for c in model.constructs}
    above = {h.name: h.components for h in model.higher}
    paths = tuple((p.source, p.target) for p in model.paths)
    rows = [
        *_loadings(blocks, above, identification),
        *(Parameter(target, "~", source) for source, target in paths),
        *_residuals(blocks),
        *_latent_covariances(blocks, above, paths, identification),
        *(_intercepts(model.indicators) if means else ()),
    ]
    return ParameterTable(tuple(rows), model.indicators, (*blocks, *above), means=means)


def _check(model: StructuralModel) -> None:
    for construct in model.constructs:
        if construct.mode != "A" and len(construct.indicators) > 1:
            raise SpecificationError(
                f"construct {construct.name!r} is of mode {construct.mode!r}: a "
                "covariance model takes constructs as factors behind their indicators",
                code="not-a-factor",
                column=construct.name,
                value=construct.mode,
                remedy='give it mode "A", or estimate the model with sat.pls',
            )
    if model.interactions:
        raise SpecificationError(
            f"interaction {model.interactions[0].name!r}: products of factors are not "
            "estimated from covariances here",
            code="no-interactions",
            column=model.interactions[0].name,
            remedy="estimate the model with sat.pls",
        )


def _loadings(
    blocks: Mapping[str, tuple[str, ...]],
    above: Mapping[str, tuple[str, ...]],
    identification: str,
) -> Iterator[Parameter]:
    for name, items in (*blocks.items(), *above.items()):
        alone = len(items) == 1
        for k, item in enumerate(items):
            marker = k == 0 and (alone or identification == "marker")
            yield Parameter(
                name, "=~", item, value=1.0 if marker else None, hidden=alone
            )


def _residuals(blocks: Mapping[str, tuple[str, ...]]) -> Iterator[Parameter]:
    for items in blocks.values():
        alone = len(items) == 1
        for item in items:
            yield Parameter(
                item, "~~", item, value=0.0 if alone else None, hidden=alone
            )


def _latent_covariances(
    blocks: Mapping[str, tuple[str, ...]],
    above: Mapping[str, tuple[str, ...]],
    paths: Sequence[tuple[str, str]],
    identification: str,
) -> Iterator[Parameter]:
    parts = {c for components in above.values() for c in components}
    led = {target for _, target in paths} | parts
    leads = {source for source, _ in paths} | set(above)
    names = (*blocks, *above)
    for name in names:
        several = name in above or len(blocks[name]) > 1
        one = identification == "variance" and several
        yield Parameter(name, "~~", name, value=1.0 if one else None)
    free = [name for name in names if name not in led]
    ends = [n for n in names if n in led and n not in leads and n not in parts]
    for some in (free, ends):
        for i, one_name in enumerate(some):
            for other in some[i + 1 :]:
                yield Parameter(one_name, "~~", other)


def _intercepts(observed: Sequence[str]) -> Iterator[Parameter]:
    for item in observed:
        yield Parameter(item, "~1")


def start_values(
    table: ParameterTable, S: FloatArray, mean: FloatArray | None
) -> FloatArray:
    """Return where the iteration starts (b, t), Σ being positive definite there.

    Parameters
    ----------
    S : (b, G, p, p) covariances.
    mean : (b, G, p), or None.
    """
    out = np.zeros((len(S), table.n_free))
    layout, sd = table.layout, np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
    marker, second = _markers(table), _second_loadings(table)
    for k, row in enumerate(table.rows):
        f = table.free[k]
        if f < 0 or k in second:
            continue
        if row.start is not None:
            out[:, f] = row.start
            continue
        g, part = layout.group[k], layout.part[k]
        i, j = layout.row[k], layout.column[k]
        if part == kernel.LAMBDA:
            first = marker[g].get(j)
            if first is None:
                out[:, f] = 0.7 * sd[:, g, i]
            else:
                sign = np.where(S[:, g, i, first] < 0, -1.0, 1.0)
                out[:, f] = sign * sd[:, g, i] / sd[:, g, first]
        elif part == kernel.THETA and i == j:
            out[:, f] = 0.5 * sd[:, g, i] ** 2
        elif part == kernel.PSI:
            out[:, f] = _latent_start(table, marker[g], (int(i), int(j)), S[:, g])
        elif part == kernel.NU and mean is not None:
            out[:, f] = mean[:, g, i]
        else:
            out[:, f] = _inner_start(table, row, sd[:, g], mean, marker[g])
    return out


def _latent_start(
    table: ParameterTable, marker: Mapping[int, int], at: tuple[int, int], S: FloatArray
) -> FloatArray:
    """Return the start (b,) of a covariance of factors, from those of their markers."""
    one, other = marker.get(at[0]), marker.get(at[1])
    if one is None or other is None:
        return np.full(len(S), float(at[0] == at[1]))
    share = 1.0 if at[0] == at[1] and _alone(table, at[0]) else SHARE
    return np.asarray(share * S[:, one, other])


def _second_loadings(table: ParameterTable) -> set[int]:
    """Return the rows that load an observed variable on a further factor."""
    seen: set[tuple[int, int]] = set()
    found = set()
    for k in np.flatnonzero(table.layout.part == kernel.LAMBDA):
        place = int(table.layout.group[k]), int(table.layout.row[k])
        if place in seen and table.rows[k].start is None:
            found.add(int(k))
        seen.add(place)
    return found


def _inner_start(
    table: ParameterTable,
    row: Parameter,
    sd: FloatArray,
    mean: FloatArray | None,
    marker: Mapping[int, int],
) -> FloatArray | float:
    """Return where loadings of latents and intercepts among them start; else 0."""
    if row.op == "~1" and mean is not None and row.lhs in table.observed:
        return np.asarray(mean[:, row.group, table.observed.index(row.lhs)])
    if row.op != "=~":
        return 0.0
    inner = table.latent
    one, other = (marker.get(inner.index(name)) for name in (row.rhs, row.lhs))
    if one is None or other is None:
        return 1.0
    return np.asarray(sd[:, one] / sd[:, other])


def _markers(table: ParameterTable) -> list[dict[int, int]]:
    """Return, per group, the observed variable that gives each latent its unit."""
    found: list[dict[int, int]] = [{} for _ in table.groups]
    layout = table.layout
    fixed = (layout.part == kernel.LAMBDA) & (layout.free < 0) & (layout.value != 0)
    for k in np.flatnonzero(fixed):
        found[layout.group[k]].setdefault(int(layout.column[k]), int(layout.row[k]))
    return found


def _alone(table: ParameterTable, j: int) -> bool:
    layout = table.layout
    return int(((layout.part == kernel.LAMBDA) & (layout.column == j)).sum()) == len(
        table.groups
    )
