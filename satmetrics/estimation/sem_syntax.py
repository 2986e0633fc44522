"""Model text in lavaan's syntax becomes parameters, with lavaan's defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from satmetrics.errors import SpecificationError
from satmetrics.estimation.sem_elements import Key, ModelText
from satmetrics.estimation.sem_modifiers import Modifiers, at_group
from satmetrics.estimation.sem_table import Parameter, ParameterTable
from satmetrics.models.construct import Construct, Path
from satmetrics.models.lavaan_text import OPERATOR
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import HigherOrder


def is_text(model: object) -> bool:
    """Whether a model is text in lavaan's syntax: no catalogue name has an operator."""
    return isinstance(model, str) and (
        OPERATOR.search(model) is not None or "\n" in model
    )


def needs_means(text: ModelText) -> bool:
    """Whether a text states intercepts."""
    return any(op == "~1" for _, op, _ in text.elements)


def table_of_text(
    text: ModelText,
    *,
    means: bool = False,
    identification: str = "marker",
    groups: tuple[str, ...] = ("",),
) -> ParameterTable:
    """Return the parameters of a text, with what lavaan's `sem` and `cfa` add.

    Added are the first loading of each latent variable at 1 (or its variance, with
    ``identification="variance"``), variances of all variables, covariances among latent
    variables that nothing leads to, among dependent ones that lead to nothing, and
    among observed variables of which regressions start; a residual variance of 0 of an
    only indicator; with means, intercepts of observed variables. Observed variables
    that regressions start from have free variances and covariances (lavaan fixes them
    at those of the sample, which changes no other estimate, error or chi-square).
    """
    rows = [
        row
        for g in range(len(groups))
        for row in _rows(text, g, len(groups), means=means, unit=identification)
    ]
    observed = derived_model(text).indicators
    return ParameterTable(
        tuple(rows),
        observed,
        (*text.latent, *text.tied),
        groups=groups,
        means=means,
        defined=tuple((name, f.text) for name, f in text.defined.items()),
        equal=tuple(text.equal),
    )


def settled(table: ParameterTable) -> ParameterTable:
    """Fix whatever is equal to a fixed parameter.

    Raises
    ------
    SpecificationError
        If parameters that are equal are fixed at different values.
    """
    known: dict[str, float] = {}
    for row in table.rows:
        if row.label and row.value is not None:
            root = table.root(row.label)
            if known.setdefault(root, row.value) != row.value:
                raise SpecificationError(
                    f"{row.label!r} is equal to what is fixed at {known[root]:g}, and "
                    f"fixed at {row.value:g}",
                    code="contradicting-labels",
                    column=row.label,
                    remedy="free one of them with NA*, or give it another label",
                )
    if not known:
        return table
    rows = [
        replace(row, value=known.get(table.root(row.label), row.value))
        if row.label
        else row
        for row in table.rows
    ]
    return replace(table, rows=tuple(rows))


def _rows(
    text: ModelText, g: int, n_groups: int, *, means: bool, unit: str
) -> Iterator[Parameter]:
    auto = _auto_values(text, unit)
    for key, element in text.elements.items():
        said = element.said
        row = _parameter(key, said, g, n_groups, element.line, auto.get(key))
        if row.label in text.fixed and row.value is None:
            row = Parameter(*key, group=g, value=text.fixed[row.label], label=row.label)
        yield row
    for key in _defaults(text, means=means):
        if not stated(text, key):
            yield Parameter(*key, group=g, value=auto.get(key))
    for name in text.tied:
        yield Parameter(name, "=~", name, group=g, value=1.0, hidden=True)
        yield Parameter(name, "~~", name, group=g, value=0.0, hidden=True)


def stated(text: ModelText, key: Key) -> bool:
    """Whether a text states a parameter, in either order of a covariance."""
    lhs, op, rhs = key
    return key in text.elements or (op == "~~" and (rhs, op, lhs) in text.elements)


def _parameter(
    key: Key, said: Modifiers, g: int, n_groups: int, line: int, auto: float | None
) -> Parameter:
    def entry(of: tuple[object, ...]) -> object:
        return at_group(of, g, n_groups, line) if of else None

    value = entry(said.values) if said.values else auto
    start = entry(said.starts)
    if start is not None and value is not None and not said.values:
        value = None  # a start of its own says that it is estimated
    label = entry(said.labels) or ""
    return Parameter(
        *key,
        group=g,
        value=cast("float | None", value),
        label=str(label),
        start=cast("float | None", start),
    )


def _auto_values(text: ModelText, unit: str) -> dict[Key, float]:
    """Return what is fixed unless the text says otherwise."""
    found: dict[Key, float] = {}
    for latent in text.latent:
        items = text.items_of(latent)
        if unit == "marker":
            found[latent, "=~", items[0]] = 1.0
        else:
            found[latent, "~~", latent] = 1.0
        owners = [a for a, op, b in text.elements if op == "=~" and b == items[0]]
        own = (items[0], "~~", items[0])
        if len(items) == 1 and len(owners) == 1 and own not in text.elements:
            found[own] = 0.0
    return found


def _defaults(text: ModelText, *, means: bool) -> Iterator[Key]:
    """Yield what is in a model without being said."""
    led = text.targets | text.measured
    for name in (*text.observed, *text.latent):
        yield name, "~~", name
    ends = text.targets - text.sources - text.measured
    for some in (
        [n for n in text.latent if n not in led],
        [n for n in (*text.latent, *text.observed) if n in ends],
        [n for n in text.observed if n in text.sources and n not in led],
    ):
        for i, one in enumerate(some):
            for other in some[i + 1 :]:
                yield one, "~~", other
    if means:
        for name in text.observed:
            yield name, "~1", ""


def derived_model(text: ModelText, name: str = "model text") -> StructuralModel:
    """Return the constructs and paths of a text, as far as a model can hold them.

    An indicator of several factors belongs to the first; an observed variable that
    measures nothing is a construct of its own; paths that lead back, and factors that
    do not fit into constructs of second order, are parameters only.
    """
    constructs, owned = [], set[str]()
    for latent in text.latent:
        items = text.items_of(latent)
        own = [i for i in items if i in text.observed and i not in owned]
        if own:
            constructs.append(Construct(latent, tuple(own)))
            owned |= set(own)
    free = [item for item in text.observed if item not in owned]
    constructs += [Construct(item, (item,)) for item in free]
    first = {c.name for c in constructs}
    paths = [(b, a) for a, op, b in text.elements if op == "~"]
    above, used = [], set[str]()
    for latent in text.latent:
        parts = text.items_of(latent)
        if len(parts) > 1 and set(parts) <= first - used and latent not in first:
            above.append(HigherOrder(latent, parts))
            used |= set(parts)
    full = first | {h.name for h in above}
    for higher, nodes in ((tuple(above), full - used), ((), first)):
        kept = tuple(Path(s, t, sign="?") for s, t in _forward(paths, nodes))
        try:
            return StructuralModel(name, tuple(constructs), kept, higher=higher)
        except SpecificationError:
            if not higher:
                raise
    raise AssertionError("unreachable")


def _forward(
    paths: list[tuple[str, str]], nodes: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield paths among nodes, leaving out each that would close a cycle."""
    after: dict[str, set[str]] = {node: {node} for node in nodes}
    for source, target in paths:
        if source not in nodes or target not in nodes or source in after[target]:
            continue
        reached = after[target]
        for node in nodes:
            if source in after[node]:
                after[node] = after[node] | reached
        yield source, target
