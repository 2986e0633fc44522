"""Drafting a study.toml: a file is looked at, and what was found can be edited."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from satmetrics import _toml
from satmetrics._checks import friendly_keywords
from satmetrics._result import Record
from satmetrics.errors import DataError, SatmetricsWarning, ScaleWarning
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._excel import sheet_names
from satmetrics.survey._file import FileOptions, FileTable
from satmetrics.survey._long import check_long
from satmetrics.survey._matching import Match, find_roles, match_items
from satmetrics.survey._proposals import Proposal, propose
from satmetrics.survey._roles import Roles
from satmetrics.survey.label import Label
from satmetrics.survey.readers import read_table
from satmetrics.survey.scale import Scale

EXCEL = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class ItemSpec(Record):
    """An item that a model or instrument asks for.

    Attributes
    ----------
    id : the item, as the model names it.
    label : what it is called, in English and Chinese.
    construct : the construct or dimension it belongs to.
    scale : its scale, if the model states one.
    reverse : True if a high answer is bad and the survey has to turn it.
    """

    id: str
    label: Label = field(default_factory=Label)
    construct: str = ""
    scale: Scale | None = None
    reverse: bool = False


@friendly_keywords
def init_study(
    file: str | Path,
    items: Sequence[ItemSpec],
    *,
    model_id: str = "",
    instrument_id: str = "",
    sheet: str | None = None,
    header_rows: int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> str:
    """Look at a file and return a study.toml that can be edited and read with.

    Parameters
    ----------
    file : the file, of any kind that `read` takes.
    items : the items wanted.
    model_id, instrument_id : catalogue id they come from.
    sheet, header_rows, encoding, delimiter : layout of the file, if it is not found.

    Returns
    -------
    TOML text with comments. What is certain is written as a setting; what is only
    likely is written as a comment to be checked. The same file gives the same text.

    Raises
    ------
    DataError
        If the file cannot be read, or has one row per answer.

    Warns
    -----
    ScaleWarning
        If all answers keep to 5 or 7 points of a longer scale; the draft then holds the
        shorter one.
    SatmetricsWarning
        If the column of weights holds texts or negative values, or the items are on
        another than the first sheet of a workbook; the draft names it.
    """
    options = FileOptions(sheet, header_rows or 1, encoding, delimiter)
    table, options = _open(file, options, header_rows)
    if sheet is None and not _certain(table, items):
        table, options = _other_sheet(file, options, header_rows, items, table)
    grid = open_frame(table.frame)
    matches = match_items(grid.names, table.labels, items)
    if not any(match.certain for match in matches):
        check_long(grid, [item.id for item in items])
    mapped = {match.column for match in matches if match.certain}
    roles = find_roles(grid, mapped)
    proposal = propose(grid, table, items, matches)
    if proposal.warning:
        said = f"scale of all items: {proposal.warning}"
        warnings.warn(ScaleWarning(said), stacklevel=3)
    if "weight" in roles and roles["weight"][2].endswith("; check"):
        column, certain, remark = roles["weight"]
        taken = "the weight" if certain else "not used as weight"
        said = f"column {column!r} is {taken}: {remark}"
        warnings.warn(SatmetricsWarning(said), stacklevel=3)
    used = mapped | {column for column, certain, _ in roles.values() if certain}
    rest = [name for name in grid.names if name not in used]
    blocks = [
        _head(Path(file).name, model_id, instrument_id, items, proposal, matches),
        _file_block(options),
        _roles_block(roles),
        _items_block(items, matches, rest, grid, table),
        _scale_block(proposal),
        _answers_block(proposal),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _certain(table: FileTable, items: Sequence[ItemSpec]) -> int:
    """Return how many items certainly have a column."""
    matches = match_items(open_frame(table.frame).names, table.labels, items)
    return sum(match.certain for match in matches)


def _other_sheet(
    file: str | Path,
    options: FileOptions,
    header_rows: int | None,
    items: Sequence[ItemSpec],
    table: FileTable,
) -> tuple[FileTable, FileOptions]:
    """Return the sheet with most items, where the first holds none, and say so."""
    most, best = 0, (table, options)
    path = Path(file)
    for name in sheet_names(path) if path.suffix.lower() in EXCEL else ():
        try:
            found = _open(
                file,
                replace(options, sheet=name, header_rows=header_rows or 1),
                header_rows,
            )
        except DataError:
            continue
        if (count := _certain(found[0], items)) > most:
            most, best = count, found
    if most:
        said = f"the first sheet holds no item; sheet = {best[1].sheet!r} is taken"
        warnings.warn(SatmetricsWarning(said), stacklevel=4)
    return best


def _open(
    file: str | Path, options: FileOptions, header_rows: int | None
) -> tuple[FileTable, FileOptions]:
    """Read the file; a header of two rows is found if none was stated."""
    try:
        return read_table(file, options), options
    except DataError as error:
        if header_rows is not None or error.code not in (
            "header-rows",
            "duplicate-columns",
        ):
            raise
        try:
            two = replace(options, header_rows=2)
            return read_table(file, two), two
        except DataError:
            raise error from None


def _head(
    name: str,
    model_id: str,
    instrument_id: str,
    items: Sequence[ItemSpec],
    proposal: Proposal,
    matches: Sequence[Match],
) -> str:
    lines = [
        f"# How {name} becomes a survey. Lines after # are remarks or proposals.",
        "schema = 1",
    ]
    lines += [_setting("model", model_id)] if model_id else []
    lines += [_setting("instrument", instrument_id)] if instrument_id else []
    lines.append("# every item that is asked for; reading lists those without a column")
    lines.append(f"item_ids = {_inline([item.id for item in items])}")
    lines.append("")
    lines.append('# what means "no answer": numbers or texts')
    found = ", ".join(proposal.code_notes)
    remark = f"  # found: {found}; check" if found else ""
    lines.append(f"missing_codes = {_inline(proposal.codes)}{remark}")
    turned = {item.id for item in items if item.reverse}
    here = [m.item for m in matches if m.certain and m.item in turned]
    lines.append(
        "# items whose high answers are bad; already_reversed if they came turned"
    )
    lines.append(f"reverse = {_inline(here)}")
    lines.append("already_reversed = []")
    lines.append("# columns that are neither items nor roles, so that no note is made")
    lines.append("ignore = []")
    lines.append('duplicates = "error"  # or "first"')
    return "\n".join(lines)


def _file_block(options: FileOptions) -> str:
    lines = ["[file]"]
    for key in ("sheet", "encoding", "delimiter"):
        value = getattr(options, key)
        shown = {"sheet": "Sheet1", "encoding": "utf-8", "delimiter": ","}[key]
        lines.append(_setting(key, value) if value else f"# {_setting(key, shown)}")
    lines.append(_setting("header_rows", options.header_rows))
    return "\n".join(lines)


def _roles_block(roles: dict[str, tuple[str, bool, str]]) -> str:
    lines = ["[roles]"]
    for role in (f.name for f in fields(Roles)):
        if role not in roles:
            lines.append(f'# {role} = "column"')
            continue
        column, certain, remark = roles[role]
        mark = "" if certain else "# "
        lines.append(f"{mark}{_setting(role, column)}  # {remark}")
    return "\n".join(lines)


def _items_block(
    items: Sequence[ItemSpec],
    matches: Sequence[Match],
    rest: Sequence[str],
    grid: Grid,
    table: FileTable,
) -> str:
    specs = {item.id: item for item in items}
    lines = ["[items]", "# column of the file = item"]
    for match in matches:
        if match.certain:
            label = specs[match.item].label
            remark = f"  # {_remark(str(label))}; {match.reason}"
            lines.append(_setting(match.column, match.item) + remark)
    likely = [match for match in matches if not match.certain]
    if likely:
        lines += ["", "# likely, not certain: remove the # if they are right"]
        lines += [f"# {_setting(m.column, m.item)}  # {m.reason}" for m in likely]
    there = {match.item for match in matches if match.certain}
    absent = [item for item in items if item.id not in there]
    if absent:
        lines += ["", "# items without a column:"]
        lines += [
            f"# {_setting('column', item.id)}  # {_remark(str(item.label))}"
            for item in absent
        ]
    if rest:
        lines += ["", "# columns without an item:"]
        lines += [
            f"# {_setting(name, '')}  # {_about(grid, table, name)}" for name in rest
        ]
    return "\n".join(lines)


def _scale_block(proposal: Proposal) -> str:
    lines = [
        "[scale]",
        "# lowest and highest answer, for all items and for single ones",
    ]
    if proposal.scale is None:
        low, high = proposal.guess or (1, 10)
        found = (
            f"  # the answers run from {low:g} to {high:g}" if proposal.guess else ""
        )
        lines.append(f"# default = {_inline([low, high])}{found}")
    else:
        lines.append(f"default = {_pair(proposal.scale)}{proposal.scale_remark}")
    lines += [
        f"{_key(item)} = {_pair(scale)}{remark}"
        for item, (scale, remark) in proposal.scales.items()
    ]
    lines += [f"# {_remark(note)}" for note in proposal.scale_notes]
    return "\n".join(lines)


def _answers_block(proposal: Proposal) -> str:
    if not proposal.texts and not proposal.unknown_texts:
        return ""
    lines = ["[answers]", "# answer text = number, proposed: check the order"]
    lines += [f"{_key(text)} = {value}" for text, value in proposal.texts.items()]
    lines += [f"# {_key(text)} = 0  # number?" for text in proposal.unknown_texts]
    return "\n".join(lines)


def _about(grid: Grid, table: FileTable, name: str) -> str:
    column = grid[name]
    label = f"{table.labels[name]}; " if name in table.labels else ""
    if column.kind == "number":
        return _remark(f"{label}numbers")
    shown = ", ".join(column.labels[:3]) + (" …" if len(column.labels) > 3 else "")
    return _remark(f"{label}{column.kind}: {shown}"[:90])


def _remark(text: str) -> str:
    """Return text that can stand in a comment: one line, no control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def _pair(scale: Scale) -> str:
    return _inline([scale.minimum, scale.maximum])


def _inline(values: Sequence[object]) -> str:
    return "[" + ", ".join(_value(value) for value in values) + "]"


def _value(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    plain = int(value) if whole and isinstance(value, float) else value
    return _toml.write({"k": plain}).strip().removeprefix("k = ")


def _key(name: str) -> str:
    return _toml.write({name: 0}).strip().removesuffix(" = 0")


def _setting(key: str, value: object) -> str:
    return f"{_key(key)} = {_value(value)}"
