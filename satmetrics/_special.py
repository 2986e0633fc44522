"""Distribution functions, with SciPy imported when first needed.

``scipy.special`` alone costs more to import than this whole library.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray


def normal_cdf(x: FloatArray | float) -> FloatArray:
    """Return Φ(x)."""
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def normal_quantile(p: FloatArray | float) -> FloatArray:
    """Return Φ⁻¹(p)."""
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


def student_cdf(df: FloatArray | float, x: FloatArray | float) -> FloatArray:
    """Return P(T ≤ x) of Student's t."""
    from scipy.special import stdtr

    return np.asarray(stdtr(df, x))


def student_quantile(df: FloatArray | float, p: FloatArray | float) -> FloatArray:
    """Return the p-quantile of Student's t."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(df, p))


def f_tail(
    df1: FloatArray | float, df2: FloatArray | float, x: FloatArray | float
) -> FloatArray:
    """Return P(F > x) of Fisher's F."""
    from scipy.special import fdtrc

    return np.asarray(fdtrc(df1, df2, x))


def f_quantile(df1: FloatArray, df2: FloatArray, p: float) -> FloatArray:
    """Return the p-quantile of F with df1 and df2 degrees of freedom."""
    from scipy.special import fdtri

    return np.asarray(fdtri(df1, df2, p))


def chi2_tail(df: FloatArray | float, x: FloatArray | float) -> FloatArray:
    """Return P(χ² > x) with df degrees of freedom."""
    from scipy.special import chdtrc

    return np.asarray(chdtrc(df, x))
