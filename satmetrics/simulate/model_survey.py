"""Any structural model simulated from itself: its exact population, and answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from satmetrics import models
from satmetrics._checks import did_you_mean, friendly_keywords, positive_int
from satmetrics._result import Context
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.models.composition import components_of
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments
from satmetrics.simulate import _draws as kernel
from satmetrics.simulate.path_checks import check_paths, check_residuals
from satmetrics.simulate.servqual import whole

LOADINGS = (0.85, 0.75, 0.8, 0.7, 0.9)
SPREAD = 0.2
"""Standard deviation behind the answers, as a share of the scale."""


@friendly_keywords
def model_coefficients(
    model: StructuralModel | str, r2: float = 0.5
) -> dict[str, dict[str, float]]:
    """Return path coefficients that have the model's signs and explain a stated share.

    The paths into a construct have one size. A sign the model leaves open is that of
    the correlation with the sources whose sign is stated, plus where there is none.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.
    r2 : share of variance explained in every construct that paths lead to.

    Returns
    -------
    source → {target: standardised coefficient}, as `model_population` takes them.

    Raises
    ------
    OptionError
        If `r2` is not between 0 and 1.

    Examples
    --------
    >>> from satmetrics.simulate import model_coefficients
    >>> found = model_coefficients("acsi")
    >>> round(found["Satisfaction"]["Complaints"], 3)
    -0.707
    """
    if not 0 < r2 < 1:
        raise OptionError(
            f"r2={r2!r}",
            code="bad-share",
            column="r2",
            value=r2,
            remedy="give a share above 0 and below 1, such as 0.5",
        )
    spec = _spec(model)
    nodes, order = _nodes(spec)
    at = {name: k for k, name in enumerate(nodes)}
    B = np.zeros((len(nodes), len(nodes)))
    for name in order:
        into = [path for path in spec.paths if path.target == name]
        if not into:
            continue
        cov, _ = kernel.structural_cov(B, _places(nodes, order))
        sources = [at[path.source] for path in into]
        R = cov[np.ix_(sources, sources)]
        stated = np.array([{"+": 1.0, "-": -1.0, "?": 0.0}[p.sign] for p in into])
        signs = np.where(stated == 0, np.where(R @ stated < 0, -1.0, 1.0), stated)
        B[at[name], sources] = signs * np.sqrt(r2 / (signs @ R @ signs))
    found: dict[str, dict[str, float]] = {}
    for path in spec.paths:
        value = float(B[at[path.target], at[path.source]])
        found.setdefault(path.source, {})[path.target] = value
    return found


@friendly_keywords
def model_loadings(model: StructuralModel | str) -> dict[str, float]:
    """Return loadings between 0.7 and 0.9 that differ within every construct.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.

    Returns
    -------
    indicator → loading; 1 where it is its construct's only one. The components of a
    higher-order construct have theirs too. Reversed indicators load negatively.

    Examples
    --------
    >>> from satmetrics.simulate import model_loadings
    >>> found = model_loadings("acsi")
    >>> found["SATOV"], found["SATEX"], found["COMPL"]
    (0.85, 0.75, 1.0)
    """
    spec = _spec(model)
    blocks = [c.indicators for c in spec.constructs]
    blocks += [h.components for h in spec.higher]
    turned = {item for c in spec.constructs for item in c.reverse}
    return {
        item: (1.0 if len(items) == 1 else LOADINGS[k % len(LOADINGS)])
        * (-1.0 if item in turned else 1.0)
        for items in blocks
        for k, item in enumerate(items)
    }


@friendly_keywords
def model_population(
    model: StructuralModel | str,
    coefficients: Mapping[str, Mapping[str, float]] | None = None,
    loadings: Mapping[str, float] | None = None,
    n: int = 1000,
) -> Moments:
    """Return the exact means and covariances of a population that follows a model.

    Constructs have unit variance and ``η = B η + ζ``; constructs that nothing leads to
    are uncorrelated. Every construct is a factor, whatever its mode: an item is
    ``μ + σ(λ η + √(1 − λ²) ε)``, where μ is the middle of its scale and σ a fifth of
    the scale's range (0 and 1 without a scale). A higher-order construct is a factor of
    its components. Consistent PLS, and maximum likelihood, recover B and λ exactly.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name; without interactions.
    coefficients : source → {target: standardised coefficient}, every path of the model
        and no other; those of `model_coefficients` when None.
    loadings : indicator → loading λ, between −1 and 1; those of `model_loadings` where
        not named.
    n : number of respondents the moments claim to come from.

    Returns
    -------
    Moments

    Raises
    ------
    SpecificationError
        If a coefficient is lacking or belongs to no path, if the paths explain more
        than everything of a construct, or if the model has interactions.

    References
    ----------
    Dijkstra and Henseler (2015), Consistent and asymptotically normal PLS estimators
    for linear structural equations, Computational Statistics & Data Analysis 81, 10-23,
    doi:10.1016/j.csda.2014.07.008.

    Examples
    --------
    >>> import satmetrics as sat
    >>> from satmetrics.simulate import model_coefficients, model_population
    >>> model = sat.models.load("swics").with_kinds("factor")
    >>> fit = sat.pls(model, model_population(model), sat.PlsOptions(tol=1e-12))
    >>> float(fit.paths()["estimate"].iloc[0].round(6))
    0.707107
    >>> round(model_coefficients(model)["Satisfaction"]["Dialogue"], 6)
    0.707107
    """
    spec = _spec(model)
    B, _, lam = _truth(spec, coefficients, loadings)
    nodes, order = _nodes(spec)
    cov, _ = kernel.structural_cov(B, _places(nodes, order))
    owner = spec.owner()
    corr = cov[np.ix_(owner, owner)] * np.outer(lam, lam)
    np.fill_diagonal(corr, 1.0)
    mean, sd = _units(spec, None)
    note = "exact figures of a stated population; the number of respondents is nominal"
    return Moments.from_table(
        mean,
        sd,
        corr,
        n=positive_int("n", n, at_least=2),
        names=spec.indicators,
        context=Context(origin="simulated", name=spec.name, notes=(note,)),
    )


@friendly_keywords
def simulate_model_survey(
    model: StructuralModel | str,
    n: int = 1000,
    *,
    coefficients: Mapping[str, Mapping[str, float]] | None = None,
    loadings: Mapping[str, float] | None = None,
    scale: tuple[int, int] | None = None,
    missing: float = 0.0,
    rng: RngLike = None,
) -> pd.DataFrame:
    """Draw the answers of customers who follow a model, on the model's scales.

    Behind the answers stands the population of `model_population`, cut midway between
    the points of each scale; yes-no questions are answered yes by half.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name; without interactions.
    n : respondents.
    coefficients : source → {target: standardised coefficient}; those of
        `model_coefficients` when None.
    loadings : indicator → loading; those of `model_loadings` where not named.
    scale : (minimum, maximum) of indicators for which the model states none.
    missing : share of answers left out completely at random.
    rng : Generator, seed, or None for fresh entropy. The same seed gives the same
        answers with every version of numpy.

    Returns
    -------
    A fresh pandas frame: respondent, and one column per indicator (nullable whole
    numbers).

    Raises
    ------
    SpecificationError
        As `model_population`, and if an indicator has no scale of whole points.

    Examples
    --------
    >>> from satmetrics.simulate import simulate_model_survey
    >>> answers = simulate_model_survey("acsi", n=50, rng=1)
    >>> answers.shape, int(answers["SATOV"].max()) <= 10, int(answers["COMPL"].max())
    ((50, 15), True, 1)
    """
    spec = _spec(model)
    B, residual, lam = _truth(spec, coefficients, loadings)
    mean, sd = _units(spec, scale)
    ends = _ends(spec, scale)
    count = positive_int("n", n)
    draws = np.random.default_rng(rng)
    scores = kernel.structural_scores(B, residual, draws, count)
    items = mean + sd * kernel.factor_items(scores, spec.owner(), lam, draws)
    gone = kernel.blanks(draws, items.shape, missing)
    columns = {
        name: whole(
            np.where(
                gone[:, j],
                np.nan,
                kernel.cut(items[:, j], kernel.half_points(*ends[j]), ends[j][0]),
            )
        )
        for j, name in enumerate(spec.indicators)
    }
    return pd.DataFrame({"respondent": np.arange(1, count + 1), **columns})


def _spec(model: StructuralModel | str) -> StructuralModel:
    spec = models.load(model) if isinstance(model, str) else model
    if spec.interactions:
        raise SpecificationError(
            f"model {spec.name!r} has the interaction {spec.interactions[0].name!r}: a "
            "product is not normal, and no covariance matrix states its population",
            code="interaction",
            column=spec.interactions[0].name,
            remedy="simulate the model of the main effects",
        )
    parts = components_of(spec)
    for path in spec.paths:
        for end in (path.source, path.target):
            if end in parts:
                raise SpecificationError(
                    f"{end!r} is a component of {parts[end].name!r} and has a path of "
                    "its own",
                    code="component-path",
                    column=end,
                    remedy=f"lead the path to or from {parts[end].name!r}",
                )
    return spec


def _nodes(spec: StructuralModel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return constructs with indicators, then higher order; and an order of these."""
    parts = components_of(spec)
    order = (*(name for name in spec.order if name not in parts), *parts)
    return spec.nodes, order


def _places(nodes: tuple[str, ...], order: tuple[str, ...]) -> IntArray:
    return np.array([nodes.index(name) for name in order], dtype=np.int64)


def _truth(
    spec: StructuralModel,
    coefficients: Mapping[str, Mapping[str, float]] | None,
    loadings: Mapping[str, float] | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return B (q, q), residual variances (q,) and loadings (p,), checked."""
    given = model_coefficients(spec) if coefficients is None else coefficients
    check_paths(spec, given)
    lam = _loadings(spec, loadings)
    nodes, order = _nodes(spec)
    at = {name: k for k, name in enumerate(nodes)}
    B = np.zeros((len(nodes), len(nodes)))
    for source, targets in given.items():
        for target, value in targets.items():
            B[at[target], at[source]] = value
    for part, above in components_of(spec).items():
        B[at[part], at[above.name]] = lam[part]
    _, residual = kernel.structural_cov(B, _places(nodes, order))
    check_residuals(nodes, residual)
    return B, residual, np.array([lam[item] for item in spec.indicators])


def _loadings(
    spec: StructuralModel, loadings: Mapping[str, float] | None
) -> dict[str, float]:
    found = model_loadings(spec)
    for item, value in (loadings or {}).items():
        if item not in found:
            raise SpecificationError(
                f"loadings name {item!r}, which is not an indicator",
                code="unknown-indicator",
                column=item,
                value=item,
                remedy=f"{did_you_mean(item, found)} there are {', '.join(found)}",
            )
        if not 0 < abs(value) <= 1:
            raise SpecificationError(
                f"the loading of {item!r} is {value!r}",
                code="bad-loading",
                column=item,
                value=value,
                remedy="give a correlation with the construct, such as 0.8",
            )
        found[item] = float(value)
    return found


def _units(
    spec: StructuralModel, scale: tuple[int, int] | None
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation behind the answers to every indicator."""
    ends = [spec.scale_of(item) or scale for item in spec.indicators]
    mean = [0.0 if e is None else (e[0] + e[1]) / 2 for e in ends]
    sd = [1.0 if e is None else SPREAD * (e[1] - e[0]) for e in ends]
    return np.array(mean), np.array(sd)


def _ends(
    spec: StructuralModel, scale: tuple[int, int] | None
) -> list[tuple[float, float]]:
    found = []
    for item in spec.indicators:
        ends = spec.scale_of(item) or scale
        if ends is None or any(float(end) % 1 for end in ends):
            raise SpecificationError(
                f"indicator {item!r} has the scale {ends}",
                code="no-scale",
                column=item,
                value=ends,
                remedy="state a scale of whole points in the model, or scale=(1, 10)",
            )
        found.append(ends)
    return found
