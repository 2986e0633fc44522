"""`sat.assessment.micom`: whether composites are measured alike in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, generator, positive_int
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, MissingPolicy, RngLike
from satmetrics.assessment.composed import Composed
from satmetrics.assessment.grouping import Divided, Tally, divide
from satmetrics.assessment.micom_steps import Step, steps
from satmetrics.errors import SpecificationError
from satmetrics.estimation.options import PlsOptions
from satmetrics.models.model import StructuralModel

if TYPE_CHECKING:
    import pandas as pd

TERMS = ("composition", "mean", "variance")
FACTOR = (
    '{} is a factor (kind = "factor"), and MICOM compares composites: equality of a '
    "factor's loadings and intercepts is a matter of multi-group covariance models"
)
PRODUCT = (
    "{} is an interaction: a product of composites, which has no composition of its "
    "own; see those of its factors"
)
SINGLE = "one composition only (a single indicator or a sum score): c = 1"
SAME = "the same in every permutation: nothing to test"
STEPS = (
    "step 2, composition: c is the correlation of the composites made with either "
    "group's weights; invariance is rejected where c lies below conf_low",
    "step 3, mean and variance: difference of means in pooled standard deviations, "
    "logarithm of the ratio of variances; equality is rejected outside conf_low and "
    "conf_high",
    "none: composition rejected; partial: composition not rejected, means or variances "
    "are (paths may be compared); full: none rejected (data may be pooled)",
    "p = (b + 1)/(B + 1) by permutation, not adjusted for the number of constructs; "
    "not rejected is not shown to be equal (Henseler, Ringle and Sarstedt 2016)",
)


@dataclass(frozen=True, eq=False, repr=False)
class Invariance(TableResult):
    """Measurement invariance of composites, one row per construct, step and pair.

    Columns: ``group_a, group_b, construct, term`` ("composition", "mean", "variance"),
    ``n`` of both, ``estimate, std_error`` (of the permuted values)``, p_value,
    conf_low, conf_high`` (bounds under invariance)``, draws, reason``.

    Attributes
    ----------
    checks : step 1, what is the same in all groups and what is to be judged.
    groups : what became of each group: group, n, converged, admissible, reason.
    level, n_draws : as asked for.
    failures : pairs (reason, how many) of the permutations that could not be fitted.
    title : what was fitted.
    """

    checks: tuple[str, ...] = ()
    groups: Table = field(default_factory=lambda: Table((), ()))
    level: float = 0.95
    n_draws: int = 0
    failures: tuple[tuple[str, int], ...] = ()
    title: str = ""

    def conclusions(self) -> pd.DataFrame:
        """Return "full", "partial" or "none" per construct and pair.

        Columns: group_a, group_b, construct, the p-values ``composition, mean,
        variance`` and ``invariance``, which is empty where a step has no answer.
        """
        return self.conclusion_table().to_frame()

    def conclusion_table(self) -> Table:
        """Return `conclusions` as a table."""
        parts = [self.table.where(term=term) for term in TERMS]
        own = ("group_a", "group_b", "construct")
        keys = {name: parts[0][name] for name in own}
        p = {term: part["p_value"] for term, part in zip(TERMS, parts, strict=True)}
        alpha = 1 - self.level
        settled = parts[0]["reason"] == SINGLE
        made = [
            _verdict(alpha, 1.0 if one else c, m, v)
            for one, c, m, v in zip(settled, *p.values(), strict=True)
        ]
        return Table.of({**keys, **p, "invariance": made}, keys=own)

    def summary(self) -> Summary:
        """Return step 1, the tests of steps 2 and 3, and what follows."""
        pair = {"group_a": "a", "group_b": "b", "construct": "construct"}
        bounds = {"conf_low": "low", "conf_high": "high", "p_value": "p"}
        composition = {**pair, "estimate": "c", "conf_low": "low", "p_value": "p"}
        mean = {**pair, "estimate": "a − b", **bounds}
        variance = {**pair, "estimate": "log(a/b)", **bounds}
        words = dict(zip(TERMS, ("p composition", "p mean", "p variance"), strict=True))
        every = {**pair, **words, "invariance": "invariance"}
        sections = (
            section("Conclusion", self.conclusion_table(), every, max_rows=40),
            section(
                "Step 2: composition",
                self.table.where(term="composition"),
                composition,
                decimals=4,
            ),
            section("Step 3: means", self.table.where(term="mean"), mean),
            section("Step 3: variances", self.table.where(term="variance"), variance),
        )
        sizes = zip(self.groups["group"], self.groups["n"], strict=True)
        facts = (
            *self.context.facts(),
            ("groups", ", ".join(f"{name} (n = {n:,})" for name, n in sizes)),
            ("draws", f"{self.n_draws:,}"),
            ("failed", f"{sum(k for _, k in self.failures):,}"),
        )
        reasons = dict.fromkeys(r for r in self.table["reason"] if r)
        notes = (
            *(f"step 1, {check}" for check in self.checks),
            *STEPS,
            *reasons,
            *self.context.sentences(),
        )
        return Summary(f"MICOM of {self.title}", facts, sections, notes)


def _verdict(alpha: float, composition: float, mean: float, variance: float) -> str:
    if np.isnan(composition):
        return ""
    if composition <= alpha:
        return "none"
    if np.isnan(mean) or np.isnan(variance):
        return ""
    return "full" if min(mean, variance) > alpha else "partial"


@friendly_keywords
def micom(  # noqa: PLR0913 - the estimator's arguments, then the test's
    model: StructuralModel | str,
    data: object,
    by: str | Sequence[str],
    options: PlsOptions | None = None,
    *,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    n_draws: int = 1000,
    level: float = 0.95,
    rng: RngLike = None,
    progress: Callable[[int, int], None] | None = None,
) -> Invariance:
    r"""Test whether composites are measured alike in groups (MICOM).

    Step 1 states what is the same in all groups. Step 2 asks whether the composites
    are made alike: :math:`c = \mathrm{cor}(X w^{(a)}, X w^{(b)})` over the respondents
    of both groups, which is 1 if they are. Step 3 compares means and variances of the
    composites that the weights of both groups together make.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.
    data : a Survey or any dataframe.
    by : columns or roles; each combination that occurs is a group. More than two are
        compared in pairs.
    options : as for `sat.pls`.
    weights : column of sampling weights; the survey's weight role when None.
    missing : as for `sat.pls`; permuted groups are treated as the groups are.
    n_draws : permutations of each pair.
    level : 0.95 rejects at 5 %.
    rng : Generator or seed (SPEC 7).
    progress : called with (draws done, draws in all) after each batch.

    Returns
    -------
    Invariance

    Raises
    ------
    DataError
        If `by` tells fewer than two groups apart, or an indicator is absent.
    SpecificationError
        If all constructs are factors.
    ConvergenceError
        If the model can be estimated in fewer than two groups.

    Notes
    -----
    With S the covariances of the items over both groups,
    :math:`c = w_a'S w_b / \sqrt{w_a'S w_a \, w_b'S w_b}` for each construct. Indicators
    are standardised over both groups (``metric="standardized"``); the weights are those
    `sat.pls` gives each group. A higher-order construct has the weights of its
    components times those of their items, one per item; constructs that are measured in
    an earlier stage are tested too, and interactions, which are no composites of items,
    have rows that say so. Means are in standard deviations of the pooled
    composite; variances are compared as :math:`\log(s_a^2 / s_b^2)`.

    References
    ----------
    Henseler, Ringle and Sarstedt (2016), Testing measurement invariance of composites
    using partial least squares, doi:10.1108/IMR-09-2014-0304.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.assessment.micom("ecsi", survey, by="wave", n_draws=99, rng=1)
    >>> list(found.conclusions().columns[-2:])
    ['variance', 'invariance']
    """
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    check_level(level)
    rng = generator(rng)
    divided = divide(model, data, by, options, weights=weights, missing=missing)
    check_composites(divided.fits.model)
    divided.require_two()
    groups = divided.groups
    groups.check_exchange()
    sound = [pair for pair in divided.pairs if divided.sound[list(pair)].all()]
    tally = Tally(n_draws * len(sound), progress)
    children = dict(zip(sound, rng.spawn(len(sound)), strict=True))
    parts = []
    for pair in divided.pairs:
        child = children.get(pair)
        found = None
        if child is not None:
            found = steps(divided, pair, n_draws, level, child, tally)
        parts += [_rows(divided, pair, term, found) for term in TERMS]
    return Invariance(
        stack(parts, keys=("group_a", "group_b")),
        groups.context.plus(*tally.exclusions, notes=groups.exchanged),
        checks=_checks(divided),
        groups=divided.status(),
        level=level,
        n_draws=n_draws,
        failures=tally.counts,
        title=divided.fits.title,
    )


def check_composites(model: StructuralModel) -> None:
    """Raise if all constructs are factors."""
    constructs = model.constructs
    if all(c.kind == "factor" for c in constructs):
        name = constructs[0].name
        raise SpecificationError(
            FACTOR.format(name),
            code="micom-factors",
            column=name,
            remedy='set kind = "composite" if composites are meant',
        )


def _rows(
    divided: Divided, pair: tuple[int, int], term: str, found: dict[str, Step] | None
) -> Table:
    """Return the rows of one step for one pair of groups."""
    a, b = pair
    made, n = Composed.of(divided.fits), divided.fits.moments.n
    k = len(made.names)
    words = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "draws")
    nothing = np.full(k, np.nan)
    columns: dict[str, FloatArray] = dict.fromkeys(words, nothing)
    columns["draws"] = np.zeros(k, dtype=np.int64)
    failure = divided.failure(a, b)
    if found is not None:
        columns = {word: getattr(found[term], word) for word in words}
        untested = [made.untested(i) for i in range(k)]
        for word in words[:-1]:
            columns[word] = np.where(untested, np.nan, columns[word])
    reasons = [
        failure or why_untested(made, i, term, float(p))
        for i, p in enumerate(columns["p_value"])
    ]
    labels = {
        "group_a": [divided.groups.names[a]] * k,
        "group_b": [divided.groups.names[b]] * k,
        "construct": list(made.names),
        "term": [term] * k,
        "n": np.full(k, n[a] + n[b]),
    }
    return Table.of(
        {**labels, **columns, "reason": reasons}, keys=("group_a", "group_b")
    )


def why_untested(made: Composed, which: int, term: str, p: float) -> str:
    """Return why a construct has no p-value; empty where it has one."""
    if not np.isnan(p):
        return ""
    if made.product(which):
        return PRODUCT.format(made.names[which])
    if made.constructs[which].kind == "factor":
        return FACTOR.format(made.names[which])
    return SINGLE if term == "composition" and made.fixed(which) else SAME


def _checks(divided: Divided) -> tuple[str, ...]:
    """Return step 1: what is the same in every group, and what is to be judged."""
    fits, groups = divided.fits, divided.groups
    spec, options, sampling = fits.spec, fits.options, fits.sampling
    failed = [
        name for name, ok in zip(groups.names, divided.sound, strict=True) if not ok
    ]
    outcome = f"not estimated in {', '.join(failed)}" if failed else "in every group"
    raw = options.metric == "raw"
    items = "answers as given" if raw else "indicators standardised over both groups"
    return (
        f"same model: {len(spec.indicators)} indicators, {len(spec.nodes)} "
        f"constructs, {len(spec.paths)} paths; {outcome}",
        f'same treatment of data: missing="{sampling.missing}", weights '
        f"{sampling.weights or 'of the survey, if any'}, the same items reversed, "
        f"{items}",
        f"same algorithm: scheme {options.scheme}, metric {options.metric}, sign "
        f"{options.sign}, tolerance {options.tol:g}",
        "to be judged by the analyst: the same questions, wording or translation, "
        "scales and conduct of the survey",
    )
