"""Rows of a response surface: coefficients, lines, axes, fit, tests and shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import ESTIMATES, Table, repeated_keys
from satmetrics._special import f_tail, student_cdf
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap import _surface as kernel
from satmetrics.gap import _surface_axes as axes
from satmetrics.inference._tests import effective_n, t_critical, wilson

TERMS: Mapping[str, Mapping[str, str]] = {
    "coefficient": {
        "b0": "constant: outcome where E and P are at the centre",
        "b1": "expectation",
        "b2": "perception",
        "b3": "expectation²",
        "b4": "expectation × perception",
        "b5": "perception²",
    },
    "line": {
        "a1": "b1 + b2: slope where E = P",
        "a2": "b3 + b4 + b5: curvature where E = P",
        "a3": "b1 − b2: slope where E = −P (more E, less P)",
        "a4": "b3 − b4 + b5: curvature where E = −P",
        "a5": "b3 − b5: the axes are at 45° where it is 0",
    },
    "axis": {
        "e0": "stationary point: E less the centre",
        "p0": "stationary point: P less the centre",
        "z0": "outcome at the stationary point",
        "p10": "first axis P = p10 + p11 E: intercept",
        "p11": "first axis: slope",
        "p20": "second axis P = p20 + p21 E: intercept",
        "p21": "second axis: slope",
        "curvature_1": "curvature along the first axis",
        "curvature_2": "curvature along the second axis",
    },
    "fit": {
        "r2": "R² of the full model",
        "r2_adjusted": "adjusted R²",
        "r2_linear": "R² of E and P alone, no curvature",
        "r2_perception": "R² of P alone",
        "r2_gap": "R² of the gap P − E alone",
        "condition": "condition number of the six terms",
    },
    "test": {
        "test_gap": "only the gap counts: b1 = −b2, b3 = b4 = b5 = 0",
        "test_quadratic": "no curvature: b3 = b4 = b5 = 0",
        "test_perception": "only perception counts: b1 = b3 = b4 = b5 = 0",
    },
    "share": {
        "share_p_above": "P above E by half a standard deviation or more",
        "share_agree": "P and E within half a standard deviation",
        "share_e_above": "E above P by half a standard deviation or more",
    },
}
KINDS = [kind for kind, terms in TERMS.items() for _ in terms]
NAMES = [name for terms in TERMS.values() for name in terms]
RESTRICTIONS = (kernel.GAP, kernel.QUADRATIC, kernel.PERCEPTION)
NUMBERS = (*ESTIMATES, "df", "df_numerator", "vif")
FEW = "fewer than 7 respondents"
COLLINEAR = "expectation, perception and their products are collinear"
CONSTANT = "the outcome is the same for every respondent"
SOLE = "a respondent alone determines the surface, so that it has no robust error"
LONE = "a stratum has one sampled unit only: no standard error"
FLAT = "undefined within sampling error: the surface may be flat that way"
TURNED = "undefined within sampling error: the surface may be round, or an axis upright"


@dataclass(frozen=True, eq=False)
class ModelStats:
    """What is known of one model in G groups.

    Attributes
    ----------
    found : the fit.
    V : (G, 6, 6) covariance of the coefficients.
    df : (G,) degrees of freedom of their errors.
    sampled : whether the errors are those of clusters or strata.
    shares_var : (3, G) variances of the shares over what was sampled; None for rows
        sampled singly.
    limits : of the axes; None without draws.
    """

    found: kernel.Fit
    V: FloatArray
    df: FloatArray
    sampled: bool
    shares_var: FloatArray | None = None
    limits: axes.Limits | None = None


def surface_rows(
    models: list[ModelStats], names: tuple[str, ...], keys: Table | None, level: float
) -> Table:
    """Lay the models out: by group, then by model, then by term."""
    blocks = [_block(model, level) for model in models]
    G, T = blocks[0]["n"].shape
    numbers = {
        name: np.stack([block[name] for block in blocks], axis=1).ravel()
        for name in (*NUMBERS, "reason")
    }
    numbers["n"] = numbers["n"].astype(np.int64)
    labels = {
        "level": ["dimension" if name else "overall" for name in names],
        "dimension": list(names),
    }
    D = len(names)
    columns: dict[str, object] = {
        **repeated_keys(keys, D * T, ("level", "dimension", "kind", "term", *numbers)),
        **{
            name: np.tile(np.repeat(np.asarray(c, dtype=object), T), G)
            for name, c in labels.items()
        },
        "kind": KINDS * (G * D),
        "term": NAMES * (G * D),
        **numbers,
    }
    own = () if keys is None else keys.names
    return Table.of(columns, keys=(*own, "level", "dimension", "kind", "term"))


def f_of(
    wald: FloatArray, q: int, df: FloatArray, *, sampled: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return F, its p-value and denominator degrees of freedom of a Wald statistic.

    ``F = W/q`` on q and df degrees of freedom; of a cluster sample
    ``F = W/q · (df − q + 1)/df`` on q and df − q + 1 (Korn and Graubard 1990).
    """
    left = df - q + 1 if sampled else df
    left = np.where(left >= 1, left, np.nan)
    with np.errstate(invalid="ignore"):
        F = wald / q * (left / df)
    return F, f_tail(q, left, F), left


def _block(model: ModelStats, level: float) -> dict[str, AnyArray]:
    """Return every column of one model, each (G, T)."""
    G, T = len(model.found.n), len(NAMES)
    out: dict[str, AnyArray] = {name: np.full((G, T), np.nan) for name in NUMBERS}
    out["n"] = np.repeat(model.found.n[:, None], T, axis=1)
    out["reason"] = np.repeat(_reasons(model)[:, None], T, axis=1)
    _linear(out, model, level)
    _axis(out, model)
    _fit(out, model)
    _tests(out, model)
    _shares(out, model, level)
    return out


def _at(kind: str) -> slice:
    first = KINDS.index(kind)
    return slice(first, first + len(TERMS[kind]))


def _linear(out: dict[str, AnyArray], model: ModelStats, level: float) -> None:
    """Fill in the coefficients and the lines, all linear in the coefficients."""
    L = np.vstack([np.eye(kernel.K), kernel.LINES])
    here = slice(0, len(L))
    estimate = model.found.b @ L.T
    variance = np.einsum("ij,gjk,ik->gi", L, model.V, L)
    error = np.sqrt(np.maximum(variance, 0.0))
    df = np.where(model.df >= 1, model.df, np.nan)[:, None]
    error = np.where(np.isfinite(df), error, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, estimate / error, np.nan)
    half = t_critical(df, level) * error
    out["estimate"][:, here], out["std_error"][:, here] = estimate, error
    out["statistic"][:, here] = t
    out["p_value"][:, here] = 2 * student_cdf(df, -np.abs(t))
    out["conf_low"][:, here], out["conf_high"][:, here] = (
        estimate - half,
        estimate + half,
    )
    out["df"][:, here] = df
    out["vif"][:, 1 : kernel.K] = model.found.vif


def _axis(out: dict[str, AnyArray], model: ModelStats) -> None:
    here = _at("axis")
    out["estimate"][:, here] = axes.curved(model.found.b)
    found = model.limits
    if found is None:
        return
    out["std_error"][:, here] = found.std_error
    out["conf_low"][:, here], out["conf_high"][:, here] = found.low, found.high
    lost = np.isnan(found.low)
    lost[:, [axes.L1, axes.L2]] = False
    flat = np.zeros(lost.shape, dtype=bool)
    flat[:, :3] = True
    flat[:, axes.P10], flat[:, axes.P20] = found.flat[:, 1], found.flat[:, 0]
    said = np.where(flat, FLAT, TURNED).astype(object)
    own = out["reason"][:, here]
    out["reason"][:, here] = np.where(lost & (own == ""), said, own)


def _fit(out: dict[str, AnyArray], model: ModelStats) -> None:
    found, n = model.found, model.found.n
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(n > kernel.K, n - kernel.K, np.nan)
        adjusted = 1 - (1 - found.r2[:, 0]) * (n - 1) / left
    out["estimate"][:, _at("fit")] = np.column_stack(
        [found.r2[:, 0], adjusted, found.r2[:, 1:], found.condition]
    )


def _tests(out: dict[str, AnyArray], model: ModelStats) -> None:
    first = _at("test").start
    for k, R in enumerate(RESTRICTIONS):
        W = kernel.wald(R, model.found.b, model.V)
        F, p, left = f_of(W, len(R), model.df, sampled=model.sampled)
        out["statistic"][:, first + k], out["p_value"][:, first + k] = F, p
        out["df"][:, first + k], out["df_numerator"][:, first + k] = left, len(R)


def _shares(out: dict[str, AnyArray], model: ModelStats, level: float) -> None:
    here = _at("share")
    found = model.found
    shares = found.shares.T
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = (found.weight**2 / found.weight_sq)[:, None]
    if model.shares_var is not None:
        alike = np.fmin(n_eff, model.df[:, None] + 1)
        n_eff = effective_n(shares, model.shares_var.T, found.n[:, None], alike)
    low, high = wilson(shares, n_eff, level)
    out["estimate"][:, here] = shares
    out["conf_low"][:, here], out["conf_high"][:, here] = low, high


def _reasons(model: ModelStats) -> AnyArray:
    """Say why figures of a group's model are absent; (G,)."""
    found = model.found
    blank = np.isnan(model.V).any(axis=(1, 2))
    cases = [
        found.n <= kernel.K,
        np.isnan(found.b[:, 0]),
        np.isnan(found.sst),
        blank & model.sampled,
        blank,
    ]
    words = [FEW, COLLINEAR, CONSTANT, LONE, SOLE]
    return np.select(cases, words, default="").astype(object)
