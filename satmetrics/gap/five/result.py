"""`FiveGapsResult`: the gaps, what they compare and what supports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.gap.five.decomposition import GapDecomposition, decompose
from satmetrics.gap.five.names import gap_names, name_table

RATED = (
    "rated gaps = what there is − what there should be (1: belief − expectation, "
    "2: standards − {two}, 3: delivery − {three}, 4: delivered − promised, 5: "
    "perception − expectation): negative is bad"
)
COUNTED = (
    "counted gaps (checklist, conformance, kept promises) are shares that fail: 0 is "
    "best, 1 is worst, so that positive is bad; Wilson limits, no test against 0"
)
BELIEFS = (
    "gaps 1, 6 and 7: negative = what customers expect is underestimated, positive = "
    "overestimated; gap 6 = gap 1 + gap 7"
)
TESTS = (
    "gaps of two sources: Welch's t; with fewer than {few} people of a source, "
    "permutation of the studentised difference, p = (b + 1)/(B + 1), beside Welch's "
    "limits; the same people asked twice: paired t; p (Holm) is adjusted among the "
    "dimensions, and among the items, of one gap in one group"
)
COUNTED_STAGES = {2: "standards", 3: "delivery", 4: "communication"}
GUIDANCE = {
    "customers": (30, 100, "customers per unit"),
    "managers": (0, 20, "managers; better all of them, census=True"),
    "employees": (5, 15, "employees per unit"),
}
"""Rules of thumb: fewest people for a number, a comfortable number, of whom."""
TOTALS = {"customers": 200}
"""Rule of thumb: fewest people in all."""
COLUMNS = {
    "n": "n",
    "later": "later",
    "earlier": "earlier",
    "estimate": "gap",
    "std_error": "s.e.",
    "conf_low": "low",
    "conf_high": "high",
    "p_value": "p",
    "p_holm": "p (Holm)",
    "form": "form",
}


@dataclass(frozen=True, eq=False, repr=False)
class FiveGapsResult(TableResult):
    """Gaps 1 to 7 by group, item, dimension and overall, one row an estimate.

    Attributes
    ----------
    table : the `by` columns, then ``gap`` (1 … 7), ``level`` ("item", "dimension",
        "overall"), ``dimension, item, name`` (of the gap, in English), ``n`` (of the
        smaller source), ``estimate, std_error, statistic, p_value, conf_low,
        conf_high, df, p_holm`` (Holm's adjustment among the dimensions, and the items,
        of a gap in a group), ``later, earlier`` (the two means; of counted gaps the
        share that is good, and 1), ``n_later, n_earlier, method, reason`` (why
        something is absent), ``name_zh, sources`` (such as "managers − customers"),
        ``form`` ("ratings", "conformance", "checklist", "kept promises", "importance
        points").
    level : confidence level.
    by : the group columns.
    naming : the published naming set of the names, "1985" or "1996".
    stages : means of expectation, perception, belief, standards … by group, dimension
        and overall, with the ends of their scale.
    people : how many people of each source there are, in all and by group.
    absent : (gap, why) of the gaps without material.
    against : what rated standards and delivery are compared with.
    rescaled : whether answers were put on 0-100.
    few : below how many people tests are permutation tests.
    context : origin, and what was left out.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    naming: str = "1985"
    stages: Table = field(default_factory=lambda: Table((), ()))
    people: Table = field(default_factory=lambda: Table((), ()))
    absent: tuple[tuple[int, str], ...] = ()
    against: str = "maximum"
    rescaled: bool = False
    few: int = 10

    @property
    def names(self) -> Table:
        """The seven gaps under both published naming sets, English and Chinese."""
        return name_table()

    def rows(self, gap: int, level: str = "dimension") -> Table:
        """Return the rows of one gap at one level."""
        return self.table.where(gap=gap, level=level)

    def decomposition(self) -> GapDecomposition:
        """Return gap 5 as the sum of its steps, from the means of the stages.

        ``P − E = (M − E) + (S − M) + (D − S) + (C − D) + (P − C)`` holds where every
        stage is rated on the customers' scale, which ``against="stage"`` says and
        the declared scales must confirm. Dimension means of expectation, belief and
        perception are over the items that all sources were asked.

        Raises
        ------
        DataError
            If a stage is absent or counted, or on another scale: ratings on scales of
            their own are never added up.
        """
        forms = {
            int(g): str(f)
            for g, f in zip(self.table["gap"], self.table["form"], strict=True)
        }
        counted = tuple(
            name
            for gap, name in COUNTED_STAGES.items()
            if forms.get(gap, "ratings") != "ratings"
        )
        return decompose(
            *(self.stages, self.context, self.by),
            against=self.against,
            rescaled=self.rescaled,
            counted=counted,
        )

    def aggregation(self) -> str:
        """Return what was averaged, such as "n = 23 branch, 1,140 customers"."""
        parts = [f"{n:,} {word}" for word, n in _pairs(self.people, "n")]
        if self.by:
            groups = self.stages if len(self.stages) else self.table
            cells = set(zip(*(groups[name].tolist() for name in self.by), strict=True))
            parts.insert(0, f"{len(cells):,} groups by {' × '.join(self.by)}")
        return "n = " + ", ".join(parts)

    def summary(self) -> Summary:
        """Return what each gap means and compares, its size, and sample sizes."""
        facts = (
            *self.context.facts(),
            ("aggregation", self.aggregation()),
            ("names", f"naming of {self.naming}"),
            ("level", f"{self.level:g}"),
        )
        keys = {name: name for name in self.by}
        overall = self.table.where(level="overall")
        dimensions = self.table.where(level="dimension")
        sections = [
            self._meanings(),
            section(
                "Overall", overall, {**keys, "gap": "gap", **_no_holm()}, max_rows=30
            ),
            section(
                "Dimensions",
                dimensions,
                {**keys, "gap": "gap", "dimension": "dimension", **COLUMNS},
                max_rows=42,
            ),
            self._sizes(),
        ]
        return Summary(
            "The five-gap model",
            facts,
            tuple(part for part in sections if part.rows),
            (*self._signs(), *self._absences(), *self.context.sentences()),
        )

    def _meanings(self) -> Section:
        """Say of every gap that is there what it compares, whom and how many."""
        rows = []
        for gap, own in gap_names().items():
            here = self.table.where(gap=gap)
            for form in dict.fromkeys(here["form"].tolist()):
                part = here.where(form=form)
                label = own.label(self.naming)
                sizes = part.where(level="overall")["n"]
                sizes = sizes if len(sizes) else part["n"]
                n = f"{int(sizes.min()):,}"
                if sizes.min() != sizes.max():
                    n += f" to {int(sizes.max()):,}"
                levels = ", ".join(dict.fromkeys(part["level"].tolist()))
                names = (str(gap), f"{label.en} / {label.zh}", own.means)
                rows.append((*names, str(part["sources"][0]), form, levels, n))
        heading = ("gap", "name", "what", "sources", "form", "levels", "n")
        return Section("Gaps", heading, tuple(rows), 6)

    def _sizes(self) -> Section:
        rows = []
        for person in self.people.rows():
            word = str(person["source"])
            fewest, good, what = GUIDANCE[word]
            rule = f"{fewest} {what}" if fewest else f"{good} or more {what}"
            if fewest:
                rule += f", {good} comfortable"
            if word in TOTALS:
                rule += f"; {TOTALS[word]} in all"
            span = f"{person['smallest']:,} to {person['largest']:,}"
            rows.append(
                (word, f"{person['n']:,}", span, f"rule of thumb of ours: {rule}")
            )
        heading = ("source", "n", "per group", "sample size")
        right = (False, True, True, False)
        return Section("Who answered", heading, tuple(rows), 1, right)

    def _signs(self) -> tuple[str, ...]:
        forms = set(self.table["form"].tolist()) if len(self.table) else set()
        stage = self.against == "stage"
        rated = RATED.format(
            two="belief" if stage else "maximum",
            three="standards" if stage else "maximum",
        )
        found = [rated, BELIEFS]
        if forms - {"ratings", "importance points"}:
            found.append(COUNTED)
        if self.rescaled:
            found.append("all answers were put on 0-100 by the ends of their own scale")
        if any(self.people["shared"]) if len(self.people) else False:
            found.append(
                "shared sources speak for every group: the gaps of groups are not "
                "independent of each other"
            )
        return (*found, TESTS.format(few=self.few), *self._reasons())

    def _absences(self) -> tuple[str, ...]:
        return tuple(f"gap {gap} is absent: {why}" for gap, why in self.absent)


def _no_holm() -> Mapping[str, str]:
    return {k: v for k, v in COLUMNS.items() if k != "p_holm"}


def _pairs(people: Table, column: str) -> list[tuple[str, int]]:
    if not len(people):
        return []
    return [
        (str(word), int(n))
        for word, n in zip(people["source"], np.asarray(people[column]), strict=True)
    ]
