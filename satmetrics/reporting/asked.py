"""What a study asks for: models and instruments by name, and their items."""

from __future__ import annotations

from pathlib import Path

from satmetrics import models
from satmetrics.errors import SpecificationError
from satmetrics.models.model import StructuralModel
from satmetrics.survey import instruments
from satmetrics.survey.draft import ItemSpec
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale


def load_model(name: str, folder: Path | None = None) -> StructuralModel:
    """Return a model of the catalogue, or of a .toml file beside the study."""
    if name.endswith(".toml"):
        return models.read(_file(name, folder))
    return models.load(name)


def load_instrument(name: str, folder: Path | None = None) -> Instrument:
    """Return an instrument of the catalogue, or of a .toml file beside the study."""
    if name.endswith(".toml"):
        return instruments.read(_file(name, folder))
    return instruments.load(name)


def _file(name: str, folder: Path | None) -> Path:
    places = [Path(name), *([folder / name] if folder is not None else [])]
    for place in places:
        if place.is_file():
            return place
    raise SpecificationError(
        f"there is no file {name!r}",
        code="no-file",
        value=name,
        remedy="give its path, or the name of a model or instrument of the catalogue",
    )


def item_specs(
    model: StructuralModel | None, instrument: Instrument | None
) -> tuple[ItemSpec, ...]:
    """Return the items a model and an instrument ask for, for `init_study`."""
    found: list[ItemSpec] = []
    for construct in model.constructs if model is not None else ():
        scale = construct.scale or (model.scale if model is not None else None)
        for i, item in enumerate(construct.indicators):
            label = construct.labels[i] if construct.labels else Label()
            found.append(
                ItemSpec(
                    item,
                    label,
                    construct.title(),
                    Scale(*scale) if scale else None,
                )
            )
    return (*found, *(_columns(instrument) if instrument is not None else ()))


def _columns(instrument: Instrument) -> list[ItemSpec]:
    turned = instrument.reverse_columns()
    found = []
    for column in instrument.columns():
        known = instrument.item_of(column)
        item, form = known if known is not None else (None, None)
        zh = f"{item.label.zh}（{form.label.zh}）" if item and form else ""
        found.append(
            ItemSpec(
                column,
                Label(instrument.label_of(column), zh),
                item.dimension if item else "",
                instrument.scale_of(column),
                column in turned,
            )
        )
    return found
