"""`assessment.cvpat`: whether one model predicts better than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    did_you_mean,
    expect,
    friendly_keywords,
    one_of,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._special import student_cdf, student_quantile
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.assessment.predicted import METHODS, Prediction
from satmetrics.errors import DataError

Alternative = Literal["two-sided", "less", "greater"]
ALTERNATIVES = ("two-sided", "less", "greater")
BENCHMARKS = METHODS[1:]
BENCHMARK_WORDS = {"lm": "the linear model", "average": "the indicator average"}


@dataclass(frozen=True, eq=False, repr=False)
class LossComparison(TableResult):
    """Differences of average losses with paired t tests, by construct and overall.

    Attributes
    ----------
    against : what the prediction was compared with, for people.
    alternative : "two-sided", "less" (the prediction's loss is smaller) or "greater".
    confidence : confidence level of the two-sided intervals.
    indicators : the indicators whose losses were compared.
    title : what predicted.
    """

    against: str = ""
    alternative: Alternative = "two-sided"
    confidence: float = 0.95
    indicators: tuple[str, ...] = ()
    title: str = ""

    def summary(self) -> Summary:
        """Return losses, differences and tests."""
        words = {
            "construct": "construct",
            "loss": "loss",
            "loss_other": "other loss",
            "estimate": "difference",
            "std_error": "std. error",
            "statistic": "t",
            "p_value": "p",
            "conf_low": f"{100 * self.confidence:g} % low",
            "conf_high": "high",
        }
        named = [name or "overall" for name in self.table["construct"]]
        facts = (
            *self.context.facts(),
            ("against", self.against),
            ("indicators", str(len(self.indicators))),
            ("alternative", self.alternative),
        )
        notes = (
            "difference = loss of this prediction − the other's, in squared units of "
            "the answers; negative is better",
            "t test over respondents, whose losses are averaged over indicators and "
            "repeats first and count as independent",
            *self.context.sentences(),
        )
        body = section("", self.table.extended({"construct": named}), words)
        return Summary(f"CVPAT: {self.title}", facts, (body,), notes)


@friendly_keywords
def cvpat(
    prediction: Prediction,
    against: Literal["average", "lm"] | Prediction = "average",
    *,
    constructs: Sequence[str] | str | None = None,
    alternative: Alternative = "two-sided",
    level: float = 0.95,
) -> LossComparison:
    r"""Test whether one model predicts better than another (CVPAT).

    A respondent's loss is the mean of his squared prediction errors over the indicators
    of a construct, or of all constructs. With :math:`d_i` the difference of two losses,

    .. math:: t = \bar d \Big/ \sqrt{\tfrac{1}{n(n-1)} Σ (d_i - \bar d)^2}

    with n − 1 degrees of freedom. With sampling weights :math:`\bar d` is the weighted
    mean and its standard error :math:`\sqrt{\tfrac{n}{n-1} Σ w_i^2 (d_i - \bar d)^2} /
    Σ w_i`; with clusters, :math:`w_i (d_i - \bar d)` are summed within each, and n in
    this formula and in the degrees of freedom is their number.

    Parameters
    ----------
    prediction : what `predict` returned.
    against : "average" (the training mean of each indicator), "lm" (the linear model),
        or another prediction of the same respondents in the same folds: fit both models
        to the same data and pass the same seed to `predict`. Two predictions are
        compared on the indicators both have.
    constructs : endogenous constructs; all when None. "Overall" then means these.
    alternative : "two-sided", "less" (this prediction's loss is smaller) or "greater".
    level : confidence level of the interval, which is two-sided always.

    Returns
    -------
    LossComparison
        A row per construct and one overall (``level`` "overall", construct "") with
        ``term`` loss_difference, n, estimate (this loss − the other; negative is
        better), std_error, statistic, p_value, conf_low, conf_high, and both losses.

    Raises
    ------
    DataError
        If two predictions are not of the same respondents and folds, or share no
        indicator.

    References
    ----------
    Liengaard et al. (2021), doi:10.1111/deci.12445; Sharma, Liengaard, Hair, Sarstedt
    and Ringle (2023), doi:10.1108/EJM-08-2020-0636.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.assessment.predict(sat.pls("ecsi", survey), survey, rng=1)
    >>> test = sat.assessment.cvpat(found, "average").to_frame()
    >>> bool(test["p_value"].iloc[-1] < 0.001)
    True
    """
    expect(
        "cvpat",
        prediction,
        Prediction,
        "a prediction",
        remedy="pass what sat.assessment.predict(fit, data) returned",
    )
    check_level(level)
    one_of("alternative", alternative, ALTERNATIVES)
    names, one, other = _losses(prediction, against)
    owner = np.array(
        [prediction.constructs[prediction.indicators.index(i)] for i in names]
    )
    wanted = _wanted(owner, constructs)
    used = np.isin(owner, wanted)
    blocks = np.array([(owner == name) / (owner == name).sum() for name in wanted])
    blocks = np.vstack([blocks, used / used.sum()])
    there = np.isfinite(one[:, used] + other[:, used]).all(axis=1)
    table = _tested(
        one[there] @ blocks.T,
        other[there] @ blocks.T,
        prediction.weights[there],
        prediction.units[there],
        alternative,
        level,
    )
    labels = {
        "level": [*["construct"] * len(wanted), "overall"],
        "construct": [*wanted, ""],
        "term": ["loss_difference"] * len(blocks),
    }
    lost = Exclusion("not predicted by both", int((~there).sum()), "respondents")
    return LossComparison(
        Table.of({**labels, **table}),
        prediction.context.plus(lost),
        against=against.title
        if isinstance(against, Prediction)
        else BENCHMARK_WORDS[against],
        alternative=alternative,
        confidence=level,
        indicators=tuple(n for n, u in zip(names, used, strict=True) if u),
        title=prediction.title,
    )


def _losses(
    prediction: Prediction, against: object
) -> tuple[list[str], FloatArray, FloatArray]:
    """Return common indicators, and the two losses (n, m) of each respondent."""
    if not isinstance(against, Prediction):
        one_of("against", against, BENCHMARKS)
        other = prediction.losses[METHODS.index(str(against))]
        return list(prediction.indicators), prediction.losses[0], other
    names = [i for i in prediction.indicators if i in against.indicators]
    if not names:
        raise DataError(
            "the two predictions have no indicator in common",
            code="no-common-indicators",
            remedy="compare models that predict the same items",
        )
    first = prediction.losses[:, :, [prediction.indicators.index(i) for i in names]]
    second = against.losses[:, :, [against.indicators.index(i) for i in names]]
    complete = not (prediction.failures or against.failures)
    alike = _alike(first, second, share=1.0 if complete else 0.5)
    return names, np.where(alike[:, None], first[0], np.nan), second[0]


def _alike(one: FloatArray, other: FloatArray, share: float) -> BoolArray:
    """Return (n,): True where both predicted a respondent in the same repeats.

    The losses of the indicator average depend on nothing but answers and folds, so that
    they tell whether two predictions are of the same respondents and folds; where
    training sets failed, at least `share` of the respondents must agree.
    """
    n, m = one.shape[1], other.shape[1]
    if n != m:
        raise DataError(
            f"one prediction is of {n:,} respondents and the other of {m:,}",
            code="other-data",
            remedy="drop the rows that miss an answer to an item of either model first",
        )
    average = METHODS.index("average")
    near = np.isclose(one[average], other[average], rtol=1e-6, atol=1e-8)
    alike = np.asarray(near.all(axis=1))
    if alike.mean() < share:
        raise DataError(
            "the two predictions are of other respondents or other folds",
            code="other-folds",
            remedy="give predict() the same data, folds, repeats and seed both times",
        )
    return alike


def _wanted(owner: AnyArray, constructs: Sequence[str] | str | None) -> list[str]:
    there = list(dict.fromkeys(owner.tolist()))
    if constructs is None:
        return there
    asked = [constructs] if isinstance(constructs, str) else list(constructs)
    for name in asked:
        if name not in there:
            raise DataError(
                f"{name!r} has no indicators that were predicted",
                code="not-endogenous",
                column=name,
                value=name,
                remedy=f"{did_you_mean(name, there)} predicted are "
                f"{', '.join(there)}".strip(),
            )
    return asked


def _tested(
    one: FloatArray,
    other: FloatArray,
    w: FloatArray,
    units: IntArray,
    alternative: Alternative,
    level: float,
) -> dict[str, FloatArray]:
    """Return the columns of the paired tests of losses (n, k)."""
    _, unit = np.unique(units, return_inverse=True)
    U, total = int(unit.max(initial=-1)) + 1, w.sum()
    d = one - other
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = w @ d / total
        influence = np.zeros((U, len(mean)))
        np.add.at(influence, unit.ravel(), w[:, None] * (d - mean) / total)
        scale = U / (U - 1) if U > 1 else np.nan
        error = np.sqrt(scale * (influence**2).sum(axis=0))
        t = np.where(error > 0, mean / error, np.nan)
    df = max(U - 1, 1)
    below = {
        "two-sided": 2 * student_cdf(df, -np.abs(t)),
        "less": student_cdf(df, t),
        "greater": student_cdf(df, -t),
    }
    width = student_quantile(df, 0.5 + level / 2) * error
    return {
        "n": np.full(len(mean), len(one)),
        "estimate": mean,
        "std_error": error,
        "statistic": t,
        "p_value": below[alternative],
        "conf_low": mean - width,
        "conf_high": mean + width,
        "loss": w @ one / total,
        "loss_other": w @ other / total,
    }
