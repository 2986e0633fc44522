"""Where a covariance structure model does not fit: residuals, modification indices."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._special import chi2_tail, normal_cdf
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.estimation import _sem_release, _sem_standard
from satmetrics.estimation.sem_parts import group_matrices
from satmetrics.estimation.sem_sample import sample_of
from satmetrics.estimation.sem_standard import observed_latents, scaling_of
from satmetrics.estimation.sem_table import Parameter, ParameterTable

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit


def residual_table(fit: SemFit) -> Table:
    """Return `SemFit.residuals` as a table."""
    sample, total = sample_of(fit)
    theta = np.nan_to_num(np.atleast_2d(fit.theta))
    moment, left = _sem_release.residual_variances(
        fit.table.layout, sample, theta, fit.options.weight
    )
    if fit.moments.kind == "em":  # errors of complete answers would be too small
        moment, left = np.full_like(moment, np.nan), np.full_like(left, np.nan)
    i, j = np.tril_indices(len(fit.table.observed))
    raw, corr = [], []
    for g, M in enumerate(group_matrices(fit)):
        S, Sigma = sample.S[:, g], M.Sigma
        sd, own = (np.sqrt(np.diagonal(A, axis1=1, axis2=2)) for A in (S, Sigma))
        found = (S - Sigma)[:, i, j]
        one = S[:, i, j] / (sd[:, i] * sd[:, j])
        with np.errstate(divide="ignore", invalid="ignore"):
            one = one - Sigma[:, i, j] / (own[:, i] * own[:, j])
        if sample.mean is not None:
            d = sample.mean[:, g] - M.mu
            found, one = np.hstack([found, d]), np.hstack([one, d / sd])
        raw.append(found)
        corr.append(one)
    rest = np.stack(raw, axis=1)
    scale = total[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.where(left > 1e-8 * moment, left, np.nan) / scale)
        values = {
            "estimate": rest,
            "std_error": error,
            "statistic": rest / error,
            "p_value": 2 * normal_cdf(-np.abs(rest / error)),
            "normalized": rest / np.sqrt(moment / scale),
            "correlation": np.stack(corr, axis=1),
        }
    lost = np.asarray(np.isnan(np.atleast_2d(fit.theta)).any(axis=-1))
    flat = {}
    for name, value in values.items():
        value = np.where(lost[:, None, None], np.nan, value).reshape(len(theta), -1)
        flat[name] = value if fit.batched else value[0]
    return fit.tidy(_moment_labels(fit, sample.mean is not None), flat)


def _moment_labels(fit: SemFit, means: bool) -> dict[str, list[str]]:
    names, G = fit.table.observed, len(fit.table.groups)
    i, j = np.tril_indices(len(names))
    first = [names[k] for k in j] + (list(names) if means else [])
    second = [names[k] for k in i] + ([""] * len(names) if means else [])
    ops = ["~~"] * len(i) + (["~1"] * len(names) if means else [])
    labels = {"lhs": first * G, "op": ops * G, "rhs": second * G}
    if G > 1:
        labels["group"] = [g for g in fit.table.groups for _ in first]
    return labels


def modification_table(fit: SemFit) -> Table:
    """Return `SemFit.modification_indices` as a table."""
    if fit.options.weight == "ULS":
        raise OptionError(
            "modification indices are tests, and ULS has none",
            code="no-tests",
            column="estimator",
            value="ULS",
            remedy='use estimator="ML" or "GLS"',
        )
    if fit.moments.kind == "em":
        raise OptionError(
            "modification indices are of complete answers",
            code="incomplete-answers",
            value=fit.moments.kind,
            remedy='fit with missing="listwise"',
        )
    wider, start = widened(fit.table)
    sample, total = sample_of(fit)
    theta = np.atleast_2d(fit.theta)
    lost = np.asarray(np.isnan(theta).any(axis=-1))
    values = np.broadcast_to(start, (len(theta), len(start)))
    full = np.hstack([np.nan_to_num(theta), values])
    t = fit.table.n_free
    index, change = _sem_release.released(
        wider.layout, t, sample, full, total, fit.options.weight
    )
    index[lost] = np.nan
    change[lost] = np.nan
    at = np.flatnonzero(wider.free >= t)
    at = at[np.argsort(wider.free[at])]
    rows = [wider.rows[k] for k in at]
    labels = {word: [getattr(r, word) for r in rows] for word in ("lhs", "op", "rhs")}
    if len(wider.groups) > 1:
        labels["group"] = [wider.groups[r.group] for r in rows]
    columns = {
        "statistic": index,
        "p_value": chi2_tail(1.0, index),
        "expected_change": change,
        "change_lv": change * _scaled(wider, full, "std.lv")[:, at],
        "change_all": change * _scaled(wider, full, "std.all")[:, at],
    }
    if not fit.batched:
        columns = {name: value[0] for name, value in columns.items()}
    return _sorted(fit.tidy(labels, columns), index)


def _sorted(table: Table, index: FloatArray) -> Table:
    """Return the identified rows of each group, the largest index first."""
    flat = index.ravel()
    member = np.repeat(np.arange(len(index)), index.shape[1])
    order = np.lexsort((-np.nan_to_num(flat), member))
    return table.take(order[np.isfinite(flat[order])])


def _scaled(table: ParameterTable, theta: FloatArray, kind: str) -> FloatArray:
    scaling = scaling_of(table, "std.lv" if kind == "std.lv" else "std.all")
    layout = table.layout
    out = np.ones((len(theta), len(table.rows)))
    for g in range(layout.n_groups):
        at = np.flatnonzero(layout.group == g)
        out[:, at] = _sem_standard.scales(layout, theta, scaling, g)
    return out


def widened(table: ParameterTable) -> tuple[ParameterTable, FloatArray]:
    """Return the parameters with all that is fixed or absent freed, and its values.

    Freed are loadings on other factors, covariances of residuals and of constructs and,
    in a model with paths, absent paths.
    """
    kept: list[Parameter] = []
    freed: list[Parameter] = []
    for row in table.rows:
        if row.value is None or row.hidden:
            kept.append(row)
        else:
            freed.append(dataclasses.replace(row, value=None, start=row.value))
    known = {_name(row) for row in table.rows}
    for g in range(len(table.groups)):
        for lhs, op, rhs in _absent(table):
            row = Parameter(lhs, op, rhs, group=g, start=0.0)
            if _name(row) not in known:
                freed.append(row)
    start = np.array([row.start or 0.0 for row in freed], dtype=np.float64)
    wider = dataclasses.replace(table, rows=(*kept, *freed))
    return wider, start


def _name(row: Parameter) -> tuple[str, str, str, int]:
    pair = sorted((row.lhs, row.rhs)) if row.op == "~~" else [row.lhs, row.rhs]
    return pair[0], row.op, pair[1], row.group


def _absent(table: ParameterTable) -> list[tuple[str, str, str]]:
    """Return what could be in a model: loadings, covariances, paths."""
    tied = observed_latents(table)
    factors = [n for n, one in zip(table.latent, tied, strict=True) if not one]
    hidden = {row.rhs for row in table.rows if row.hidden and row.op == "=~"}
    items = [n for n in table.observed if n not in hidden and n not in table.latent]
    led = {row.lhs for row in table.rows if row.op == "~"}
    out = [(f, "=~", item) for f in factors for item in items]
    out += [(a, "~~", b) for k, a in enumerate(items) for b in items[k + 1 :]]
    names = table.latent
    out += [
        (a, "~~", b)
        for k, a in enumerate(names)
        for b in names[k + 1 :]
        if (a in led) == (b in led)
    ]
    if led:
        out += [(a, "~", b) for a in names for b in names if a != b]
    return out
