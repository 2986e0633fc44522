"""`fuzzy_evaluation`: weights and grades composed, with a named operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import Context
from satmetrics._typing import AnyArray, FloatArray, RngLike
from satmetrics.criteria import _fuzzy as kernel
from satmetrics.criteria._tree import Tree
from satmetrics.criteria.fuzzy_result import SAID, FuzzyEvaluation
from satmetrics.criteria.grades import GradeShares
from satmetrics.criteria.hierarchy import IndexHierarchy
from satmetrics.criteria.weights import CriteriaWeights, same_names, shares_of
from satmetrics.errors import DataError, OptionError
from satmetrics.inference import _intervals

Operator = Literal["weighted_mean", "max_min", "max_product", "min_bounded_sum"]
Memberships = GradeShares | Mapping[str, Sequence[float]]
Weights = Mapping[str, float] | CriteriaWeights | IndexHierarchy
WHOLE = 1e-6


@friendly_keywords
def fuzzy_evaluation(
    weights: Weights,
    memberships: Memberships,
    *,
    grades: Sequence[str] = (),
    operator: Operator = "weighted_mean",
    scores: Sequence[float] | Mapping[str, float] = (),
    level: float = 0.95,
    n_draws: int = 2000,
    rng: RngLike = None,
) -> FuzzyEvaluation:
    r"""Compose weights and grades: fuzzy comprehensive evaluation.

    :math:`B = A ∘ R` with the weights A of the criteria, R their shares of grades and
    one of the operators

    * "weighted_mean", M(·,+): :math:`B_k = Σ_j a_j r_{jk}`;
    * "max_min", M(∧,∨): :math:`B_k = \max_j \min(a_j, r_{jk})`;
    * "max_product", M(·,∨): :math:`B_k = \max_j a_j r_{jk}`;
    * "min_bounded_sum", M(∧,⊕): :math:`B_k = \min(1, Σ_j \min(a_j, r_{jk}))`.

    With a hierarchy each node's B is a row of R of the node above, as it is, from the
    items upwards. The verdict is the grade of highest membership; the score is
    :math:`Σ_k v_k B_k / Σ_k B_k` with the scores v of the grades.

    Parameters
    ----------
    weights : ``{criterion: weight}``, criteria weights, or an `IndexHierarchy` whose
        leaves are the criteria.
    memberships : what `grade_shares` returned, or
        ``{criterion: [share of each grade]}``.
    grades : names of the grades where shares are given as numbers.
    operator : see above; it is printed, as verdicts depend on it.
    scores : of the grades, in their order or ``{grade: score}``; no scores when empty.
    level : confidence level of the intervals.
    n_draws : draws of the shares behind the intervals of the operators that are not
        linear; 0 for none. The weighted mean has linear errors and needs no draws.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    FuzzyEvaluation
        Shares given as numbers have no sampling error. Weights are taken as known.

    Raises
    ------
    DataError
        If weights and memberships are of different criteria, or shares are negative,
        above 1, or of the wrong number.

    References
    ----------
    Zadeh (1965), doi:10.1016/S0019-9958(65)90241-X (fuzzy sets).

    Examples
    --------
    >>> import satmetrics as sat
    >>> weights = {"food": 0.4, "service": 0.3, "price": 0.2, "place": 0.1}
    >>> shares = {
    ...     "food": [0.5, 0.3, 0.2, 0.0],
    ...     "service": [0.2, 0.4, 0.3, 0.1],
    ...     "price": [0.1, 0.3, 0.5, 0.1],
    ...     "place": [0.0, 0.2, 0.4, 0.4],
    ... }
    >>> grades = ["excellent", "good", "fair", "poor"]
    >>> for operator in ("weighted_mean", "max_min"):
    ...     found = sat.quality.fuzzy_evaluation(
    ...         weights, shares, grades=grades, operator=operator
    ...     )
    ...     rows = found.rows("membership", level="overall")
    ...     print(rows["verdict"][0], rows["estimate"].round(2).tolist())
    good [0.28, 0.32, 0.31, 0.09]
    excellent [0.4, 0.3, 0.3, 0.1]
    """
    check_level(level)
    one_of("operator", operator, tuple(SAID))
    draws = positive_int("n_draws", n_draws, at_least=0)
    random = generator(rng)
    frame = _Frame.of(weights, memberships, grades)
    v = _scores(scores, frame.grades)
    B = kernel.upward(frame.R, frame.tree, operator)
    norm = kernel.normalised(B)
    points = None if v is None else norm @ v
    if frame.V is None or not (operator == "weighted_mean" or draws):
        errors = _no_errors(B)
        draws = 0
    elif operator == "weighted_mean":
        errors = _linear(frame, v, B, points, level)
        draws = 0
    else:
        errors = _drawn(frame, operator, v, draws, random, level)
    return FuzzyEvaluation(
        _table(frame, B, norm, points, errors),
        frame.context,
        operator=operator,
        grades=frame.grades,
        scores=() if v is None else tuple(v.tolist()),
        level=level,
        by=() if frame.keys is None else frame.keys.names,
        n_draws=draws,
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """What is composed.

    Attributes
    ----------
    tree : weights; one root above the criteria where there is no hierarchy.
    names, levels : of the nodes.
    R : (G, p, K); V : (G, p·K, p·K) covariance, or None.
    """

    tree: Tree
    names: tuple[str, ...]
    levels: tuple[str, ...]
    grades: tuple[str, ...]
    R: FloatArray
    V: FloatArray | None
    keys: Table | None
    context: Context

    @classmethod
    def of(
        cls, weights: Weights, memberships: Memberships, grades: Sequence[str]
    ) -> _Frame:
        """Put weights and memberships side by side, in one order of criteria."""
        tree, names, levels, notes = _tree(weights)
        criteria = tuple(
            n for n, at in zip(names, tree.item.tolist(), strict=True) if at >= 0
        )
        if isinstance(memberships, GradeShares):
            given = memberships
            if grades and tuple(grades) != given.grades:
                raise OptionError(
                    f"grades={list(grades)} and the shares are of {given.grades}",
                    code="bad-grades",
                    column="grades",
                    remedy="leave grades= out",
                )
            same_names(
                dict.fromkeys(given.dimensions), criteria, what="the memberships"
            )
            at = np.array([given.dimensions.index(name) for name in criteria])
            K = len(given.grades)
            entries = (at[:, None] * K + np.arange(K)).ravel()
            V = given.cov
            V = None if V is None else V[:, entries[:, None], entries[None, :]]
            R = given.matrix()[:, at]
            context = given.context.plus(notes=notes)
            return cls(tree, names, levels, given.grades, R, V, given.keys, context)
        R, labels = _numbers(memberships, criteria, grades)
        context = Context(notes=(*notes, "shares are given numbers, without error"))
        return cls(tree, names, levels, labels, R[None], None, None, context)


def _tree(
    weights: Weights,
) -> tuple[Tree, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    if isinstance(weights, IndexHierarchy):
        return weights.tree, weights.names, weights.level_of(), weights.notes
    given = weights.as_points() if isinstance(weights, CriteriaWeights) else weights
    shares, notes = shares_of(given)
    p = len(shares)
    tree = Tree(
        np.array([-1, *[0] * p]),
        np.array([1.0, *shares.values()]),
        np.arange(-1, p),
    )
    root = "overall"
    while root in shares:
        root += " "
    levels = ("overall", *["criterion"] * p)
    return tree, (root, *shares), levels, notes


def _numbers(
    memberships: object, criteria: tuple[str, ...], grades: Sequence[str]
) -> tuple[FloatArray, tuple[str, ...]]:
    if not isinstance(memberships, Mapping):
        raise OptionError(
            f"memberships are a {type(memberships).__name__}",
            code="bad-memberships",
            column="memberships",
            remedy="give {criterion: [share of each grade]}, or what grade_shares() "
            "returned",
        )
    same_names(memberships, criteria, what="the memberships")
    rows = [np.asarray(memberships[name], dtype=np.float64) for name in criteria]
    K = len(grades) or rows[0].size
    labels = tuple(map(str, grades)) or tuple(f"grade {k + 1}" for k in range(K))
    for name, row in zip(criteria, rows, strict=True):
        fits = row.shape == (K,) and np.isfinite(row).all()
        if not fits or (row < 0).any() or row.sum() > 1 + WHOLE or row.sum() <= 0:
            raise DataError(
                f"the memberships of {name!r} are {row.tolist()}",
                code="bad-memberships",
                column=name,
                value=tuple(np.ravel(row).tolist()),
                remedy=f"give {K} shares, one per grade, none negative, that sum to 1",
            )
    if len(set(labels)) < K:
        raise OptionError(
            f"grades={list(labels)} repeat a name", code="bad-grades", column="grades"
        )
    return np.stack(rows), labels


def _scores(
    scores: Sequence[float] | Mapping[str, float], grades: tuple[str, ...]
) -> FloatArray | None:
    if isinstance(scores, Mapping) and scores:
        same_names(scores, grades, what="scores=")
        scores = [scores[name] for name in grades]
    if not len(scores):
        return None
    v = np.asarray(scores, dtype=np.float64)
    if v.shape != (len(grades),) or not np.isfinite(v).all():
        raise OptionError(
            f"scores={list(scores)} for {len(grades)} grades",
            code="bad-scores",
            column="scores",
            value=tuple(np.ravel(v).tolist()),
            remedy=f"give one number per grade: {', '.join(grades)}",
        )
    return v


Errors = tuple[FloatArray, ...]
"""std_error, conf_low and conf_high of memberships (G, q, K), then of scores (G, q)."""


def _no_errors(B: FloatArray) -> Errors:
    unknown = np.full(B.shape, np.nan)
    return (unknown,) * 3 + (unknown[..., 0],) * 3


def _linear(
    frame: _Frame,
    v: FloatArray | None,
    B: FloatArray,
    points: FloatArray | None,
    level: float,
) -> Errors:
    if frame.V is None:
        raise AssertionError("linear errors without a covariance")
    of_grades, of_scores = kernel.linear_errors(frame.V, frame.tree.matrix(), v)
    error = np.sqrt(np.maximum(of_grades, 0.0))
    limits = _intervals.normal_interval(B, error, level)
    if of_scores is None or points is None:
        return (error, *limits, *_no_errors(B)[3:])
    other = np.sqrt(np.maximum(of_scores, 0.0))
    return (error, *limits, other, *_intervals.normal_interval(points, other, level))


def _drawn(
    frame: _Frame,
    operator: str,
    v: FloatArray | None,
    n_draws: int,
    rng: np.random.Generator,
    level: float,
) -> Errors:
    """Draw the shares of each group in turn: (n_draws × q × K) numbers at a time."""
    if frame.V is None:
        raise AssertionError("draws without a covariance")
    K, q = len(frame.grades), len(frame.names)
    found = []
    for R, V in zip(frame.R, frame.V, strict=True):
        known = np.isfinite(R).all() and np.isfinite(V).all()
        draws = np.full((n_draws, q, K + 1), np.nan)
        if known:
            shares = kernel.drawn_shares(R, V, n_draws, rng)
            B = kernel.upward(shares, frame.tree, operator)
            draws[..., :K] = B
            if v is not None:
                draws[..., K] = kernel.normalised(B) @ v
        flat = draws.reshape(n_draws, -1)
        error = _intervals.moments(flat)[1]
        low, high = _intervals.percentile(flat, level)
        found.append(np.stack([error, low, high]).reshape(3, q, K + 1))
    whole = np.stack(found, axis=1)
    return (*whole[..., :K], *whole[..., K])


def _table(
    frame: _Frame,
    B: FloatArray,
    norm: FloatArray,
    points: FloatArray | None,
    errors: Errors,
) -> Table:
    G, q, K = B.shape
    top = kernel.highest(B)
    verdicts = _verdicts(top, frame.grades)
    score = np.full((G, q), np.nan) if points is None else points
    width = K if points is None else K + 1

    def beside(grades: AnyArray, last: AnyArray) -> AnyArray:
        both = np.concatenate([grades, last[..., None]], axis=-1)
        return np.asarray(both[..., :width]).ravel()

    labels = np.array([*frame.grades, ""], dtype=object)[:width]
    terms = np.array([*["membership"] * K, "score"], dtype=object)[:width]
    nothing = np.full((G, q), np.nan)
    columns: dict[str, object] = {
        "level": np.tile(np.repeat(np.array(frame.levels, dtype=object), width), G),
        "term": np.tile(terms, G * q),
        "name": np.tile(np.repeat(np.array(frame.names, dtype=object), width), G),
        "estimate": beside(B, score),
        "std_error": beside(errors[0], errors[3]),
        "conf_low": beside(errors[1], errors[4]),
        "conf_high": beside(errors[2], errors[5]),
        "grade": np.tile(labels, G * q),
        "normalised": beside(norm, nothing),
        "highest": beside(top, np.zeros((G, q), dtype=bool)),
        "verdict": np.repeat(verdicts.ravel(), width),
    }
    keys = repeated_keys(frame.keys, q * width, columns)
    return Table.of({**keys, **columns}, keys=tuple(keys))


def _verdicts(top: AnyArray, grades: tuple[str, ...]) -> AnyArray:
    """Return (G, q) texts: the grade of highest membership, or those that tie."""
    G, q, K = top.shape
    codes = top.reshape(-1, K)
    patterns, at = np.unique(codes, axis=0, return_inverse=True)
    words = np.empty(len(patterns), dtype=object)
    for i, pattern in enumerate(patterns):
        tied = [g for g, own in zip(grades, pattern, strict=True) if own]
        words[i] = f"tie: {', '.join(tied)}" if len(tied) > 1 else "".join(tied)
    return np.asarray(words[np.ravel(at)].reshape(G, q))
