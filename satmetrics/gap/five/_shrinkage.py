"""Estimates of units drawn towards their mean: arrays in, arrays out.

Letters: q scores, G units. Units without an estimate (NaN) take no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray

STEPS = 200
"""Halvings of the bracket of τ²; 60 exhaust double precision."""


@dataclass(frozen=True)
class Shrunken:
    """Empirical Bayes estimates, (q, G) but for what is of all units, (q,).

    Attributes
    ----------
    estimate : ``B y + (1 − B) μ``.
    std_error : root of the posterior variance, the mean's and τ²'s error included.
    weight : ``B = τ²/(τ² + v)``, what the unit's own figure counts.
    mean, mean_error : of the units, ``Σ w y/Σ w`` with ``w = 1/(τ² + v)``.
    tau2 : variance between units.
    units : units that took part.
    heterogeneity : Cochran's Q, ``Σ (y − ȳ)²/v`` about the mean weighted by 1/v.
    """

    estimate: FloatArray
    std_error: FloatArray
    weight: FloatArray
    mean: FloatArray
    mean_error: FloatArray
    tau2: FloatArray
    units: FloatArray
    heterogeneity: FloatArray


def paule_mandel(y: FloatArray, v: FloatArray) -> FloatArray:
    """Return τ² (q,) ≥ 0 at which ``Σ (y − μ)²/(τ² + v) = G − 1``.

    The left side falls in τ², so that the root is unique (Paule and Mandel 1982,
    doi:10.6028/jres.087.022; DerSimonian and Kacker 2007,
    doi:10.1016/j.cct.2006.04.004). With equal v it is the REML estimate ``s² − v``.
    """
    seen = np.isfinite(y) & np.isfinite(v)
    df = seen.sum(axis=1) - 1.0
    low = np.zeros(len(y))
    high = np.where(seen, y, 0.0).max(axis=1) - np.where(seen, y, 0.0).min(axis=1)
    high = (high + 1e-12) ** 2 * np.maximum(seen.sum(axis=1), 1)
    none = squares(y, v, low)[0] <= df
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = squares(y, v, middle)[0] > df
        low, high = np.where(above, middle, low), np.where(above, high, middle)
        if (high - low <= 1e-14 * high).all():
            break
    return np.where(df > 0, np.where(none, 0.0, (low + high) / 2), np.nan)


def squares(
    y: FloatArray, v: FloatArray, tau2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``Σ w (y − μ)²``, μ and ``Σ w`` (q,) at a variance between units."""
    seen = np.isfinite(y) & np.isfinite(v)
    w = np.where(seen, 1.0, 0.0) / np.where(seen, tau2[:, None] + v, 1.0)
    total = w.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (w * np.where(seen, y, 0.0)).sum(axis=1) / total
        deviation = np.where(seen, y - mean[:, None], 0.0)
    return (w * deviation**2).sum(axis=1), mean, total


def shrink(y: FloatArray, v: FloatArray) -> Shrunken:
    r"""Return the empirical Bayes estimates of units.

    The estimate is ``B y + (1 − B) μ``. Its variance is
    ``(1 − S) v + S²/Σw + (2/(G − 3)) S² c (y − μ)²`` with
    ``S = (1 − B) (G − 3)/(G − 1)``, ``c = (v̄ + τ²)/(v + τ²)`` and v̄ the mean of v
    weighted by w: what would remain if mean and τ² were known, the error of the mean,
    and that of τ² (Morris 1983, doi:10.1080/01621459.1983.10477920, section 5). Morris
    shrinks by S too; here the estimate is the best linear predictor at τ², and S,
    which keeps a τ² of 0 from being believed, serves the error alone.

    Parameters
    ----------
    y : (q, G) estimates.
    v : (q, G) their sampling variances, positive.
    """
    seen = np.isfinite(y) & np.isfinite(v)
    tau2 = paule_mandel(y, v)
    _, mean, total = squares(y, v, tau2)
    Q = squares(y, v, np.zeros_like(tau2))[0]
    G = seen.sum(axis=1).astype(np.float64)
    enough = np.where(G > 3, G, np.nan)[:, None]
    spread = tau2[:, None] + v
    with np.errstate(divide="ignore", invalid="ignore"):
        B = np.where(seen, tau2[:, None] / spread, np.nan)
        away = np.where(seen, y - mean[:, None], np.nan)
        w = np.where(seen, 1.0 / spread, 0.0)
        typical = (w * np.where(seen, v, 0.0)).sum(axis=1) / total
        ratio = (typical + tau2)[:, None] / spread
        S = (1 - B) * (enough - 3) / (enough - 1)
        doubt = 2 / (enough - 3) * ratio * away**2
        variance = (1 - S) * v + S**2 * (1 / total[:, None] + doubt)
        mean_error = 1 / np.sqrt(total)
    return Shrunken(
        mean[:, None] + B * away,
        np.sqrt(variance),
        B,
        mean,
        mean_error,
        tau2,
        G,
        Q,
    )
