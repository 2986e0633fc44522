"""`assessment.compare_models`: information criteria of models of one construct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import did_you_mean, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import DataError, OptionError, SpecificationError
from satmetrics.estimation.fit import PlsFit

WEIGHTED = ("aic", "aicc", "bic", "hq")
"""Criteria whose differences are twice those of a log likelihood."""


@dataclass(frozen=True, eq=False, repr=False)
class ModelComparison(TableResult):
    """Criteria of several models of one construct.

    Attributes
    ----------
    target : the construct whose regression is compared.
    """

    target: str = ""

    def summary(self) -> Summary:
        """Return BIC, AIC and their weights, the best by BIC first."""
        found = {t: self.table.where(term=t) for t in ("bic", "aic", "gm", "r2")}
        order = np.argsort(found["bic"]["estimate"], kind="stable")
        columns = {"name": found["bic"]["name"], "k": found["bic"]["predictors"]}
        for term in ("bic", "aic"):
            columns[term] = found[term]["estimate"]
            columns[f"{term}_weight"] = found[term]["weight"]
        columns["gm"] = found["gm"]["estimate"]
        columns["r2"] = found["r2"]["estimate"]
        words = {"name": "model", "k": "predictors", "bic": "BIC"}
        words |= {"bic_weight": "BIC weight", "aic": "AIC"}
        words |= {"aic_weight": "Akaike weight", "gm": "GM", "r2": "R²"}
        rows = section("", Table.of(columns).take(order), words, max_rows=len(order))
        notes = (
            "smaller criteria are better; a weight is exp(−Δ/2) over its sum",
            "criteria compare the models given, and no model is thereby right",
            *self.context.sentences(),
        )
        title = f"Models of {self.target} compared"
        return Summary(title, self.context.facts(), (rows,), notes)


@friendly_keywords
def compare_models(
    models: Mapping[str, PlsFit], target: str | None = None
) -> ModelComparison:
    r"""Compare models of one construct by information criteria.

    With SSE = (n − 1)(1 − R²) of the target's regression on its k predecessors and
    p = k + 1 parameters: AIC = n ln(SSE/n) + 2p; AICc = n ln(SSE/n) + n(n + p)/(n − p −
    2), which holds the constant n that AIC leaves out; AICu = n ln(SSE/(n − p)) + 2p;
    BIC = n ln(SSE/n) + p ln n; HQ = n ln(SSE/n) + 2p ln ln n; HQc puts n/(n − p − 2)
    before the second term of HQ; FPE = SSE/(n − p) · (1 + p/n); GM = SSE/MSE + p ln n,
    where MSE is that of the model with most predictors among those compared.

    Parameters
    ----------
    models : name → fit, all of one group and the same respondents; the target has the
        same indicators in each.
    target : the construct, endogenous in each; the models' target when None.

    Returns
    -------
    ModelComparison
        Rows name, target, term (r2, aic, aicc, aicu, bic, hq, hqc, fpe, gm), n,
        estimate, delta (above the smallest), weight (for aic, aicc, bic and hq:
        :math:`e^{-Δ/2} / Σ e^{-Δ/2}`, the Akaike weight), predictors.

    Raises
    ------
    OptionError
        If fewer than two fits are given, or one holds a batch.
    SpecificationError
        If the target is no endogenous construct of a model.
    DataError
        If the fits are not of the same respondents and target indicators.

    Notes
    -----
    R² is that of the composites, also where consistent PLS corrects path coefficients:
    only composites have residuals (seminr does the same; cSEM puts in the corrected
    R²). With sampling weights n is the effective one. The criteria know the target's
    regression only; its weights depend on the whole model. In models of several stages
    it is that of the last; an interaction is a predecessor like any other.

    References
    ----------
    Sharma, Sarstedt, Shmueli, Kim and Thiele (2019), doi:10.17705/1jais.00538.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> blocks = {
    ...     "Image": ["IMAG1", "IMAG2", "IMAG3", "IMAG4", "IMAG5"],
    ...     "Value": ["PERV1", "PERV2"],
    ...     "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
    ... }
    >>> both = {"Image": ["Value", "Satisfaction"], "Value": ["Satisfaction"]}
    >>> chain = {"Image": ["Value"], "Value": ["Satisfaction"]}
    >>> fits = {
    ...     name: sat.pls(sat.StructuralModel.from_blocks(name, blocks, paths), mobile)
    ...     for name, paths in (("both", both), ("chain", chain))
    ... }
    >>> found = sat.assessment.compare_models(fits, target="Satisfaction").to_frame()
    >>> found.query("term == 'bic'").set_index("name")["weight"].round(3).to_dict()
    {'both': 1.0, 'chain': 0.0}
    """
    fits, target = _checked(models, target)
    first = next(iter(fits.values()))
    n = float(first.moments.n_eff)
    k = np.array([_predictors(fit, target).sum() for fit in fits.values()])
    r2 = np.array([_r2(fit, target) for fit in fits.values()])
    parts = []
    for term, values in _criteria(n, r2, k + 1.0).items():
        best = values.max() if term == "r2" else values.min()
        delta = values - best
        weight = np.exp(-delta / 2) / np.exp(-delta / 2).sum()
        parts.append(
            Table.of(
                {
                    "name": list(fits),
                    "target": [target] * len(fits),
                    "term": [term] * len(fits),
                    "n": np.full(len(fits), int(first.moments.n)),
                    "estimate": values,
                    "delta": delta,
                    "weight": weight if term in WEIGHTED else np.full(len(k), np.nan),
                    "predictors": k,
                }
            )
        )
    return ModelComparison(stack(parts), first.context, target=target)


def _criteria(n: float, r2: FloatArray, p: FloatArray) -> dict[str, FloatArray]:
    """Return every criterion (m,) from R² and the number of parameters (m,)."""
    sse = (n - 1) * (1 - r2)
    fit = n * np.log(sse / n)
    loglog = np.log(np.log(n))
    spare = np.where(n - p - 2 > 0, n - p - 2, np.nan)
    rest = np.where(n - p > 0, n - p, np.nan)
    mse = float((sse / rest)[p == p.max()].min())
    return {
        "r2": r2,
        "aic": fit + 2 * p,
        "aicc": fit + n * (n + p) / spare,
        "aicu": n * np.log(sse / rest) + 2 * p,
        "bic": fit + p * np.log(n),
        "hq": fit + 2 * p * loglog,
        "hqc": fit + 2 * p * loglog * n / spare,
        "fpe": sse / rest * (1 + p / n),
        "gm": sse / mse + p * np.log(n),
    }


def _predictors(fit: PlsFit, target: str) -> BoolArray:
    return fit.model.adjacency()[:, fit.model.names.index(target)]


def _r2(fit: PlsFit, target: str) -> float:
    """Return R² of the target's composite on those of its predecessors."""
    at = np.flatnonzero(_predictors(fit, target))
    t = fit.model.names.index(target)
    right = fit.score_corr[at, t]
    return float(right @ np.linalg.solve(fit.score_corr[at[:, None], at], right))


def _checked(models: object, target: str | None) -> tuple[dict[str, PlsFit], str]:
    if not isinstance(models, Mapping) or len(models) < 2:
        raise OptionError(
            "compare_models() needs two fits or more, by name",
            code="too-few-models",
            value=models if not isinstance(models, Mapping) else tuple(models),
            remedy='pass {"first": fit, "second": other}',
        )
    fits = {str(name): fit for name, fit in models.items()}
    for fit in fits.values():
        remedy = "pass what sat.pls(model, data) returned"
        expect("compare_models", fit, PlsFit, "a fit", remedy=remedy)
        fit.require_single("compare")
    stated = {fit.model.target for fit in fits.values()} - {None}
    goal = target if target is not None else stated.pop() if len(stated) == 1 else None
    if goal is None:
        raise SpecificationError(
            "the models state no common target",
            code="no-target",
            column="target",
            remedy='pass target="Satisfaction", the construct they are to explain',
        )
    for name, fit in fits.items():
        _require_target(name, fit, goal)
    _require_same(fits, goal)
    return fits, goal


def _require_target(name: str, fit: PlsFit, target: str) -> None:
    names = fit.model.names
    known = target in names
    if known and _predictors(fit, target).any():
        return
    fault = "has no predecessors" if known else "is not a construct"
    inner = [k for k in names if _predictors(fit, k).any()]
    raise SpecificationError(
        f"{target!r} {fault} in model {name!r}",
        code="not-endogenous",
        column=str(target),
        value=target,
        remedy=f"{did_you_mean(target, inner)} it explains {', '.join(inner)}",
    )


def _items(fit: PlsFit, target: str) -> tuple[str, ...]:
    """Return the items behind a construct, whatever stands for them in a stage."""
    return fit.spec.items_of(target)


def _require_same(fits: Mapping[str, PlsFit], target: str) -> None:
    (first, one), *others = fits.items()
    items = _items(one, target)
    own = one.source.select(items)
    for name, fit in others:
        if _items(fit, target) != items:
            raise DataError(
                f"{target} has other indicators in {name!r} than in {first!r}",
                code="other-indicators",
                column=target,
                value=_items(fit, target),
                remedy="criteria compare models of one and the same variable",
            )
        other = fit.source.select(items)
        same = np.allclose(own.n, other.n) and np.allclose(own.n_eff, other.n_eff)
        same = same and np.allclose(own.mean, other.mean, rtol=1e-8)
        if not same or not np.allclose(own.cov, other.cov, rtol=1e-8):
            raise DataError(
                f"{name!r} and {first!r} are not fits of the same respondents "
                f"(n = {int(other.n):,} and {int(own.n):,})",
                code="other-data",
                column=target,
                remedy="leave the same rows out of each: answers missing in an item of "
                "one model drop rows there only",
            )
