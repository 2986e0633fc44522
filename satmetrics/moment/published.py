"""From a published table to moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.moment.moments import Moments

LOWEST_EIGENVALUE = -1e-8
STANDARDISED = (
    "standard deviations are not known: items are standardised, and what depends on "
    "their units is that of standardised items"
)


def from_table(
    mean: Sequence[float] | FloatArray | None,
    sd: Sequence[float] | FloatArray | None,
    corr: Sequence[Sequence[float]] | FloatArray | None,
    *,
    n: int,
    names: Sequence[str] | None,
    context: Context | None,
) -> Moments:
    """Take published figures; see `Moments.from_table`."""
    p = _length(mean, sd, corr)
    means = np.full(p, np.nan) if mean is None else np.asarray(mean, dtype=np.float64)
    sds = np.ones(p) if sd is None else np.asarray(sd, dtype=np.float64)
    _check_table(means, sds, corr, n, known=mean is not None)
    R = np.full((p, p), np.nan) if corr is None else np.array(corr, dtype=np.float64)
    np.fill_diagonal(R, 1.0)
    context = context or Context(name="published table")
    context = context.plus(notes=(STANDARDISED,) if sd is None else ())
    return Moments(
        names=tuple(names)
        if names is not None
        else tuple(f"x{i + 1}" for i in range(p)),
        n=n,
        mean=means,
        cov=R * np.outer(sds, sds),
        kind="table",
        context=_reported(R, context),
    )


def _length(mean: object, sd: object, corr: object) -> int:
    """Return the number of items, from the first figures that are given."""
    if sd is None and corr is None:
        raise DataError(
            "neither standard deviations nor correlations are given",
            code="bad-table",
            remedy="give sd=, corr= or both",
        )
    given = next(part for part in (mean, sd, corr) if part is not None)
    return len(np.asarray(given, dtype=np.float64))


def _reported(R: FloatArray, context: Context) -> Context:
    """Note correlations that no answers could have given."""
    if np.isnan(R).any():
        return context
    lowest = float(np.linalg.eigvalsh(R)[0])
    note = (
        "the correlations given are not positive semi-definite (smallest eigenvalue "
        f"{lowest:.3f}): no answers have them"
    )
    return context.plus(notes=(note,) if lowest < LOWEST_EIGENVALUE else ())


def _check_table(
    mean: FloatArray, sd: FloatArray, corr: object, n: int, *, known: bool
) -> None:
    p = len(mean)
    if sd.shape != (p,):
        raise DataError(
            f"{p} means and {sd.size} standard deviations", code="bad-shape"
        )
    unusable = known and not np.isfinite(mean).all()
    if (sd < 0).any() or unusable or not np.isfinite(sd).all():
        raise DataError(
            "means must be finite and standard deviations not negative",
            code="bad-table",
        )
    if n < 2:
        raise DataError(
            f"n={n}", code="bad-n", value=n, remedy="give the number of respondents, n="
        )
    if corr is None:
        return
    R = np.asarray(corr, dtype=np.float64)
    if R.shape != (p, p):
        raise DataError(f"corr has shape {R.shape}, needed {(p, p)}", code="bad-shape")
    if not np.allclose(R, R.T, atol=1e-8) or not np.allclose(np.diag(R), 1, atol=1e-8):
        raise DataError(
            "corr must be symmetric with ones on the diagonal",
            code="bad-corr",
            remedy="pass correlations, not covariances",
        )
    if (np.abs(R) > 1 + 1e-8).any():
        raise DataError("a correlation lies outside [−1, 1]", code="bad-corr")
