"""SPSS files: labels and user-missing values kept, not guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, MissingDependencyError
from satmetrics.survey._file import FileTable
from satmetrics.survey.scale import Scale


def read_spss(path: Path) -> FileTable:
    """Read an SPSS .sav or .zsav file.

    User-missing values stay in the frame and are returned as missing codes, so that the
    survey counts them. Value labels that name every point, or both ends, give a scale.

    Raises
    ------
    MissingDependencyError
        If pyreadstat is not installed.
    DataError
        If the file cannot be read.
    """
    try:
        import pyreadstat
    except ImportError as error:
        raise MissingDependencyError(
            "reading SPSS files needs pyreadstat",
            code="missing-extra",
            value="pyreadstat",
            remedy='pip install "satmetrics[spss]"',
        ) from error
    try:
        frame, meta = pyreadstat.read_sav(str(path), user_missing=True)
    except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path.name} is not an SPSS file: {error}",
            code="bad-file",
            value=path.name,
            remedy="save it as .sav",
        ) from error
    codes = {
        name: found
        for name, ranges in meta.missing_ranges.items()
        if name in frame and (found := _codes(frame[name], ranges))
    }
    values = {
        name: {float(k): str(v) for k, v in labels.items() if _numeric(k)}
        for name, labels in meta.variable_value_labels.items()
    }
    scales = {
        name: scale
        for name, labels in values.items()
        if name in frame and (scale := _scale(frame[name], labels, codes.get(name, ())))
    }
    named = meta.column_names_to_labels.items()
    labels = {name: str(label) for name, label in named if label}
    return FileTable(
        frame=frame,
        notes=(f"read as SPSS file, encoding {meta.file_encoding}",),
        labels=labels,
        scales=scales,
        codes=codes,
        value_labels=values,
    )


def _codes(column: pd.Series, ranges: Sequence[Any]) -> tuple[float, ...]:
    """Return the values of a column that its file declares as missing."""
    if column.dtype.kind not in "fiu":
        return ()
    seen = _seen(column)
    found: set[float] = set()
    for span in ranges:
        if isinstance(span, Mapping) and _numeric(span["lo"]) and _numeric(span["hi"]):
            inside = (seen >= span["lo"]) & (seen <= span["hi"])
            found |= set(seen[inside].tolist())
    return tuple(sorted(found))


def _scale(
    column: pd.Series, labels: Mapping[float, str], codes: Sequence[float]
) -> Scale | None:
    """Return the scale that value labels span, if the answers lie on it."""
    points = sorted(value for value in labels if value not in codes)
    if len(points) < 2 or column.dtype.kind not in "fiu":
        return None
    low, high = points[0], points[-1]
    every = [low + k for k in range(int(high - low) + 1)] == points
    if not (every and len(points) >= 3) and not (len(points) == 2 and high - low >= 3):
        return None
    texts = [labels[point] for point in points]
    full = every and len(set(texts)) == len(texts)
    scale = Scale(low, high, labels=tuple(texts) if full else ())
    seen = _seen(column)
    answers = seen[~np.isin(seen, list(codes))]
    return scale if scale.contains(answers).all() else None


def _seen(column: pd.Series) -> FloatArray:
    values = column.to_numpy(dtype=np.float64)
    distinct: FloatArray = np.unique(values[~np.isnan(values)])
    return distinct


def _numeric(value: object) -> bool:
    return isinstance(value, (int, float))
