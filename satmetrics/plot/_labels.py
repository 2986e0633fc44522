"""Names for people, and the fonts that can draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from satmetrics.errors import OptionError
from satmetrics.models.model import StructuralModel
from satmetrics.survey.instrument import Instrument

LabelSource: TypeAlias = StructuralModel | Instrument | Mapping[str, str] | None
"""What ``labels=`` takes."""

CJK_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK HK",
    "Noto Sans CJK KR",
    "Arial Unicode MS",
    "Noto Serif CJK SC",
    "SimSun",
)
"""Fonts with Chinese glyphs, the best liked first."""

LONGEST = 28
"""Characters of the name of a group or wave in a figure."""

NO_FONT = "no font for Chinese was found: names are shown instead"


def texts_of(source: LabelSource) -> dict[str, str]:
    """Return name → text of a model, an instrument or a mapping."""
    if source is None:
        return {}
    if isinstance(source, StructuralModel):
        found = {c.name: c.title() for c in source.constructs}
        for construct in source.constructs:
            pairs = zip(construct.indicators, construct.labels, strict=False)
            found |= {item: str(label) for item, label in pairs if str(label)}
        return found
    if isinstance(source, Instrument):
        found = {part.id: str(part.label) for part in source.dimensions if part.label}
        return found | {part.id: str(part.label) for part in source.items if part.label}
    if isinstance(source, Mapping):
        return {str(name): str(text) for name, text in source.items()}
    raise OptionError(
        f"labels={source!r} gives no labels",
        code="bad-labels",
        column="labels",
        value=source,
        remedy="give a model, an instrument or a mapping {name: text}",
    )


@dataclass
class Names:
    """Texts of names; remembers whether one could not be drawn.

    Attributes
    ----------
    texts : name → text; a name without one is its own text.
    notes : what a reader must be told of the labels.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _numbers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: LabelSource) -> Names:
        """Return the names a source gives."""
        return cls(texts_of(source))

    def __call__(self, name: object) -> str:
        """Return the text of a name, in glyphs that a font here can draw."""
        text = self.texts.get(str(name), str(name))
        if not is_cjk(text) or cjk_family() is not None:
            return text
        if NO_FONT not in self.notes:
            self.notes.append(NO_FONT)
        if not is_cjk(str(name)):
            return str(name)
        return self._numbers.setdefault(text, f"no. {len(self._numbers) + 1}")

    def short(self, name: object) -> str:
        """Return the text of a group's or wave's name, cut where it is very long."""
        text = self(name)
        return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"

    def joined(self, parts: Iterable[object]) -> str:
        """Return the names of a group as one label."""
        return " · ".join(self.short(part) for part in parts)


def is_cjk(text: str) -> bool:
    """Return whether a text has characters that the default font lacks."""
    return any(
        "\u2e80" <= c <= "\u9fff"
        or "\uf900" <= c <= "\ufaff"
        or "\uff00" <= c <= "\uffef"
        for c in text
    )


@cache
def cjk_family() -> str | None:
    """Return an installed font family with Chinese glyphs, None if there is none."""
    from matplotlib import font_manager

    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((family for family in CJK_FAMILIES if family in installed), None)


def wrapped(text: str, width: int) -> str:
    """Break a label into lines of about `width` Latin characters."""
    import textwrap

    if is_cjk(text):
        step = max(2, width // 2)
        return "\n".join(text[i : i + step] for i in range(0, len(text), step))
    return "\n".join(textwrap.wrap(text, width, break_long_words=True)) or text


def text_width(text: str, points: float) -> float:
    """Return about how many inches a text needs at a font size."""
    units = sum(1.0 if is_cjk(c) else 0.56 for c in text)
    return units * points / 72
