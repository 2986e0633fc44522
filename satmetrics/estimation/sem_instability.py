"""What makes a solution unstable, said aloud: which constructs, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

ALIKE = 0.95
"""Correlation above which two constructs are hardly two."""
LITTLE = 0.05
"""Share of residual variance below which there is hardly any."""
TIMES = 5.0
"""Errors of standardised paths that are so many times 1/√n explode."""
MERGE = (
    "merge constructs that answers do not tell apart, leave a path out, or estimate "
    "the model with sat.pls"
)


def instability(fit: SemFit) -> tuple[str, ...]:
    r"""Return a sentence on each thing that makes a solution unstable.

    Constructs correlated above .95; standard errors of standardised paths above five
    times :math:`1/\sqrt n`, about what they are among uncorrelated constructs;
    residual variances that are negative, or below 5 % of the variable's variance. All
    three are rules of thumb. One model of several groups, and batches, say nothing.

    Parameters
    ----------
    fit : a single fit.
    """
    if fit.batched or len(fit.table.groups) > 1 or np.isnan(fit.theta).any():
        return ()
    return (*_alike(fit), *_exploding(fit), *_little(fit))


def _alike(fit: SemFit) -> tuple[str, ...]:
    names, corr = fit.model.nodes, fit.corr
    i, j = np.nonzero(np.tril(np.abs(corr) > ALIKE, -1))
    if not len(i):
        return ()
    said = [
        f"{names[b]} and {names[a]} ({corr[a, b]:.2f})"
        for a, b in zip(i, j, strict=True)
    ]
    return (
        f"unstable: constructs correlate above {ALIKE:g} (rule of thumb): "
        f"{', '.join(said)}; {MERGE}",
    )


def _exploding(fit: SemFit) -> tuple[str, ...]:
    model = fit.model
    at = {name: k for k, name in enumerate(model.nodes)}
    phi = np.sqrt(np.diagonal(fit.matrices.Phi[0]))
    sd = dict(zip(fit.table.latent, phi, strict=True))
    error = np.sqrt(np.diagonal(fit.vcov))
    n = float(np.sum(fit.moments.n))
    limit = TIMES / np.sqrt(n)
    said = []
    for row, k in zip(fit.table.rows, fit.table.free, strict=True):
        if row.op != "~" or k < 0 or row.lhs not in at or row.rhs not in at:
            continue
        size = error[k] * sd[row.rhs] / sd[row.lhs]
        if size > limit:
            said.append(f"{row.rhs} → {row.lhs} ({size:.2f})")
    if not said:
        return ()
    return (
        f"unstable: standard errors of standardised paths above {limit:.2f}, {TIMES:g} "
        f"times 1/√n (rule of thumb), as of predictors that are nearly the same: "
        f"{', '.join(said)}; {MERGE}",
    )


def _little(fit: SemFit) -> tuple[str, ...]:
    M, hidden = fit.matrices, {r.lhs for r in fit.table.rows if r.hidden}
    led = {r.lhs for r in fit.table.rows if r.op == "~"}
    items = [n for n in fit.table.observed if n not in hidden]
    found = [
        *_shares(M.Theta[0], M.Sigma[0], fit.table.observed, items),
        *_shares(M.Psi[0], M.Phi[0], fit.table.latent, sorted(led)),
    ]
    if not found:
        return ()
    return (
        "unstable: residual variances near or below 0, under "
        f"{100 * LITTLE:g} % of the variable's variance (rule of thumb): "
        f"{', '.join(found)}; constrain them, use more indicators, or merge constructs",
    )


def _shares(
    residual: FloatArray,
    whole: FloatArray,
    names: tuple[str, ...],
    which: list[str],
) -> list[str]:
    share = np.diagonal(residual) / np.diagonal(whole)
    return [
        f"{name} ({100 * share[k]:.1f} %)"
        for k, name in enumerate(names)
        if name in which and share[k] < LITTLE
    ]
