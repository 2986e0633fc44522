"""Defined parameters: functions of labelled ones, with errors by the delta method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation.sem_formula import Dual, read
from satmetrics.estimation.sem_standard import with_tests

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit


def defined_values(fit: SemFit) -> tuple[FloatArray, FloatArray]:
    """Return estimates and errors (…, k) of the defined parameters.

    With the gradient g of a formula by the free parameters and their covariance V, the
    error is ``√(gᵀ V g)``.
    """
    table, theta = fit.table, fit.theta
    numbers = table.numbers(theta)
    unit = np.eye(table.n_free)
    known: dict[str, Dual] = {}
    for k, (row, free) in enumerate(zip(table.rows, table.free, strict=True)):
        if row.label:
            slope = unit[free] if free >= 0 else np.zeros(table.n_free)
            slope = np.broadcast_to(slope, (*theta.shape[:-1], table.n_free))
            known.setdefault(row.label, Dual(numbers[..., k], slope))
    found = []
    for name, text in table.defined:
        known[name] = read(text).at(known)
        found.append(known[name])
    estimate = np.stack([one.value for one in found], axis=-1)
    slope = np.stack([one.slope for one in found], axis=-2)
    with np.errstate(invalid="ignore"):
        variance = np.einsum("...kt,...ts,...ks->...k", slope, fit.vcov, slope)
        return estimate, np.sqrt(variance)


def with_defined(
    fit: SemFit, labels: dict[str, Any], columns: dict[str, FloatArray], level: float
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Return labels and columns of `SemFit.estimates` with rows of defined ones."""
    names = [name for name, _ in fit.table.defined]
    added: dict[str, Any] = {
        "lhs": names,
        "op": [":="] * len(names),
        "rhs": [text for _, text in fit.table.defined],
        "group": [""] * len(names),
        "label": names,
        "free": [False] * len(names),
    }
    rows = {word: [*labels[word], *added[word]] for word in labels}
    values = with_tests(*defined_values(fit), level)
    return rows, {
        word: np.concatenate([columns[word], values[word]], axis=-1) for word in columns
    }
