"""What `simple_slopes` returns: effects at values of their moderators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._result import TableResult

SCALE = (
    "slopes are in standard deviations of target and predictor; at counts standard "
    "deviations of the moderator from its mean, other moderators at theirs"
)
MODERATION = (
    "moderation: what one standard deviation of the moderator adds to the slope (of a "
    "quadratic term, of the construct itself)"
)
F2 = (
    "f2_fixed: share of variance the interaction explains beyond all else, over the "
    "share left unexplained, with scores held"
)
BOUNDARY = (
    "boundary: where the slope's normal interval just touches zero (Johnson and Neyman "
    "1936; Bauer and Curran 2005, doi:10.1207/s15327906mbr4003_5)"
)
UNTESTED = "no standard errors: pass boot=sat.bootstrap(fit, data)"
WORDS = {
    "source": "predictor",
    "target": "target",
    "moderator": "moderator",
    "at": "at (sd)",
    "estimate": "slope",
    "std_error": "std. error",
    "p_value": "p",
    "conf_low": "low",
    "conf_high": "high",
}


@dataclass(frozen=True, eq=False, repr=False)
class SimpleSlopes(TableResult):
    """Effects at values of their moderator, one row per number.

    Columns: keys, source (the predictor), target, term, interaction, moderator, at
    (standard deviations of the moderator), n, estimate and, with a bootstrap,
    std_error, statistic, p_value, conf_low, conf_high. Terms: ``slope`` at each value;
    ``moderation``, the change of the slope per standard deviation; ``f2_fixed`` of the
    interaction; ``boundary``, values of the moderator where the slope turns
    significant.
    """

    level: float = 0.95
    title: str = ""

    def summary(self) -> Summary:
        """Return slopes, moderation and effect sizes."""
        keys = {n: n for n in self.table.names[: self.table.names.index("source")]}
        with_errors = bool(np.isfinite(self.table["std_error"]).any())
        words = keys | {
            n: w
            for n, w in WORDS.items()
            if with_errors or n in ("source", "target", "moderator", "at", "estimate")
        }
        flat = {n: w for n, w in words.items() if n != "at"} | {"estimate": "estimate"}
        short = {n: w for n, w in flat.items() if n in (*keys, "source", "target")}
        sections = [
            section("Slopes", self.table.where(term="slope"), words, max_rows=60),
            section("Moderation", self.table.where(term="moderation"), flat),
            section(
                "f²",
                self.table.where(term="f2_fixed"),
                {**short, "moderator": "moderator", "estimate": "f²"},
            ),
        ]
        limits = self.table.where(term="boundary")
        if len(limits):
            edge = {**short, "moderator": "moderator", "at": "at (sd)"}
            sections.append(
                section("Region of significance", limits, {**edge, "estimate": "slope"})
            )
        notes = [SCALE, MODERATION, F2]
        notes += [BOUNDARY] if len(limits) else []
        notes.append(
            f"{100 * self.level:g} % percentile intervals; p = 2Φ(−|estimate/std. "
            "error|)"
            if with_errors
            else UNTESTED
        )
        return Summary(
            f"Simple slopes in {self.title}",
            self.context.facts(),
            tuple(sections),
            (*notes, *self.context.sentences()),
        )
