"""`quality.psychometrics`: whether gaps and their parts are fit for use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._typing import FloatArray
from satmetrics.assessment.item_source import ItemSource, source_of
from satmetrics.errors import OptionError
from satmetrics.gap.design import Design, design_of_instrument
from satmetrics.gap.forms import instrument_of, read_forms
from satmetrics.gap.psychometric_result import GapPsychometrics
from satmetrics.gap.psychometric_rows import (
    NO_ANSWERS,
    NO_SCALE,
    Place,
    Row,
    outcome_rows,
    score_rows,
    share_row,
    table_of,
)
from satmetrics.moment._column_means import column_means
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.survey import Survey

ALL, PLAIN = "all", "without reversed"


@friendly_keywords
def psychometrics(
    data: object,
    instrument: Instrument | str | None = None,
    outcome: str | None = None,
    *,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    weights: str | None = None,
    missing: str = "listwise",
) -> GapPsychometrics:
    """Return whether expectations, perceptions and their gaps are fit to be used.

    Per dimension and over all items, with E, P and G the means of the items'
    expectations, perceptions and gaps:

    * ``alpha`` and ``omega`` of each;
    * ``difference_reliability``, ``(σ_P² ρ_PP + σ_E² ρ_EE − 2 r σ_P σ_E) / (σ_P² + σ_E²
      − 2 r σ_P σ_E)`` with alphas for ρ, beside the plain alpha of the gap items;
    * restriction: ``top_share``, the share of answers at the top of the scale; ``sd``;
      ``variance_ratio`` of E to P with the test of Pitman and Morgan; the correlations
      of G with P and with E, where ``corr(G, P) = (s_P − r s_E)/s_G``;
    * with an outcome, its correlation with and R² on each, R² on E and P together, and
      Williams's test of r(P) = r(G).

    Where the instrument has reversed items, reliabilities are given with and without
    them. Reliabilities below .70 of E or P are a caution, never an error.

    Parameters
    ----------
    data : a Survey, any dataframe, a lazy frame, or `Moments` of the item columns.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    outcome : column of an outcome, such as overall satisfaction.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    weights : weight column; the survey's weight role when None.
    missing : "listwise" leaves out, dimension by dimension, the rows with a missing
        answer (counted), "error" raises. For others give `Moments` made so.

    Returns
    -------
    GapPsychometrics

    Raises
    ------
    OptionError
        If the instrument has no expectation or perception form.
    DataError
        If columns are absent, or no row is complete.
    MissingMomentsError
        If moments without correlations are given.

    Notes
    -----
    Errors are those of `assessment.reliability`: distribution-free from answers, with
    weights, clusters and strata; normal theory from moments. Limits of reliabilities
    are by log(1 − ρ), of correlations by Fisher's z, of spreads and ratios by their
    logarithm. Shares at the top need the answers. The tests of Pitman and Morgan and
    of Williams suppose respondents who count alike and were sampled singly; with
    weights, clusters or strata both are z tests with the errors shown.

    References
    ----------
    Peter, Churchill and Brown (1993), doi:10.1086/209329; Cronin and Taylor (1992),
    doi:10.1177/002224299205600304; Steiger (1980), doi:10.1037/0033-2909.87.2.245;
    Pitman (1939), doi:10.1093/biomet/31.1-2.9.

    Examples
    --------
    >>> import satmetrics as sat
    >>> found = sat.quality.psychometrics(sat.datasets.load("bank_servqual"))
    >>> row = found.rows("difference_reliability", level="overall")
    >>> bool(row["estimate"][0] < found.rows("alpha", form="gap")["estimate"][-1])
    True
    """
    check_level(level)
    spec = instrument_of("psychometrics", data, instrument)
    design = design_of_instrument(spec)
    columns = (*design.expectation, *design.perception)
    if outcome is not None and outcome in columns:
        raise OptionError(
            f"outcome={outcome!r} is an item",
            code="bad-outcome",
            column="outcome",
            value=outcome,
            remedy="name a column outside the expectation and perception forms",
        )
    rowless = isinstance(data, Moments) or is_lazy(data)
    survey = None if rowless else survey_of(data, spec)
    if survey is not None and weights is not None:
        survey = survey.with_roles(weight=weights)
    extra = () if outcome is None else (outcome,)
    source = source_of(
        data, survey, (*columns, *extra), by, weights if rowless else None, missing
    )
    parts = list(_parts(design, spec))
    rows = [row for part in parts for row in _rows(part, source, outcome, level)]
    groups = len(rows[0].reason)
    whole = [part for part in parts if part.items == ALL]
    rows += _top_shares(whole, survey, design, by, groups)
    return GapPsychometrics(
        table_of(rows, source.keys),
        source.context,
        level=float(level),
        by=() if source.keys is None else source.keys.names,
        outcome=outcome or "",
        expectation_type=design.expectation_type,
    )


@dataclass(frozen=True)
class _Part:
    """A set of pairs: a dimension or all, with or without reversed items."""

    level: str
    dimension: str
    items: str
    expectation: tuple[str, ...]
    perception: tuple[str, ...]
    at: tuple[int, ...]

    @property
    def place(self) -> Place:
        return Place(self.level, self.dimension, self.items)


def _parts(design: Design, instrument: Instrument) -> Iterator[_Part]:
    """Yield every dimension and all items, those with reversed items twice."""
    turned = set(instrument.reverse_columns())
    blocks = [
        ("dimension", n, b)
        for n, b in zip(design.dimensions, design.blocks(), strict=True)
    ]
    everything = list(range(len(design.items)))
    if len(blocks) > 1:
        blocks.append(("overall", "", everything))
    for level, name, at in blocks:
        plain = [
            i for i in at if not {design.expectation[i], design.perception[i]} & turned
        ]
        kinds = [(ALL, at)]
        if 1 < len(plain) < len(at):
            kinds.append((PLAIN, plain))
        for items, chosen in kinds:
            E, P = (
                tuple(form[i] for i in chosen)
                for form in (design.expectation, design.perception)
            )
            yield _Part(level, name, items, E, P, tuple(chosen))


def _rows(
    part: _Part, source: ItemSource, outcome: str | None, level: float
) -> list[Row]:
    k = len(part.expectation)
    columns = (*part.expectation, *part.perception)
    name = part.dimension or "all items"
    where = name if part.items == ALL else f"{name} ({part.items} items)"
    rows = score_rows(part.place, source.block(columns, where), k, level)
    if outcome is not None and part.items == ALL:
        block = source.block((*columns, outcome), f"{where} with {outcome}")
        rows += outcome_rows(part.place, block, k, level)
    return rows


def _top_shares(
    parts: Sequence[_Part],
    survey: Survey | None,
    design: Design,
    by: str | Sequence[str] | None,
    groups: int,
) -> list[Row]:
    """Return the shares of answers at the top of the scale, mean over respondents."""
    forms = ("expectation", "perception")
    places = [(part, form) for part in parts for form in forms]
    if survey is None:
        return [
            share_row(part.place.labels("top_share", form), {}, NO_ANSWERS, groups)
            for part, form in places
        ]
    answers = read_forms(survey, design, by=by)
    rows = []
    for part, form in places:
        top = [survey.scale(design.columns[form][i]) for i in part.at]
        labels = part.place.labels("top_share", form)
        if any(scale is None for scale in top):
            rows.append(share_row(labels, {}, NO_SCALE, groups))
            continue
        highest = [scale.maximum for scale in top if scale is not None]
        share = _share([answers[form][i] for i in part.at], highest)
        found = column_means([share], answers.rows)
        rows.append(
            share_row(
                labels,
                {
                    "n": found.n[:, 0].astype(np.float64),
                    "estimate": found.mean[:, 0],
                    "std_error": found.std_error[:, 0],
                },
                "",
                groups,
            )
        )
    return rows


def _share(columns: Sequence[FloatArray], top: Sequence[float]) -> FloatArray:
    """Return each respondent's share of answers at the top; NaN without any."""
    answered = np.zeros(len(columns[0]))
    hits = np.zeros(len(columns[0]))
    for column, highest in zip(columns, top, strict=True):
        answered += np.isfinite(column)
        hits += column >= highest
    with np.errstate(invalid="ignore"):
        return hits / np.where(answered > 0, answered, np.nan)
