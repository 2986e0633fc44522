"""`quality.standards`: how often encounters meet their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Summary, percent, section
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap._pooled import pooled_shares
from satmetrics.gap.design import Design
from satmetrics.gap.forms import FormAnswers, read_forms
from satmetrics.gap.standard_spec import Standard, Standards, Target
from satmetrics.survey.survey import as_survey

LABELS = ("level", "dimension", "standard")
VERDICTS = ("not set", "below", "open", "reached")
DIRECTION = (
    "share of encounters that meet the target: 1 is best; gap 3 is 1 − this share"
)
LEVELS = {
    "standard": "By standard",
    "dimension": "By dimension, standards pooled",
    "encounter": "All standards in one encounter",
    "overall": "Overall, standards pooled",
}


@dataclass(frozen=True, eq=False, repr=False)
class StandardsResult(TableResult):
    """Shares of encounters that meet their targets.

    Attributes
    ----------
    table : the `by` columns, ``level`` ("standard", "dimension", "encounter": all
        standards met at once, "overall": all pooled), ``dimension, standard, n``
        (encounters observed; of pooled rows, observations), ``estimate`` (share that
        meets the target), ``std_error, conf_low, conf_high`` (Wilson), ``successes``
        (the share times n), ``n_eff, missing`` (not observed), ``bound`` (exact
        one-sided limit where none or all meet the target, else NaN), ``goal, verdict``
        ("reached": the whole interval is at or above the goal, "below": the whole
        interval is under it, "open": it holds the goal), ``target, reason``.
    level : confidence level.
    by : the group columns.
    weighted : whether weights of encounters were used.
    name : of the set of standards.
    context : origin, and what was left out.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    weighted: bool = False
    name: str = ""

    def rows(self, level: str) -> Table:
        """Return the rows of one level, such as "standard" or "encounter"."""
        return self.table.where(level=level)

    def summary(self) -> Summary:
        """Return shares by standard, by dimension, of all standards, and overall."""
        keys = {name: name for name in self.by}
        words = {
            "target": "target",
            "verdict": "goal is",
            "n": "n",
            "missing": "not observed",
            "met": "met",
            "low": "low",
            "high": "high",
            "goal_said": "goal",
        }
        parts = []
        for level, heading in LEVELS.items():
            part = self.rows(level)
            if not len(part):
                continue
            said = {
                name: [percent(float(v), 1) for v in part[source]]
                for name, source in (
                    ("met", "estimate"),
                    ("low", "conf_low"),
                    ("high", "conf_high"),
                    ("goal_said", "goal"),
                )
            }
            label = {level: level} if level in LABELS else {}
            parts.append(
                section(
                    heading,
                    part.extended(said, keys=(*self.by, *LABELS)),
                    {**keys, **label, **words},
                    max_rows=40,
                )
            )
        return Summary(
            f"Standards met: {self.name}",
            (*self.context.facts(), ("level", f"{self.level:g}")),
            tuple(parts),
            (
                DIRECTION,
                "Wilson limits with n effective: weights, clusters and the standards "
                "of one encounter are allowed for",
                *self._bounds(),
                *self.context.sentences(),
                *self._reasons(),
            ),
        )

    def _bounds(self) -> tuple[str, ...]:
        """Say what none or all of n means, where it is so."""
        said = []
        for row in self.rows("standard").rows():
            if np.isnan(row["bound"]):
                continue
            none = row["estimate"] < 0.5
            what = f"{row['standard']}: {'none' if none else 'all'} of {row['n']:,} met"
            share = percent(float(row["bound"]), 1)
            three = 3 / row["n_eff"]
            rule = percent(min(three, 1.0) if none else max(1 - three, 0.0), 1)
            side = "at most" if none else "at least"
            said.append(
                f"{what}; {side} {share} (exact, one-sided {self.level:g}; rule of "
                f"three {rule})"
            )
        return tuple(said)


@friendly_keywords
def standards(
    encounters: object,
    targets: Standards | Mapping[str, Target] | Sequence[str] | str | Path,
    *,
    by: str | Sequence[str] | None = None,
    goal: float | None = None,
    level: float = 0.95,
) -> StandardsResult:
    """Return the percentage of encounters that meet each target, and all of them.

    A mean hides the encounters that fail: a mean of three rings may be half at one and
    half at five. A standard is an absolute target, so what counts is how often it is
    met.

    Parameters
    ----------
    encounters : a Survey or any dataframe, one row per encounter (call, visit,
        inspection). Weights, clusters and strata of a survey are used.
    targets : `Standards`, the path of their TOML file,
        ``{name: (column, comparison, target)}`` with the unit as a fourth,
        ``{name: column}`` or a list of columns of yes (1) and no (0).
    by : columns or roles ("unit", "wave") that form groups.
    goal : share of encounters that should meet each standard that states none itself,
        such as 1 for always.
    level : confidence level.

    Returns
    -------
    StandardsResult
        ``sat.five_gaps(delivery=result)`` takes it for gap 3, as 1 − share.

    Raises
    ------
    DataError
        If a column is absent or no number, or a column of yes and no holds another.
    SpecificationError
        If a target is none.

    Notes
    -----
    A value that is missing is not observed, and counted, neither met nor failed. An
    encounter meets all standards if it meets each; it fails if it fails one, whatever
    was not observed; else it is not observed. Limits are Wilson's, with the n of
    simple random sampling that has the same error. Where none or all of n meet the
    target, ``bound`` is ``1 − (1 − level)^(1/n)`` or its complement.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Hanley and Lippman-Hand (1983),
    doi:10.1001/jama.1983.03330370053031 (none of n).

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> calls = pd.DataFrame({"rings": [1, 2, 3, 5], "named": [1, 1, 0, 1]})
    >>> found = sat.quality.standards(
    ...     calls, {"telephone": ("rings", "<=", 3), "name given": "named"}, goal=1
    ... )
    >>> found.to_frame()[["level", "estimate"]].values.tolist()
    [['standard', 0.75], ['standard', 0.75], ['encounter', 0.5], ['overall', 0.75]]
    """
    check_level(level)
    spec = _spec(targets)
    wanted = [_goal_of(standard, goal) for standard in spec.standards]
    columns = tuple(dict.fromkeys(s.column for s in spec.standards))
    survey = as_survey(encounters)
    read = read_forms(survey, Design(columns, {"encounter": columns}), by=by)
    values = dict(zip(columns, read["encounter"], strict=True))
    for standard in spec.standards:
        _check_yes_no(standard, values[standard.column])
    met = [standard.met(values[standard.column]) for standard in spec.standards]
    lost = [
        Exclusion("not observed", int(np.isnan(x).sum()), "encounters", s.id)
        for s, x in zip(spec.standards, met, strict=True)
    ]
    said = (f"standards from {spec.source} ({spec.status})",) if spec.source else ()
    return StandardsResult(
        _table(spec.standards, met, wanted, read, level),
        read.context.plus(*lost, notes=(*said, *spec.notes, *read.error_note())),
        level=level,
        by=read.by,
        weighted=read.weighted,
        name=str(spec.label) or spec.id,
    )


def _spec(targets: object) -> Standards:
    if isinstance(targets, Standards):
        return targets
    if isinstance(targets, Path) or (
        isinstance(targets, str) and targets.endswith(".toml")
    ):
        return Standards.read(targets)
    if isinstance(targets, (Mapping, list, tuple)):
        return Standards.of(targets)
    raise OptionError(
        f"targets={targets!r}",
        code="bad-standards",
        column="targets",
        value=str(targets),
        remedy="give {name: (column, comparison, target)}, a list of columns of yes "
        "and no, Standards, or the path of their TOML file",
    )


def _goal_of(standard: Standard, goal: float | None) -> float:
    if goal is not None and (
        isinstance(goal, bool)
        or not isinstance(goal, (int, float))
        or not 0 < goal <= 1
    ):
        raise OptionError(
            f"goal={goal!r} is not a share",
            code="bad-goal",
            column="goal",
            value=goal,
            remedy="give a share of encounters up to 1, such as 0.95",
        )
    own = standard.goal if standard.goal is not None else goal
    return np.nan if own is None else float(own)


def _check_yes_no(standard: Standard, values: FloatArray) -> None:
    if not standard.yes_no:
        return
    odd = np.isfinite(values) & (values != 0) & (values != 1)
    if odd.any():
        value = float(values[odd][0])
        raise DataError(
            f"column {standard.column!r} of standard {standard.id!r} holds {value:g}",
            code="not-yes-no",
            column=standard.column,
            value=value,
            remedy="a column of yes and no holds 1 and 0; give (column, comparison, "
            "target) for a measured one",
        )


def _all_met(met: Sequence[FloatArray]) -> FloatArray:
    """Return 1 where every standard is met, 0 where one fails, else NaN; (n,)."""
    failed = np.zeros(len(met[0]), dtype=bool)
    unseen = np.zeros(len(met[0]), dtype=bool)
    for x in met:
        failed |= x == 0
        unseen |= np.isnan(x)
    return np.asarray(np.where(failed, 0.0, np.where(unseen, np.nan, 1.0)))


def _table(
    own: Sequence[Standard],
    met: Sequence[FloatArray],
    goals: Sequence[float],
    read: FormAnswers,
    level: float,
) -> Table:
    """Lay out standards, dimensions, encounters and overall, group by group."""
    named = list(dict.fromkeys(s.dimension for s in own if s.dimension))
    blocks = [[x] for x in met]
    blocks += [
        [x for s, x in zip(own, met, strict=True) if s.dimension == name]
        for name in named
    ]
    blocks += [[_all_met(met)], list(met)]
    found = pooled_shares(blocks, read.rows, level)
    missing = np.stack(
        [sum(read.rows.total(np.isnan(x)) for x in block) for block in blocks], axis=1
    )
    D, G = len(named), len(found.n)
    whole = 1.0 if all(goal == 1 for goal in goals) else np.nan
    every = np.array([*goals, *[np.nan] * D, whole, np.nan])
    labels: dict[str, list[str]] = {
        "level": [*["standard"] * len(own), *["dimension"] * D, "encounter", "overall"],
        "dimension": [*(s.dimension for s in own), *named, "", ""],
        "standard": [*(s.id for s in own), *[""] * (D + 2)],
        "target": [*(s.words for s in own), *[""] * D, "all of them", ""],
    }
    data = {
        "n": found.n.astype(np.int64),
        **found.columns(),
        "missing": missing.astype(np.int64),
        "bound": _bound(found.share, found.n_eff, level),
        "goal": np.tile(every, (G, 1)),
        "verdict": _verdict(found.low, found.high, every),
        "reason": np.where(found.n == 0, "no encounter observed here", "").astype(
            object
        ),
    }
    K = len(blocks)
    keys = read.key_columns(K, (*labels, *data))
    return Table.of(
        {
            **keys,
            **{k: np.tile(np.asarray(v, dtype=object), G) for k, v in labels.items()},
            **{k: v.ravel() for k, v in data.items()},
        },
        keys=(*keys, *LABELS),
    )


def _bound(p: FloatArray, n_eff: FloatArray, level: float) -> FloatArray:
    """Return the exact one-sided limit where none or all of n; NaN elsewhere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = 1 - (1 - level) ** (1 / n_eff)
    return np.where(p == 0, edge, np.where(p == 1, 1 - edge, np.nan))


def _verdict(low: FloatArray, high: FloatArray, goals: FloatArray) -> AnyArray:
    with np.errstate(invalid="ignore"):
        place = np.where(high < goals - 1e-12, 1, np.where(low >= goals, 3, 2))
    none = ~np.isfinite(goals) | np.isnan(low)
    return np.asarray(VERDICTS, dtype=object)[np.where(none, 0, place)]
