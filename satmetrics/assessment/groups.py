"""`sat.assessment.compare_groups`: whether coefficients differ between groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import AnyArray, FloatArray, MissingPolicy, RngLike
from satmetrics.assessment import _groups as kernel
from satmetrics.assessment._groups import Tested
from satmetrics.assessment.group_tests import Task, by_permutation, from_bootstrap
from satmetrics.assessment.grouping import Tally, divide
from satmetrics.estimation.options import PlsOptions
from satmetrics.inference.bootstrap import Inadmissible
from satmetrics.models.model import StructuralModel

Method = Literal["permutation", "parametric", "welch", "henseler"]
Adjust = Literal["holm", "bonferroni", "bh", "none"]
METHODS = ("permutation", "parametric", "welch", "henseler")
ADJUSTMENTS = ("holm", "bonferroni", "bh", "none")
ALL = "all groups"
TESTED = ("std_error", "statistic", "p_value", "p_one_sided", "conf_low", "conf_high")
SAME = "the same in every draw: nothing to test"
FAILED = "fewer than two draws could be fitted"
UNDEFINED = "not defined in one of the groups"
HOW = {
    "permutation": "permutation: p = (b + 1)/(B + 1) of respondents who change groups "
    "(Chin and Dibbern 2010); conf_low and conf_high bound the difference there would "
    "be without one, std_error is its standard deviation",
    "parametric": "parametric: t with pooled bootstrap variances (Keil et al. 2000)",
    "welch": "Welch: t with each group's bootstrap variance (Sarstedt, Henseler and "
    "Ringle 2011), degrees of freedom of Satterthwaite",
    "henseler": "PLS-MGA: share of pairs of bootstrap draws (Henseler, Ringle and "
    "Sinkovics 2009); statistic and p_one_sided are P(group_a ≤ group_b)",
}


@dataclass(frozen=True, eq=False, repr=False)
class GroupComparison(TableResult):
    """Differences of coefficients between groups, one row per number and pair.

    Columns: ``group_a, group_b``, what is compared (``source, target, construct,
    indicator, term``), ``n`` of both, ``estimate`` (a minus b), ``std_error,
    statistic, p_value`` (two-sided)``, conf_low, conf_high, estimate_a, estimate_b,
    p_one_sided`` (small where a is larger)``, p_adjusted, draws, reason``. With three
    groups and more, rows of "all groups" hold an omnibus test by permutation.

    Attributes
    ----------
    groups : what became of each group: group, n, converged, admissible, reason.
    method, adjust, level, n_draws : as asked for.
    failures : pairs (reason, how many) of the groups in draws that could not be fitted.
    title : what was fitted.
    """

    groups: Table = field(default_factory=lambda: Table((), ()))
    method: str = "permutation"
    adjust: str = "holm"
    level: float = 0.95
    n_draws: int = 0
    failures: tuple[tuple[str, int], ...] = ()
    title: str = ""

    def summary(self) -> Summary:
        """Return groups, differences of paths and how they were tested."""
        paths = self.table.where(term="path")
        pairs = paths.take(np.flatnonzero(paths["group_a"] != ALL))
        omnibus = paths.where(group_a=ALL)
        words = {"source": "source", "target": "target"}
        tested = {"p_value": "p", "p_adjusted": "p adj."}
        pair = {"group_a": "a", "group_b": "b", **words}
        pair |= {"estimate_a": "path a", "estimate_b": "path b"}
        pair |= {"estimate": "a − b", "conf_low": "low", "conf_high": "high", **tested}
        status = {"group": "group", "n": "n", "converged": "converged"}
        status |= {"admissible": "admissible"}
        sections = [
            section("Groups", self.groups, {**status, "reason": "reason"}),
            section("Differences of paths", pairs, pair, max_rows=40),
        ]
        if len(omnibus):
            heading = "Paths over all groups: sum of squared deviations"
            every = {**words, "estimate": "statistic", **tested}
            sections.append(section(heading, omnibus, every, max_rows=24))
        facts = (
            *self.context.facts(),
            ("draws", f"{self.n_draws:,}"),
            ("failed", f"{sum(k for _, k in self.failures):,}"),
        )
        notes = (HOW[self.method], self._family(), *self.context.sentences())
        return Summary(f"Groups of {self.title}", facts, tuple(sections), notes)

    def _family(self) -> str:
        if self.adjust == "none":
            return "p-values are not adjusted for their number"
        return (
            f'p_adjusted: "{self.adjust}", over all rows of one term and all pairs of '
            "groups (omnibus rows: over all rows of one term)"
        )


@friendly_keywords
def compare_groups(  # noqa: PLR0913 - the estimator's arguments, then the test's
    model: StructuralModel | str,
    data: object,
    by: str | Sequence[str],
    options: PlsOptions | None = None,
    *,
    method: Method = "permutation",
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    n_draws: int = 1000,
    level: float = 0.95,
    adjust: Adjust = "holm",
    inadmissible: Inadmissible = "fail",
    rng: RngLike = None,
    progress: Callable[[int, int], None] | None = None,
) -> GroupComparison:
    r"""Compare a path model between groups of respondents.

    The model is estimated in each group, and every number of it (paths, effects,
    weights, loadings, R², HTMT, indices) is compared between each pair of groups.
    Compare paths only where `micom` finds composites that are made alike.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.
    data : a Survey or any dataframe.
    by : columns or roles; each combination that occurs is a group.
    options : as for `sat.pls`.
    method : "permutation" exchanges the respondents of two groups, fits both again and
        asks how often chance alone makes as large a difference; "parametric" (pooled
        variance), "welch" and "henseler" (PLS-MGA) bootstrap each group.
    weights : column of sampling weights; the survey's weight role when None.
    missing : as for `sat.pls`; permuted groups are treated as the groups are.
    n_draws : permutations of each pair, or resamples of each group.
    level : of conf_low and conf_high.
    adjust : how p-values are adjusted for their number: "holm", "bonferroni", "bh"
        (Benjamini and Hochberg) or "none". The family is all rows of one term over all
        pairs.
    inadmissible : "fail" treats solutions outside the possible ones (a loading above
        1, say) as failures, of groups and of draws; "keep" keeps them and says so.
    rng : Generator or seed (SPEC 7).
    progress : called with (draws done, draws in all) after each batch.

    Returns
    -------
    GroupComparison

    Raises
    ------
    DataError
        If `by` tells fewer than two groups apart, or an indicator is absent.
    ConvergenceError
        If the model can be estimated in fewer than two groups. A single group that
        fails is a reason in its rows.

    Notes
    -----
    A pair is tested among its own respondents, so that a third group changes nothing.
    With three groups and more the omnibus statistic of each number is
    :math:`Σ_g (θ_g - \bar θ)^2`, tested by permutation among all. Weights, loadings and
    paths carry the sign that ``options.sign`` gives them. Models with higher-order
    constructs and interactions are estimated in all their stages in every draw, with
    products about the means of each group. Degrees of freedom of "parametric" and
    "welch" count the respondents of a group, with weights its effective n, with
    clusters their number.

    References
    ----------
    Chin and Dibbern (2010), doi:10.1007/978-3-540-32827-8_8; Keil et al. (2000),
    doi:10.2307/3250940; Sarstedt, Henseler and Ringle (2011),
    doi:10.1108/S1474-7979(2011)0000022012; Henseler, Ringle and Sinkovics (2009),
    doi:10.1108/S1474-7979(2009)0000020014; Holm (1979).

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.assessment.compare_groups(
    ...     "ecsi", survey, by="wave", n_draws=99, rng=1
    ... )
    >>> every = found.to_frame().query("term == 'path' and group_a == 'all groups'")
    >>> bool((every["p_adjusted"] >= every["p_value"]).all())
    True
    """
    one_of("method", method, METHODS)
    one_of("adjust", adjust, ADJUSTMENTS)
    one_of("inadmissible", inadmissible, ("fail", "keep"))
    check_level(level)
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    rng = generator(rng)
    keep = inadmissible == "keep"
    divided = divide(
        model, data, by, options, weights=weights, missing=missing, keep=keep
    )
    divided.require_two()
    values = divided.fits.statistics(divided.fits.source).values
    task = Task(divided, values, n_draws, level)
    tally = Tally(task.steps(method), progress)
    omnibus, groups = None, divided.groups
    notes = groups.exchanged if method == "permutation" else groups.units.notes
    if method == "permutation":
        found, omnibus = by_permutation(task, rng, tally)
    else:
        found = from_bootstrap(task, method, rng, tally)
    labels = divided.fits.labels().drop("test")
    parts = [_pair(task, labels, pair, found.get(pair)) for pair in divided.pairs]
    if omnibus is not None:
        parts.append(_all(task, labels, omnibus))
    return GroupComparison(
        _adjusted(stack(parts, keys=("group_a", "group_b")), adjust),
        groups.context.plus(*tally.exclusions, notes=(*notes, *tally.notes)),
        groups=divided.status(),
        method=method,
        adjust=adjust,
        level=level,
        n_draws=n_draws,
        failures=tally.counts,
        title=divided.fits.title,
    )


def _pair(
    task: Task, labels: Table, pair: tuple[int, int], tested: Tested | None
) -> Table:
    """Return the rows of one pair of groups; NaN and a reason where it has no test."""
    a, b = pair
    groups, n = task.divided.groups, task.divided.fits.moments.n
    first, second = task.values[a], task.values[b]
    nothing = np.full(len(labels), np.nan)
    difference = first - second
    failure = task.divided.failure(a, b) or (FAILED if tested is None else "")
    columns = _columns(tested, difference, nothing)
    return labels.extended(
        {
            "group_a": [groups.names[a]] * len(labels),
            "group_b": [groups.names[b]] * len(labels),
            "n": np.full(len(labels), n[a] + n[b]),
            "estimate": difference,
            **columns,
            "estimate_a": first,
            "estimate_b": second,
            "reason": _reasons(failure, difference, columns["p_value"]),
        },
        keys=("group_a", "group_b"),
    )


def _all(task: Task, labels: Table, tested: Tested) -> Table:
    """Return the omnibus rows over all groups that have a fit."""
    nothing = np.full(len(labels), np.nan)
    n = int(task.divided.fits.moments.n[task.divided.sound].sum())
    return labels.extended(
        {
            "group_a": [ALL] * len(labels),
            "group_b": [""] * len(labels),
            "n": np.full(len(labels), n),
            "estimate": tested.statistic,
            **_columns(tested, tested.statistic, nothing),
            "estimate_a": nothing,
            "estimate_b": nothing,
            "reason": _reasons("", tested.statistic, tested.p_value),
        },
        keys=("group_a", "group_b"),
    )


def _columns(
    tested: Tested | None, estimate: FloatArray, nothing: FloatArray
) -> dict[str, AnyArray]:
    if tested is None:
        columns = dict.fromkeys(TESTED, nothing)
        return {**columns, "draws": np.zeros(len(nothing), dtype=np.int64)}
    known = np.isfinite(estimate)
    columns = {w: np.where(known, getattr(tested, w), np.nan) for w in TESTED}
    return {**columns, "draws": tested.draws}


def _reasons(failure: str, estimate: FloatArray, p: FloatArray) -> list[str]:
    untested = np.where(np.isnan(estimate), UNDEFINED, SAME)
    return [
        failure or (str(why) if none else "")
        for why, none in zip(untested, np.isnan(p), strict=True)
    ]


def _adjusted(table: Table, method: str) -> Table:
    """Add p_adjusted: a family is the rows of one term, pairs and omnibus apart."""
    p = table["p_value"]
    out = np.full(len(table), np.nan)
    omnibus = table["group_a"] == ALL
    for term in dict.fromkeys(table["term"]):
        for part in (omnibus, ~omnibus):
            rows = np.flatnonzero((table["term"] == term) & part)
            out[rows] = kernel.adjusted(p[rows], method)
    reason, draws = table["reason"], table["draws"]
    rest = table.drop("reason", "draws")
    return rest.extended(
        {"p_adjusted": out, "draws": draws, "reason": reason},
        keys=("group_a", "group_b"),
    )
