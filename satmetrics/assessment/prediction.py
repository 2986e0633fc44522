"""`assessment.predict`: how well a path model predicts respondents it has not seen."""

from __future__ import annotations

from typing import Literal

import numpy as np

from satmetrics._checks import (
    expect,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._result import Exclusion
from satmetrics._typing import IntArray, RngLike
from satmetrics.assessment import _prediction as kernel
from satmetrics.assessment.left_out import CrossValidation
from satmetrics.assessment.predicted import METHODS, Prediction, tabulated
from satmetrics.errors import (
    ConvergenceError,
    DataError,
    OptionError,
)
from satmetrics.estimation.fit import PlsFit
from satmetrics.inference.source import units_of
from satmetrics.moment.contributions import Contributions
from satmetrics.moment.moments import Moments
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import as_survey

Approach = Literal["earliest", "direct"]
Linear = Literal["exogenous", "direct", "others"]
APPROACHES = ("earliest", "direct")
LINEAR = ("exogenous", "direct", "others")


@friendly_keywords
def predict(
    fit: PlsFit,
    data: object,
    *,
    folds: int | Literal["loo"] = 10,
    repeats: int = 10,
    approach: Approach = "earliest",
    linear: Linear | None = None,
    rng: RngLike = None,
) -> Prediction:
    r"""Predict respondents who were left out of the fit (PLSpredict).

    The respondents are split into folds at random; the model is fitted without each
    fold in turn, from all moments less those of the fold, and predicts the answers of
    the fold to the items of every endogenous construct:

    .. math:: \hat y = W'(x - \bar x) P, \quad \hat x_i = \bar x_i + s_i λ_i \hat y

    with the weights, loadings λ, means and standard deviations of the training set.
    P holds the path coefficients ("direct": constructs are predicted from the scores of
    their direct antecedents) or the total effects of the constructs that no path leads
    to ("earliest": nothing but their items is used). Two benchmarks are trained on the
    same moments: a linear model (least squares of each item on other items) and the
    indicator average (the training mean).

    Parameters
    ----------
    fit : a single fit by ``missing="listwise"``.
    data : the survey or frame that was fitted.
    folds : folds of equal size (they differ by one at most); "loo" leaves out one
        respondent at a time. Where the survey has a cluster role, clusters stay whole:
        folds are of clusters.
    repeats : how often the split is drawn anew; one is enough, and made, with "loo".
    approach : "earliest" or "direct" antecedents.
    linear : what the linear model regresses the items of a construct on: the items of
        all "exogenous" constructs, of its "direct" antecedents, or of all "others";
        None sees the same items as the path model does (exogenous for "earliest").
    rng : Generator or seed (SPEC 7). Equal seeds give equal folds for equal n.

    Returns
    -------
    Prediction
        Rows by indicator and by construct with ``term`` rmse, mae (in the units of the
        answers; constructs: in standard deviations of their scores) and q2_predict
        :math:`= 1 - Σ (y - \hat y)^2 / Σ (y - \bar y_{train})^2`; ``method`` "pls",
        "lm" or "average"; ``sample`` "out" or "in". Squared errors are averaged over
        rows and repeats, with sampling weights where there are. In sample, a
        respondent's prediction is the mean over the fits that used him.

    Raises
    ------
    DataError
        If the data are not those of the fit, or are no answers.
    OptionError
        If there are fewer than two folds, or more than respondents.
    SpecificationError
        If whatever is endogenous would be predicted by the items it is made of.
    ConvergenceError
        If no fold could be fitted; single failures are counted in ``failures``.

    Notes
    -----
    A factor (consistent PLS) is predicted as in seminr: composite scores times the
    corrected coefficients. Errors of constructs are differences from
    the scores that the fit itself gives the respondent.

    The items of a component of a higher-order construct H hang on it through the
    component's loading, :math:`λ_{ij} λ_{jH} \hat y_H`. An interaction is the product
    of the scores of whoever is left out, about the training means; with "earliest" it
    predicts too, whether or not its factors are explained. The linear model regresses
    on items, not on products.

    References
    ----------
    Shmueli, Ray, Velasquez Estrada and Chatla (2016),
    doi:10.1016/j.jbusres.2016.03.049; Shmueli et al. (2019),
    doi:10.1108/EJM-02-2019-0189.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.assessment.predict(sat.pls("ecsi", survey), survey, rng=1)
    >>> found.power("Loyalty")["power"].tolist()
    ['high']
    """
    expect(
        "predict",
        fit,
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned, then the data",
    )
    fit.require_single("predict")
    one_of("approach", approach, APPROACHES)
    chosen = linear or ("exogenous" if approach == "earliest" else "direct")
    one_of("linear", chosen, LINEAR)
    repeats = positive_int("repeats", repeats)
    rows, cluster = answered(fit, data)
    units = np.arange(rows.n_units) if cluster is None else cluster
    n = int(units.max()) + 1
    count = _folds(folds, n, "respondents" if cluster is None else "clusters")
    repeats = 1 if count == n else repeats
    split = [
        kernel.fold_codes(n, count, child)[units]
        for child in generator(rng).spawn(repeats)
    ]
    run = CrossValidation.of(fit, rows, earliest=approach == "earliest", linear=chosen)
    run.through(split, count)
    return _result(run, units, (count, repeats), (approach, chosen))


def answered(fit: PlsFit, data: object) -> tuple[Contributions, IntArray | None]:
    """Return the answers that were fitted, and the cluster of each row, or raise."""
    if data is None or isinstance(data, Moments):
        raise DataError(
            "losses are made of answers, and only moments are given",
            code="no-answers",
            remedy="pass the survey or frame that was fitted",
        )
    policy = fit.sampling.missing
    if fit.source.kind != "sample" or policy not in ("listwise", "error"):
        filled = f'an answer that is absent or filled in (missing="{policy}")'
        sums = f"a respondent left out of {fit.source.kind} moments"
        raise DataError(
            f"{sums if policy in ('listwise', 'error') else filled} has no prediction "
            "error",
            code="not-listwise",
            value=policy,
            remedy='fit the answers themselves with missing="listwise"',
        )
    survey, names, products = as_survey(data), fit.source.names, fit.sampling.products
    items = names if products is None else fit.spec.indicators
    units_of(fit, survey, "respondents")
    if fit.sampling.weights is not None:
        survey = survey.with_roles(weight=fit.sampling.weights)
    given = survey.answers(items)
    treated = treat_missing(given, items, fit.sampling.missing, survey.weights)
    X, weights = treated.values, survey.weights
    if products is not None:
        X = products.beside(X, items)
    shift = X.mean(axis=0)
    rows = Contributions(
        names=names,
        shift=shift,
        Z=X - shift,
        w=np.ones(len(X)) if weights is None else weights[treated.keep],
        context=survey.context_for(items).plus(*treated.exclusions),
    )
    cluster = survey.design().take(np.flatnonzero(treated.keep)).cluster
    if cluster is None:
        return rows, None
    return rows, np.unique(cluster, return_inverse=True)[1].ravel()


def _folds(folds: object, n: int, what: str) -> int:
    if isinstance(folds, str):
        one_of("folds", folds, ("loo",))
        return n
    count = positive_int("folds", folds, at_least=2)
    if count > n:
        raise OptionError(
            f"folds={count} is more than there are {what} ({n:,})",
            code="too-many-folds",
            column="folds",
            value=count,
            remedy=f'10 is usual; folds="loo" leaves out one of the {n:,} at a time',
        )
    return count


def _result(
    run: CrossValidation,
    units: IntArray,
    times: tuple[int, int],
    chosen: tuple[Approach, Linear],
) -> Prediction:
    folds, repeats = times
    failed = tuple(sorted(run.failures.items()))
    if not run.tallies["pls"].seen.any():
        raise ConvergenceError(
            f"none of {folds * repeats} training sets could be fitted: {failed[0][0]}",
            code="prediction-failed",
            value=failed,
            remedy="fewer folds leave more respondents to fit",
        )
    m = len(run.items)
    model = run.fit.model
    labels = [run.rows.names[i] for i in run.items]
    owners = [route.owner for route in run.targets.routes]
    losses = np.stack([run.tallies[name].losses()[:, :m] for name in METHODS])
    exclusions = [Exclusion(reason, count, "folds") for reason, count in failed]
    return Prediction(
        table=tabulated(
            {name: tally.measures() for name, tally in run.tallies.items()},
            labels,
            owners,
            [model.names[k] for k in run.targets.constructs],
            run.rows.n_units,
        ),
        context=run.rows.context.plus(*exclusions, notes=_notes(run, folds * repeats)),
        losses=losses,
        weights=run.rows.w,
        units=units,
        indicators=tuple(labels),
        constructs=tuple(owners),
        folds=folds,
        repeats=repeats,
        approach=chosen[0],
        linear=chosen[1],
        failures=failed,
        title=run.fit.title,
    )


def _notes(run: CrossValidation, fits: int) -> tuple[str, ...]:
    notes = []
    if run.doubts["lm"]:
        notes.append(
            f"the linear model could not be fitted in {run.doubts['lm']} of {fits} "
            "training sets: its items are collinear, or more than the respondents"
        )
    if run.doubts["inadmissible"]:
        notes.append(
            f"{run.doubts['inadmissible']} of {fits} training fits are inadmissible"
        )
    if run.targets.circular:
        notes.append(
            "not predicted, since their predictors are made of their own items: "
            f"{', '.join(run.targets.circular)}"
        )
    notes += _on_products(run)
    if any(c.kind == "factor" for c in run.fit.model.constructs):
        notes.append(
            "factors: composite scores times the coefficients of consistent PLS"
        )
    return tuple(notes)


def _on_products(run: CrossValidation) -> list[str]:
    """Say how interactions predict."""
    terms = run.fit.spec.interactions
    if not terms:
        return []
    notes = ["the linear model regresses on items, not on their products"]
    explained = {path.target for path in run.fit.spec.paths}
    inner = [t.name for t in terms if explained & set(t.factors)]
    if run.earliest and inner:
        notes.append(
            f"{', '.join(inner)}: a product with an endogenous factor, made of the "
            "respondent's own answers to it"
        )
    return notes
