"""Response quality as a result: who is flagged by what, and leaving them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import did_you_mean, positive_int
from satmetrics._display import Summary, percent, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import BoolArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey.answering_rules import MEANING, flagged
from satmetrics.survey.survey import Survey

if TYPE_CHECKING:
    import pandas as pd

PLACES = {"threshold": 3, "flagged": 0}
NOTHING_DROPPED = (
    "nobody was left out: result.without(survey, rule, …) does so, and counts them"
)
DOUBT = (
    "a flag is a reason to look, not proof: satisfied customers may honestly give the "
    "best answer throughout, above all where no item is reversed"
)


@dataclass(frozen=True, eq=False, repr=False)
class ResponseQuality(TableResult):
    """Indicators of careless answering, and whom they flag.

    Attributes
    ----------
    table : one row per rule: ``form`` (empty for all questions), ``term`` (the
        indicator), ``name`` (of the rule), ``n`` (respondents assessed), ``estimate``
        (share of them flagged), ``flagged`` (how many), ``threshold``, ``flag``
        ("below" or "from" the threshold; empty where none is set), ``source`` of the
        threshold, ``column`` (of `respondents`), ``reason`` (why nobody was assessed).
    respondents : one row per respondent of the survey, one column per indicator; NaN
        where not assessed.
    context : origin, and what was left out.
    """

    respondents: Table = field(default_factory=lambda: Table((), ()))

    def flags(self) -> pd.DataFrame:
        """Return one row per respondent: a column of True or False per rule.

        Rules without a threshold have no column. ``n_flags`` counts the rules that flag
        the respondent.
        """
        found = {name: hit for name, _, hit in self._hits()}
        total = np.zeros(len(self.respondents), dtype=np.int64)
        for hit in found.values():
            total += hit
        names = (*found, "n_flags")
        return Table(names, (*found.values(), total)).to_frame()

    def keep(self, *rules: str, at_least: int = 1) -> BoolArray:
        """Return (n,) True for respondents flagged by fewer than `at_least` rules.

        Parameters
        ----------
        rules : names of rules ("straight_line_perception", "speed_33"), or indicators
            for the rules of all forms ("straight_line").
        at_least : how many of them it takes.

        Raises
        ------
        OptionError
            If a rule does not exist or has no threshold, or none is named.
        """
        positive_int("at_least", at_least)
        known = [(name, term) for name, term, _ in self._hits()]
        words = list(dict.fromkeys([*(n for n, _ in known), *(t for _, t in known)]))
        for rule in rules or ("",):
            if rule not in words:
                raise OptionError(
                    f"no rule {rule!r} flags anybody" if rules else "no rule is named",
                    code="unknown-rule",
                    column="rules",
                    value=rule,
                    remedy=f"{did_you_mean(rule, words)} "
                    f"the rules are {', '.join(words)}".strip(),
                )
        total = np.zeros(len(self.respondents), dtype=np.int64)
        for name, term, hit in self._hits():
            if name in rules or term in rules:
                total += hit
        return total < at_least

    def without(self, survey: Survey, *rules: str, at_least: int = 1) -> Survey:
        """Return the survey without flagged respondents, who are counted in it.

        Parameters
        ----------
        survey : the survey that was looked at.
        rules, at_least : as in `keep`.

        Raises
        ------
        DataError
            If it is not a survey of as many rows.
        OptionError
            As in `keep`.
        """
        kept = self.keep(*rules, at_least=at_least)
        rows = survey.n if isinstance(survey, Survey) else -1
        if rows != len(kept):
            raise DataError(
                f"the rules looked at a survey of {len(kept):,} rows, and this is "
                f"{f'one of {rows:,}' if rows >= 0 else type(survey).__name__}",
                code="other-survey",
                value=rows,
                remedy="pass the survey given to response_quality()",
            )
        several = f", {at_least} or more of them" if at_least > 1 else ""
        return survey.take(
            kept, why=f"flagged by response quality ({', '.join(rules)}{several})"
        )

    def _hits(self) -> list[tuple[str, str, BoolArray]]:
        """Return name, indicator and flags (n,) of every rule with a threshold."""
        return [
            (
                str(row["name"]),
                str(row["term"]),
                flagged(
                    self.respondents[str(row["column"])],
                    float(row["threshold"]),
                    below=row["flag"] == "below",
                ),
            )
            for row in self.table.rows()
            if row["flag"]
        ]

    def summary(self) -> Summary:
        """Return how many each rule flags, with threshold and its source."""
        rows = self.table
        shown = rows.extended(
            {
                "shown_form": [str(form) or "all" for form in rows["form"]],
                "meaning": [MEANING[str(term)] for term in rows["term"]],
                "share": [percent(float(v), 1) for v in rows["estimate"]],
            }
        )
        words = {
            "name": "rule",
            "shown_form": "form",
            "meaning": "what is looked at",
            "flag": "flagged",
            "threshold": "threshold",
            "source": "threshold is",
            "n": "n",
            "flagged": "flagged",
            "share": "share",
        }
        order = ("name", "shown_form", "meaning", "flag", "source")
        numbers = ("threshold", "n", "flagged", "share")
        columns = {name: words[name] for name in (*order, *numbers)}
        counts = self.flags()["n_flags"].to_numpy()
        any_flag = int((counts > 0).sum())
        facts = (
            *self.context.facts(),
            ("respondents", f"{len(counts):,}"),
            ("flagged by any rule", f"{any_flag:,}"),
        )
        reasons = tuple(
            f"{row['name']}: {row['reason']}" for row in rows.rows() if row["reason"]
        )
        return Summary(
            "Response quality",
            facts,
            (section("Rules", shown, columns, decimals=PLACES, max_rows=60),),
            (NOTHING_DROPPED, DOUBT, *self.context.sentences(), *reasons),
        )
