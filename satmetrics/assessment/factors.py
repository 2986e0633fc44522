"""`assessment.explore_factors`: exploratory factor analysis beside the dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import friendly_keywords, one_of, positive_int
from satmetrics._display import Section, Summary, p_text, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, MissingPolicy
from satmetrics.assessment import _extraction, _rotation
from satmetrics.assessment._common_factors import LOWEST
from satmetrics.assessment._rotation import Rotated
from satmetrics.assessment.item_blocks import Blocks, ItemBlocks
from satmetrics.assessment.item_moments import require_definite, single_moments
from satmetrics.errors import ConvergenceError, NotIdentifiedError
from satmetrics.moment.moments import Moments

METHODS = {
    "ml": _extraction.maximum_likelihood,
    "pa": _extraction.principal_axis,
}
ROTATIONS = {
    "oblimin": _rotation.oblimin,
    "promax": _rotation.promax,
    "varimax": _rotation.varimax,
    "none": _rotation.unrotated,
}
OBLIQUE = ("oblimin", "promax")
SAID = {
    "oblimin": "direct oblimin, γ = 0, no normalisation",
    "promax": "promax of power 4 after varimax with Kaiser's normalisation",
    "varimax": "varimax with Kaiser's normalisation",
    "none": "none",
    "ml": "maximum likelihood",
    "pa": "principal axes, iterated",
}
HEYWOOD = "Heywood case: uniqueness at or below 0.005"


@dataclass(frozen=True, eq=False, repr=False)
class ExploredFactors(TableResult):
    """Loadings of items on common factors, beside the dimensions they belong to.

    Attributes
    ----------
    table : ``dimension, item, term, factor, other`` and ``estimate``: "loading" (the
        pattern), "communality", "uniqueness" (with ``reason`` where it is a Heywood
        case), "factor_correlation" of ``factor`` and ``other``, "variance" of a factor
        with its ``share`` of all, "primary" (the share of a dimension's items whose
        largest loading in size is on ``factor``), "rmsr" and, of maximum likelihood,
        "fit" with ``statistic, p_value, df``.
    n_factors, method, rotation : as asked for.
    context : origin, and what was left out.
    """

    n_factors: int = 1
    method: str = "ml"
    rotation: str = "oblimin"

    def loadings(self) -> FloatArray:
        """Return the pattern (p, m)."""
        rows = self.table.where(term="loading")
        return np.asarray(rows["estimate"]).reshape(-1, self.n_factors)

    def summary(self) -> Summary:
        """Return loadings, correlations of factors, and dimensions beside factors."""
        rmsr = self.table.where(term="rmsr")
        facts: tuple[tuple[str, str], ...] = (
            *self.context.facts(),
            ("n", f"{int(rmsr['n'][0]):,}"),
            ("method", SAID[self.method]),
            ("rotation", SAID[self.rotation]),
            ("residual correlations (rms)", f"{rmsr['estimate'][0]:.3f}"),
        )
        fit = self.table.where(term="fit")
        if len(fit) and np.isfinite(fit["statistic"][0]):
            test = f"χ²({int(fit['df'][0])}) = {fit['statistic'][0]:.2f}"
            facts += (("fit", f"{test}, p {p_text(float(fit['p_value'][0]))}"),)
        sections = (
            self._pattern(),
            self._square("variance"),
            self._square("factor_correlation"),
            self._square("primary"),
        )
        cases = self.table.where(term="uniqueness", reason=HEYWOOD)
        notes = [
            "loadings are the pattern; factors stand in order of the variance they "
            "account for, each turned so that its loadings sum to 0 or more",
            "exploratory factors describe correlations; competing structures need a "
            "confirmatory model",
        ]
        if len(cases):
            notes.append(f"{HEYWOOD}: {', '.join(map(str, cases['item']))}")
        return Summary(
            f"{self.n_factors} common factors",
            facts,
            tuple(part for part in sections if part.rows),
            (*notes, *self.context.sentences()),
        )

    def _pattern(self) -> Section:
        first = self.table.where(term="communality")
        columns: dict[str, object] = {n: first[n] for n in ("dimension", "item")}
        words = {"dimension": "dimension", "item": "item"}
        for f, values in zip(self._factors(), self.loadings().T, strict=True):
            columns[f], words[f] = values, f
        columns["communality"], words["communality"] = first["estimate"], "communality"
        return section("Loadings", Table.of(columns), words, max_rows=60)

    def _square(self, term: str) -> Section:
        rows = self.table.where(term=term)
        headings = {
            "variance": ("Variance of factors", "factor"),
            "factor_correlation": ("Correlations of factors", "other"),
            "primary": ("Where the items of a dimension load most", "dimension"),
        }
        heading, label = headings[term]
        names = list(dict.fromkeys(rows[label]))
        columns: dict[str, object] = {label: names}
        words = {label: "factor" if label == "other" else label}
        if term == "variance":
            columns |= {"estimate": rows["estimate"], "part": rows["share"]}
            words |= {"estimate": "variance", "part": "share"}
            return section(heading, Table.of(columns), words, max_rows=20)
        for f in self._factors():
            columns[f] = rows.where(factor=f)["estimate"]
            words[f] = f
        return section(heading, Table.of(columns), words, decimals=2, max_rows=20)

    def _factors(self) -> list[str]:
        return [f"F{k + 1}" for k in range(self.n_factors)]


@friendly_keywords
def explore_factors(
    data: object,
    n_factors: int,
    items: Sequence[str] | Blocks = None,
    *,
    form: str | None = None,
    method: str = "ml",
    rotation: str = "oblimin",
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
) -> ExploredFactors:
    """Return an exploratory factor analysis of items, beside their dimensions.

    ``R ≈ Λ Φ Λᵀ + Ψ`` with m factors. Factors stand in order of the variance they
    account for (the diagonal of ``Φ Λᵀ Λ``), each turned so that its loadings sum to 0
    or more. Principal axes and rotations are those of statsmodels.

    Parameters
    ----------
    data : a Survey, any dataframe, a lazy frame, or `Moments`.
    n_factors : how many factors m; `dimensionality` says what speaks for which.
    items : columns; or blocks ``{name: [columns]}``, an `Instrument` or its catalogue
        name; the survey's own instrument, or all items of moments, when None.
    form : which form of the instrument; see `reliability`.
    method : "ml" (maximum likelihood) or "pa" (iterated principal axes).
    rotation : "oblimin" (γ = 0, no normalisation) and "promax" (power 4) let factors
        correlate; "varimax" (Kaiser's normalisation) does not; "none".
    weights : weight column; the survey's weight role when None.
    missing : as in `Moments.from_frame`.

    Returns
    -------
    ExploredFactors

    Raises
    ------
    NotIdentifiedError
        If there are more factors than the correlations can tell apart.
    ConvergenceError
        If the extraction does not settle.
    DataError
        If columns are absent, or the correlations are not positive definite.

    References
    ----------
    Lawley and Maxwell (1971), Factor Analysis as a Statistical Method; Kaiser (1958),
    doi:10.1007/BF02289233; Jennrich and Sampson (1966), doi:10.1007/BF02289465;
    Hendrickson and White (1964), doi:10.1111/j.2044-8317.1964.tb00244.x.

    Examples
    --------
    >>> import satmetrics as sat
    >>> items = sat.datasets.moments("babakus_boller_1992")
    >>> found = sat.assessment.explore_factors(items, 2)
    >>> found.loadings().shape
    (22, 2)
    """
    m = positive_int("n_factors", n_factors)
    one_of("method", method, tuple(METHODS))
    one_of("rotation", rotation, tuple(ROTATIONS))
    moments, blocks = single_moments(data, items, form, weights, missing)
    R = np.array(moments.corr())
    require_definite(R, moments.names)
    _check_number(len(R), m)
    found = METHODS[method](R, m)
    if not found.converged:
        raise ConvergenceError(
            f"{m} factors by {SAID[method]} did not settle",
            code="no-convergence",
            column="n_factors",
            value=m,
            remedy="ask for fewer factors, or the other method",
        )
    turn = ROTATIONS[rotation] if m > 1 else _rotation.unrotated
    rotated = _rotation.settled(turn(found.loadings))
    fit = _extraction.fit_of(
        R, found.loadings, float(moments.n_eff), likelihood=method == "ml"
    )
    return ExploredFactors(
        _table(rotated, fit, moments, blocks),
        moments.context,
        n_factors=m,
        method=method,
        rotation=rotation if m > 1 else "none",
    )


def _check_number(p: int, m: int) -> None:
    if m < p and _extraction.degrees_of_freedom(p, m) >= 0:
        return
    most = max(k for k in range(p) if _extraction.degrees_of_freedom(p, k) >= 0)
    raise NotIdentifiedError(
        f"{m} factors of {p} items have more unknowns than correlations",
        code="too-many-factors",
        column="n_factors",
        value=m,
        remedy=f"{p} items can tell up to {most} factors apart",
    )


KEYS = ("dimension", "item", "term", "factor", "other")


def _table(
    found: Rotated, fit: _extraction.Fit, moments: Moments, blocks: ItemBlocks
) -> Table:
    names, m = moments.names, found.phi.shape[0]
    p = len(names)
    owner = [blocks.owner(name) for name in names]
    factors = [f"F{k + 1}" for k in range(m)]
    unique = 1 - found.communality
    low = np.where(unique <= LOWEST, HEYWOOD, "").tolist()
    items = {"dimension": owner, "item": list(names)}
    pairs = {"factor": [f for f in factors for _ in factors], "other": factors * m}
    cells = {
        "dimension": [d for d in owner for _ in factors],
        "item": [i for i in names for _ in factors],
        "factor": factors * p,
    }
    share = {"share": found.variance / p}
    test = {"statistic": [fit.statistic], "p_value": [fit.p_value], "df": [fit.df]}
    parts = [
        _rows("loading", found.loadings, cells),
        _rows("communality", found.communality, items),
        _rows("uniqueness", unique, {**items, "reason": low}),
        _rows("variance", found.variance, {"factor": factors, **share}),
        _rows("factor_correlation", found.phi, pairs),
        _primary(found, owner, factors),
        _rows("rmsr", np.array([fit.rmsr]), {}),
        _rows("fit", np.array([np.nan]), test),
    ]
    table = stack(parts, keys=KEYS)
    return table.extended({"n": np.full(len(table), int(moments.n))}, keys=KEYS)


def _rows(term: str, estimate: FloatArray, columns: Mapping[str, object]) -> Table:
    blank = {name: [""] * estimate.size for name in (*KEYS, "reason")}
    known = {"term": [term] * estimate.size, "estimate": estimate.ravel()}
    return Table.of({**blank, **known, **columns}, keys=KEYS)


def _primary(found: Rotated, owner: list[str], factors: list[str]) -> Table:
    """Return, per dimension, the share of its items that load most on each factor."""
    names = list(dict.fromkeys(owner))
    best = np.argmax(np.abs(found.loadings), axis=1)
    member = np.array([[d == name for d in owner] for name in names], dtype=np.float64)
    hit = (best[:, None] == np.arange(len(factors))).astype(np.float64)
    share = member @ hit / member.sum(axis=1, keepdims=True)
    cells = {
        "dimension": [name for name in names for _ in factors],
        "factor": factors * len(names),
    }
    return _rows("primary", share, cells)
