"""Rules of response quality: what is compared with what, and where that comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import MissingDependencyError, OptionError

MORE = ("even_odd", "mahalanobis", "person_total", "synonyms")
RECALLED = "rule of thumb, recalled; not read in a source"
OWN = "rule of thumb of this library"
CERTAIN = "what it is called"
MEANING = {
    "long_string": "longest run of equal answers, of the questions of the form",
    "straight_line": "the same answer to every question of the form",
    "top": "the best answer to every question of the form",
    "missing": "share of the questions not answered",
    "no_difference": "perception equals expectation in every pair",
    "spread": "standard deviation of a respondent's answers",
    "speed": "time taken, as a share of the median",
    "mahalanobis": "p-value of the distance from the mean answers (χ²)",
    "even_odd": "even against odd items across dimensions (Spearman-Brown)",
    "person_total": "correlation with the mean answers of all",
    "synonyms": "correlation within pairs of items that correlate above 0.6",
}


@dataclass(frozen=True, eq=False)
class Rule:
    """One indicator of one form, and the threshold that flags a respondent.

    Attributes
    ----------
    name : such as "straight_line_expectation" or "speed_33".
    term, form : indicator and form; form is empty for all questions.
    values : (n,) of each respondent, NaN where not assessed.
    threshold : NaN where none is set, and nobody is flagged.
    below : whether values below the threshold are flagged, or those from it on.
    source : where the threshold comes from.
    reason : why nobody was assessed.
    """

    name: str
    term: str
    form: str
    values: FloatArray
    threshold: float
    below: bool
    source: str
    reason: str = ""


def flagged(values: FloatArray, threshold: float, *, below: bool) -> BoolArray:
    """Return which respondents a rule flags."""
    with np.errstate(invalid="ignore"):
        hit = values < threshold if below else values >= threshold
    return np.asarray(hit)


def check_thresholds(**given: float | None) -> None:
    """Raise unless every threshold is None or a share between 0 and 1."""
    for name, value in given.items():
        if value is None:
            continue
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not real or not 0 < value <= 1:
            raise OptionError(
                f"{name}={value!r} is not a share",
                code="bad-threshold",
                column=name,
                value=value,
                remedy="give a number above 0 and up to 1, or None for no threshold",
            )


def further(
    more: Sequence[str],
    columns: Sequence[FloatArray],
    factors: Sequence[int],
    thresholds: dict[str, float | None],
) -> list[Rule]:
    """Return indices of the package insufficient-effort over all questions.

    Parameters
    ----------
    more : which of `MORE`.
    columns : answers with high = good, those of a dimension beside each other.
    factors : how many columns each dimension of each form has.
    thresholds : of "mahalanobis" (p-value) and "even_odd".

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    OptionError
        If an index does not exist.
    """
    for name in more:
        one_of("more", name, MORE)
    if not more:
        return []
    try:
        import ier  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MissingDependencyError(
            f"{', '.join(more)} needs the package insufficient-effort",
            code="no-insufficient-effort",
            value=tuple(more),
            remedy="pip install satmetrics[quality]",
        ) from error
    X = np.column_stack(columns)
    return [_further(name, X, factors, thresholds.get(name)) for name in more]


def _further(
    name: str, X: FloatArray, factors: Sequence[int], threshold: float | None
) -> Rule:
    values, reason = np.full(len(X), np.nan), ""
    some = np.isfinite(X).any(axis=1)
    try:
        values[some] = _computed(name, X[some], factors)
    except ValueError as error:
        reason = f"not computed: {error}"
    cut = np.nan if threshold is None else threshold
    source = RECALLED if threshold is not None else ""
    return Rule(name, name, "", values, cut, below=True, source=source, reason=reason)


def _computed(name: str, X: FloatArray, factors: Sequence[int]) -> FloatArray:
    import ier

    if name == "even_odd":
        if len(factors) < FEWEST_FACTORS:
            raise ValueError("fewer than three dimensions")
        return np.asarray(ier.evenodd(X, list(factors), method="halves"))
    if name == "person_total":
        return np.asarray(ier.person_total(X))
    if name == "synonyms":
        return np.asarray(ier.psychsyn(X, item_correlations="pairwise"))
    from satmetrics._special import chi2_tail

    distance = np.asarray(ier.mahad(X, na_rm=True))
    return chi2_tail(float(X.shape[1]), distance**2)


FEWEST_FACTORS = 3
