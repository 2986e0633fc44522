"""What leaving out tells: arrays in, arrays out; groups left out run first.

Groups g of m_g units are left out of U_h units of stratum h, the rest of which is
weighted up. Leaving out one unit at a time, all groups are of one unit.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray


def influence(
    values: FloatArray, estimate: FloatArray, size: IntArray, stratum: IntArray
) -> FloatArray:
    """Return summed influence values (G, k), before centring; NaN where undefined.

    ``L_g = (U_h − m_g)(θ̂ − θ̂_(g))``: what the units of the group add to ``Σ l``, to
    first order.

    Parameters
    ----------
    values : (G, k) statistics without each group.
    estimate : (k,)
    size, stratum : (G,) units in each group, and its stratum 0 … H − 1.
    """
    rest = np.bincount(stratum, size)[stratum] - size
    return np.asarray(rest[:, None] * (estimate - values))


def centred(L: FloatArray, size: IntArray, stratum: IntArray) -> FloatArray:
    """Take out each stratum's share of its sum; undefined values become 0."""
    total = np.bincount(stratum, size)
    L = np.nan_to_num(L)
    return np.asarray(
        L - (size / total[stratum])[:, None] * _by_stratum(L, stratum)[stratum]
    )


def acceleration(L: FloatArray, size: IntArray, stratum: IntArray) -> FloatArray:
    """Return the acceleration (k,) from influence values; 0 where nothing varies.

    ``a = Σ_h U_h⁻³ Σ L³ / (6 (Σ_h U_h⁻² Σ L²)^(3/2))``, which for one stratum is
    Efron's ``Σ L³ / (6 (Σ L²)^(3/2))`` (Efron 1987; strata: Davison and Hinkley 1997,
    section 5.3).
    """
    total = np.bincount(stratum, size)[stratum][:, None]
    C = centred(L, size, stratum) / total
    square, cube = (C**2).sum(axis=0), (C**3).sum(axis=0)
    flat = square <= 1e-24
    return np.where(flat, 0.0, cube / (6 * np.where(flat, 1.0, square) ** 1.5))


def std_error(L: FloatArray, size: IntArray, stratum: IntArray) -> FloatArray:
    """Return the jackknife standard error (k,).

    ``√(Σ_h G_h/(G_h − 1) Σ L² / U_h²)``, which leaving out one of n is
    ``√((n − 1)/n Σ (θ̂_(i) − θ̄)²)``.
    """
    groups = np.bincount(stratum)[stratum][:, None]
    total = np.bincount(stratum, size)[stratum][:, None]
    C = centred(L, size, stratum) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((groups / (groups - 1) * C**2).sum(axis=0)))


def bias(L: FloatArray, size: IntArray, stratum: IntArray) -> FloatArray:
    """Return the jackknife bias (k,): ``−Σ_h Σ L / U_h``, or ``(n − 1)(θ̄ − θ̂)``."""
    total = np.bincount(stratum, size)
    return np.asarray(-(_by_stratum(np.nan_to_num(L), stratum) / total[:, None]).sum(0))


def _by_stratum(values: FloatArray, stratum: IntArray) -> FloatArray:
    """Sum values (G, k) within strata (H, k)."""
    out = np.zeros((int(stratum.max()) + 1, values.shape[1]))
    np.add.at(out, stratum, values)
    return out
