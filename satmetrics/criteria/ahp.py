"""`ahp_weights`: criteria weights from pairwise comparisons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from satmetrics._checks import friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.criteria.comparisons import (
    Judged,
    check_joined,
    criteria_of,
    joined,
    judges_of,
)
from satmetrics.criteria.weights import CriteriaWeights, known_weights
from satmetrics.errors import MissingDependencyError, SatmetricsWarning

RandomIndex = Literal["dd", "saaty"]
INDICES: Mapping[str, str] = {
    "dd": "Donegan and Dodd (1991), as ahpy holds it",
    "saaty": "Saaty (2005), as ahpy holds it",
}
RULE = 0.10
"""Consistency ratio above which judgements are often sent back (Saaty 1980)."""
PRECISION = 12
"""Decimals of weights and ratios."""


@friendly_keywords
def ahp_weights(
    comparisons: object,
    criteria: Sequence[str] | None = None,
    *,
    random_index: RandomIndex = "dd",
    industry: str = "",
) -> CriteriaWeights:
    r"""Return criteria weights from pairwise comparisons (analytic hierarchy process).

    Weights are the principal eigenvector of the matrix of ratios (ahpy). With
    :math:`λ` its largest eigenvalue and n criteria the consistency index is
    :math:`CI = (λ - n)/(n - 1)` and the consistency ratio CI by its mean for random
    comparisons. Several judges count alike: the geometric mean of their ratios is
    taken, pair by pair, and the consistency of each is reported beside.

    Parameters
    ----------
    comparisons : ``{(a, b): ratio}``, 3 where a counts three times as much as b; or a
        square matrix (a frame, an array or lists). Several judges: a list of these, or
        ``{judge: comparisons}``. Pairs may be missing (None, NaN, or not there), as
        long as a chain of comparisons joins all criteria; they are filled so that the
        largest eigenvalue is smallest.
    criteria : the criteria in order; names the rows of a matrix without names.
    random_index : whose mean index of random comparisons: "dd" (Donegan and Dodd) or
        "saaty".
    industry : the industry the weights are for.

    Returns
    -------
    CriteriaWeights
        Without sampling error; ``consistency`` holds a row per judge, and one for all.

    Raises
    ------
    MissingDependencyError
        If ahpy is not installed.
    DataError
        If a ratio is not positive, two ratios of a pair contradict each other, or
        criteria are not joined by comparisons.

    Warns
    -----
    SatmetricsWarning
        If a consistency ratio is above 0.10 (rule of thumb).

    References
    ----------
    Saaty (1980), The Analytic Hierarchy Process. Aczél and Saaty (1983),
    doi:10.1016/0022-2496(83)90028-7 (geometric mean). Donegan and Dodd (1991),
    doi:10.1016/0895-7177(91)90098-R. Bozóki, Fülöp and Rónyai (2010),
    doi:10.1016/j.mcm.2010.02.047 (missing comparisons).

    Examples
    --------
    >>> import satmetrics as sat
    >>> said = {("speed", "price"): 3, ("speed", "comfort"): 5, ("price", "comfort"): 2}
    >>> found = sat.quality.ahp_weights(said)
    >>> found.to_frame()["estimate"].round(4).tolist()
    [0.6483, 0.2297, 0.122]
    >>> round(float(found.consistency["consistency_ratio"][0]), 4)
    0.0038
    """
    one_of("random_index", random_index, tuple(INDICES))
    judges = judges_of(comparisons, criteria)
    names = criteria_of(judges, criteria)
    for who, one in judges.items():
        check_joined(one, names, who)
    found = {who: _solved(one, names, random_index) for who, one in judges.items()}
    whole = next(iter(found.values()))
    if len(judges) > 1:
        whole = _solved(joined(judges), names, random_index)
        found = {**found, "all judges": whole}
    pairs = len(names) * (len(names) - 1) // 2
    filled = sum(pairs - len(one) for one in judges.values())
    notes = (f"{filled} comparisons are missing and were filled optimally",)
    high = [who for who, one in found.items() if one.ratio > RULE]
    said = (
        f"consistency ratio above {RULE:.2f} (rule of thumb, Saaty 1980): "
        f"{', '.join(high)}; look at their comparisons again"
    )
    if high:
        warnings.warn(said, SatmetricsWarning, stacklevel=3)
    return known_weights(
        dict(zip(names, whole.weights.tolist(), strict=True)),
        Context(notes=(*(notes if filled else ()), *((said,) if high else ()))),
        n=len(judges),
        method="pairwise comparisons (AHP), principal eigenvector",
        industry=industry,
        consistency=_consistency(found),
        facts=(("judges", str(len(judges))), ("random index", INDICES[random_index])),
        remarks=(
            f"rule of thumb: a consistency ratio up to {RULE:.2f} is taken as "
            "consistent enough (Saaty 1980)",
            "no sampling error: the judges are not a sample",
        ),
    )


@dataclass(frozen=True, eq=False)
class _Solved:
    """What one set of comparisons makes.

    Attributes
    ----------
    weights : (n,), in the order of the criteria.
    largest : the largest eigenvalue of the completed matrix.
    ratio : consistency ratio.
    compared, missing : pairs that were and were not compared.
    """

    weights: FloatArray
    largest: float
    ratio: float
    compared: int
    missing: int

    @property
    def index(self) -> float:
        """The consistency index (λ − n)/(n − 1)."""
        n = len(self.weights)
        return max(0.0, (self.largest - n) / (n - 1))


def _solved(one: Judged, names: tuple[str, ...], random_index: str) -> _Solved:
    ahpy = _ahpy()
    n = len(names)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    numbered = {
        (str(i), str(j)): _of(one, names[i], names[j])
        for i in range(n)
        for j in range(i + 1, n)
    }
    given = {pair: ratio for pair, ratio in numbered.items() if ratio is not None}
    made = ahpy.Compare("all", given, precision=PRECISION, random_index=random_index)
    report = made.report(verbose=True)
    filled = report["comparisons"]["computed"] or {}
    matrix = np.eye(n)
    for (i, j), ratio in {**given, **filled}.items():
        matrix[int(i), int(j)], matrix[int(j), int(i)] = ratio, 1 / ratio
    weights = np.array([float(made.local_weights[str(i)]) for i in range(n)])
    largest = float(np.linalg.eigvals(matrix).real.max())
    ratio = float(made.consistency_ratio)
    missing = len(pairs) - len(given)
    return _Solved(weights / weights.sum(), largest, ratio, len(given), missing)


def _of(one: Judged, a: str, b: str) -> float | None:
    if (a, b) in one:
        return one[a, b]
    return 1 / one[b, a] if (b, a) in one else None


def _consistency(found: Mapping[str, _Solved]) -> Table:
    every = list(found.values())
    return Table.of(
        {
            "name": list(found),
            "compared": [one.compared for one in every],
            "missing": [one.missing for one in every],
            "largest_eigenvalue": [one.largest for one in every],
            "consistency_index": [one.index for one in every],
            "consistency_ratio": [one.ratio for one in every],
        }
    )


def _ahpy() -> Any:
    try:
        import ahpy
    except ImportError as error:
        raise MissingDependencyError(
            "pairwise comparisons need ahpy",
            code="missing-extra",
            value="ahpy",
            remedy='pip install "satmetrics[weights]"',
        ) from error
    return ahpy
