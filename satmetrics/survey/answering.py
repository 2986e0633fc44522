"""`quality.response_quality`: how respondents answered, before what they said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import columns_present, friendly_keywords
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey import _answering as kernel
from satmetrics.survey.answering_result import ResponseQuality
from satmetrics.survey.answering_rules import (
    CERTAIN,
    OWN,
    RECALLED,
    Rule,
    check_thresholds,
    flagged,
    further,
)
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import known_instrument
from satmetrics.survey.survey import Survey, as_survey

THIRD, FORTY_EIGHT = 1 / 3, 0.48


@friendly_keywords
def response_quality(  # noqa: PLR0913 - one keyword per threshold
    data: object,
    columns: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    *,
    instrument: Instrument | str | None = None,
    time: str | None = None,
    long_string: float | None = 0.5,
    spread: float | None = None,
    speed: Sequence[float] = (THIRD, FORTY_EIGHT),
    missing: float | None = 0.5,
    more: Sequence[str] = (),
    even_odd: float | None = 0.3,
    mahalanobis: float | None = 0.001,
) -> ResponseQuality:
    """Look for answers given without reading the questions; nobody is left out.

    Long strings, straight-lining and spread are those of the answers as they were
    given: a reversed item is turned back, so that ticking one column of the
    questionnaire shows as what it is.

    Parameters
    ----------
    data : a Survey or any dataframe.
    columns : columns in the order in which they were asked, or ``{form: columns}``; the
        forms of the instrument, else all items of the survey, when None.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    time : column of the time taken, in any unit.
    long_string : share of a form's questions from which a run of equal answers is
        flagged; None for no threshold, here and below.
    spread : standard deviation of a respondent's answers below which they are flagged;
        none is established.
    speed : shares of the median time below which respondents are flagged.
    missing : share of questions not answered from which respondents are flagged.
    more : further indices over all questions, from the package insufficient-effort
        (``pip install satmetrics[quality]``): "even_odd" (needs an instrument with
        three dimensions or more), "mahalanobis" (of respondents who answered all),
        "person_total", "synonyms".
    even_odd, mahalanobis : even-odd consistency, and p-value of the distance, below
        which respondents are flagged.

    Returns
    -------
    ResponseQuality
        ``flags()`` has a row per respondent, ``without(survey, "straight_line")`` a
        survey without those a rule flags.

    Raises
    ------
    DataError
        If a column is absent or no number.
    OptionError
        If a threshold is no share, or an index does not exist.
    MissingDependencyError
        If `more` needs a package that is not installed.

    Notes
    -----
    Thresholds are rules of thumb, and printed as such; those of `long_string`, `speed`,
    `even_odd` and `mahalanobis` are recalled from the literature on careless responding
    and were not read in a source.

    References
    ----------
    Meade and Craig (2012), doi:10.1037/a0028085. Curran (2016),
    doi:10.1016/j.jesp.2015.07.006.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> frame = pd.DataFrame({"q1": [6, 4], "q2": [5, 4], "q3": [7, 4], "q4": [5, 4]})
    >>> found = sat.quality.response_quality(frame)
    >>> found.flags()["straight_line_answers"].tolist()
    [False, True]
    >>> found.without(sat.Survey(frame), "straight_line").n
    1
    """
    check_thresholds(
        long_string=long_string,
        missing=missing,
        even_odd=even_odd,
        mahalanobis=mahalanobis,
        **{f"speed[{k}]": share for k, share in enumerate(_listed(speed))},
    )
    _check_spread(spread)
    spec = known_instrument(instrument)
    survey = data if isinstance(data, Survey) else None
    if survey is None:
        survey = as_survey(data) if spec is None else Survey(data, spec)
    spec = spec or survey.instrument
    forms = _forms(survey, columns, spec)
    asked = {form: _as_asked(survey, names, spec) for form, names in forms.items()}
    lost: tuple[Exclusion, ...] = ()
    limits = {"long_string": long_string, "spread": spread, "missing": missing}
    rules = [rule for form in forms for rule in _of_form(form, asked[form], limits)]
    if len(forms) > 1:
        values, best = zip(
            *(pair for form in forms for pair in zip(*asked[form], strict=True)),
            strict=True,
        )
        rules += _of_form("", (values, best), limits)
    rules += _pairs(survey, forms)
    if time is not None:
        timed, lost = _timed(survey, time, _listed(speed))
        rules += timed
    grouped, factors = _by_dimension(forms, spec)
    thresholds = {"even_odd": even_odd, "mahalanobis": mahalanobis}
    rules += further(
        more, survey.answer_columns(grouped) if more else (), factors, thresholds
    )
    every = [name for names in forms.values() for name in names]
    notes = _reversed_note(forms, survey, spec)
    return ResponseQuality(
        _table(rules),
        survey.context_for(every).plus(*lost, notes=notes),
        respondents=_values(rules),
    )


def _check_spread(spread: float | None) -> None:
    real = isinstance(spread, (int, float)) and not isinstance(spread, bool)
    if spread is not None and not (real and spread > 0):
        raise OptionError(
            f"spread={spread!r} is no standard deviation",
            code="bad-threshold",
            column="spread",
            value=spread,
            remedy="give a positive number in answer units, or None for no threshold",
        )


def _listed(speed: Sequence[float] | float) -> tuple[float, ...]:
    return (speed,) if isinstance(speed, (int, float)) else tuple(speed)


def _forms(
    survey: Survey,
    columns: Sequence[str] | Mapping[str, Sequence[str]] | None,
    spec: Instrument | None,
) -> dict[str, tuple[str, ...]]:
    """Return the questions of each form, in order."""
    if isinstance(columns, Mapping):
        found = {str(form): tuple(names) for form, names in columns.items()}
    elif columns is not None:
        found = {"answers": (columns,) if isinstance(columns, str) else tuple(columns)}
    elif spec is not None:
        own = {f.id: spec.columns(f.id) for f in spec.forms if f.per_item}
        there = set(survey.columns)
        found = {
            form: tuple(name for name in names if name in there)
            for form, names in own.items()
        }
        found = {form: names for form, names in found.items() if names}
    else:
        found = {"answers": survey.items}
    empty = [form for form, names in found.items() if not names]
    if empty or not found:
        raise OptionError(
            f"form {empty[0]!r} has no questions"
            if empty
            else "there are no questions",
            code="no-columns",
            column="columns",
            value=empty[0] if empty else None,
            remedy="give the columns of the answers, or {form: columns}",
        )
    for names in found.values():
        columns_present(names, survey.columns)
    return found


def _as_asked(
    survey: Survey, names: Sequence[str], spec: Instrument | None
) -> tuple[tuple[FloatArray, ...], tuple[float, ...]]:
    """Return answers as they were given, and the best answer to each question."""
    turned = set(survey.reverse) | set(spec.reverse_columns() if spec else ())
    values, best = [], []
    for name, column in zip(names, survey.answer_columns(names), strict=True):
        scale = survey.scale(name)
        back = name in turned and scale is not None
        values.append(scale.flip(column) if back and scale else column)
        ends = (np.nan, np.nan) if scale is None else (scale.minimum, scale.maximum)
        best.append(ends[0] if back else ends[1])
    return tuple(values), tuple(best)


def _of_form(
    form: str,
    asked: tuple[Sequence[FloatArray], Sequence[float]],
    limits: Mapping[str, float | None],
) -> list[Rule]:
    """Return the rules of one form, or of all questions in a row."""
    values, best = asked
    found = kernel.block(values, best)
    run = limits["long_string"]
    p = len(values)
    few = "" if p >= kernel.FEWEST else f"fewer than {kernel.FEWEST} questions"
    unknown = "a question has no scale" if np.isnan(best).any() else few
    least, holes = limits["spread"], limits["missing"]
    return [
        _rule("long_string", form, found.long_string, run and run * p, RECALLED),
        _rule("straight_line", form, found.same, 1.0, CERTAIN, reason=few),
        _rule("top", form, found.top, 1.0, CERTAIN, reason=unknown),
        _rule("spread", form, found.spread, least, "given", below=True),
        _rule("missing", form, found.missing, holes, OWN),
    ]


def _rule(
    term: str,
    form: str,
    values: FloatArray,
    threshold: float | None,
    source: str,
    *,
    below: bool = False,
    reason: str = "",
) -> Rule:
    name = f"{term}_{form}" if form else term
    if threshold is None:
        return Rule(name, term, form, values, np.nan, below, "", reason)
    return Rule(name, term, form, values, threshold, below, source, reason)


def _pairs(survey: Survey, forms: Mapping[str, Sequence[str]]) -> list[Rule]:
    """Return the rule on no difference, where both forms ask the same questions."""
    sides = [forms.get(form, ()) for form in ("expectation", "perception")]
    if not sides[0] or len(sides[0]) != len(sides[1]):
        return []
    E, P = (survey.answer_columns(side) for side in sides)
    return [_rule("no_difference", "", kernel.no_difference(E, P), 1.0, CERTAIN)]


def _timed(
    survey: Survey, time: str, speed: Sequence[float]
) -> tuple[list[Rule], tuple[Exclusion, ...]]:
    columns_present([time], survey.columns)
    column = survey._grid[time]
    if column.kind != "number":
        raise DataError(
            f"times in {time!r} are no numbers",
            code="not-numbers",
            column=time,
            remedy="give the time taken as a number of seconds or minutes",
        )
    taken = column.values.astype(np.float64)
    usable = np.isfinite(taken) & (taken > 0)
    if not usable.any():
        raise DataError(
            f"no time in {time!r} is above zero", code="no-times", column=time
        )
    values = np.where(usable, taken, np.nan) / np.median(taken[usable])
    rules = [
        Rule(
            *(f"speed_{round(100 * share)}", "speed", "", values, share),
            below=True,
            source=RECALLED if share in (THIRD, FORTY_EIGHT) else "given",
        )
        for share in speed
    ]
    none = Exclusion("no time above zero", int((~usable).sum()), "respondents", time)
    return rules, (none,)


def _by_dimension(
    forms: Mapping[str, Sequence[str]], spec: Instrument | None
) -> tuple[list[str], list[int]]:
    """Return all questions, those of a dimension together, and how many each has."""
    names: list[str] = []
    sizes: list[int] = []
    for own in forms.values():
        groups: dict[str, list[str]] = {}
        for name in own:
            found = spec.item_of(name) if spec else None
            groups.setdefault(found[0].dimension if found else "", []).append(name)
        names += [name for group in groups.values() for name in group]
        sizes += [len(group) for group in groups.values()]
    return names, sizes


def _reversed_note(
    forms: Mapping[str, Sequence[str]], survey: Survey, spec: Instrument | None
) -> tuple[str, ...]:
    turned = set(survey.reverse) | set(spec.reverse_columns() if spec else ())
    counts = [
        f"{form}: {sum(name in turned for name in names)} of {len(names)}"
        for form, names in forms.items()
    ]
    return (f"reversed items, which straight-lining contradicts: {'; '.join(counts)}",)


def _table(rules: Sequence[Rule]) -> Table:
    set_ = [bool(np.isfinite(rule.threshold)) for rule in rules]
    n = [int(np.isfinite(rule.values).sum()) for rule in rules]
    hits = [
        int(flagged(rule.values, rule.threshold, below=rule.below).sum())
        if has
        else np.nan
        for rule, has in zip(rules, set_, strict=True)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(hits, dtype=np.float64) / np.where(n, n, np.nan)
    return Table.of(
        {
            "form": [rule.form for rule in rules],
            "term": [rule.term for rule in rules],
            "name": [rule.name for rule in rules],
            "n": n,
            "estimate": share,
            "flagged": np.asarray(hits, dtype=np.float64),
            "threshold": [float(rule.threshold) for rule in rules],
            "flag": [
                ("below" if rule.below else "from") if has else ""
                for rule, has in zip(rules, set_, strict=True)
            ],
            "source": [rule.source for rule in rules],
            "column": [_column(rule) for rule in rules],
            "reason": [rule.reason for rule in rules],
        },
        keys=("form", "term", "name"),
    )


def _values(rules: Sequence[Rule]) -> Table:
    columns = {_column(rule): rule.values for rule in rules}
    return Table(tuple(columns), tuple(columns.values()))


def _column(rule: Rule) -> str:
    return rule.term if rule.term == "speed" else rule.name
