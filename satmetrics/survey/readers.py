"""Reading a file as a survey: CSV, Excel, SPSS, Parquet, with or without a study."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics.errors import DataError, MissingDependencyError, OptionError
from satmetrics.survey import instruments
from satmetrics.survey._csv import read_csv
from satmetrics.survey._declared import Answers, Codes, ScaleArgument
from satmetrics.survey._door import open_frame
from satmetrics.survey._excel import read_excel
from satmetrics.survey._file import FileOptions, FileTable
from satmetrics.survey._long import check_long
from satmetrics.survey._roles import Roles
from satmetrics.survey._spss import read_spss
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.scale import Scale
from satmetrics.survey.study import Study, check_columns, unmapped
from satmetrics.survey.survey import Survey


@friendly_keywords
def read(  # noqa: PLR0913 - one keyword per declaration, as in Survey
    file: str | Path,
    study: str | Path | Study | None = None,
    *,
    name: str | None = None,
    sheet: str | None = None,
    header_rows: int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    instrument: Instrument | str | None = None,
    weight: str | None = None,
    unit: str | None = None,
    wave: str | None = None,
    respondent: str | None = None,
    source: str | None = None,
    cluster: str | None = None,
    stratum: str | None = None,
    scale: ScaleArgument = None,
    missing_codes: Codes = (),
    answers: Answers | None = None,
    reverse: Sequence[str] = (),
    already_reversed: Sequence[str] = (),
    items: Sequence[str] | None = None,
    duplicates: str | None = None,
) -> Survey:
    r"""Read a file as a survey.

    Parameters
    ----------
    file : path of a .csv, .tsv, .txt, .xlsx, .sav, .zsav or .parquet file, where a
        dataframe goes to sat.Survey(frame). It is read as data only.
    study : a study.toml (see `init_study`) that says which column is which item; what
        is given here as an argument comes before it.
    name : name of the data; by default the file's.
    sheet, header_rows, encoding, delimiter : layout of the file; what is not given is
        found out, and stated in the notes.
    instrument, weight, unit, wave, respondent, source, cluster, stratum, scale,
    missing_codes, answers, reverse, already_reversed, items, duplicates : as for
        `Survey`.

    Returns
    -------
    Survey, whose notes list every item without a column and every column without a use.

    Raises
    ------
    DataError
        If the file cannot be read exactly, or as for `Survey`.
    OptionError
        If `file` is no path.
    SpecificationError
        If the study contradicts itself.
    MissingDependencyError
        If an optional package is needed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "shops.csv")
    >>> _ = file.write_text("shop,q1\nA,7\nB,99\n", encoding="utf-8")
    >>> survey = read(file, unit="shop", scale=(1, 10), missing_codes=(99,))
    >>> survey.n, survey.answers(["q1"]).ravel().tolist()
    (2, [7.0, nan])
    >>> folder.cleanup()
    """
    plan = study if isinstance(study, Study) else _study(study)
    layout = {
        "sheet": sheet,
        "header_rows": header_rows,
        "encoding": encoding,
        "delimiter": delimiter,
    }
    table = read_table(file, _options(plan, layout))
    own = {
        "weight": weight,
        "unit": unit,
        "wave": wave,
        "respondent": respondent,
        "source": source,
        "cluster": cluster,
        "stratum": stratum,
        "scale": scale,
        "missing_codes": missing_codes,
        "answers": answers,
        "reverse": reverse,
        "already_reversed": already_reversed,
        "items": items,
        "duplicates": duplicates,
    }
    given = {key: value for key, value in own.items() if value not in (None, ())}
    return _survey(table, plan, instrument, given, name or Path(file).name)


def read_table(file: str | Path, options: FileOptions) -> FileTable:
    """Read a file as a table, by its suffix.

    Raises
    ------
    DataError
        If the file is absent, a folder, or of an unknown kind.
    OptionError
        If `file` is no path.
    """
    path = _path(file)
    if path.is_dir():
        raise DataError(
            f"{str(path)!r} is a folder, not a file",
            code="no-file",
            value=str(path),
            remedy="name the file in it that holds the answers",
        )
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            f"there is no file {str(path)!r}",
            code="no-file",
            value=str(path),
            remedy=did_you_mean(path.name, near) or "check the name and the folder",
        )
    readers: Mapping[str, Callable[[], FileTable]] = {
        ".csv": lambda: read_csv(path, options),
        ".tsv": lambda: read_csv(path, options),
        ".txt": lambda: read_csv(path, options),
        ".xlsx": lambda: read_excel(path, options),
        ".xlsm": lambda: read_excel(path, options),
        ".sav": lambda: read_spss(path),
        ".zsav": lambda: read_spss(path),
        ".parquet": lambda: _read_parquet(path),
    }
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise DataError(
            f"{path.name}: files ending in {suffix!r} cannot be read",
            code="unknown-format",
            value=suffix,
            remedy=f"save it as one of {', '.join(readers)}",
        )
    return readers[suffix]()


def _path(file: object) -> Path:
    if isinstance(file, (str, os.PathLike)):
        return Path(os.fspath(file))
    kind = type(file).__name__
    frame = hasattr(file, "columns") or hasattr(file, "column_names")
    raise OptionError(
        f"read takes the path of a file, not a {kind}",
        code="not-a-path",
        column="file",
        value=kind,
        remedy="a dataframe goes to sat.Survey(frame)"
        if frame
        else 'give the path, such as sat.read("answers.csv"); a dataframe goes to '
        "sat.Survey(frame)",
    )


def _read_parquet(path: Path) -> FileTable:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingDependencyError(
            "reading Parquet files needs Polars",
            code="missing-extra",
            value="polars",
            remedy='pip install "satmetrics[polars]"',
        ) from error
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.ComputeError as error:
        raise DataError(
            f"{path.name} is not a Parquet file: {error}",
            code="bad-file",
            value=path.name,
            remedy="write it again",
        ) from error
    return FileTable(frame, ("read as Parquet file",))


def _study(study: str | Path | None) -> Study:
    return Study() if study is None else Study.read(study)


def _options(plan: Study, layout: Mapping[str, Any]) -> FileOptions:
    chosen = {key: value for key, value in layout.items() if value is not None}
    stated = plan.file
    return FileOptions(
        sheet=chosen.get("sheet", stated.sheet),
        header_rows=chosen.get("header_rows", stated.header_rows),
        encoding=chosen.get("encoding", stated.encoding),
        delimiter=chosen.get("delimiter", stated.delimiter),
    )


def _survey(
    table: FileTable,
    plan: Study,
    instrument: Instrument | str | None,
    given: Mapping[str, Any],
    name: str,
) -> Survey:
    """Put file, study and arguments together; arguments come first, the file last."""
    frame = open_frame(table.frame).to_pandas()
    columns = tuple(frame.columns)
    check_columns(plan, columns)
    chosen = instrument or plan.instrument or None
    spec = instruments.load(chosen) if isinstance(chosen, str) else chosen
    expected = plan.item_ids or (spec.columns() if spec else ())
    absent, unused = unmapped(plan, columns, expected)
    if absent and len(absent) == len(expected):
        check_long(open_frame(frame), absent)
    roles = {**dict(plan.roles.items()), **_role_columns(given)}
    frame = _with_value_labels(frame, table, tuple(roles.values()))
    frame = frame.rename(columns=dict(plan.items))
    _check_renamed(frame, plan)
    names = {column: plan.items.get(column, column) for column in columns}
    taken = {*absent, *roles.values()}
    settings: dict[str, Any] = {
        **_declarations(table, plan, names, tuple(roles.values())),
        "items": _items(plan, expected, names, taken),
        "labels": {names[c]: text for c, text in table.labels.items() if c in names},
        "duplicates": plan.duplicates,
    }
    notes = (*table.notes, *_unmapped_notes(plan, absent, unused))
    settings["missing_codes"] = _all_codes(settings["missing_codes"], given)
    chosen_now = {k: v for k, v in given.items() if k != "missing_codes"}
    settings |= {**roles, **chosen_now}
    return Survey(frame, spec, name=plan.name or name, notes=notes, **settings)


def _role_columns(given: Mapping[str, Any]) -> dict[str, str]:
    return {f.name: given[f.name] for f in fields(Roles) if f.name in given}


def _items(
    plan: Study,
    expected: Sequence[str],
    names: Mapping[str, str],
    taken: set[str],
) -> tuple[str, ...] | None:
    """Return the columns that the study or instrument says are items."""
    if not plan.items and not expected:
        return None
    wanted = {*plan.items.values(), *expected}
    return tuple(n for n in names.values() if n in wanted and n not in taken)


def _declarations(
    table: FileTable, plan: Study, names: Mapping[str, str], roles: Sequence[str]
) -> dict[str, Any]:
    def item(word: str) -> str:
        return names.get(word, word)

    settings: dict[str, Any] = {
        "answers": {
            item(key) if isinstance(value, Mapping) else key: value
            for key, value in plan.answers.items()
        },
        "reverse": tuple(item(word) for word in plan.reverse),
        "already_reversed": tuple(item(word) for word in plan.already_reversed),
    }
    settings["missing_codes"] = {
        **{item(c): found for c, found in table.codes.items() if c not in roles},
        **{item(word): found for word, found in plan.missing_codes.items()},
    }
    scales: dict[str, Scale] = {}
    if plan.default_scale is None:
        hints = table.scales.items()
        scales = {item(name): scale for name, scale in hints if name not in roles}
    scales |= {item(name): scale for name, scale in plan.scales.items()}
    default = {"*": plan.default_scale} if plan.default_scale else {}
    settings["scale"] = {**default, **scales}
    return settings


def _all_codes(
    stated: Mapping[str, Sequence[float | str]], given: Mapping[str, Any]
) -> dict[str, Sequence[float | str]]:
    """Return the codes of file and study with those given now, none of them lost."""
    now = given.get("missing_codes", {})
    listed = (now,) if isinstance(now, (int, float, str)) else now
    own = listed if isinstance(listed, Mapping) else {"*": tuple(listed)}
    merged = {**stated, **own}
    common = merged.get("*", ())
    return {
        name: tuple(dict.fromkeys((*codes, *common))) if name not in own else codes
        for name, codes in merged.items()
    }


def _with_value_labels(
    frame: pd.DataFrame, table: FileTable, roles: Sequence[str]
) -> pd.DataFrame:
    """Return the frame with the labelled values of role columns as ordered texts."""
    columns = {}
    for name in roles:
        labels = table.value_labels.get(name, {})
        seen = set(frame[name].dropna().unique().tolist()) if name in frame else set()
        if labels and seen <= set(labels):
            order = list(dict.fromkeys(labels[value] for value in sorted(labels)))
            texts = frame[name].map(labels)
            columns[name] = pd.Categorical(texts, categories=order, ordered=True)
    return frame.assign(**columns)


def _check_renamed(frame: pd.DataFrame, plan: Study) -> None:
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        item = str(twice[0])
        column = next(c for c, i in plan.items.items() if i == item)
        raise DataError(
            f"study, [items]: {column!r} is to be {item!r}, and the file has a column "
            f"{item!r} too",
            code="item-twice",
            column=column,
            value=item,
            remedy="remove the line, or give the other column another item",
        )


def _unmapped_notes(
    plan: Study, absent: Sequence[str], unused: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    if absent:
        notes.append(f"items without a column: {', '.join(absent)}")
    if unused and (plan.items or plan.item_ids):
        notes.append(f"columns without a use: {', '.join(unused)}")
    return tuple(notes)
