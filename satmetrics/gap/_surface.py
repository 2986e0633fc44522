"""Quadratic regression on two predictors by group: arrays in, arrays out.

Letters: n respondents, G groups, terms ``x = [1, E, P, E², EP, P²]`` and their
coefficients ``b0 … b5`` (Edwards and Parry 1993). Rows come sorted by group. Nothing
loops over respondents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import spd_solve
from satmetrics._typing import BoolArray, FloatArray, IntArray

K = 6
"""Coefficients of the full model."""
DEGREE = np.array([0, 1, 1, 2, 2, 2])
"""Degree of each term in E and P together."""
LINES = np.array(
    [
        [0, 1, 1, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [0, 1, -1, 0, 0, 0],
        [0, 0, 0, 1, -1, 1],
        [0, 0, 0, 1, 0, -1],
    ],
    dtype=np.float64,
)
"""a1 … a5 of the coefficients."""
GAP = np.array(
    [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]],
    dtype=np.float64,
)
"""What a model of the gap alone sets to zero."""
QUADRATIC = np.eye(K)[3:]
PERCEPTION = np.eye(K)[[1, 3, 4, 5]]
MODELS = {
    "linear": np.eye(K)[:, :3],
    "perception": np.eye(K)[:, [0, 2]],
    "gap": np.array([[1.0, 0], [0, -1], [0, 1], [0, 0], [0, 0], [0, 0]]),
}
"""Terms of the smaller models, as combinations of the full model's."""
CHUNK = 2**15
"""Rows whose products are held at once."""
DISCREPANT = 0.5
"""Standardised scores at least so far apart do not agree (Shanock et al. 2010)."""
FULL_LEVERAGE = 1e-9
"""An observation with a leverage this near 1 leaves no residual to judge it by."""


@dataclass(frozen=True)
class Fit:
    """The model of each group, in units of the predictors as given.

    Attributes
    ----------
    n : (G,) rows.
    weight, weight_sq : (G,) sums of weights and of squared weights.
    b : (G, 6); NaN where the terms are collinear or there are too few rows.
    bread : (G, 6, 6) inverse of Σ w x xᵀ.
    sse, sst : (G,) weighted sums of squares, of residuals and about the mean.
    r2 : (G, 4) of the full, linear, perception-only and gap-only model.
    vif : (G, 5) of the terms but the constant.
    condition : (G,) condition number of the terms, each scaled to length 1.
    shares : (3, G) weighted shares of standardised P and E: apart with P above,
        agreeing, apart with E above.
    steps : (3, G) what E, P and 1 count in the standardised P − E.
    """

    n: IntArray
    weight: FloatArray
    weight_sq: FloatArray
    b: FloatArray
    bread: FloatArray
    sse: FloatArray
    sst: FloatArray
    r2: FloatArray
    vif: FloatArray
    condition: FloatArray
    shares: FloatArray
    steps: FloatArray


@dataclass(frozen=True)
class Layout:
    """Rows on their way into the model, laid out chunk by chunk.

    Attributes
    ----------
    E, P : (n,) predictors divided by `unit`.
    Z : (n,) outcome less `shift`.
    w : (n,) weights; `root` their square roots.
    codes : (n,) group, ascending.
    n_groups : G.
    unit, shift : what the predictors were divided by, and taken from the outcome.
    """

    E: FloatArray
    P: FloatArray
    Z: FloatArray
    w: FloatArray
    root: FloatArray
    codes: IntArray
    n_groups: int
    unit: float
    shift: float

    @classmethod
    def of(
        cls,
        E: FloatArray,
        P: FloatArray,
        Z: FloatArray,
        w: FloatArray,
        codes: IntArray,
        n_groups: int,
    ) -> Layout:
        """Take complete columns (n,), sorted by group."""
        unit = float(max(np.abs(E).max(initial=0), np.abs(P).max(initial=0))) or 1.0
        shift = float(np.average(Z, weights=w)) if len(Z) else 0.0
        arrays = (E / unit, P / unit, Z - shift, w, np.sqrt(w))
        return cls(*arrays, codes, n_groups, unit, shift)

    def slices(self) -> Iterator[slice]:
        """Yield the rows, some at a time."""
        for start in range(0, len(self.E), CHUNK):
            yield slice(start, start + CHUNK)

    def chunks(self) -> Iterator[tuple[slice, FloatArray, IntArray]]:
        """Yield rows, their terms and outcome (m, 7) times √w, and their groups."""
        for here in self.slices():
            e, p, z, v = (x[here] for x in (self.E, self.P, self.Z, self.root))
            X = np.empty((K + 1, len(e)))
            X[0], X[1], X[2], X[K] = 1.0, e, p, z
            np.multiply(X[1], X[1:3], out=X[3:5])
            np.multiply(X[2], X[2], out=X[5])
            X *= v
            yield here, X.T, self.codes[here]

    def rescale(self) -> FloatArray:
        """Return (6,) what turns coefficients of the layout into those of the data."""
        return np.asarray(self.unit ** -DEGREE.astype(np.float64))


def fit(rows: Layout) -> Fit:
    """Fit every group by weighted least squares."""
    codes, G = rows.codes, rows.n_groups
    S = _summed((products(X, g, G) for _, X, g in rows.chunks()), (G, K + 1, K + 1))
    n = np.bincount(codes, minlength=G)
    b, bread = solved(S, n)
    # one step of refinement: normal equations square the condition number
    left = (
        _sums(X[:, :K] * _left(X, g, b)[:, None], g, G) for _, X, g in rows.chunks()
    )
    b = b + (bread @ _summed(left, (G, K))[:, :, None])[:, :, 0]
    squares = (_sums(_left(X, g, b)[:, None] ** 2, g, G) for _, X, g in rows.chunks())
    sse = _summed(squares, (G, 1))[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        sst = S[:, K, K] - S[:, 0, K] ** 2 / S[:, 0, 0]
        sst = np.where(sst > 1e-12 * S[:, K, K], sst, np.nan)
        small = [_explained(S, L) for L in MODELS.values()]
        r2 = np.stack([1 - sse / sst, *(s / sst for s in small)], axis=1)
    c = rows.rescale()
    b = b * c
    b[:, 0] += rows.shift
    weight_sq = np.bincount(codes, rows.w**2, minlength=G).astype(np.float64)
    vif, condition = _collinearity(S[:, :K, :K])
    steps = _steps(S, weight_sq)
    return Fit(
        n=n,
        weight=S[:, 0, 0],
        weight_sq=weight_sq,
        b=b,
        bread=bread * c[:, None] * c,
        sse=sse,
        sst=sst,
        r2=r2,
        vif=vif,
        condition=condition,
        shares=_states(rows, S[:, 0, 0], steps),
        steps=steps,
    )


def classical(found: Fit) -> FloatArray:
    """Return the covariance (G, 6, 6) under equal error variances: s² (XᵀWX)⁻¹."""
    with np.errstate(divide="ignore", invalid="ignore"):
        s2 = found.sse / np.where(found.n > K, found.n - K, np.nan)
    return np.asarray(found.bread * s2[:, None, None])


def hc3(rows: Layout, found: Fit) -> FloatArray:
    """Return the HC3 covariance (G, 6, 6); NaN where a row has leverage 1.

    ``B Σ x xᵀ w² e²/(1 − h)² B`` with ``h = w xᵀ B x`` (MacKinnon and White 1985).
    """
    G, c = rows.n_groups, rows.rescale()
    V, sole = np.zeros((G, K, K)), np.zeros(G)
    for _, u, h, r, g in _projected(rows, found):
        left = 1 - h
        full = left < FULL_LEVERAGE
        V += products(u * (r / np.where(full, 1.0, left))[:, None], g, G)
        sole += np.bincount(g, full, minlength=G)
    V[sole > 0] = np.nan
    return np.asarray(V * c[:, None] * c)


def influence(rows: Layout, found: Fit) -> FloatArray:
    """Return (6, n) what each row adds to the error of its group's coefficients."""
    out = np.empty((K, len(rows.E)))
    for here, u, _, r, _ in _projected(rows, found):
        out[:, here] = u.T * r
    return np.asarray(out * rows.rescale()[:, None])


def wald(R: FloatArray, b: FloatArray, V: FloatArray) -> FloatArray:
    """Return ``(R b)ᵀ (R V Rᵀ)⁻¹ (R b)`` of restrictions R (q, 6): (…,)."""
    d = b @ R.T
    x, _ = spd_solve(R @ V @ R.T, d[..., None])
    return np.asarray(np.sum(d * x[..., 0], axis=-1))


def products(X: FloatArray, codes: IntArray, n_groups: int) -> FloatArray:
    """Return Σ x xᵀ (G, k, k) within groups of a chunk of rows."""
    if n_groups == 1:
        return np.asarray(X.T @ X)[None]
    i, j = np.triu_indices(X.shape[1])
    T, starts = np.ascontiguousarray(X.T), _starts(codes)
    flat, product = np.zeros((n_groups, len(i))), np.empty(len(X))
    at = codes[starts]
    for q, (a, b) in enumerate(zip(i, j, strict=True)):  # pair by pair, in cache
        np.multiply(T[a], T[b], out=product)
        flat[at, q] = np.add.reduceat(product, starts)
    out = np.empty((n_groups, X.shape[1], X.shape[1]))
    out[:, i, j] = out[:, j, i] = flat
    return out


def _sums(values: FloatArray, codes: IntArray, n_groups: int) -> FloatArray:
    """Sum rows (m, k) of a chunk within groups: (G, k)."""
    if n_groups == 1:
        return np.asarray(values.sum(axis=0))[None]
    out = np.zeros((n_groups, values.shape[1]))
    starts = _starts(codes)
    at = codes[starts]
    for j in range(values.shape[1]):
        out[at, j] = np.add.reduceat(np.ascontiguousarray(values[:, j]), starts)
    return out


def _summed(parts: Iterator[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    total = np.zeros(shape)
    for part in parts:
        total += part
    return total


def _starts(codes: IntArray) -> IntArray:
    return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])


def solved(S: FloatArray, n: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (…, 6) and the inverse (…, 6, 6) of Σ w x xᵀ."""
    bread, ok = spd_solve(S[..., :K, :K], np.eye(K))
    bread[~(ok & (n >= K))] = np.nan
    return (bread @ S[..., :K, K:])[..., 0], bread


def _left(X: FloatArray, codes: IntArray, b: FloatArray) -> FloatArray:
    """Return the residuals √w e (m,) of a chunk."""
    if len(b) == 1:
        return np.asarray(X[:, K] - X[:, :K] @ b[0])
    left = X[:, K].copy()
    for j in range(K):
        left -= X[:, j] * b[codes, j]
    return left


def _projected(
    rows: Layout, found: Fit
) -> Iterator[tuple[slice, FloatArray, FloatArray, FloatArray, IntArray]]:
    """Yield rows, B x √w (m, 6), leverages, residuals √w e and groups, as laid out."""
    c = rows.rescale()
    bread = found.bread / c[:, None] / c
    b = found.b.copy()
    b[:, 0] -= rows.shift
    b /= c
    for here, whole, codes in rows.chunks():
        X = whole[:, :K]
        if rows.n_groups == 1:
            u = X @ bread[0]
        else:
            u = np.zeros((K, len(X)))
            for j in range(K):
                for i in range(K):
                    u[j] += X[:, i] * bread[codes, i, j]
            u = u.T
        yield here, u, np.einsum("ni,ni->n", X, u), _left(whole, codes, b), codes


def _explained(S: FloatArray, L: FloatArray) -> FloatArray:
    """Return the sum of squares (G,) explained by combinations L (6, q) of terms."""
    A, c = L.T @ S[:, :K, :K] @ L, S[:, :K, K] @ L
    x, _ = spd_solve(A, c[:, :, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sum(c * x[:, :, 0], axis=1) - S[:, 0, K] ** 2 / S[:, 0, 0])


def _collinearity(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return VIF (G, 5) and the condition number (G,) of terms with products A."""
    index = np.arange(1, K)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = A[:, 0, 1:]
        cross = A[:, 1:, 1:] - first[:, :, None] * first[:, None, :] / A[:, :1, :1]
        inverse, _ = spd_solve(cross, np.eye(K - 1))
        vif = inverse[:, index - 1, index - 1] * cross[:, index - 1, index - 1]
        size = np.sqrt(A[:, np.arange(K), np.arange(K)])
        scaled = A / size[:, :, None] / size[:, None, :]
        known = np.asarray(np.isfinite(scaled).all(axis=(1, 2)))
        values = np.linalg.eigvalsh(np.where(known[:, None, None], scaled, np.eye(K)))
        ratio = values[:, -1] / np.where(values[:, 0] > 0, values[:, 0], np.nan)
    return vif, np.where(known, np.sqrt(ratio), np.nan)


def _steps(S: FloatArray, weight_sq: FloatArray) -> FloatArray:
    """Return what E, P and 1 count in P − E, both standardised in the group: (3, G)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        W = S[:, 0, 0]
        mean = S[:, 0, 1:3] / W[:, None]
        about = S[:, [1, 2], [1, 2]] / W[:, None]
        var = about - mean**2
        var = np.where(var > 1e-12 * about, var, np.nan)
        sd = np.sqrt(var / (1 - weight_sq / W**2)[:, None])
        return np.stack([-1 / sd[:, 0], 1 / sd[:, 1], (mean / sd) @ [1.0, -1.0]])


def states(rows: Layout, steps: FloatArray) -> Iterator[tuple[slice, BoolArray]]:
    """Yield rows and whether each (3, m) has P above E, agreement or E above P.

    Both are standardised within the group; at least half a standard deviation apart
    counts as apart.
    """
    for here in rows.slices():
        by_e, by_p, level = steps[:, rows.codes[here]] if rows.n_groups > 1 else steps
        apart = rows.P[here] * by_p + rows.E[here] * by_e + level
        above, below = apart >= DISCREPANT, apart <= -DISCREPANT
        yield here, np.stack([above, ~(above | below), below])


def _states(rows: Layout, W: FloatArray, steps: FloatArray) -> FloatArray:
    """Return the weighted shares (3, G) of `states`."""
    total = np.zeros((3, rows.n_groups))
    for here, state in states(rows, steps):
        w, g = rows.w[here], rows.codes[here]
        total += _sums((w * state).T, g, rows.n_groups).T
    with np.errstate(invalid="ignore"):
        above, _, below = np.where(np.isfinite(steps[2]), total / W, np.nan)
    return np.stack([above, 1 - above - below, below])
