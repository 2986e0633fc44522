"""`assessment.reliability`: alpha, omega and split halves of blocks of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, one_of
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import TableResult
from satmetrics._typing import AnyArray
from satmetrics.assessment.item_blocks import Blocks, blocks_of, survey_for
from satmetrics.assessment.item_source import ADF, NORMAL, source_of
from satmetrics.assessment.reliability_rows import (
    FELDT,
    HEYWOOD,
    WHOLE,
    Rows,
    block_rows,
)
from satmetrics.assessment.rules import sentences
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy

INTERVALS = ("auto", "feldt")
PRINTED = tuple(term for term in WHOLE if term != "omega_standardized")
SAID = {
    ADF: (
        "intervals: linearised over respondents, no distribution assumed; weights, "
        "clusters and strata count; limits by log(1 − reliability) and Fisher's z"
    ),
    NORMAL: (
        "intervals: normal theory, no answers; limits by log(1 − reliability) and "
        "Fisher's z"
    ),
    FELDT: (
        "interval of alpha: Feldt's F limits, exact for normal answers with equal "
        "covariances"
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class ReliabilityResult(TableResult):
    """Reliability of sums of items, one row a number.

    Attributes
    ----------
    table : the `by` columns, then ``construct`` (the block), ``indicator`` (of the
        rows that speak of one item), ``term, n, estimate, std_error, conf_low,
        conf_high, interval`` (its kind: "distribution-free", "normal theory", "Feldt"
        or empty), ``items`` (their number), ``reason`` (why a figure is absent or to be
        read with care).
    level : confidence level.
    by : the group columns.
    context : origin, and what was left out.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return the coefficients of the blocks, then those of the items."""
        facts = (*self.context.facts(), ("level", f"{self.level:g}"))
        kinds = [str(kind) for kind in dict.fromkeys(self.table["interval"]) if kind]
        notes = [SAID[kind] for kind in SAID if kind in kinds]
        notes += [
            "split halves are Spearman-Brown of one split each and depend on the order "
            "of items; alpha is the mean of all splits of an even number of items "
            "(Cronbach 1951), lambda4 the best split, which chance favours",
            *sentences(("alpha",)),
            *self._remarks(),
        ]
        return Summary(
            "Reliability of sums of items",
            facts,
            tuple(part for part in (self._blocks(), self._items()) if part.rows),
            (*notes, *self.context.sentences()),
        )

    def _blocks(self) -> Section:
        first = self.table.where(term="alpha")
        words = {name: name for name in (*self.by, "construct", "n", "items")}
        columns: dict[str, object] = {name: first[name] for name in words}
        for term in PRINTED:
            part = self.table.where(term=term)
            for name, end in (
                ("estimate", ""),
                ("conf_low", "low"),
                ("conf_high", "high"),
            ):
                if end and term not in ("alpha", "omega"):
                    continue
                key = f"{term} {end}".strip()
                columns[key], words[key] = part[name], end or _word(term)
        keys = (*self.by, "construct")
        return section("Blocks", Table.of(columns, keys=keys), words, max_rows=60)

    def _items(self) -> Section:
        rest = self.table.where(term="item_rest")
        words = {n: n for n in (*self.by, "construct")} | {"indicator": "item"}
        columns: dict[str, object] = {name: rest[name] for name in words}
        columns["r"] = rest["estimate"]
        columns["deleted"] = self.table.where(term="alpha_deleted")["estimate"]
        words |= {"r": "r with the rest", "deleted": "alpha without it"}
        keys = (*self.by, "construct", "indicator")
        return section("Items", Table.of(columns, keys=keys), words, max_rows=60)

    def _remarks(self) -> list[str]:
        rest = self.table.where(term="item_rest")
        turned = [
            str(item)
            for item, r in zip(rest["indicator"], rest["estimate"], strict=True)
            if r < 0
        ]
        notes = []
        if turned:
            notes.append(
                f"negative correlation with the rest: "
                f"{', '.join(dict.fromkeys(turned))}; was an item to be reversed?"
            )
        of_omega = self.table.where(term="omega")
        cases = sum(reason == HEYWOOD for reason in of_omega["reason"])
        if cases:
            notes.append(f"{cases} of {len(of_omega)} omegas: {HEYWOOD}")
        return notes


@friendly_keywords
def reliability(
    data: object,
    blocks: Blocks = None,
    *,
    form: str | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    interval: str = "auto",
    weights: str | None = None,
    missing: str = "listwise",
) -> ReliabilityResult:
    r"""Return the reliability of sums of items, with intervals; no model is fitted.

    With k items of covariance S, ``t`` the variance of their sum:

    * ``alpha`` = k/(k−1) (1 − tr S / t) and ``alpha_standardized``, the same of
      correlations (Cronbach 1951);
    * ``omega`` = (Σλ)² / ((Σλ)² + Σψ) of one common factor by maximum likelihood, of
      the items as answered, and ``omega_standardized`` of standardised items (McDonald
      1999). A unique variance below 0.005 of the item's is held there: a Heywood case,
      named in ``reason``;
    * ``lambda2``, and ``lambda4`` of the best split up to 12 items (Guttman 1945);
    * ``split_half_first`` and ``split_half_odd``: 2r/(1 + r) of first and second half,
      of odd and even items (Spearman 1910; Brown 1910);
    * ``mean_r``, the mean correlation of two items;
    * per item ``item_rest``, its correlation with the sum of the others, and
      ``alpha_deleted``, alpha without it.

    Parameters
    ----------
    data : a Survey, any dataframe, a lazy frame, or `Moments` of the items. Reversed
        items of a survey are turned.
    blocks : ``{name: [columns]}``, an `Instrument` or its catalogue name (its
        dimensions, and all items together); the survey's own instrument when None.
    form : which form of the instrument, such as "perception" (the default where there
        are several) or "expectation".
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    interval : "auto", or "feldt" for Feldt's limits of alpha; from moments without
        `acov` alpha always has them.
    weights : weight column; the survey's weight role when None.
    missing : "listwise" leaves out, block by block, the rows with a missing answer
        (counted), "error" raises. For others give `Moments` made so.

    Returns
    -------
    ReliabilityResult

    Raises
    ------
    OptionError
        If nothing says which items belong together, or an argument is not an option.
    DataError
        If columns are absent, or no row is complete.
    MissingMomentsError
        If moments without correlations are given.

    Notes
    -----
    Standard errors follow from the derivative F of a coefficient in S: of answers, from
    the influence ``zᵀFz`` of each respondent, summed over clusters within strata, with
    no distribution assumed; of moments, from their `acov`, or ``2 tr(FSFS)/(n − 1)``
    of normal answers. Omega hierarchical needs a bifactor model and is not given.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555; Guttman (1945), doi:10.1007/BF02288892;
    Feldt (1965), doi:10.1007/BF02289499; van Zyl, Neudecker and Nel (2000),
    doi:10.1007/BF02296146; Maydeu-Olivares, Coffman and Hartmann (2007),
    doi:10.1037/1082-989X.12.2.157; Bonett and Wright (2015), doi:10.1002/job.1960.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("bank_servqual")
    >>> found = sat.assessment.reliability(survey, form="perception").to_frame()
    >>> rows = found.query("term == 'alpha'").set_index("construct")
    >>> rows["estimate"].round(2)["all items"].item()
    0.94
    """
    check_level(level)
    one_of("interval", interval, INTERVALS)
    wanted = blocks_of(data, blocks, form).with_total()
    rowless = isinstance(data, Moments) or is_lazy(data)
    survey = None if rowless else survey_for(data, wanted.instrument, weights)
    source = source_of(data, survey, wanted.columns, by, weights, missing)
    keys = source.keys
    parts = [
        block_rows(name, items, source.block(items, name), level, interval)
        for name, items in zip(wanted.names, wanted.items, strict=True)
    ]
    groups = () if keys is None else keys.names
    return ReliabilityResult(
        _table(parts, keys), source.context, level=float(level), by=groups
    )


def _table(parts: Sequence[Rows], keys: Table | None) -> Table:
    """Lay out blocks (G, T) as rows, group by group."""
    G = len(parts[0].n)
    labels: dict[str, object] = {
        "construct": [p.construct for p in parts for _ in p.term] * G,
        "indicator": [i for p in parts for i in p.indicator] * G,
        "term": [t for p in parts for t in p.term] * G,
        "n": np.rint(_flat(parts, "n")).astype(np.int64),
    }
    names = ("estimate", "std_error", "conf_low", "conf_high", "interval")
    labels |= {name: _flat(parts, name) for name in names}
    labels["items"] = [p.items for p in parts for _ in p.term] * G
    labels["reason"] = _flat(parts, "reason")
    groups = repeated_keys(keys, sum(len(p.term) for p in parts), labels)
    return Table.of({**groups, **labels}, keys=tuple(groups))


def _flat(parts: Sequence[Rows], name: str) -> AnyArray:
    return np.concatenate([getattr(part, name) for part in parts], axis=1).ravel()


def _word(term: str) -> str:
    return {
        "alpha_standardized": "standardised",
        "split_half_first": "first/second",
    }.get(term, term.replace("split_half_odd", "odd/even").replace("_", " "))
