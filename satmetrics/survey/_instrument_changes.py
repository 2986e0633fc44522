"""New instruments from old: items, weights and wording of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from satmetrics.errors import SpecificationError
from satmetrics.survey._instrument_rules import unknown
from satmetrics.survey.item import Form, IndustryWeights, Item, Status
from satmetrics.survey.label import Label
from satmetrics.survey.scale import ScaleLike, as_scale

if TYPE_CHECKING:
    from satmetrics.survey.instrument import Instrument

ASKED_TWICE = (
    Form("expectation", "e_{item}", label=Label("expectation", "期望")),
    Form("perception", "p_{item}", label=Label("perception", "感知")),
)


def with_items(
    own: Instrument,
    items: Mapping[str, Sequence[str | Label]],
    forms: Sequence[Form] | None,
    scale: ScaleLike | None,
) -> Instrument:
    """Replace the items of the named dimensions."""
    leaves = [d.id for d in own.dimensions if not own.subdimensions(d.id)]
    for name in items:
        if name not in leaves:
            raise unknown(own, "items", name, leaves)
    made = []
    for name in leaves:
        made += (
            _made(name, items[name])
            if name in items
            else [item for item in own.items if item.dimension == name]
        )
    note = f"items of {', '.join(items)} are the user's own (unverified)"
    kept = {item.id for item in made if item.dimension not in items}
    return replace(
        own,
        items=tuple(made),
        forms=tuple(forms) if forms is not None else own.forms or ASKED_TWICE,
        scale=own.scale if scale is None else as_scale(scale),
        notes=(*own.notes, *((note,) if items else ())),
        wording=tuple(
            (column, text)
            for column, text in own.wording
            if (place := own.item_of(column)) is None or place[0].id in kept
        ),
    )


def with_weights(
    own: Instrument,
    industry: str,
    points: Mapping[str, float],
    source: str,
    status: Status,
) -> Instrument:
    """Store the points of an industry; those it had are replaced."""
    fresh = IndustryWeights(industry, tuple(points.items()), source, status)
    rest = [weights for weights in own.weights if weights.industry != industry]
    return replace(own, weights=(*rest, fresh))


def with_wording(
    own: Instrument, wording: Mapping[str, str], form: str | None
) -> Instrument:
    """Store the questions as they are asked, by column or by item of a form."""
    keyed = {
        name if form is None else own.column(name, form): text
        for name, text in wording.items()
    }
    for column, text in keyed.items():
        if not isinstance(text, str) or not text.strip():
            raise SpecificationError(
                f"the wording of {column!r} is {text!r}",
                code="bad-wording",
                column=column,
                value=text,
                remedy="give the question as text",
            )
    return replace(own, wording=tuple({**dict(own.wording), **keyed}.items()))


def _made(dimension: str, texts: Sequence[str | Label]) -> list[Item]:
    if isinstance(texts, (str, Label)):
        texts = [texts]
    return [
        Item(
            f"{dimension}{k}",
            text if isinstance(text, Label) else Label(str(text)),
            dimension,
            status="unverified",
        )
        for k, text in enumerate(texts, start=1)
    ]
