"""Rules of thumb for what an assessment prints, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult

NOT_PASS_FAIL = "a rule of thumb is a habit of a field, not a verdict on a model"


@dataclass(frozen=True)
class Rule:
    """One rule of thumb.

    Attributes
    ----------
    term : what it speaks of, as in an assessment.
    word : the name people know.
    rule : what the field does.
    source : author and year, or the program whose documentation says so.
    doi : of the source, where there is one.
    status : "read" (the passage was read there), or "read second-hand" (in a text or a
        program's documentation that quotes or names the source).
    """

    term: str
    word: str
    rule: str
    source: str
    doi: str = ""
    status: str = "read second-hand"

    @property
    def sentence(self) -> str:
        """Say the rule, its source, and that it is a rule of thumb."""
        return f"{self.word}: {self.rule} ({self.source}), rule of thumb"


RULES = (
    Rule("loading", "loading", "above 0.70 is retained", "SEMinR guide"),
    Rule(
        "weight",
        "mode B weight not significant",
        "kept where the loading is above 0.50",
        "SEMinR guide",
    ),
    Rule("alpha", "alpha", "0.70 and more", "SEMinR guide"),
    Rule("rho_a", "rho_A", "0.70 and more", "SEMinR guide"),
    Rule("rho_c", "rho_C", "0.70 and more", "SEMinR guide"),
    Rule(
        "ave",
        "AVE",
        "0.50 and more",
        "Fornell and Larcker 1981",
        "10.1177/002224378101800104",
    ),
    Rule(
        "htmt",
        "HTMT",
        "below 0.85, or 0.90 for similar constructs",
        "Henseler, Ringle and Sarstedt 2015",
        "10.1007/s11747-014-0403-8",
    ),
    Rule(
        "fornell_larcker",
        "√AVE",
        "above the construct's correlations with all others",
        "Fornell and Larcker 1981",
        "10.1177/002224378101800104",
    ),
    Rule("vif", "VIF", "below 5", "documentation of openpls-engine"),
    Rule(
        "vif_full",
        "full collinearity VIF",
        "up to 3.3 against common method bias, 5 with factors",
        "Kock 2015",
        "10.4018/ijec.2015100101",
    ),
    Rule(
        "r2",
        "R²",
        "0.75, 0.50, 0.25 are called substantial, moderate, weak in marketing; what is "
        "usual differs by field",
        "Hair, Ringle and Sarstedt 2011",
        "10.2753/MTP1069-6679190202",
    ),
    Rule("f2", "f²", "0.02, 0.15, 0.35: small, medium, large", "Cohen 1988"),
    Rule(
        "srmr",
        "SRMR",
        "below 0.08, or 0.10; stated for factor models, for composites cut-offs are "
        "essentially arbitrary",
        "SmartPLS documentation, after Hu and Bentler 1999; cSEM documentation",
        "10.1080/10705519909540118",
    ),
    Rule(
        "gof",
        "GoF",
        "not to be used as a measure of fit",
        "SmartPLS documentation",
        "10.1007/s00180-012-0317-1",
        "read",
    ),
    Rule(
        "q2_blindfold",
        "Q² (blindfolding)",
        "no out-of-sample assessment; use PLSpredict",
        "SmartPLS documentation",
        "",
        "read",
    ),
)


def sentences(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the rules of the given terms as sentences."""
    wanted = set(terms)
    return tuple(rule.sentence for rule in RULES if rule.term in wanted)


@dataclass(frozen=True, eq=False, repr=False)
class Guidance(TableResult):
    """Rules of thumb, one a row: term, rule, source, doi, status."""

    def summary(self) -> Summary:
        """Return the rules with their sources."""
        words = {"term": "term", "rule": "rule of thumb", "source": "source"}
        words |= {"status": "status"}
        rows = section("", self.table, words, max_rows=len(self.table))
        return Summary("Rules of thumb", (), (rows,), (NOT_PASS_FAIL,))


def guidance() -> Guidance:
    """Return the rules of thumb that summaries print, as data.

    Parameters
    ----------
    None. The table is the same for every fit.

    Returns
    -------
    Guidance
        term, rule, source, doi and ``status``: "read" where the passage was read in the
        source itself, "read second-hand" where another text or a program's
        documentation quotes it. Rules that could be checked in neither way are left
        out.

    Examples
    --------
    >>> import satmetrics as sat
    >>> rules = sat.assessment.guidance().to_frame().set_index("term")
    >>> rules.loc["ave", "rule"]
    '0.50 and more'
    """
    names = ("term", "rule", "source", "doi", "status")
    return Guidance(Table.of({n: [getattr(rule, n) for rule in RULES] for n in names}))
