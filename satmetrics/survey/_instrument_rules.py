"""What an instrument must satisfy, and what is only remarked on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from satmetrics._checks import did_you_mean
from satmetrics.errors import SpecificationError
from satmetrics.survey.item import ATTRIBUTES, STATUSES, TIMINGS

if TYPE_CHECKING:
    from satmetrics.survey.instrument import Instrument

FEWEST, MOST = 4, 5
"""Items per criterion in the standard procedure."""
RULE = (
    f"rule of thumb of the standard procedure: {FEWEST} or {MOST} questions for each "
    "criterion"
)


def check_parts(own: Instrument) -> None:
    """Raise on the first contradiction among the parts of an instrument."""
    _unique(own, "dimension", [d.id for d in own.dimensions])
    _unique(own, "item", [item.id for item in own.items])
    _unique(own, "form", [form.id for form in own.forms])
    _unique(own, "industry", [weights.industry for weights in own.weights])
    _check_words(own)
    _check_parents(own)
    known = [d.id for d in own.dimensions]
    for item in own.items:
        if item.dimension not in known:
            raise unknown(own, f"item {item.id!r}", item.dimension, known)
    _unique(own, "column", [column for column, _, _ in own._cells()])
    _check_weights(own)
    for column, _ in own.wording:
        if column not in own._index:
            raise unknown(own, "wording", column, own.columns())


def unknown(
    own: Instrument, part: str, value: str, known: Iterable[str]
) -> SpecificationError:
    """Return the error for a name that does not exist, with the nearest that does."""
    options = list(known)
    hint = did_you_mean(value, options)
    return SpecificationError(
        f"instrument {own.id!r}, {part}: {value!r} does not exist",
        code="unknown-name",
        column=part,
        value=value,
        remedy=f"{hint} there are {', '.join(options) or 'none'}".strip(),
    )


def remarks_on(own: Instrument) -> tuple[str, ...]:
    """Return what a careful reader would say of the number of items and the scale."""
    if not own.items:
        sentence = (
            f"a concept: its {len(own.dimensions)} dimensions have no items yet; give "
            f"them some with with_items() ({RULE})"
        )
        return (sentence,)
    counts = Counter(item.dimension for item in own.items)
    leaves = [d.id for d in own.dimensions if not own.subdimensions(d.id)]
    odd = [f"{d} {counts[d]}" for d in leaves if not FEWEST <= counts[d] <= MOST]
    found = []
    if odd:
        found.append(
            f"dimensions with fewer than {FEWEST} or more than {MOST} items "
            f"({RULE}): {', '.join(odd)}"
        )
    bare = [column for column in own.columns() if own.scale_of(column) is None]
    if bare:
        found.append(f"no scale is stated for {len(bare)} columns, such as {bare[0]!r}")
    return tuple(found)


def _unique(own: Instrument, what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen or not name:
            raise SpecificationError(
                f"instrument {own.id!r}: {what} {name!r} occurs twice or is empty",
                code="duplicate-id",
                column=what,
                value=name,
                remedy=f"each {what} needs a name of its own",
            )
        seen.add(name)


def _check_words(own: Instrument) -> None:
    parts = [("status", own.status)]
    parts += [(f"dimension {d.id!r}", d.status) for d in own.dimensions]
    parts += [(f"item {item.id!r}", item.status) for item in own.items]
    parts += [(f"weights of {w.industry!r}", w.status) for w in own.weights]
    for part, status in parts:
        if status not in STATUSES:
            raise unknown(own, part, status, STATUSES)
    if own.timing and own.timing not in TIMINGS:
        raise unknown(own, "timing", own.timing, TIMINGS)
    for item in own.items:
        if item.attribute and item.attribute not in ATTRIBUTES:
            raise unknown(own, f"item {item.id!r}", item.attribute, ATTRIBUTES)


def _check_parents(own: Instrument) -> None:
    above = {d.id: d.parent for d in own.dimensions}
    for name, parent in above.items():
        if parent and parent not in above:
            raise unknown(own, f"dimension {name!r}", parent, above)
        chain = [name]
        while above[chain[-1]]:
            chain.append(above[chain[-1]])
            if chain[-1] in chain[:-1]:
                raise SpecificationError(
                    f"instrument {own.id!r}: dimension {name!r} is above itself",
                    code="cycle",
                    column="parent",
                    value=name,
                    remedy="a dimension at the top has no parent",
                )
    parents = set(above.values())
    for item in own.items:
        if item.dimension in parents:
            raise SpecificationError(
                f"instrument {own.id!r}: item {item.id!r} belongs to "
                f"{item.dimension!r}, which has parts",
                code="item-above-parts",
                column=item.id,
                value=item.dimension,
                remedy="give it to one of "
                + ", ".join(
                    d for d, parent in above.items() if parent == item.dimension
                ),
            )


def _check_weights(own: Instrument) -> None:
    top = [d.id for d in own.dimensions if not d.parent]
    leaves = [d.id for d in own.dimensions if not own.subdimensions(d.id)]
    for weights in own.weights:
        given = [name for name, _ in weights.points]
        part = f"weights of {weights.industry!r}"
        _unique(own, part, given)
        if set(given) in (set(top), set(leaves)):
            continue
        known = [d.id for d in own.dimensions]
        for name in given:
            if name not in known:
                raise unknown(own, part, name, known)
        lacking = [name for name in top if name not in given]
        raise SpecificationError(
            f"instrument {own.id!r}, {part}: they are not of its dimensions",
            code="bad-weights",
            column=weights.industry,
            value=tuple(given),
            remedy="give points for each of "
            + ", ".join(top)
            + (f"; {lacking[0]!r} is missing" if lacking else ""),
        )
