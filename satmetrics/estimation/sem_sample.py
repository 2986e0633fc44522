"""What a covariance structure model is fitted to, and by what F becomes chi-square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation.door import oriented
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_table import ParameterTable
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit


def divided_by_n(options: SemOptions) -> bool:
    """Whether covariances have divisor n: in the normal likelihood, nowhere else."""
    return options.weight == "ML" and options.likelihood == "normal"


def sample_covariances(
    model: StructuralModel, moments: Moments, options: SemOptions, ends: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return covariances (b, p, p), means (b, p) and n (b,), as the estimator has them.

    One group is a batch of one.
    """
    turned = oriented(model, moments, ends)
    single = not moments.batch_shape
    cov = turned.cov[None] if single else turned.cov
    mean = turned.mean[None] if single else turned.mean
    n = np.atleast_1d(np.asarray(moments.n, dtype=np.float64))
    if divided_by_n(options):
        effective = np.atleast_1d(np.asarray(moments.n_eff, dtype=np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            cov = cov * ((effective - 1) / effective)[:, None, None]
    return cov, mean, n


def sample_acov(
    model: StructuralModel, moments: Moments, options: SemOptions, ends: FloatArray
) -> FloatArray | None:
    """Return the covariance of `sample_covariances` (b, 1, q, q); None if unknown.

    Where covariances have divisor n, so have these.
    """
    acov = oriented(model, moments, ends).acov
    if acov is None:
        return None
    found = acov if moments.batch_shape else acov[None]
    n = np.atleast_1d(np.asarray(moments.n, dtype=np.float64))
    factor = (n - 1) / n if divided_by_n(options) else np.ones_like(n)
    return np.asarray(found * factor[:, None, None])[:, None]


def totals(n: FloatArray, options: SemOptions) -> FloatArray:
    """Return what F is multiplied by: n where covariances have that divisor, or n − 1.

    As in lavaan, GLS and ULS take n − 1.
    """
    return n if divided_by_n(options) else n - 1


def as_sample(
    table: ParameterTable, S: FloatArray, mean: FloatArray, good: BoolArray
) -> kernel.Sample:
    """Return the sample, with identity covariances for members that are not `good`."""
    safe = np.where(good[:, None, None], S, np.eye(S.shape[-1]))[:, None]
    means = np.where(good[:, None], mean, 0.0)[:, None] if table.means else None
    return kernel.Sample(safe, means, np.ones((len(S), 1)))


def as_groups(
    table: ParameterTable,
    S: FloatArray,
    mean: FloatArray,
    total: FloatArray,
    reasons: tuple[str, ...],
) -> tuple[kernel.Sample, FloatArray, tuple[str, ...]]:
    """Return the G groups of one model as a batch of one: sample, total and reason.

    Parameters
    ----------
    S, mean, total : (G, p, p), (G, p) and (G,), as for a batch.
    reasons : per group why it cannot be used.
    """
    said = [f"{g}: {r}" for g, r in zip(table.groups, reasons, strict=True) if r]
    safe = np.broadcast_to(np.eye(S.shape[-1]), S.shape) if said else S
    known = np.where(total > 1, total, 1.0)
    means = np.nan_to_num(mean)[None] if table.means else None
    share = (known / known.sum())[None]
    return (
        kernel.Sample(safe[None], means, share),
        known.sum(keepdims=True),
        ("; ".join(said),),
    )


def sample_of(fit: SemFit) -> tuple[kernel.Sample, FloatArray]:
    """Return the sample a fit was made from, and n or n − 1 (b,)."""
    S, mean, n = sample_covariances(fit.model, fit.moments, fit.options, fit.ends)
    if len(fit.table.groups) > 1:
        lost = ("" if np.isfinite(fit.theta).all() else "not fitted",) * len(n)
        sample, total, _ = as_groups(fit.table, S, mean, totals(n, fit.options), lost)
        return sample, total
    theta = fit.theta if fit.batched else fit.theta[None]
    good = np.asarray(np.isfinite(theta).all(axis=-1))
    return as_sample(fit.table, S, mean, good), totals(n, fit.options)
