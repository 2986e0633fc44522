"""What a survey allows: the standard analyses, and why some were not made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from satmetrics._checks import friendly_keywords
from satmetrics._result import Record, Result, TableResult
from satmetrics._typing import RngLike
from satmetrics.assessment.assess import assess
from satmetrics.errors import DataError, SatmetricsError
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.pls import pls
from satmetrics.gap.gap_psychometrics import psychometrics
from satmetrics.gap.gaps import gaps
from satmetrics.gap.servperf import performance
from satmetrics.gap.study import servqual_study
from satmetrics.gap.tolerance_zones import zones
from satmetrics.indices.changes import changes
from satmetrics.indices.index import IndexResult, index
from satmetrics.indices.priorities import priorities
from satmetrics.inference.bootstrap import bootstrap
from satmetrics.models.model import StructuralModel
from satmetrics.plot._labels import texts_of
from satmetrics.survey.answering import response_quality
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

FEW_IN_GROUP = 30
"""Groups with fewer complete answers are named; a rule of thumb."""
MOST_UNITS = 40


@dataclass(frozen=True)
class StandardResults(Record):
    """The standard results of a survey.

    Attributes
    ----------
    results : in the order of the report.
    skipped : sentences that say what was not computed, and why.
    labels : name → text of items and dimensions.
    """

    results: tuple[Result, ...]
    skipped: tuple[str, ...]
    labels: Mapping[str, str]


@friendly_keywords
def standard_results(
    survey: Survey,
    model: StructuralModel | None = None,
    instrument: Instrument | None = None,
    *,
    n_draws: int = 1000,
    rng: RngLike = None,
) -> StandardResults:
    """Compute what a survey allows.

    With all items of `model`: the fit, indices (all together or by wave, and by unit),
    their changes, priorities, a bootstrap and an assessment. With all pairs of
    expectation and perception of `instrument`: gaps, also by unit, a study in eight
    steps, the quality of the answers and the psychometrics of the gaps; with some of
    the pairs the gaps alone. With an instrument that asks no expectations: scores of
    performance, zones of tolerance where it asks for them, and the quality of the
    answers. What cannot be computed is said, not dropped in silence.

    Parameters
    ----------
    survey : the answers; their roles decide about units and waves.
    model, instrument : what to look for; the survey's own instrument when None.
    n_draws : bootstrap draws.
    rng : Generator or seed.

    Returns
    -------
    StandardResults

    Raises
    ------
    SatmetricsError
        If nothing can be computed; the message says why.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> [type(result).__name__ for result in standard_results(bank).results]
    ['GapResult', 'GapResult', 'ServqualStudy', 'ResponseQuality', 'GapPsychometrics']
    """
    spec = survey.instrument if instrument is None else instrument
    results: list[Result] = []
    skipped: list[str] = []
    faults: list[SatmetricsError] = []
    for subject, make in _plans(survey, model, spec, n_draws, rng):
        try:
            results += make(skipped)
        except SatmetricsError as fault:
            skipped.append(f"{subject}: {fault}")
            faults.append(fault)
    if not results:
        raise _nothing(skipped, faults)
    labels = {**texts_of(spec), **dict(survey.labels)}
    if model is not None:
        labels |= texts_of(model)
    return StandardResults(_with_notes(results, skipped), tuple(skipped), labels)


Make = Callable[[list[str]], list[Result]]


def _plans(
    survey: Survey,
    model: StructuralModel | None,
    spec: Instrument | None,
    n_draws: int,
    rng: RngLike,
) -> list[tuple[str, Make]]:
    plans: list[tuple[str, Make]] = []
    if model is not None:
        make = partial(_index_results, survey, model, n_draws, rng)
        plans.append((f"model {model.name}", make))
    if spec is not None:
        plans.append((f"instrument {spec.id}", partial(_gap_results, survey, spec)))
    return plans


def _nothing(skipped: list[str], faults: list[SatmetricsError]) -> SatmetricsError:
    if len(faults) == 1:
        return faults[0]
    reasons = "; ".join(skipped) or "neither a model nor an instrument is named"
    return DataError(
        f"nothing can be computed: {reasons}",
        code="nothing-to-compute",
        value=tuple(skipped),
        remedy="name a model (ecsi) or an instrument (servqual) that the columns fit",
    )


def _with_notes(results: list[Result], notes: list[str]) -> tuple[Result, ...]:
    """Write what was skipped into the first table, so that the report says it."""
    for i, result in enumerate(results):
        if notes and isinstance(result, TableResult):
            context = result.context.plus(notes=tuple(notes))
            results[i] = dataclasses.replace(result, context=context)
            break
    return tuple(results)


def _index_results(
    survey: Survey,
    model: StructuralModel,
    n_draws: int,
    rng: RngLike,
    skipped: list[str],
) -> list[Result]:
    absent = [item for item in model.indicators if item not in survey.columns]
    if absent:
        raise DataError(
            f"{len(absent)} of {len(model.indicators)} items have no column: "
            f"{', '.join(absent[:8])}{' …' if len(absent) > 8 else ''}",
            code="items-absent",
            column=absent[0],
            value=tuple(absent),
            remedy="map them under [items] in study.toml (satmetrics init writes one)",
        )
    fit = pls(model, survey)
    results: list[Result] = [fit]
    results += _indices(fit, survey, skipped)
    if model.target is not None:
        results += _attempt("priorities", partial(priorities, fit, survey), skipped)
    draw = partial(bootstrap, fit, survey, n_draws=n_draws, rng=rng)
    results += _attempt("intervals of effects", draw, skipped)
    return [*results, assess(fit)]


def _indices(fit: PlsFit, survey: Survey, skipped: list[str]) -> list[Result]:
    roles = survey.roles
    found: list[Result] = []
    whole = partial(index, fit, survey)
    wanted: list[list[str]] = [[roles.wave] if roles.wave else []]
    if roles.unit:
        wanted.append([roles.unit, *([roles.wave] if roles.wave else [])])
    for by in wanted:
        what = f"index by {' and '.join(by)}" if by else "index"
        for made in _attempt(what, partial(whole, by=by or None), skipped):
            if not isinstance(made, IndexResult):
                continue
            found.append(_named_small(made))
            if roles.wave in by:
                moved = partial(changes, made, over=str(roles.wave))
                found += _attempt(f"change of the {what}", moved, skipped)
    return found


def _named_small(result: IndexResult) -> IndexResult:
    """Add a note that names the groups with few answers."""
    if not result.by:
        return result
    small: dict[str, int] = {}
    for row in result.table.rows():
        if row["n"] < FEW_IN_GROUP:
            small[" · ".join(str(row[k]) for k in result.by)] = int(row["n"])
    if not small:
        return result
    shown = ", ".join(f"{name} (n = {n})" for name, n in list(small.items())[:12])
    more = f" and {len(small) - 12} more" if len(small) > 12 else ""
    note = (
        f"fewer than {FEW_IN_GROUP} complete answers, to be read with care (rule of "
        f"thumb): {shown}{more}"
    )
    return dataclasses.replace(result, context=result.context.plus(notes=(note,)))


def _attempt(what: str, make: Callable[[], Result], skipped: list[str]) -> list[Result]:
    try:
        return [make()]
    except SatmetricsError as fault:
        skipped.append(f"{what}: not computed, {fault}")
        return []


def _gap_results(survey: Survey, spec: Instrument, skipped: list[str]) -> list[Result]:
    rated = any(form.id == "perception" for form in spec.forms) and bool(spec.items)
    if rated and not spec.has_form("expectation"):
        return _performance_results(survey, spec, skipped)
    if not (spec.has_form("expectation") and spec.has_form("perception")):
        raise DataError(
            f"{spec.id} does not ask what customers expect, so there are no gaps",
            code="no-expectations",
            value=spec.id,
            remedy="gaps need an instrument with expectations, such as servqual; an "
            "index needs a model, such as ecsi",
        )
    pairs = spec.pairs()
    here = {
        name: [pair for pair in listed if set(pair) <= set(survey.columns)]
        for name, listed in pairs.items()
    }
    asked, found = (sum(map(len, p.values())) for p in (pairs, here))
    if not found:
        first = next(iter(pairs.values()))[0]
        raise DataError(
            f"none of its {asked} pairs of expectation and perception has columns",
            code="items-absent",
            column=first[0],
            remedy=f"name them as in {first[0]} and {first[1]}, or map them under "
            "[items] in study.toml",
        )
    whole = partial(gaps, survey, spec, points=_points(survey, spec))
    if found < asked:
        skipped.append(f"{spec.id}: {asked - found} of {asked} pairs have no columns")
        dimensions = {name: listed for name, listed in here.items() if listed}
        whole = partial(gaps, survey, dimensions=dimensions)
    results = [whole(), *_by_unit("gaps", survey, whole, skipped)]
    return [*results, *(_study(survey, spec, skipped) if found == asked else ())]


def _by_unit(
    what: str, survey: Survey, whole: Callable[..., Result], skipped: list[str]
) -> list[Result]:
    """Return the same by unit, where there are several units and not too many."""
    units = len(survey.groups("unit")[1]) if survey.roles.unit else 1
    if units > MOST_UNITS:
        skipped.append(f"{what} by unit: {units} units are too many for a report")
    elif units > 1:
        by_unit = partial(whole, by=survey.roles.unit)
        return _attempt(f"{what} by unit", by_unit, skipped)
    return []


def _performance_results(
    survey: Survey, spec: Instrument, skipped: list[str]
) -> list[Result]:
    """Return scores of an instrument that asks performance and no expectations."""
    whole = partial(performance, survey, spec)
    looked = partial(response_quality, survey, instrument=spec)
    tolerated = partial(zones, survey, spec)
    three = spec.has_form("minimum") and spec.has_form("desired")
    return [
        whole(),
        *_by_unit("performance", survey, whole, skipped),
        *(_attempt("zones of tolerance", tolerated, skipped) if three else ()),
        *_attempt("quality of the answers", looked, skipped),
    ]


def _study(survey: Survey, spec: Instrument, skipped: list[str]) -> list[Result]:
    made = (
        ("eight steps", partial(servqual_study, survey, spec)),
        ("quality of the answers", partial(response_quality, survey, instrument=spec)),
        ("psychometrics", partial(psychometrics, survey, spec)),
    )
    return [r for what, make in made for r in _attempt(what, make, skipped)]


def _points(survey: Survey, spec: Instrument) -> str | None:
    """Return the form of importance points per dimension, if it was asked here."""
    for form in spec.forms:
        columns = [form.column(d.id) for d in spec.dimensions]
        if form.kind == "importance" and not form.per_item:
            return form.id if set(columns) <= set(survey.columns) else None
    return None
