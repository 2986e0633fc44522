"""Rows of an assessment: collected by term, put into one table at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.estimation.structural import StructuralFit

LABELS = ("source", "target", "construct", "indicator")


@dataclass(frozen=True)
class Rows:
    """The k rows of one term.

    Attributes
    ----------
    term : what the numbers are.
    values : (…, k), with the batch axis of the fit.
    labels : source, target, construct or indicator of each row.
    reasons : why a row is undefined where it is, one for all or one each.
    form : "estimated" or "saturated" where the number belongs to one of the two.
    said : per group, a remark that stands whether or not the number is defined, but
        where the fit failed.
    """

    term: str
    values: FloatArray
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reasons: str | Sequence[str] = ""
    form: str = ""
    said: Sequence[str] = ()


def assemble(fit: StructuralFit, parts: Sequence[Rows]) -> Table:
    """Put the rows of all terms below each other, group by group of a batch."""
    groups = len(np.atleast_1d(fit.converged))
    sizes = [part.values.shape[-1] for part in parts]
    values = np.concatenate([part.values.reshape(groups, -1) for part in parts], axis=1)
    columns: dict[str, object] = {}
    if fit.keys is not None:
        columns |= {n: np.repeat(fit.keys[n], values.shape[1]) for n in fit.keys.names}
    for label in LABELS:
        found: list[str] = []
        for part, k in zip(parts, sizes, strict=True):
            found += part.labels.get(label, [""] * k)
        columns[label] = found * groups
    columns["term"] = _spread([part.term for part in parts], sizes) * groups
    columns["estimate"] = values.ravel()
    columns["form"] = _spread([part.form for part in parts], sizes) * groups
    columns["reason"] = _reasons(fit, parts, values).ravel().tolist()
    return Table.of(columns, keys=fit.key_names)


def _spread(words: Sequence[str], sizes: Sequence[int]) -> list[str]:
    return [w for word, k in zip(words, sizes, strict=True) for w in [word] * k]


def _reasons(fit: StructuralFit, parts: Sequence[Rows], values: FloatArray) -> AnyArray:
    """Return (G, k) reasons: a failed fit's own, else the undefined row's."""
    given: list[str] = []
    said = np.full(values.shape, "", dtype=object)
    start = 0
    for part in parts:
        k = part.values.shape[-1]
        one = isinstance(part.reasons, str)
        given += [part.reasons] * k if one else list(part.reasons)  # type: ignore[list-item]
        if len(part.said):
            said[:, start : start + k] = np.array(part.said, dtype=object)[:, None]
        start += k
    failed = ~np.atleast_1d(fit.converged)
    why = np.where(
        failed[:, None],
        np.array(fit.reasons, dtype=object)[:, None],
        np.array(given, dtype=object)[None, :],
    )
    blank = np.isnan(values) & (failed[:, None] | (said == ""))
    return np.where(blank, why, said)
