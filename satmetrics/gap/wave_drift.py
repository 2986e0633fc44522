"""`drift`: expectation, perception and their gap from wave to wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Summary, percent, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.gap._gaps import ROUNDING
from satmetrics.gap.design import Dimensions
from satmetrics.gap.group_scores import (
    GroupScores,
    adjusted,
    asked,
    both_sides,
    coarse,
    group_scores,
    mean_rows,
    means_and_errors,
    no_test,
    respondents,
    row_table,
    tested,
)
from satmetrics.gap.result import LABELS
from satmetrics.gap.words import DIRECTION
from satmetrics.inference._tests import effective_n, wilson
from satmetrics.survey._waves import wave_years
from satmetrics.survey.instrument import Instrument

KEYS = (*LABELS, "name", "term", "group", "other")


@dataclass(frozen=True, eq=False, repr=False)
class Drift(TableResult):
    """Expectation, perception and gap over waves, one row an estimate.

    Attributes
    ----------
    table : ``level, dimension, item, variant, name`` ("expectation", "perception",
        "gap"), ``term, group`` (the wave), ``other`` (the wave it is compared with),
        then ``n, estimate, std_error, statistic, p_value, conf_low, conf_high, df,
        p_holm, from_perception, from_expectation, reason``. Terms: "mean",
        "since_previous", "since_first", "trend" (change per year where the waves name
        periods such as "2025Q3", per unit where they are numbers, else per wave) and
        "share_better" (respondents whose perception exceeds their expectation). Of
        changes of the gap, ``from_perception`` and ``from_expectation`` are the
        parts of it: ``ΔG = ΔP − ΔE``.
    unit_of_time : what one unit of the trend is.
    level, by : as given.
    """

    unit_of_time: str = "wave"
    level: float = 0.95
    by: tuple[str, ...] = ()

    def rows(self, term: str, name: str = "gap", level: str | None = None) -> Table:
        """Return the rows of a term and a quality, of one level or of all."""
        found = self.table.where(term=term, name=name)
        return found if level is None else found.where(level=level)

    def summary(self) -> Summary:
        """Return changes since the first wave with what they come from, and trends."""
        what = {"dimension": "dimension", "variant": "overall"}
        limits = {"conf_low": "low", "conf_high": "high"}
        change = coarse(self.rows("since_first"))
        trend = coarse(self.table.where(term="trend"))
        share = coarse(self.rows("share_better"))
        share = share.extended(
            {k: [percent(float(v)) for v in share[k]] for k in ("estimate", *limits)},
            keys=share.names,
        )
        sections = (
            section(
                "Change of the gap since the first wave",
                change,
                {**what, "group": "wave", "other": "since", "estimate": "change"}
                | limits
                | {"p_holm": "p (Holm)", "from_perception": "from perception"}
                | {"from_expectation": "from expectation"},
            ),
            section(
                f"Trend per {self.unit_of_time}",
                trend,
                {**what, "name": "of", "estimate": "trend", **limits, "p_value": "p"},
                max_rows=24,
            ),
            section(
                "Respondents whose perception exceeds their expectation",
                share,
                {**what, "group": "wave", "n": "n", "estimate": "share", **limits},
                max_rows=24,
            ),
        )
        waves = list(dict.fromkeys(self.table.where(term="mean")["group"]))
        facts = (
            *self.context.facts(),
            ("waves", ", ".join(map(str, waves[:8])) + (" …" if waves[8:] else "")),
            ("level", f"{self.level:g}"),
        )
        notes = (
            DIRECTION,
            "a gap that widens because expectations rise is another matter than one "
            "that widens because perceptions fall: change of the gap = change of "
            "perception − change of expectation, exactly (of the same respondents)",
            "p (Holm) is adjusted among all changes of one level and quality; the "
            "trend weights waves by the inverse of their sampling variance, and its "
            "error is that of sampling, not of waves scattering about a line",
            *self.context.sentences(),
            *self._reasons(),
        )
        kept = tuple(part for part in sections if part.rows)
        return Summary("Expectation and perception over waves", facts, kept, notes)


@friendly_keywords
def drift(
    data: object,
    instrument: Instrument | str | None = None,
    *,
    by: str = "wave",
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> Drift:
    """Follow expectation, perception and their gap from wave to wave.

    Only respondents with both answers count, so that ``ΔG = ΔP − ΔE`` holds exactly.
    Waves are independent samples (Welch), unless the same respondents answer in several
    of them, or the survey names clusters or strata: then errors are linearised over the
    respondents or sampled units, and changes within people count as such.

    Parameters
    ----------
    data : a Survey or any dataframe.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    by : the column or role of the waves, in order of time.
    expectation, perception, dimensions : columns in place of an instrument, as in
        `gaps`.
    level : confidence level of the intervals.
    missing, min_answered : as in `gaps`.

    Returns
    -------
    Drift

    Raises
    ------
    DataError
        If there are fewer than two waves, or columns are absent.

    References
    ----------
    Welch (1947), doi:10.1093/biomet/34.1-2.28; Woodruff (1971),
    doi:10.1080/01621459.1971.10482279.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> answers = pd.DataFrame(
    ...     {
    ...         "year": [2024] * 4 + [2025] * 4,
    ...         "e": [5, 6, 5, 6, 7, 7, 6, 7],
    ...         "p": [5, 5, 4, 6, 5, 5, 4, 6],
    ...     }
    ... )
    >>> found = sat.quality.drift(
    ...     answers, by="year", expectation=["e"], perception=["p"]
    ... )
    >>> row = found.rows("since_first", level="overall").to_frame().iloc[0]
    >>> print(row["estimate"], row["from_perception"], row["from_expectation"])
    -1.25 0.0 -1.25
    """
    check_level(level)
    given = asked(
        "drift",
        data,
        instrument,
        (expectation, perception, dimensions),
        score="gap",
        missing=missing,
        min_answered=min_answered,
    )
    gap = group_scores(given, "gap", by)
    parts = _three(gap)
    times, unit = _times(gap)
    made = []
    changes = {}
    for name, scores in parts.items():
        for term, pairs, L in _changes(scores.n_groups):
            changes[name, term] = _changed(scores, term, pairs, L, level)
        made += [mean_rows(scores, level), _trend(scores, times, level)]
        made[-2:] = [_named(table, name) for table in made[-2:]]
    for (name, term), table in changes.items():
        sources = {
            f"from_{part}": sign * changes[part, term]["estimate"]
            if name == "gap"
            else np.full(len(table), np.nan)
            for part, sign in (("perception", 1.0), ("expectation", -1.0))
        }
        made.append(_named(table.extended(sources, keys=table.names), name))
    made.append(_named(_better(gap, level), "gap"))
    table = stack(made, keys=KEYS)
    return Drift(table, gap.context, unit, level, gap.read.by)


def _three(gap: GroupScores) -> dict[str, GroupScores]:
    """Return expectation and perception of the respondents who have the gap, and it."""
    found = {}
    for name, columns in both_sides(gap).items():
        stats, errors = means_and_errors(columns, gap.read.rows)
        found[name] = replace(gap, columns=columns, stats=stats, errors=errors)
    return {**found, "gap": gap}


def _times(scores: GroupScores) -> tuple[FloatArray, str]:
    """Return the time of every wave, and what a unit of it is.

    Years where all labels name a period, else the labels' own numbers, else steps.
    """
    keys = scores.read.keys
    steps = np.arange(scores.n_groups, dtype=np.float64), "wave"
    if keys is None or len(keys.names) != 1:
        return steps
    labels = keys.columns[0]
    years = wave_years([str(label) for label in labels])
    if years is not None:
        values, unit = np.array(years), "year"
    else:
        try:
            values = np.array([float(label) for label in labels])
        except ValueError:
            return steps
        unit = f"unit of {keys.names[0]}"
    return (values, unit) if bool((np.diff(values) > 0).all()) else steps


def _changes(G: int) -> list[tuple[str, IntArray, FloatArray]]:
    """Return the contrasts of each wave with the previous and the first one."""
    eye, later = np.eye(G), np.arange(1, G)
    previous = np.stack([later, later - 1], axis=1)
    first = np.stack([later, np.zeros_like(later)], axis=1)
    return [
        ("since_previous", previous, eye[later] - eye[later - 1]),
        ("since_first", first, eye[later] - eye[0]),
    ]


def _changed(
    scores: GroupScores, term: str, pairs: IntArray, L: FloatArray, level: float
) -> Table:
    figures = tested(scores.contrast(L), level)
    names = np.asarray(scores.names(), dtype=object)
    columns = {
        "n": respondents(scores, L),
        **figures,
        "p_holm": adjusted(scores, figures["p_value"]),
        "reason": no_test(figures["p_value"], "wave"),
    }
    group, other = names[pairs].T
    return row_table(scores, term, columns, group=group, other=other)


def _trend(scores: GroupScores, times: FloatArray, level: float) -> Table:
    """Return the slope over time, waves weighted by the inverse of their variance."""
    variance = scores.stats.std_error.T**2
    q = len(variance)
    w = np.where(variance > 0, 1 / np.where(variance > 0, variance, 1.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        centred = times - ((w @ times) / w.sum(axis=1))[:, None]
        L = w * centred / (w * centred**2).sum(axis=1, keepdims=True)
    own = np.arange(q)
    found = (x[own, own] for x in scores.contrast(np.nan_to_num(L)))
    known = np.isfinite(L).all(axis=1)
    estimate, error, df = (np.where(known, x, np.nan) for x in found)
    figures = tested((estimate, error, df), level)
    columns = {
        "n": scores.stats.n.sum(axis=0),
        **figures,
        "reason": no_test(figures["p_value"], "wave"),
    }
    return row_table(scores, "trend", columns)


def _better(gap: GroupScores, level: float) -> Table:
    """Return the share of respondents whose gap is positive, wave by wave."""
    states = tuple(
        np.where(np.isnan(g), np.nan, (g > ROUNDING).astype(np.float64))
        for g in gap.columns
    )
    stats, _ = means_and_errors(states, gap.read.rows)
    share, n = stats.mean.T, stats.n_eff.T
    if gap.sampled:
        alike = np.fmin(n, stats.df.T + 1)
        n = effective_n(share, stats.std_error.T**2, stats.n.T, alike)
    low, high = wilson(share, n, level)
    columns = {
        "n": stats.n.T,
        "estimate": share,
        "std_error": stats.std_error.T,
        "conf_low": low,
        "conf_high": high,
        "reason": np.where(stats.n.T < 1, "nobody answered both", "").astype(object),
    }
    return row_table(gap, "share_better", columns, group=gap.names())


def _named(table: Table, name: str) -> Table:
    named = np.full(len(table), name, dtype=object)
    return table.extended({"name": named}, keys=KEYS)
