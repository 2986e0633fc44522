"""`ZoneResult`: zones of tolerance and what they say of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Section, Summary, percent, section
from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.gap._zones import ZoneStats
from satmetrics.gap.forms import FormAnswers
from satmetrics.gap.levels import Levels, overall_sentence
from satmetrics.gap.result import LABELS, LevelledResult, holm_within
from satmetrics.gap.states_result import share_block
from satmetrics.inference._tests import t_test

MEANS = ("adequacy", "superiority", "width", "position")
SHARES = ("below", "inside", "above", "inverted")
MSA_MSS = (
    "adequacy (MSA) = perception − minimum, superiority (MSS) = perception − desired; "
    "positive is good: perceptions exceed the level"
)
POSITION = (
    "position = (perception − minimum)/(desired − minimum) of the means: 0 at the "
    "minimum, 1 at the desired level; its error is by the delta method"
)
ZONES = (
    "zone: where the mean perception lies, below, inside (ends included) or above the "
    "zone of the means; shares: where respondents lie in their own zones, inverted = "
    "minimum above desired, hence no zone"
)
NEGATIVE = "the minimum exceeds the desired level: a negative zone has no position"
EMPTY = "the zone has no width: no position"
UNSURE = (
    "the zone's width cannot be told from zero: its position has no limits (Fieller)"
)
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class ZoneResult(LevelledResult):
    """Zones of tolerance by item, dimension and overall, one row an estimate.

    Attributes
    ----------
    table : the `by` columns, ``level, dimension, item, variant, term`` ("adequacy",
        "superiority", "width", "position"; shares "below", "inside", "above",
        "inverted"), ``n, estimate, std_error, statistic, p_value`` (of the first
        three), ``conf_low, conf_high`` (Wilson's for shares), ``df, p_holm`` (within a
        term and level of one group), ``minimum, desired, perception`` (means),
        ``zone`` (where the mean perception lies: "below", "inside", "above"; empty for
        a negative zone), ``n_eff``, ``reason`` (why a figure is absent).
    level : confidence level.
    by : the group columns.
    weighted : whether sampling weights were used.
    inversions : "keep" or "exclude": what was done with answers whose minimum exceeds
        the desired level.
    inverted_items : such answers of each item: ``dimension, item, n`` (answered three
        times and used), ``inversions``.
    inverted_respondents : how many respondents gave how many: ``inversions,
        respondents``.
    missing, min_answered : the rules that were applied.
    """

    inversions: str = "keep"
    inverted_items: Table = field(default_factory=lambda: Table((), ()))
    inverted_respondents: Table = field(default_factory=lambda: Table((), ()))

    def summary(self) -> Summary:
        """Return direction, zones overall, of dimensions and items, and inversions."""
        facts = (
            *self.context.facts(),
            ("inversions", self.inversions),
            ("weights", "sampling weights" if self.weighted else "none"),
            ("level", f"{self.level:g}"),
        )
        sections = [
            *(
                self._wide(level, heading, label)
                for level, heading, label in (
                    ("overall", "Overall", "variant"),
                    ("dimension", "Dimensions", "dimension"),
                    ("item", "Items", "item"),
                )
            ),
            self._shares(),
            self._inversions(),
        ]
        return Summary(
            "Zones of tolerance",
            facts,
            tuple(part for part in sections if part.rows),
            (MSA_MSS, POSITION, ZONES, *self._notes()),
        )

    def _wide(self, level: str, heading: str, label: str) -> Section:
        rows = self.rows(level)
        parts = {term: rows.where(term=term) for term in MEANS}
        columns: dict[str, object] = {}
        words = {name: name for name in (*self.by, label)}
        words |= {"n": "n", "minimum": "A", "perception": "P", "desired": "D"}
        for term, short in (("adequacy", "MSA"), ("superiority", "MSS")):
            own = parts[term]
            columns |= {
                term: own["estimate"],
                f"p_{term}": own["p_holm"],
            }
            words |= {term: short, f"p_{term}": "p (Holm)"}
        position = parts["position"]
        columns |= {
            "position": position["estimate"],
            "from": position["conf_low"],
            "to": position["conf_high"],
        }
        words |= {"position": "position", "from": "low", "to": "high", "zone": "zone"}
        shown = parts["adequacy"].extended(columns, (*self.by, *LABELS))
        return section(heading, shown, words, max_rows=30)

    def _shares(self) -> Section:
        level = "dimension" if len(self.rows("dimension")) else "overall"
        label = "dimension" if level == "dimension" else "variant"
        rows = self.rows(level)
        columns: dict[str, object] = {}
        words = {name: name for name in (*self.by, label)}
        for term in SHARES:
            own = rows.where(term=term)
            columns[term] = [percent(float(v), 1) for v in own["estimate"]]
            columns[f"{term} limits"] = [
                f"{percent(float(a))} to {percent(float(b))}"
                for a, b in zip(own["conf_low"], own["conf_high"], strict=True)
            ]
            words |= {term: term, f"{term} limits": "limits"}
        shown = rows.where(term="below").extended(columns, (*self.by, *LABELS))
        heading = "Respondents by their own zone"
        return section(heading, shown, words, max_rows=30)

    def _inversions(self) -> Section:
        items = self.inverted_items
        some = items.take(np.flatnonzero(items["inversions"])) if len(items) else items
        words = {"item": "item", "n": "n", "inversions": "inversions"}
        return section("Items with inversions", some, words, max_rows=30)

    def _notes(self) -> tuple[str, ...]:
        return (
            *self._inversion_note(),
            "limits of shares are Wilson's with the effective n",
            overall_sentence(self.min_answered),
            *self.context.sentences(),
            *self._reasons(),
        )

    def _inversion_note(self) -> tuple[str, ...]:
        table = self.inverted_respondents
        if not len(table) or table["inversions"][-1] == 0:
            return ("inversions (minimum above desired): none",)
        some = table["inversions"] > 0
        total = int((table["inversions"] * table["respondents"]).sum())
        people = int(table["respondents"][some].sum())
        most = int(table["inversions"][-1])
        fate = "kept" if self.inversions == "keep" else "left out"
        return (
            f"inversions (minimum above desired): {total:,} answers of {people:,} "
            f"respondents, at most {most} of one; {fate}",
        )


def zone_rows(
    stats: ZoneStats, levels: Levels, read: FormAnswers, level: float
) -> Table:
    """Lay out zones as rows, the terms of one score below each other.

    Parameters
    ----------
    stats : figures (G, q) of items, dimensions and overall scores.
    levels : their labels.
    read : the groups.
    level : confidence level.
    """
    shares = share_block(stats.states, level, {})
    means = _mean_block(stats, levels, level)
    columns = {
        name: np.concatenate([means[name], shares[name]], axis=-1) for name in means
    }
    terms = (*MEANS, *SHARES)
    G, q = stats.n.shape
    for name, values in _beside(stats).items():
        columns[name] = np.repeat(values[..., None], len(terms), axis=-1)
    reason = columns.pop("reason")
    labels = levels.row_labels(terms, G)
    names = (*labels, *columns, "reason")
    groups = read.key_columns(q * len(terms), names)
    flat = {name: values.ravel() for name, values in columns.items()}
    flat["reason"] = reason.ravel()
    return Table.of({**groups, **labels, **flat}, keys=(*groups, *LABELS))


def _beside(stats: ZoneStats) -> dict[str, AnyArray]:
    """Return what stands beside every term of a score."""
    A, D, P = stats.minimum, stats.desired, stats.perception
    zone = np.select(
        [np.isnan(P) | (A - D > ROUNDING), A - P > ROUNDING, P - D > ROUNDING],
        ["", "below", "above"],
        default="inside",
    )
    means = {"minimum": A, "desired": D, "perception": P}
    return {**means, "zone": zone.astype(object)}


def _mean_block(stats: ZoneStats, levels: Levels, level: float) -> dict[str, AnyArray]:
    """Return the columns (G, q, 4) of adequacy, superiority, width and position."""
    test = t_test(stats.estimate, stats.std_error, stats.df, level)
    m, D = len(levels.design.items), len(levels.design.dimensions)
    reason = _reasons(stats, test.conf_low[2])
    tested = np.array([True, True, True, False])[:, None, None]
    unsure = reason == UNSURE

    def limited(values: FloatArray) -> FloatArray:
        return np.where(unsure, np.nan, values)

    p = np.where(tested, test.p_value, np.nan)
    shape = stats.estimate.shape
    figures: dict[str, AnyArray] = {
        "n": np.broadcast_to(stats.n, shape),
        "estimate": stats.estimate,
        "std_error": limited(stats.std_error),
        "statistic": np.where(tested, test.statistic, np.nan),
        "p_value": p,
        "conf_low": limited(test.conf_low),
        "conf_high": limited(test.conf_high),
        "df": np.broadcast_to(stats.df, shape),
        "p_holm": np.stack([holm_within(own, m, D) for own in p]),
        "n_eff": np.broadcast_to(stats.n_eff, shape),
        "reason": reason,
    }
    return {name: np.moveaxis(values, 0, -1) for name, values in figures.items()}


def _reasons(stats: ZoneStats, width_low: FloatArray) -> AnyArray:
    """Say why a figure (4, G, q) is absent."""
    shape = stats.estimate.shape
    of_position = np.zeros(shape, dtype=bool)
    of_position[3] = True
    width = np.broadcast_to(stats.estimate[2], shape)
    cases: list[tuple[BoolArray, str]] = [
        (stats.n == 0, "nobody answered all that is needed"),
        (of_position & (width < -ROUNDING), NEGATIVE),
        (of_position & (width <= ROUNDING), EMPTY),
        (stats.n == 1, "one respondent: no standard error"),
        (of_position & (width_low <= 0) & (stats.std_error[2] > 0), UNSURE),
        (
            ~of_position & (stats.std_error == 0),
            "the difference is the same for every respondent: no t test",
        ),
    ]
    found = np.select(
        [np.broadcast_to(case, shape) for case, _ in cases],
        [word for _, word in cases],
        default="",
    )
    return np.asarray(found.astype(object))
