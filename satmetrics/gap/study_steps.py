"""What each step of the standard procedure comes to, as a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from satmetrics._frames import Table, repeated_keys
from satmetrics._typing import FloatArray
from satmetrics.criteria.allocation import point_weights
from satmetrics.criteria.weights import CriteriaWeights
from satmetrics.errors import DataError, OptionError, SpecificationWarning
from satmetrics.gap._levels import block_means
from satmetrics.gap.design import Design
from satmetrics.gap.forms import FormAnswers
from satmetrics.gap.points import Points
from satmetrics.inference._tests import t_critical
from satmetrics.moment._column_means import MeanStats, Rows, column_means
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

EQUAL = "equal weights: none are stored, given or asked"
WEIGHTED = "weighted"
FEWEST, MOST = 4, 5
"""Items for each criterion, by the rule of the procedure."""


def criteria(spec: Instrument, design: Design) -> Table:
    """Return the criteria: the instrument's dimensions that have items."""
    kept = [d for d in spec.dimensions if d.id in design.dimensions]
    return Table.of(
        {
            "dimension": [d.id for d in kept],
            "label_en": [d.label.en for d in kept],
            "label_zh": [d.label.zh for d in kept],
        }
    )


def items(design: Design) -> Table:
    """Return how many items each criterion has, and whether that is four or five."""
    count = [len(block) for block in design.blocks()]
    remarks = [
        ""
        if FEWEST <= k <= MOST
        else f"{k} {'item' if k == 1 else 'items'} for {name}: the procedure asks for "
        "four or five for each (rule of thumb)"
        for name, k in zip(design.dimensions, count, strict=True)
    ]
    return Table.of(
        {
            "dimension": list(design.dimensions),
            "n_items": np.asarray(count),
            "remark": remarks,
        }
    )


def questions(spec: Instrument) -> Table:
    """Return the questions in order; what departs from the rule is in step 3."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpecificationWarning)
        return spec.questionnaire().table


def stored(spec: Instrument, industry: str, found: Table) -> Instrument:
    """Return the instrument with the weights of an industry."""
    pairs = zip(found["dimension"], found["estimate"].tolist(), strict=True)
    return spec.with_weights(industry, dict(pairs), source=str(found["source"][0]))


def weights(
    spec: Instrument,
    survey: Survey | None,
    design: Design,
    industry: str,
    given: Mapping[str, float] | CriteriaWeights | None,
    level: float,
) -> tuple[Table, Points]:
    """Return the table of weights, and the points that `gaps` takes."""
    if isinstance(given, CriteriaWeights):
        return _in_order(_of_result(given, given.method), design), given.as_points()
    if given is not None:
        kept = spec.with_weights(industry or "given", given)
        return _of_mapping(kept.weights_for(industry or "given"), "as given", design)
    if industry and any(own.industry == industry for own in spec.weights):
        own = next(own for own in spec.weights if own.industry == industry)
        source = f"stored for {industry}: {own.source or 'no source'} ({own.status})"
        return _of_mapping(own.shares, source, design)
    form = _point_form(spec, survey)
    if survey is not None and form:
        found = point_weights(survey, form, instrument=spec, level=level)
        return _in_order(_of_result(found, found.method), design), form
    share = 1 / len(design.dimensions)
    return _of_mapping(dict.fromkeys(design.dimensions, share), EQUAL, design)


def _point_form(spec: Instrument, survey: Survey | None) -> str:
    """Return the form of points per dimension that was answered, if there is one."""
    for form in spec.forms:
        columns = {form.column(d.id) for d in spec.dimensions}
        there = survey is not None and columns <= set(survey.columns)
        if form.kind == "importance" and not form.per_item and there:
            return form.id
    return ""


def _of_mapping(
    weights: Mapping[str, float], source: str, design: Design
) -> tuple[Table, Points]:
    total = sum(weights.values())
    values = np.array([value / total for value in weights.values()])
    nothing = np.full(len(values), np.nan)
    table = Table.of(
        {
            "dimension": list(weights),
            "estimate": values,
            "std_error": nothing,
            "conf_low": nothing,
            "conf_high": nothing,
            "source": [source] * len(values),
        }
    )
    return _in_order(table, design), dict(weights)


def _in_order(weights: Table, design: Design) -> Table:
    """Return the rows in the order of the design's dimensions."""
    place = {str(name): i for i, name in enumerate(weights["dimension"])}
    absent = [name for name in design.dimensions if name not in place]
    if absent or len(place) != len(design.dimensions):
        odd = absent or [name for name in place if name not in design.dimensions]
        raise DataError(
            f"the weights and the criteria differ: {odd[0]!r}",
            code="bad-weights",
            column=odd[0],
            value=tuple(place),
            remedy=f"give a weight for each of {', '.join(design.dimensions)}",
        )
    return weights.take(np.array([place[name] for name in design.dimensions]))


def _of_result(weights: CriteriaWeights, source: str) -> Table:
    if weights.by:
        raise OptionError(
            f"weights differ by {' and '.join(weights.by)}",
            code="grouped-weights",
            column="weights",
            value=weights.by,
            remedy="give those of one group: weights.as_points(…)",
        )
    names = ("dimension", "estimate", "std_error", "conf_low", "conf_high")
    columns: dict[str, object] = {name: weights.table[name] for name in names}
    return Table.of({**columns, "source": [source] * len(weights.table)})


def answers(read: FormAnswers) -> Table:
    """Return how many answers each form has, and how many are missing."""
    forms = {form: own for form, own in read.columns.items() if own}
    given = [sum(int(np.isfinite(c).sum()) for c in own) for own in forms.values()]
    asked = [sum(len(c) for c in own) for own in forms.values()]
    missing = [a - g for a, g in zip(asked, given, strict=True)]
    return Table.of(
        {
            "form": list(forms),
            "n_items": [len(own) for own in forms.values()],
            "answers": given,
            "missing": missing,
            "share_missing": [
                m / max(a, 1) for m, a in zip(missing, asked, strict=True)
            ],
        },
        keys=("form",),
    )


def tabulation(read: FormAnswers, design: Design, survey: Survey) -> Table:
    """Return n, mean, sd and both ends of the scale of every question."""
    rows = _together(read)
    columns = [c for form in design.columns for c in read[form]]
    names = [name for own in design.columns.values() for name in own]
    found = column_means(columns, rows)
    ends = []
    for name, column in zip(names, columns, strict=True):
        scale, seen = survey.scale(name), np.isfinite(column)
        low, high = (scale.minimum, scale.maximum) if scale else (np.nan, np.nan)
        counted = seen.any() and scale is not None
        weight = seen if rows.w is None else np.where(seen, rows.w, 0.0)
        ends.append(
            [
                float(np.sum(weight * (column == end)) / np.sum(weight))
                if counted
                else np.nan
                for end in (low, high)
            ]
        )
    lowest, highest = np.asarray(ends).T
    forms = list(design.columns)
    return Table.of(
        {
            "dimension": [*design.dimension_of_items()] * len(forms),
            "item": [*design.items] * len(forms),
            "form": [form for form in forms for _ in design.items],
            "column": names,
            "n": found.n[0],
            "missing": len(rows.codes) - found.n[0],
            "mean": found.mean[0],
            "sd": found.sd[0],
            "share_lowest": lowest,
            "share_highest": highest,
        },
        keys=("dimension", "item", "form", "column"),
    )


def scores(
    read: FormAnswers,
    design: Design,
    shares: FloatArray,
    min_answered: float,
    level: float,
) -> Table:
    """Return expected and perceived quality by dimension and weighted over all.

    Over the respondents who answered both, as the gaps are; overall, over those who
    have all dimensions.
    """
    forms = read["expectation"], read["perception"]
    (E, P), _ = block_means(forms, design.blocks(), min_answered)
    sides = {}
    for term, side in (("expectation", E), ("perception", P)):
        overall = sum(v * column for v, column in zip(shares, side, strict=True))
        sides[term] = column_means([*side, np.asarray(overall)], read.rows)
    D = len(design.dimensions)
    labels = {
        "level": ["dimension"] * D + ["overall"],
        "dimension": [*design.dimensions, ""],
        "variant": [""] * D + [WEIGHTED],
    }
    return _score_table(sides, labels, read, level)


def _score_table(
    sides: Mapping[str, MeanStats],
    labels: Mapping[str, list[str]],
    read: FormAnswers,
    level: float,
) -> Table:
    """Lay out both sides of every dimension, group by group."""
    q, G = len(labels["level"]), read.rows.n_groups

    def flat(field: str) -> FloatArray:
        values = [getattr(side, field) for side in sides.values()]
        return np.stack(values, axis=-1).ravel()

    half = t_critical(flat("df"), level) * flat("std_error")
    own = {
        name: np.tile(np.repeat(np.asarray(v, dtype=object), len(sides)), G)
        for name, v in labels.items()
    }
    columns = {
        **own,
        "term": np.tile(np.asarray(list(sides), dtype=object), q * G),
        "n": flat("n"),
        "estimate": flat("mean"),
        "std_error": flat("std_error"),
        "conf_low": flat("mean") - half,
        "conf_high": flat("mean") + half,
        "df": flat("df"),
    }
    keys = repeated_keys(read.keys, q * len(sides), list(columns))
    return Table.of({**keys, **columns}, keys=(*keys, *labels, "term"))


def _together(read: FormAnswers) -> Rows:
    """Return the rows as one group."""
    return replace(read.rows, codes=np.zeros_like(read.rows.codes), n_groups=1)
