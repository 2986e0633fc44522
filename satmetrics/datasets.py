"""What ships in ``data/``: surveys as answers, as figures, and published tables."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics._frames import Table
from satmetrics._published import PublishedSeries
from satmetrics._result import Context
from satmetrics.errors import OptionError, SatmetricsError, SourceWarning
from satmetrics.moment.moments import Moments
from satmetrics.survey.survey import Survey

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "answers": "is a survey of answers: sat.datasets.load({name!r})",
    "moments": "is known by its figures: sat.datasets.moments({name!r})",
    "table": "is a published table: sat.datasets.table({name!r})",
    "series": "is a published series: sat.datasets.series({name!r})",
}
_KEYS = (
    "schema",
    "name",
    "title",
    "kind",
    "origin",
    "file",
    "n",
    "instrument",
    "model",
    "scale",
    "citation",
    "licence",
    "notes",
    "roles",
    "items",
    "mean",
    "sd",
    "correlation",
    "units",
)


def names() -> tuple[str, ...]:
    """Return the names of all data sets that ship with the library.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.datasets.names()
    ('acsi_1997', 'acsi_durables', 'acsi_national', 'airline_waves',
     'babakus_boller_1992', 'bank_servqual', 'csisg_2008_sizes', 'ecsi_mobile',
     'hkcsi', 'ncsi_korea_sizes', 'patient_servqual', 'tmme')
    """
    return tuple(sorted(p.name for p in _root().iterdir() if _meta_file(p).is_file()))


@friendly_keywords
def load(name: str) -> Survey:
    """Return a data set of answers.

    Parameters
    ----------
    name : "bank_servqual" or "airline_waves"; both are simulated and say so.

    Returns
    -------
    Survey, with roles, scales and instrument set. A mixture of interview modes in the
    shipped data is part of the example: it is a note of the survey, not a warning.

    Raises
    ------
    OptionError
        If there is no such data set, or only its figures ship.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> survey.n, survey.origin
    (1440, 'simulated')
    """
    meta = _meta(name, "answers")
    scale = meta.get("scale")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SourceWarning)
        return Survey(
            _frame(meta),
            meta.get("instrument"),
            scale=None if scale is None else (scale[0], scale[1]),
            name=meta["name"],
            origin=meta["origin"],
            notes=tuple(meta.get("notes", ())),
            **meta["roles"],
        )


@friendly_keywords
def moments(name: str) -> Moments:
    """Return a survey known by its means, standard deviations and correlations.

    Parameters
    ----------
    name : "ecsi_mobile": 24 items, n = 250 (Tenenhaus et al. 2005,
        doi:10.1016/j.csda.2004.03.005); "babakus_boller_1992": correlations of the 22
        SERVQUAL items, n = 502, without means and standard deviations (Babakus and
        Boller 1992, doi:10.1016/0148-2963(92)90022-4). Real; the answers are not
        shipped.

    Returns
    -------
    Moments

    Raises
    ------
    OptionError
        If there is no such data set, or it has answers.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> int(mobile.n), len(mobile.names), round(float(mobile.mean[0]), 3)
    (250, 24, 7.64)
    """
    meta = _meta(name, "moments")
    p = len(meta["items"])
    corr = np.eye(p)
    below = np.tril_indices(p, -1)
    corr[below] = [r for row in meta["correlation"] for r in row]
    corr.T[below] = corr[below]
    return Moments.from_table(
        mean=meta.get("mean"),
        sd=meta.get("sd"),
        corr=corr,
        n=meta["n"],
        names=meta["items"],
        context=Context(meta["origin"], meta["name"], notes=tuple(meta["notes"])),
    )


@friendly_keywords
def table(name: str) -> pd.DataFrame:
    """Return a published table of figures.

    Parameters
    ----------
    name : "patient_servqual": expectation and perception of 386 patients by dimension
        (PMC6131925, Table 2). Real.

    Returns
    -------
    A fresh frame with the columns that `satmetrics.gap_table` reads; its ``attrs``
    carry name and origin.

    Raises
    ------
    OptionError
        If there is no such table.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.datasets.table("patient_servqual")["gap"].tolist()
    [-0.25, -0.13, -0.13, -0.18, -0.16]
    """
    meta = _meta(name, "table")
    frame = _frame(meta)
    frame.attrs = {"name": meta["name"], "origin": meta["origin"]}
    return frame


@friendly_keywords
def series(name: str) -> PublishedSeries:
    """Return a published series of index figures, each with its source and status.

    Parameters
    ----------
    name : "acsi_national" (United States by quarter), "acsi_1997" (nation and sectors),
        "acsi_durables" (durables, personal computers and their makers by year),
        "hkcsi" (Hong Kong, 2001-2006, with a figure that was revised), "tmme" (Turkey),
        "ncsi_korea_sizes" and "csisg_2008_sizes" (how much was asked). The names say
        whose figures are cited; the library is not affiliated with their publishers.

    Returns
    -------
    PublishedSeries
        Figures as published, without standard errors where none were. The column
        ``status`` says how sure each is; figures that a later release replaced are in
        the table and left out by ``current()``.

    Raises
    ------
    OptionError
        If there is no such series.

    Examples
    --------
    >>> import satmetrics as sat
    >>> hong_kong = sat.datasets.series("hkcsi").of("nation")
    >>> hong_kong.current().to_frame()["estimate"].tolist()
    [66.1, 65.1, 67.9, 69.1, 69.3, 70.1]
    """
    meta = _meta(name, "series")
    frame = _frame(meta, dtype={"wave": str, "release": str}).fillna(
        {"release": "", "name": ""}
    )
    columns: dict[str, object] = {c: frame[c].to_numpy() for c in frame.columns}
    for column in ("estimate", "n"):
        columns[column] = frame[column].to_numpy(dtype=float)
    columns["std_error"] = np.full(len(frame), np.nan)
    return PublishedSeries(
        Table.of(columns, keys=("level", "term", "name", "wave")),
        Context(meta["origin"], meta["name"], notes=tuple(meta.get("notes", ()))),
        title=meta["title"],
        units=meta["units"],
    )


def _root() -> Path:
    """Return the folder of the data: in the wheel, or beside an editable checkout."""
    package = Path(str(resources.files("satmetrics")))
    for folder in (package / "data", package.parent / "data"):
        if folder.is_dir():
            return folder
    raise SatmetricsError(
        "the shipped data are not installed",
        code="no-data",
        value=str(package),
        remedy="install satmetrics again: pip install --force-reinstall satmetrics",
    )


def _meta_file(folder: Path) -> Path:
    return folder / f"{folder.name}.toml"


@cache
def _read_meta(file: Path) -> dict[str, Any]:
    document = _toml.read(file)
    _toml.check_schema(document, where=str(file))
    _toml.check_keys(document, _KEYS, where=str(file))
    return document


def _meta(name: str, kind: str) -> dict[str, Any]:
    """Return what is known of a data set, or raise naming the right function."""
    known = names()
    if name not in known:
        hint = did_you_mean(name, known)
        raise OptionError(
            f"there is no data set {name!r}",
            code="unknown-dataset",
            column="name",
            value=name,
            remedy=f"{hint} there are {', '.join(known)}".strip(),
        )
    meta = _read_meta(_meta_file(_root() / name))
    if meta["kind"] != kind:
        raise OptionError(
            f"{name} {_KINDS[meta['kind']].format(name=name)}",
            code="other-kind-of-dataset",
            column="name",
            value=name,
            remedy=f"this function returns {kind}",
        )
    return meta


def _frame(
    meta: dict[str, Any], dtype: Mapping[str, type] | None = None
) -> pd.DataFrame:
    import pandas as pd

    file = _root() / meta["name"] / meta["file"]
    return pd.read_csv(file, encoding="utf-8", dtype=dtype)
