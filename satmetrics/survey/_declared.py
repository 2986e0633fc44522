"""What the user declared about the answers: scales, codes, texts, reversed items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from satmetrics._checks import did_you_mean
from satmetrics.errors import DataError, OptionError
from satmetrics.survey._door import Grid
from satmetrics.survey.answers import Rules, number_of, plain_text
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.scale import Scale, ScaleLike, as_scale

ScaleArgument: TypeAlias = ScaleLike | Mapping[str, ScaleLike] | None
Codes: TypeAlias = Sequence[float | str] | Mapping[str, Sequence[float | str]]
Answers: TypeAlias = Mapping[str, float] | Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Declared:
    """Rules of reading, common and per column.

    Attributes
    ----------
    default_scale, scales : the common scale, and those of single columns.
    default_codes, codes : what means "no answer", in all columns and in single ones.
    default_texts, texts : answer text -> number, for all columns and single ones.
    reverse : columns whose high answers are bad and still have to be turned.
    instrument : gives scales and reversed items where the user gave none.
    """

    default_scale: Scale | None = None
    scales: Mapping[str, Scale] = field(default_factory=dict)
    default_codes: tuple[float | str, ...] = ()
    codes: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)
    default_texts: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    reverse: tuple[str, ...] = ()
    instrument: Instrument | None = None

    def scale(self, column: str) -> Scale | None:
        """Return the column's scale: its own, form's, the common, instrument's."""
        if column in self.scales:
            return self.scales[column]
        if self.instrument is None:
            return self.default_scale
        own = self.instrument.own_scale_of(column)
        return own or self.default_scale or self.instrument.scale_of(column)

    def rules(self, column: str) -> Rules:
        """Return how the answers of a column are to be read."""
        scale = self.scale(column)
        common = () if column in self.codes else self.default_codes
        codes = self.codes.get(column, self.default_codes)
        return Rules(
            scale=scale,
            codes=tuple(float(c) for c in codes if not isinstance(c, str)),
            code_texts=frozenset(plain_text(c) for c in codes if isinstance(c, str)),
            texts={**self.default_texts, **self.texts.get(column, {})},
            doubtful=tuple(
                c
                for c in common
                if scale and not isinstance(c, str) and bool(scale.contains(c))
            ),
        )


def declare(
    grid: Grid,
    instrument: Instrument | None,
    *,
    scale: ScaleArgument = None,
    missing_codes: Codes = (),
    answers: Answers | None = None,
    reverse: Sequence[str] = (),
    already_reversed: Sequence[str] = (),
) -> Declared:
    """Return the user's declarations in one form, checked against the columns."""
    default_scale, scales = _scales(scale, grid, instrument)
    default_codes, codes = _codes(missing_codes, grid, instrument)
    default_texts, texts = _texts(answers or {}, grid, instrument)
    turned = _spread("reverse", reverse, grid, instrument)
    done = _spread("already_reversed", already_reversed, grid, instrument)
    own = instrument.reverse_columns() if instrument else ()
    turned += [c for c in own if c in grid and c not in turned]
    return Declared(
        default_scale=default_scale,
        scales=scales,
        default_codes=default_codes,
        codes=codes,
        default_texts=default_texts,
        texts=texts,
        reverse=tuple(c for c in turned if c not in done),
        instrument=instrument,
    )


def _scales(
    scale: ScaleArgument, grid: Grid, instrument: Instrument | None
) -> tuple[Scale | None, dict[str, Scale]]:
    if scale is None:
        return None, {}
    if not isinstance(scale, Mapping):
        return as_scale(scale), {}
    found: dict[str, Scale] = {}
    common = scale.get("*")
    for name, value in scale.items():
        if name == "*":
            continue
        for column in _columns("scale", name, grid, instrument):
            found[column] = as_scale(value, where=f"scale of {name!r}")
    return None if common is None else as_scale(common), found


def _codes(
    codes: Codes, grid: Grid, instrument: Instrument | None
) -> tuple[tuple[float | str, ...], dict[str, tuple[float | str, ...]]]:
    if not isinstance(codes, Mapping):
        return _code_list(codes), {}
    found: dict[str, tuple[float | str, ...]] = {}
    default: tuple[float | str, ...] = ()
    for name, listed in codes.items():
        if name == "*":
            default = _code_list(listed)
            continue
        for column in _columns("missing_codes", name, grid, instrument):
            found[column] = _code_list(listed)
    return default, found


def _code_list(codes: Sequence[float | str] | float | str) -> tuple[float | str, ...]:
    listed = (codes,) if isinstance(codes, (int, float, str)) else tuple(codes)
    plain: list[float | str] = []
    for code in listed:
        number = number_of(code) if isinstance(code, str) else float(code)
        plain.append(code if number is None else number)
        if number is not None and isinstance(code, str):
            plain.append(code)
    return tuple(plain)


def _texts(
    answers: Answers, grid: Grid, instrument: Instrument | None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    common: dict[str, float] = {}
    single: dict[str, dict[str, float]] = {}
    for name, value in answers.items():
        if isinstance(value, Mapping):
            table = _text_table(value)
            for column in _columns("answers", name, grid, instrument):
                single[column] = table
        else:
            common |= _text_table({name: value})
    return common, single


def _text_table(answers: Mapping[str, float]) -> dict[str, float]:
    table: dict[str, float] = {}
    for text, value in answers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise OptionError(
                f"answers: {text!r} stands for {value!r}",
                code="bad-answers",
                column="answers",
                value=value,
                remedy="give the number the text stands for, such as 5",
            )
        table[plain_text(str(text))] = float(value)
    return table


def _spread(
    argument: str, names: Sequence[str], grid: Grid, instrument: Instrument | None
) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names)
    return [c for name in listed for c in _columns(argument, name, grid, instrument)]


def _columns(
    argument: str, name: str, grid: Grid, instrument: Instrument | None
) -> list[str]:
    """Return the columns a name stands for: itself, or an item's in every form."""
    if name in grid:
        return [name]
    known = list(grid.names)
    if instrument is not None:
        parts = [item.id for item in instrument.items]
        parts += [dimension.id for dimension in instrument.dimensions]
        forms = [form for form in instrument.forms if name in parts]
        found = [form.column(name) for form in forms if form.column(name) in grid]
        if found:
            return found
        known += parts
    raise DataError(
        f"{argument}: no column {name!r}",
        code="columns-not-found",
        column=name,
        value=name,
        remedy=f"{did_you_mean(name, known)} the survey has "
        f"{', '.join(grid.names[:12])}".strip(),
    )
