"""`assessment.invariance_steps`: are factors measured alike in groups, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._result import TableResult
from satmetrics._typing import MissingPolicy
from satmetrics.assessment.nested import DIFFERENCE, SCALED, WORDS, ladder_table
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.models.model import StructuralModel

STEPS = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
"""Step → what is equal in all groups."""
NOTES = (
    "configural: the same factors; metric: equal loadings, paths may be compared; "
    "scalar: equal intercepts too, means of factors may be compared; strict: equal "
    "residual variances too",
    "ΔCFI: a step is kept where CFI falls by no more than .010 (Cheung & Rensvold "
    "2002, doi:10.1207/S15328007SEM0902_5), rule of thumb",
    "ΔRMSEA: a step is kept where RMSEA rises by no more than .015 (Chen 2007, "
    "doi:10.1080/10705510701301834), rule of thumb",
)


@dataclass(frozen=True, eq=False, repr=False)
class InvarianceLadder(TableResult):
    """Measurement invariance of factors, a row per step, each against the one before.

    Columns: as of `FitComparison`, ``name`` being "configural", "metric", "scalar" and
    "strict".

    Attributes
    ----------
    groups : the groups, the one with factor means of 0 first.
    free : parameters that differ in every step.
    estimator : by what the models were fitted.
    title : what was fitted.
    """

    groups: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    estimator: str = "ML"
    title: str = ""

    def summary(self) -> Summary:
        """Return the steps with their tests, and the rules of thumb."""
        facts = (
            *self.context.facts(),
            ("groups", ", ".join(self.groups)),
            ("estimator", self.estimator),
        )
        if self.free:
            facts = (*facts, ("free in all steps", ", ".join(self.free)))
        scaled = (SCALED,) if self.estimator in ("MLM", "MLR") else ()
        notes = (
            *NOTES,
            DIFFERENCE,
            *scaled,
            *self._reasons(),
            *self.context.sentences(),
        )
        return Summary(self.title, facts, (section("", self.table, WORDS),), notes)


@friendly_keywords
def invariance_steps(
    model: StructuralModel | str,
    data: object,
    options: SemOptions | None = None,
    *,
    by: str | Sequence[str],
    free: str | Sequence[str] = (),
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
) -> InvarianceLadder:
    r"""Fit a model to several groups with more and more parameters equal.

    Each step is tested against the one before by the difference of chi-squares, scaled
    with "MLM" and "MLR", and described by what CFI and RMSEA lose.

    Parameters
    ----------
    model, data, options, weights, missing : as for `sat.sem`.
    by : column whose values make the groups.
    free : parameters that differ in every step (partial invariance), written as in
        model text: ``["x3 ~1", "visual =~ x3"]``.

    Returns
    -------
    InvarianceLadder

    Raises
    ------
    ConvergenceError, NotIdentifiedError, DataError
        As `sat.sem`, if a step cannot be fitted.

    References
    ----------
    Meredith (1993), Measurement invariance, factor analysis and factorial invariance,
    doi:10.1007/BF02294825; Cheung & Rensvold (2002), doi:10.1207/S15328007SEM0902_5;
    Chen (2007), doi:10.1080/10705510701301834.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> text = "Quality =~ PERQ1 + PERQ2 + PERQ3; Loyalty =~ CUSL1 + CUSL2 + CUSL3"
    >>> steps = sat.assessment.invariance_steps(text, survey, by="wave")
    >>> list(steps.to_frame()["name"])
    ['configural', 'metric', 'scalar', 'strict']
    """
    lines = (free,) if isinstance(free, str) else tuple(free)
    fits = [
        (
            step,
            sem(
                model,
                data,
                options,
                groups=by,
                equal=equal,
                free=lines,
                weights=weights,
                missing=missing,
            ),
        )
        for step, equal in STEPS.items()
    ]
    first = fits[0][1]
    return InvarianceLadder(
        ladder_table(fits),
        first.context,
        groups=first.table.groups,
        free=lines,
        estimator=first.options.estimator,
        title=f"Measurement invariance of {first.model.name}",
    )
