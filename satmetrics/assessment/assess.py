"""`sat.assess`: reliability, validity and collinearity of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._linalg import cov_to_corr, spd_inverse
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation.door import oriented
from satmetrics.estimation.fit import PlsFit
from satmetrics.moment import _blocks

RULES: Mapping[str, str] = {
    "ave": "AVE: 0.50 and more (Fornell and Larcker 1981), rule of thumb",
    "htmt": "HTMT: below 0.85, or 0.90 for similar constructs "
    "(Henseler, Ringle and Sarstedt 2015), rule of thumb",
}
RELIABILITY = ("alpha", "alpha_standardized", "rho_a", "rho_c", "ave")
SINGLE = "not defined for one indicator"
MODE_B = "not defined for mode B"
NEGATIVE = "undefined: a correlation involved is not positive"


@dataclass(frozen=True, eq=False, repr=False)
class Assessment(TableResult):
    r"""Reliability, validity and collinearity, one row per number.

    Rows carry ``term``: alpha (raw), alpha_standardized, rho_a, rho_c, ave, htmt (mean
    of \\|r\\|), htmt_signed (mean of r), htmt2, fornell_larcker (√AVE where source and
    target agree, the constructs' correlation where not), cross_loading, r2,
    r2_adjusted, vif (predictors: source and target; mode B items: indicator). A number
    that is not defined is NaN and ``reason`` says why.
    """

    title: str = ""

    def summary(self) -> Summary:
        """Return reliabilities, HTMT and collinearity with rules of thumb."""
        own = (
            "source",
            "target",
            "construct",
            "indicator",
            "term",
            "estimate",
            "reason",
        )
        keys = {n: n for n in self.table.names if n not in own}
        pair = {**keys, "source": "construct", "target": "and", "estimate": "estimate"}
        blocks = [self.table.where(term=t) for t in RELIABILITY]
        wide = blocks[0].drop(
            "term", "estimate", "reason", "source", "target", "indicator"
        )
        wide = wide.extended({b["term"][0]: b["estimate"] for b in blocks})
        words = {**keys, "construct": "construct"}
        words |= {"alpha": "alpha", "alpha_standardized": "alpha std."}
        words |= {"rho_a": "rho_A", "rho_c": "rho_C", "ave": "AVE"}
        vif = self.table.where(term="vif")
        sections = (
            section("Reliability and convergent validity", wide, words),
            section(
                "HTMT (mean of |r|)", self.table.where(term="htmt"), pair, max_rows=24
            ),
            section(
                "R²",
                self.table.where(term="r2"),
                {**keys, "construct": "construct", "estimate": "R²"},
            ),
            section(
                "VIF",
                vif,
                {**keys, "source": "source", "target": "target", "estimate": "VIF"},
            ),
        )
        reasons = sorted({r for r in self.table["reason"] if r})
        return Summary(
            f"Assessment of {self.title}",
            self.context.facts(),
            sections,
            (*RULES.values(), *reasons),
        )


@friendly_keywords
def assess(fit: PlsFit) -> Assessment:
    r"""Assess the measurement and structural model of a fit.

    Parameters
    ----------
    fit : what `sat.pls` returned; a batch gives rows per group.

    Returns
    -------
    Assessment

    Notes
    -----
    ``alpha`` is Cronbach's of the raw covariances, ``alpha_standardized`` of the
    correlations (what PLS programs print). ``rho_c`` uses PLS loadings. Reliabilities
    exist for mode A blocks of two or more indicators. HTMT2 is undefined when a
    correlation involved is not positive.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555; Dijkstra and Henseler (2015),
    doi:10.25300/MISQ/2015/39.2.02; Fornell and Larcker (1981),
    doi:10.1177/002224378101800104; Henseler, Ringle and Sarstedt (2015),
    doi:10.1007/s11747-014-0403-8.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> rows = (
    ...     sat.assess(fit).to_frame().query("term == 'htmt' and source == 'Loyalty'")
    ... )
    >>> round(float(rows.query("target == 'Quality'")["estimate"].iloc[0]), 4)
    0.7593
    """
    expect(
        "assess", fit, PlsFit, "a fit", remedy="pass what sat.pls(model, data) returned"
    )
    parts = [
        *_reliability(fit),
        *_heterotrait(fit),
        _fornell_larcker(fit),
        _cross_loadings(fit),
        *_explained(fit),
        *_collinearity(fit),
    ]
    table = stack(parts, keys=fit.key_names)
    return Assessment(table, fit.context, title=fit.title)


def _rows(
    fit: PlsFit,
    term: str,
    labels: dict[str, list[str]],
    values: FloatArray,
    reasons: list[str] | None = None,
) -> Table:
    k = values.shape[-1]
    table = fit.tidy({**labels, "term": [term] * k}, {"estimate": values})
    given = [
        fit.reasons[g] if failed else reason
        for g, failed in enumerate(~np.atleast_1d(fit.converged))
        for reason in (reasons or [""] * k)
    ]
    undefined = np.isnan(table["estimate"])
    return table.extended(
        {"reason": [r if u else "" for r, u in zip(given, undefined, strict=True)]}
    )


def _reliability(fit: PlsFit) -> list[Table]:
    owner, q = fit.model.owner(), len(fit.model.names)
    turned = oriented(fit.model, fit.moments, fit.ends)
    R = cov_to_corr(turned.cov)
    weights = fit.raw_weights() * turned.sd
    values = {
        "alpha": _blocks.cronbach_alpha(turned.cov, owner, q),
        "alpha_standardized": _blocks.cronbach_alpha(R, owner, q),
        "rho_a": _blocks.rho_a(R, weights, owner, q),
        "rho_c": _blocks.rho_c(fit.loadings, owner, q),
        "ave": _blocks.ave(fit.loadings, owner, q),
    }
    modes = np.array([c.mode == "B" for c in fit.model.constructs])
    single = np.array([len(c.indicators) == 1 for c in fit.model.constructs])
    reasons = [
        SINGLE if s else (MODE_B if b else "")
        for s, b in zip(single, modes, strict=True)
    ]
    for term in values:
        values[term] = np.where(single | modes, np.nan, values[term])
    names = {"construct": list(fit.model.names)}
    return [_rows(fit, term, names, value, reasons) for term, value in values.items()]


def _pairs(fit: PlsFit) -> tuple[IntArray, IntArray, dict[str, list[str]]]:
    q = len(fit.model.names)
    i, j = np.tril_indices(q, -1)
    names = fit.model.names
    return i, j, {"source": [names[k] for k in i], "target": [names[k] for k in j]}


def _heterotrait(fit: PlsFit) -> list[Table]:
    owner, q = fit.model.owner(), len(fit.model.names)
    R = cov_to_corr(oriented(fit.model, fit.moments, fit.ends).cov)
    i, j, labels = _pairs(fit)
    reasons = [NEGATIVE] * len(labels["source"])
    values = {
        "htmt": _blocks.htmt(R, owner, q),
        "htmt_signed": _blocks.htmt(R, owner, q, signed=True),
        "htmt2": _blocks.htmt2(R, owner, q),
    }
    return [
        _rows(fit, term, labels, value[..., i, j], reasons)
        for term, value in values.items()
    ]


def _fornell_larcker(fit: PlsFit) -> Table:
    owner, q = fit.model.owner(), len(fit.model.names)
    matrix = fit.corr.copy()
    matrix[..., np.arange(q), np.arange(q)] = np.sqrt(
        _blocks.ave(fit.loadings, owner, q)
    )
    i, j = np.tril_indices(q)
    names = fit.model.names
    labels = {"source": [names[k] for k in i], "target": [names[k] for k in j]}
    return _rows(fit, "fornell_larcker", labels, matrix[..., i, j])


def _cross_loadings(fit: PlsFit) -> Table:
    names, items = fit.model.names, fit.model.indicators
    labels = {
        "construct": [name for _ in items for name in names],
        "indicator": [item for item in items for _ in names],
    }
    shape = (*fit.cross.shape[:-2], -1)
    return _rows(fit, "cross_loading", labels, fit.cross.reshape(shape))


def _explained(fit: PlsFit) -> list[Table]:
    adjacency = fit.model.adjacency()
    inner = np.flatnonzero(adjacency.any(axis=0))
    k = adjacency.sum(axis=0)[inner]
    r2 = fit.r_squared[..., inner]
    n = np.asarray(fit.moments.n, dtype=np.float64)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        adjusted = 1 - (1 - r2) * (n - 1) / (n - k - 1)
    adjusted = np.where(n - k - 1 > 0, adjusted, np.nan)
    labels = {"construct": [fit.model.names[c] for c in inner]}
    reason = ["n is not larger than the number of predictors plus one"] * len(inner)
    return [
        _rows(fit, "r2", labels, r2),
        _rows(fit, "r2_adjusted", labels, adjusted, reason),
    ]


def _collinearity(fit: PlsFit) -> list[Table]:
    """VIF of the predictors of each construct, and of the items of mode B blocks."""
    parts = []
    names = fit.model.names
    adjacency = fit.model.adjacency()
    for target in np.flatnonzero(adjacency.any(axis=0)):
        sources = np.flatnonzero(adjacency[:, target])
        labels = {
            "source": [names[k] for k in sources],
            "target": [names[target]] * len(sources),
        }
        parts.append(_rows(fit, "vif", labels, _vif(fit.corr, sources)))
    R = cov_to_corr(fit.moments.cov)
    owner = fit.model.owner()
    for k, construct in enumerate(fit.model.constructs):
        if construct.mode == "B" and len(construct.indicators) > 1:
            items = list(construct.indicators)
            labels = {"construct": [construct.name] * len(items), "indicator": items}
            parts.append(_rows(fit, "vif", labels, _vif(R, np.flatnonzero(owner == k))))
    return parts


def _vif(R: FloatArray, at: IntArray) -> FloatArray:
    """Return the diagonal of the inverse correlation matrix of the variables `at`."""
    inverse, _ = spd_inverse(R[..., at[:, None], at[None, :]])
    return np.diagonal(inverse, axis1=-2, axis2=-1).copy()
