"""`GapResult`: the table of gaps and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._display import Section, Summary, percent, section
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import TableResult
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap._gaps import PairedStats
from satmetrics.gap.design import Design
from satmetrics.gap.words import COLUMNS, DIRECTION
from satmetrics.inference._tests import few_units, holm, t_test, wilson

LABELS = ("level", "dimension", "item", "variant")
STATES = ("better", "equal", "worse")


@dataclass(frozen=True, eq=False, repr=False)
class LevelledResult(TableResult):
    """A table by item, dimension and overall, and the rules it was made by.

    Attributes
    ----------
    level : confidence level.
    by : the group columns.
    weighted : whether sampling weights were used.
    missing, min_answered : the rules on missing answers.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    weighted: bool = False
    missing: str = "pairwise"
    min_answered: float = 0.5

    def rows(self, level: str) -> Table:
        """Return the rows of one level: "item", "dimension" or "overall"."""
        return self.table.where(level=level)


@dataclass(frozen=True, eq=False, repr=False)
class GapResult(LevelledResult):
    """Gaps by item, dimension and overall, one row an estimate.

    Attributes
    ----------
    table : the `by` columns, then ``level`` ("item", "dimension", "overall"),
        ``dimension, item, variant`` (of the overall rows), ``n, estimate`` (perception
        − expectation), ``std_error, statistic, p_value, conf_low, conf_high, df,
        p_holm`` (Holm's adjustment among the items, and among the dimensions, of one
        group), ``expectation, perception`` (means), ``sd_gap, d_z`` (mean over SD of
        the gap), ``n_eff`` (Kish), ``share_better, share_equal, share_worse`` with
        Wilson limits ``share_better_low …`` (NaN without answers), ``reason`` (why a
        figure is absent).
    level : confidence level.
    by : the group columns.
    weighted : whether sampling weights were used; of moments, whether their effective n
        differs from n.
    from_answers : False if only moments were given.
    expectation_type : what "expectation" means in the instrument; empty if not stated.
    missing, min_answered : the rules that were applied.
    context : origin, and what was left out.
    """

    from_answers: bool = True
    expectation_type: str = ""

    def summary(self) -> Summary:
        """Return direction, overall gap by variant, dimensions and items."""
        facts = (
            *self.context.facts(),
            ("expectation asked", self.expectation_type or "not stated"),
            ("weights", "sampling weights" if self.weighted else "none"),
            ("level", f"{self.level:g}"),
        )
        keys = {name: name for name in self.by}
        sections = [
            _levelled(self.rows("overall"), "Overall", {**keys, "variant": "variant"}),
            _levelled(
                self.rows("dimension"), "Dimensions", {**keys, "dimension": "dimension"}
            ),
            _levelled(self.rows("item"), "Items", {**keys, "item": "item"}),
            *self._three_states(keys),
        ]
        return Summary(
            "Service quality gaps",
            facts,
            tuple(part for part in sections if part.rows),
            (DIRECTION, *self._method(), *self.context.sentences(), *self._reasons()),
        )

    def _three_states(self, keys: dict[str, str]) -> list[Section]:
        table = self.rows("dimension")
        if not self.from_answers or not len(table):
            return []
        shares = {
            f"share_{state}": [percent(float(v)) for v in table[f"share_{state}"]]
            for state in STATES
        }
        limits = zip(table["share_better_low"], table["share_better_high"], strict=True)
        shown = table.extended(
            {
                **shares,
                "limits": [
                    f"{percent(float(a))} to {percent(float(b))}" for a, b in limits
                ],
            },
            keys=(*self.by, *LABELS),
        )
        words = {
            **keys,
            "dimension": "dimension",
            "share_better": "P > E",
            "limits": "Wilson limits",
            "share_equal": "P = E",
            "share_worse": "P < E",
        }
        return [section("Respondents by the sign of their gap", shown, words)]

    def _method(self) -> tuple[str, ...]:
        tests = (
            "tests are paired t tests of no gap; p (Holm) is adjusted among the items, "
            "and among the dimensions, of each group"
        )
        weights = (
            "means are weighted, standard errors Taylor linearised",
            *(("Wilson limits use the effective n",) if self.from_answers else ()),
        )
        if not self.from_answers:
            return (
                tests,
                "overall variants differ on purpose: the mean of dimensions is the "
                "mean of the dimension gaps, the mean of items that of the item gaps",
                *(weights if self.weighted else ()),
                "computed from moments: shares of respondents above and below their "
                "expectation need the answers and are absent",
            )
        share = percent(self.min_answered)
        overall = (
            "overall variants differ on purpose: the mean of dimensions is the mean "
            "over respondents of the mean of the dimensions each answered, from "
            f"{share} of them on; it equals the mean of the dimension gaps when all "
            f"answer all; the mean of items is the same over pairs, from {share} on"
        )
        rule = (
            "a respondent's dimension gap is the mean of the pairs answered twice, "
            f"from {share} of the pairs on; missing answers: "
            f"{self.missing}"
        )
        return (tests, overall, rule, *(weights if self.weighted else ()))


def gap_rows(
    stats: PairedStats,
    design: Design,
    variants: Sequence[str],
    keys: Table | None,
    level: float,
    reasons: Sequence[str] = (),
) -> Table:
    """Lay out the statistics (G, Q) of items, dimensions and overall variants as rows.

    Parameters
    ----------
    stats : columns are the items, then the dimensions, then the variants.
    design, variants : their labels.
    keys : one row per group, or None.
    level : confidence level.
    reasons : per group, why its figures are absent.
    """
    G, Q = stats.gap.shape
    test = t_test(stats.gap, stats.std_error, stats.df, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        d_z = np.where(stats.sd > 0, stats.gap / stats.sd, np.nan)
    columns: dict[str, AnyArray] = {
        "n": stats.n,
        "estimate": stats.gap,
        "std_error": stats.std_error,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": stats.df,
        "p_holm": holm_within(test.p_value, len(design.items), len(design.dimensions)),
        "expectation": stats.expectation,
        "perception": stats.perception,
        "sd_gap": stats.sd,
        "d_z": d_z,
        "n_eff": stats.n_eff,
        **_share_columns(stats, level),
        "reason": _reasons(stats, reasons or ("",) * G),
    }
    labels = {name: np.tile(c, G) for name, c in row_labels(design, variants).items()}
    groups = repeated_keys(keys, Q, (*labels, *columns))
    flat = {name: np.asarray(values).ravel() for name, values in columns.items()}
    return Table.of({**groups, **labels, **flat}, keys=(*groups, *LABELS))


def row_labels(design: Design, variants: Sequence[str]) -> dict[str, AnyArray]:
    """Return the labels of items, then dimensions, then overall variants."""
    m, D, V = len(design.items), len(design.dimensions), len(variants)
    parts = {
        "level": ["item"] * m + ["dimension"] * D + ["overall"] * V,
        "dimension": [*design.dimension_of_items(), *design.dimensions, *[""] * V],
        "item": [*design.items, *[""] * (D + V)],
        "variant": [*[""] * (m + D), *variants],
    }
    return {name: np.asarray(values, dtype=object) for name, values in parts.items()}


def holm_within(p: FloatArray, m: int, D: int) -> FloatArray:
    """Adjust among items and among dimensions; the variants are one hypothesis."""
    parts = [holm(p[:, :m]), holm(p[:, m : m + D]), p[:, m + D :]]
    return np.concatenate(parts, axis=1)


def _share_columns(stats: PairedStats, level: float) -> dict[str, FloatArray]:
    columns: dict[str, FloatArray] = {}
    shares_n = stats.shares_n * few_units(stats.shares_df, level)
    for state, share, n in zip(STATES, stats.shares, shares_n, strict=True):
        low, high = wilson(share, n, level)
        columns |= {
            f"share_{state}": share,
            f"share_{state}_low": low,
            f"share_{state}_high": high,
        }
    return columns


def _reasons(stats: PairedStats, groups: Sequence[str]) -> AnyArray:
    """Say why a test or an error is absent; the group's own reason first."""
    cases = [
        stats.n == 0,
        stats.n == 1,
        stats.std_error == 0,
    ]
    words = [
        "nobody answered both expectation and perception",
        "one respondent: no standard error",
        "the gap is the same for every respondent: no t test",
    ]
    found = np.select(cases, words, default="").astype(object)
    own = np.asarray(groups, dtype=object)[:, None]
    return np.where(own != "", own, found)


def _levelled(table: Table, heading: str, labels: dict[str, str]) -> Section:
    return section(heading, table, {**labels, **COLUMNS, "d_z": "d_z"}, max_rows=30)
