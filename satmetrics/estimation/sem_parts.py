"""The parts of a covariance structure model: paths, measurement, R², covariances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level
from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation.sem_standard import standardised_rows, with_tests

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit
    from satmetrics.estimation.sem_table import Parameter


def path_table(fit: SemFit, level: float) -> Table:
    """Return `SemFit.paths` as a table."""
    at = _positions(fit, "~")
    rows = [fit.table.rows[k] for k in at]
    labels = {"source": [r.rhs for r in rows], "target": [r.lhs for r in rows]}
    values = _tested(fit, at, level)
    values["standardized"] = standardised_rows(fit, "std.all")[0][..., at]
    return fit.tidy(labels | _groups(fit, at), values)


def measurement_table(fit: SemFit, level: float) -> Table:
    """Return `SemFit.measurement` as a table."""
    at = _positions(fit, "=~")
    rows = [fit.table.rows[k] for k in at]
    labels = {
        "construct": [r.lhs for r in rows],
        "indicator": [r.rhs for r in rows],
        "mode": ["A"] * len(rows),
    }
    loading = standardised_rows(fit, "std.all")[0][..., at]
    values = {"weight": _weights(fit, rows, loading), "loading": loading}
    values |= _tested(fit, at, level)
    values["r2"] = explained(fit)[..., _places(fit, at)]
    return fit.tidy(labels | _groups(fit, at), values)


def _weights(fit: SemFit, rows: Sequence[Parameter], like: FloatArray) -> FloatArray:
    """Return factor score weights of indicators (…, rows), NaN where there is none."""
    found = np.full_like(like, np.nan)
    model = fit.model
    if len(fit.table.groups) > 1 or fit.table.observed != model.indicators:
        return found
    names = [model.names[k] for k in model.owner()]
    at = {pair: i for i, pair in enumerate(zip(names, model.indicators, strict=True))}
    here = [k for k, row in enumerate(rows) if (row.lhs, row.rhs) in at]
    found[..., here] = fit.weights[..., [at[rows[k].lhs, rows[k].rhs] for k in here]]
    return found


def r2_table(fit: SemFit) -> Table:
    """Return `SemFit.r2` as a table."""
    q, G = len(fit.table.latent), len(fit.table.groups)
    led = {row.lhs for row in fit.table.rows if row.op == "~"}
    led |= {r.rhs for r in fit.table.rows if r.op == "=~" and r.rhs in fit.table.latent}
    inner = [k for k, name in enumerate(fit.table.latent) if name in led]
    labels = {"construct": [fit.table.latent[k] for k in inner] * G}
    if G > 1:
        labels["group"] = [g for g in fit.table.groups for _ in inner]
    width = q + len(fit.table.observed)
    at = np.array([g * width + k for g in range(G) for k in inner], dtype=np.int64)
    return fit.tidy(labels, {"estimate": explained(fit)[..., at]})


def explained(fit: SemFit) -> FloatArray:
    """Return 1 − residual variance / variance (…, G (m + p)): latents, then observed.

    An observed variable that stands under a path is explained as the latent is.
    """
    parts = []
    for M in group_matrices(fit):
        for residual, total in ((M.Psi, M.Phi), (M.Theta, M.Sigma)):
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.diagonal(residual, axis1=1, axis2=2) / np.diagonal(
                    total, axis1=1, axis2=2
                )
            parts.append(1 - share)
    found = np.concatenate(parts, axis=-1)
    found[np.isnan(np.atleast_2d(fit.theta)).any(axis=-1)] = np.nan
    return np.asarray(found if fit.batched else found[0])


def group_matrices(fit: SemFit) -> tuple[kernel.Matrices, ...]:
    """Return the matrices of each group of the model, a batch of one for one fit."""
    theta = np.nan_to_num(fit.theta if fit.batched else fit.theta[None])
    return tuple(g.matrices(theta) for g in fit.table.layout.groups)


def latent_covariances(fit: SemFit, *, corr: bool) -> FloatArray:
    """Return covariances of the latents (…, G, m, m), or their correlations."""
    return _stacked(fit, [M.Phi for M in group_matrices(fit)], corr=corr)


def implied_covariances(fit: SemFit, *, corr: bool = False) -> FloatArray:
    """Return covariances of the indicators that the model implies (…, G, p, p)."""
    return _stacked(fit, [M.Sigma for M in group_matrices(fit)], corr=corr)


def _stacked(fit: SemFit, parts: list[FloatArray], *, corr: bool) -> FloatArray:
    found = np.stack(parts, axis=1)
    if corr:
        found = cov_to_corr(found)
    found[np.isnan(np.atleast_2d(fit.theta)).any(axis=-1)] = np.nan
    return np.asarray(found if fit.batched else found[0])


def matrix_table(
    fit: SemFit, values: FloatArray, names: tuple[str, ...], word: str
) -> Table:
    """Return square matrices (…, G, k, k) as a table, a row per row of each."""
    G, k = len(fit.table.groups), len(names)
    labels = {word: list(names) * G}
    if G > 1:
        labels["group"] = [g for g in fit.table.groups for _ in names]
    flat = values.reshape(*values.shape[:-3], G * k, k)
    return fit.tidy(labels, {name: flat[..., j] for j, name in enumerate(names)})


def _positions(fit: SemFit, op: str) -> IntArray:
    return np.flatnonzero([row.op == op for row in fit.table.rows])


def _places(fit: SemFit, at: IntArray) -> IntArray:
    """Return where `explained` has the right-hand side of each row."""
    m, p = len(fit.table.latent), len(fit.table.observed)
    latent = {name: k for k, name in enumerate(fit.table.latent)}
    place = latent | {name: m + k for k, name in enumerate(fit.table.observed)}
    rows = [fit.table.rows[k] for k in at]
    return np.array([r.group * (m + p) + place[r.rhs] for r in rows], dtype=np.int64)


def _groups(fit: SemFit, at: IntArray) -> dict[str, list[str]]:
    if len(fit.table.groups) == 1:
        return {}
    return {"group": [fit.table.groups[fit.table.rows[k].group] for k in at]}


def _tested(fit: SemFit, at: IntArray, level: float) -> dict[str, FloatArray]:
    check_level(level)
    free = fit.table.free[at]
    error = np.sqrt(np.diagonal(fit.vcov, axis1=-2, axis2=-1))
    error = np.where(free >= 0, error[..., np.maximum(free, 0)], np.nan)
    return with_tests(fit.table.numbers(fit.theta)[..., at], error, level)
