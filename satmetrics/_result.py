"""What every result is: frozen, printable, pickled and written to JSON without loss."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary
from satmetrics._frames import Table, read_only
from satmetrics._typing import AnyArray, Origin
from satmetrics._version import __version__
from satmetrics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "satmetrics-result"
SCHEMA = 1
MANY_PLACES = 3
"""So many exclusions of one reason are told one by one."""
LATER = (
    "satmetrics.quality",
    "satmetrics.gap.study",
    "satmetrics.estimation.sem",
    "satmetrics.estimation.sem_engines",
    "satmetrics.assessment.ladder",
    "satmetrics.assessment.nested",
    "satmetrics.assessment.power_by_rmsea",
    "satmetrics.indices.aggregate_contributions",
    "satmetrics.indices.chart_result",
    "satmetrics.indices.board_result",
    "satmetrics.indices.plan_result",
    "satmetrics.indices.target_result",
    "satmetrics.drivers.impacts",
    "satmetrics.drivers.relative",
    "satmetrics.indices.invariance_result",
    "satmetrics.indices.rank_result",
    "satmetrics.metrics.compared",
    "satmetrics.indices.formula_result",
    "satmetrics.drivers.scenarios",
    "satmetrics.indices.diagnostics_result",
)
"""Modules that are not imported at the start, and whose results a document may hold."""
ORIGIN_WORDS: Mapping[Origin, str] = {
    "real": "REAL",
    "simulated": "SIMULATED",
    "supplied": "REAL (as supplied)",
}

R = TypeVar("R", bound="Record")


class Record:
    """A frozen value that JSON can carry; subclasses are frozen dataclasses.

    Arrays are copied once and made read-only, also after unpickling and deepcopy.
    """

    _kinds: ClassVar[dict[str, type[Record]]] = {}

    def __init_subclass__(cls) -> None:
        Record._kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        for name, value in _state(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, read_only(value))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), _state(self)))


def _state(record: Record) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]


def _rebuild(cls: type[R], state: dict[str, Any]) -> R:
    return cls(**state)


@dataclass(frozen=True)
class Exclusion(Record):
    """Answers or rows that were left out, and why.

    Attributes
    ----------
    reason : a phrase such as "answer missing (listwise)".
    n : how many.
    what : "rows", "respondents", "answers", "draws" or "units".
    where : column, unit or wave concerned; empty for all.
    """

    reason: str
    n: int
    what: str = "rows"
    where: str = ""

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        return f"{self.n:,} {self.what} left out{place}: {self.reason}"


@dataclass(frozen=True)
class Context(Record):
    """Where the numbers come from; every result carries it to the last figure.

    Attributes
    ----------
    origin : "real", "simulated" or "supplied" (the user's own data).
    name : the data set's or file's name.
    n_rows : rows before anything was left out (0 when only figures were given).
    exclusions : everything that was left out, counted.
    notes : sentences a reader of any figure should know.
    """

    origin: Origin = "supplied"
    name: str = ""
    n_rows: int = 0
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """REAL, SIMULATED or REAL (as supplied), to stand beside a figure."""
        return ORIGIN_WORDS[self.origin]

    def plus(self, *exclusions: Exclusion, notes: tuple[str, ...] = ()) -> Context:
        """Return the context with more exclusions (those of zero are dropped)."""
        counted = tuple(e for e in exclusions if e.n)
        return dataclasses.replace(
            self,
            exclusions=self.exclusions + counted,
            notes=self.notes + tuple(n for n in notes if n not in self.notes),
        )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return the line a summary prints: data and origin."""
        return (("data", f"{self.name or 'unnamed'}, {self.word}"),)

    def sentences(self) -> tuple[str, ...]:
        """Return exclusions and notes as sentences.

        What was left out for one reason in many places is one sentence.
        """
        places: dict[tuple[str, str], list[Exclusion]] = {}
        for e in self.exclusions:
            places.setdefault((e.reason, e.what), []).append(e)
        told = []
        for alike in places.values():
            many = len(alike) > MANY_PLACES and len({e.where for e in alike}) > 1
            told += [_together(alike)] if many else [str(e) for e in alike]
        return (*told, *self.notes)


def _together(alike: Sequence[Exclusion]) -> str:
    """Return exclusions of one reason in many places as one sentence."""
    total = sum(e.n for e in alike)
    most = max(alike, key=lambda e: e.n)
    return (
        f"{total:,} {most.what} left out in {len(alike)} places (most in "
        f"{most.where}: {most.n:,}): {most.reason}"
    )


class Result(Record):
    """A result: `to_frame`, `summary`, `repr`, HTML and JSON."""

    def to_frame(self) -> pd.DataFrame:
        """Return everything as one tidy frame."""
        raise NotImplementedError

    def summary(self) -> Summary:
        """Return what the result says of itself, printable as text and HTML."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def to_json(self) -> str:
        """Return versioned JSON that `read_result` brings back exactly."""
        document = {
            "format": FORMAT,
            "schema": SCHEMA,
            "version": __version__,
            "result": _encode(self),
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False)

    def save_json(self, path: str | Path) -> Path:
        """Write `to_json` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_json(), encoding="utf-8")
        return target


@dataclass(frozen=True, eq=False, repr=False)
class TableResult(Result):
    """A result that is one tidy table and a context.

    Attributes
    ----------
    table : the rows.
    context : where the numbers come from and what was left out.
    """

    table: Table
    context: Context = field(default_factory=Context)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a fresh frame."""
        return self.table.to_frame()

    def _reasons(self) -> tuple[str, ...]:
        """Return how many rows lack a figure, by the column ``reason``."""
        said = [str(reason) for reason in self.table["reason"] if reason]
        return tuple(f"{said.count(r)} rows: {r}" for r in dict.fromkeys(said))


def _encode(value: Any) -> Any:  # noqa: PLR0911 - one branch per kind of value
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        return {
            "$scalar": value.dtype.str if value.dtype.kind != "U" else "str",
            "value": _encode(value.item()),
        }
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, (tuple, list)):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return {"$map": [[_encode(k), _encode(v)] for k, v in value.items()]}
    if isinstance(value, Table):
        pairs = zip(value.names, value.columns, strict=True)
        return {"$table": [[name, _encode(column)] for name, column in pairs]}
    if isinstance(value, Record):
        state = {name: _encode(item) for name, item in _state(value).items()}
        return {"$type": type(value).__name__, **state}
    raise TypeError(f"{type(value).__name__} cannot be written to JSON")


def _encode_array(array: AnyArray) -> dict[str, Any]:
    flat = [_encode(item) for item in array.ravel().tolist()]
    kind = "object" if array.dtype.kind == "O" else array.dtype.str
    return {"$array": flat, "dtype": kind, "shape": list(array.shape)}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$scalar" in value:
        plain = _decode(value["value"])
        return (
            plain
            if value["$scalar"] == "str"
            else np.dtype(value["$scalar"]).type(plain)
        )
    if "$array" in value:
        return _decode_array(value)
    if "$map" in value:
        return {_decode(k): _decode(v) for k, v in value["$map"]}
    if "$table" in value:
        names = tuple(name for name, _ in value["$table"])
        return Table(names, tuple(_decode(column) for _, column in value["$table"]))
    return _decode_record(value)


def _decode_array(value: dict[str, Any]) -> AnyArray:
    dtype = value["dtype"]
    if dtype != "object" and np.dtype(dtype).kind not in "fiubU":
        raise DataError(
            f"array type {dtype!r} is not one a result holds", code="bad-json"
        )
    items = [_decode(item) for item in value["$array"]]
    array = np.empty(len(items), dtype=object if dtype == "object" else np.dtype(dtype))
    array[:] = items
    return array.reshape(value["shape"])


def _decode_record(value: dict[str, Any]) -> Record:
    name = value.get("$type")
    cls = _kind(str(name))
    if cls is None:
        raise DataError(
            f"the document holds a {name!r}, which this version does not know",
            code="unknown-result",
            value=name,
            remedy="read it with the version of satmetrics that wrote it",
        )
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    state = {k: _decode(v) for k, v in value.items() if k != "$type"}
    unknown = sorted(set(state) - known)
    if unknown:
        raise DataError(f"{name} has no field {unknown[0]!r}", code="bad-json")
    return cls(**state)


def _kind(name: str) -> type[Record] | None:
    """Return the class of a record, looking further where it is not known yet."""
    if name not in Record._kinds:
        for module in LATER:
            import_module(module)
    return Record._kinds.get(name)


@friendly_keywords
def read_result(source: str | Path) -> Result:
    """Read a result written by ``to_json``, exactly as it was.

    Parameters
    ----------
    source : the JSON text itself, or the path of a file that holds it. The document is
        read as data only; nothing in it is evaluated.

    Returns
    -------
    The result, of the class that was written.

    Raises
    ------
    DataError
        If the text is not a satmetrics result, or was written by a newer schema.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.pls("ecsi", mobile)
    >>> again = sat.read_result(fit.to_json())
    >>> bool((again.paths() == fit.paths()).all(axis=None))
    True
    """
    text = source if isinstance(source, str) else None
    if text is None or not text.lstrip().startswith("{"):
        text = Path(source).read_text(encoding="utf-8")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error}", code="bad-json") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(
            "not a satmetrics result",
            code="bad-json",
            remedy=f'the document must carry "format": "{FORMAT}"',
        )
    if document.get("schema") != SCHEMA:
        raise DataError(
            f"schema {document.get('schema')!r} is not known here",
            code="bad-json",
            remedy=f"this version reads schema {SCHEMA}",
        )
    result = _decode(document.get("result"))
    if not isinstance(result, Result):
        raise DataError("the document holds no result", code="bad-json")
    return result
