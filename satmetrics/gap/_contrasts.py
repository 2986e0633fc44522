"""Means of groups against each other: arrays in, arrays out.

Letters: n rows, q scores, G groups, K contrasts, C sampled units, H strata, D scores of
a multivariate test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray

NODES = 241
"""Nodes, from −7 to 7, of the integral behind simultaneous limits."""


def contrasts(kind: str, n_groups: int, reference: int) -> tuple[IntArray, FloatArray]:
    """Return which groups are set against which, and the contrasts (K, G).

    Parameters
    ----------
    kind : "pairs": every group less every later one; "reference": every other group
        less the reference; "rest": every group less the plain mean of the others.
    n_groups : G, at least 2.
    reference : position of the reference.

    Returns
    -------
    pairs : (K, 2) groups; −1 for the others together.
    L : (K, G)
    """
    eye = np.eye(n_groups)
    everyone = np.arange(n_groups)
    if kind == "pairs":
        a, b = np.triu_indices(n_groups, 1)
        return np.stack([a, b], axis=1), eye[a] - eye[b]
    if kind == "reference":
        a = everyone[everyone != reference]
        b = np.full(len(a), reference)
        return np.stack([a, b], axis=1), eye[a] - eye[b]
    others = (1 - eye) / (n_groups - 1)
    return np.stack([everyone, np.full(n_groups, -1)], axis=1), eye - others


def independent(
    L: FloatArray, mean: FloatArray, variance: FloatArray, df: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return contrasts of independent means, their errors and degrees of freedom.

    ``df = (Σ l² v)² / Σ (l² v)²/df`` (Welch 1947, doi:10.1093/biomet/34.1-2.28;
    Satterthwaite 1946, doi:10.2307/3002019).

    Parameters
    ----------
    L : (K, G)
    mean, variance, df : (q, G) means, their variances and degrees of freedom.

    Returns
    -------
    (q, K) each; NaN where a group that takes part has no variance of its own.
    """
    used = L != 0
    known = np.isfinite(mean) & np.isfinite(variance)
    spoilt = (~known).astype(np.float64) @ used.T.astype(np.float64) > 0
    m, v = np.where(known, mean, 0.0), np.where(known, variance, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = v @ (L * L).T
        parts = np.where(v > 0, v * v / np.where(v > 0, df, 1.0), 0.0) @ (L**4).T
        found = m @ L.T, np.sqrt(total), total**2 / parts
    estimate, error, degrees = (np.where(spoilt, np.nan, x) for x in found)
    return estimate, error, np.where(error > 0, degrees, np.nan)


def dependent(
    L: FloatArray, mean: FloatArray, V: FloatArray, df: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return contrasts of means (q, G) with covariance (q, G, G): as `independent`.

    `df` (q, K) are the degrees of freedom of each.
    """
    known = np.isfinite(mean) & np.isfinite(np.diagonal(V, axis1=1, axis2=2))
    spoilt = (~known).astype(float) @ (L != 0).T.astype(float) > 0
    m = np.where(known, mean, 0.0)
    U = np.where(known[:, :, None] & known[:, None, :], V, 0.0)
    variance = np.einsum("qkh,kh->qk", L @ U, L)
    error = np.sqrt(np.maximum(variance, 0.0))
    found = m @ L.T, error, np.where(error > 0, df, np.nan)
    estimate, error, degrees = (np.where(spoilt, np.nan, x) for x in found)
    return estimate, error, degrees


@dataclass(frozen=True)
class FTest:
    """F tests, (q,) each."""

    statistic: FloatArray
    df: FloatArray
    df_error: FloatArray
    p_value: FloatArray


def f_test(F: FloatArray, df: FloatArray, df_error: FloatArray) -> FTest:
    """Return F with its p-value; NaN where a degree of freedom is missing."""
    from scipy.special import fdtrc

    sound = np.isfinite(F) & (df > 0) & (df_error > 0)
    F, one, two = (np.where(sound, x, np.nan) for x in (F, df, df_error))
    return FTest(F, one, two, np.asarray(fdtrc(one, two, F), dtype=np.float64))


def welch_test(mean: FloatArray, variance: FloatArray, df: FloatArray) -> FTest:
    """Test that the means of independent groups are equal, variances as they are.

    With ``w = 1/v`` and ``λ = Σ (1 − w/W)²/df``,
    ``F = Σ w (x̄ − x̃)²/(G − 1) / (1 + 2 (G − 2) λ/(G² − 1))`` on G − 1 and
    ``(G² − 1)/(3 λ)`` degrees of freedom (Welch 1951, doi:10.1093/biomet/38.3-4.330).

    Parameters
    ----------
    mean, variance, df : (q, G); groups without a variance, or with none, are left out.
    """
    known = np.isfinite(mean) & (variance > 0) & np.isfinite(df)
    G = known.sum(axis=1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(known, 1 / variance, 0.0)
        W = w.sum(axis=1, keepdims=True)
        x = np.where(known, mean, 0.0)
        centre = (w * x).sum(axis=1, keepdims=True) / W
        between = (w * (x - centre) ** 2).sum(axis=1) / (G - 1)
        share = np.where(known, (1 - w / W) ** 2 / np.where(known, df, 1.0), 0.0)
        lam = share.sum(axis=1)
        F = between / (1 + 2 * (G - 2) * lam / (G * G - 1))
        second = (G * G - 1) / (3 * lam)
    return f_test(F, G - 1, second)


def wald_test(mean: FloatArray, V: FloatArray, df: float) -> FTest:
    """Test that means (q, G) with covariance V (q, G, G) are equal.

    ``F = (df − k + 1)/(df k) d' V⁻ d`` on k and df − k + 1 degrees of freedom, d the
    k = G − 1 differences from the first mean (Korn and Graubard 1990,
    doi:10.1080/00031305.1990.10475737).
    """
    out = []
    for m, v in zip(mean, V, strict=True):
        there = np.flatnonzero(np.isfinite(m) & (np.diagonal(v) > 0))
        k = len(there) - 1
        if k < 1 or df - k + 1 <= 0:
            out.append((np.nan, float(k), np.nan))
            continue
        L = np.hstack([-np.ones((k, 1)), np.eye(k)])
        d = L @ m[there]
        S = L @ v[np.ix_(there, there)] @ L.T
        W = d @ np.linalg.lstsq(S, d, rcond=1e-10)[0]
        rank = float(np.linalg.matrix_rank(S, tol=1e-10 * np.trace(S), hermitian=True))
        second = df - rank + 1
        out.append((W * second / (df * rank), rank, second))
    F, one, two = np.asarray(out, dtype=np.float64).T
    return f_test(F, one, two)


MANOVA = ("wilks", "pillai", "hotelling_lawley", "roy")


def manova(
    n: FloatArray, mean: FloatArray, within: FloatArray
) -> tuple[FloatArray, FTest]:
    """Test that the mean vectors of G groups are equal, one covariance for all.

    Wilks's Λ with Rao's F, Pillai's trace, the Hotelling-Lawley trace and Roy's root
    (an upper bound of F), as in Rencher (2002), Methods of Multivariate Analysis,
    section 6.1.

    Parameters
    ----------
    n : (G,) respondents; mean : (G, D); within : (G, D, D) sums of squares and products
        about the group's mean.

    Returns
    -------
    values, tests : (4,) each, in the order of `MANOVA`.
    """
    N, (G, D) = float(n.sum()), mean.shape
    centre = (n @ mean) / N
    d = mean - centre
    E, Hm = within.sum(axis=0), (d * n[:, None]).T @ d
    p, q, v = float(np.linalg.matrix_rank(E + Hm)), G - 1.0, N - G
    nothing = np.full(4, np.nan)
    if v < D or p < D:
        return nothing, f_test(nothing, nothing, nothing)
    root = np.linalg.eigvals(np.linalg.solve(E, Hm)).real
    root = np.maximum(root, 0.0)
    wilks = float(np.prod(1 / (1 + root)))
    pillai = float(np.sum(root / (1 + root)))
    trace, largest = float(root.sum()), float(root.max())
    s = min(p, q)
    m, h = (abs(p - q) - 1) / 2, (v - p - 1) / 2
    r, u = v - (p - q + 1) / 2, (p * q - 2) / 4
    t = np.sqrt((p * p * q * q - 4) / (p * p + q * q - 5)) if p * p + q * q > 5 else 1.0
    power = wilks ** (1 / t)
    rows = [((1 - power) / power * (r * t - 2 * u) / (p * q), p * q, r * t - 2 * u)]
    one, two = s * (2 * m + s + 1), s * (2 * h + s + 1)
    rows.append((two / one * pillai / (s - pillai), one, two))
    if h > 1:
        b = (p + 2 * h) * (q + 2 * h) / (2 * (2 * h + 1) * (h - 1))
        two = 4 + (p * q + 2) / (b - 1)
        rows.append((two / (p * q) * trace / ((two - 2) / (2 * h)), p * q, two))
    else:
        two = 2 * (s * h + 1)
        rows.append((two / one / s * trace, one, two))
    rho = max(p, q)
    rows.append(((v - rho + q) / rho * largest, rho, v - rho + q))
    F, one_, two_ = np.asarray(rows, dtype=np.float64).T
    return np.array([wilks, pillai, trace, largest]), f_test(F, one_, two_)


def simultaneous_critical(
    own: FloatArray,
    others: FloatArray,
    df: FloatArray,
    level: float,
    *,
    one_sided: bool = False,
) -> FloatArray:
    """Return the critical value (q,) of all differences from one mean at once.

    ``P(max_j |Z_j| ≤ c) = level``, or ``P(max_j Z_j ≤ c) = level`` if one-sided, for
    normal differences from a common mean, whose correlations are ``b_i b_j`` with
    ``b_j² = v_own/(v_own + v_j)`` (Dunnett 1955, doi:10.1080/01621459.1955.10501294),
    by the trapezoidal rule; turned into a quantile of t with `df` at the same tail.

    Parameters
    ----------
    own : (q,) variance of the common mean; others : (q, k) of the others, NaN for none.
    df : (q,) degrees of freedom.
    """
    from satmetrics._special import normal_cdf, student_quantile

    nodes = np.linspace(-7, 7, NODES)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    known = np.isfinite(others)
    v = np.where(known, others, 1.0)
    b2 = np.where(known, own[:, None] / (own[:, None] + v), 0.0)
    b, rest = np.sqrt(b2)[..., None], np.sqrt(np.maximum(1 - b2, 1e-12))[..., None]
    low, high = np.zeros(len(own)), np.full(len(own), 10.0)
    for _ in range(40):
        c = ((low + high) / 2)[:, None, None]
        inside = normal_cdf((c - b * nodes) / rest)
        if not one_sided:
            inside = inside - normal_cdf((-c - b * nodes) / rest)
        inside = np.where(known[..., None], inside, 1.0)
        covered = np.prod(inside, axis=1) @ weights
        low = np.where(covered < level, c[:, 0, 0], low)
        high = np.where(covered < level, high, c[:, 0, 0])
    return np.asarray(student_quantile(df, normal_cdf((low + high) / 2)))
