"""`expectation_drivers`: what shapes expectations, by regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, columns_present, friendly_keywords
from satmetrics._display import Summary, percent, section
from satmetrics._frames import ESTIMATES, Table, repeated_keys
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.drivers._relative import lmg
from satmetrics.errors import OptionError
from satmetrics.gap._levels import block_means
from satmetrics.gap._regression import Regressed, regressed
from satmetrics.gap.design import Design, Dimensions
from satmetrics.gap.forms import FormAnswers, read_forms
from satmetrics.gap.group_scores import asked
from satmetrics.gap.people import by_person
from satmetrics.inference._tests import t_test
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

Predictors = Mapping[str, str | Sequence[str]]
OVERALL = "overall"
ROWS_PER_TERM = 10
"""Rows for every coefficient below which nothing is estimated; a rule of thumb."""


@dataclass(frozen=True, eq=False, repr=False)
class ExpectationDrivers(TableResult):
    """Regressions of expectations, one row an estimate.

    Attributes
    ----------
    table : the `by` columns, then ``level`` ("dimension", "overall"), ``dimension,
        source`` (the predictor;
        empty for the model as a whole), ``term``, then ``n, estimate, std_error,
        statistic, p_value, conf_low, conf_high, df, reason``. Terms: "coefficient"
        (scale points of expectation for one point of the predictor), "standardized",
        "vif", "lmg" (share of R²), and of the model "constant", "r2", "r2_adjusted",
        "share_top" (respondents who expect the most the scale allows).
    errors : how standard errors were made.
    level : confidence level.
    by : the group columns.
    """

    errors: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()

    def rows(self, term: str) -> Table:
        """Return the rows of one term."""
        return self.table.where(term=term)

    def summary(self) -> Summary:
        """Return the coefficients and how much they explain."""
        found = self.rows("coefficient")
        beta, vif, share = (
            self.rows(t)["estimate"] for t in ("standardized", "vif", "lmg")
        )
        found = found.extended({"beta": beta, "vif": vif, "lmg": share}, self.by)
        models = self.rows("r2")
        top = [percent(float(v)) for v in self.rows("share_top")["estimate"]]
        models = models.extended(
            {"adjusted": self.rows("r2_adjusted")["estimate"], "top": top}, self.by
        )
        what = {name: name for name in self.by}
        what |= {"level": "level", "dimension": "dimension"}
        sections = (
            section(
                "What shapes expectations",
                found,
                {**what, "source": "predictor", "estimate": "coefficient"}
                | {"std_error": "s.e.", "conf_low": "low", "conf_high": "high"}
                | {"p_value": "p", "beta": "beta", "lmg": "share of R²", "vif": "VIF"},
            ),
            section(
                "How much they explain",
                models,
                {**what, "n": "n", "estimate": "R²", "adjusted": "adjusted"}
                | {"top": "at the top of the scale"},
            ),
        )
        facts = (
            *self.context.facts(),
            ("errors", self.errors),
            ("level", f"{self.level:g}"),
        )
        notes = (
            "coefficients are scale points of expectation for one point of the "
            "predictor, the others held; people who expect the most the scale allows "
            "draw them to zero",
            "answers of one person to one questionnaire share what is in that person: "
            "association, not proof of cause",
            *self.context.sentences(),
            *self._reasons(),
        )
        kept = tuple(part for part in sections if part.rows)
        return Summary("What shapes expectations", facts, kept, notes)


@friendly_keywords
def expectation_drivers(
    data: object,
    instrument: Instrument | str | None = None,
    *,
    predictors: Predictors,
    expectation: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    min_answered: float = 0.5,
) -> ExpectationDrivers:
    """Regress expectations on what is thought to shape them.

    Word of mouth, personal needs and past experience form the expected service
    (Parasuraman, Zeithaml and Berry 1985). For every dimension and overall,
    ``E = b0 + Σ b_k x_k + e`` by least squares, a predictor being the mean of its
    items.

    Parameters
    ----------
    data : a Survey or any dataframe; weights, clusters and strata are honoured.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    predictors : name → column, or columns whose mean it is, such as
        ``{"word_of_mouth": ["wom1", "wom2"], "needs": "need", "past_experience": …}``.
    expectation, dimensions : columns in place of an instrument.
    by : columns or roles ("unit", "wave") that form groups, each with its own model.
    level : confidence level of the intervals.
    min_answered : share of the items of a dimension, and of a predictor, that a
        respondent must have answered.

    Returns
    -------
    ExpectationDrivers
        Errors are HC3 for respondents sampled singly, else linearised over the sampled
        units.

    Raises
    ------
    DataError
        If columns are absent.
    OptionError
        If there are no predictors, or one has no columns.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1985), doi:10.1177/002224298504900403; MacKinnon
    and White (1985), doi:10.1016/0304-4076(85)90158-7; Grömping (2006),
    doi:10.18637/jss.v017.i01 (LMG shares).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> rng = np.random.default_rng(1)
    >>> wom, needs = rng.normal(size=(2, 200))
    >>> frame = pd.DataFrame({"wom": wom, "needs": needs})
    >>> frame["e"] = 5 + 0.5 * wom + 0.2 * needs + rng.normal(size=200) / 9
    >>> found = sat.quality.expectation_drivers(
    ...     frame, expectation=["e"], predictors={"talk": "wom", "needs": "needs"}
    ... )
    >>> found.rows("coefficient")["estimate"].round(1).tolist()
    [0.5, 0.2]
    """
    check_level(level)
    wanted = _wanted(predictors)
    given = asked(
        "expectation_drivers",
        data,
        instrument,
        (expectation, None, dimensions),
        score="expectation",
        missing="pairwise",
        min_answered=min_answered,
    )
    survey, design = given.survey, given.design
    columns = [name for own in wanted.values() for name in own]
    columns_present(columns, survey.columns)
    read = by_person(survey, read_forms(survey, design, by=by, extra=columns))
    X = _predictors(wanted, read["extra"], min_answered)
    rows: list[dict[str, object]] = []
    lost = []
    for name, y, items in _outcomes(design, read["expectation"], min_answered):
        there = np.isfinite(X).all(axis=1) & np.isfinite(y)
        where = name or OVERALL
        why = "expectation or a predictor missing"
        lost.append(Exclusion(why, int((~there).sum()), "rows", where))
        place = {"level": "dimension" if name else OVERALL, "dimension": name}
        answers = [(design.expectation[j], read["expectation"][j]) for j in items]
        for g, keys in enumerate(_groups(read)):
            own = read.rows.codes == g
            here, top = {**keys, **place}, _top(survey, answers, own)
            rows += _model(here, tuple(wanted), (X, y), (read, there & own), top, level)
    context = read.context.plus(*lost)
    how = "HC3" if read.rows.w is None and read.rows.unit is None else "linearised"
    words = f"{how} ({read.words})" if read.words else how
    return ExpectationDrivers(_table(rows, read.by), context, words, level, read.by)


def _outcomes(
    design: Design, E: Sequence[FloatArray], share: float
) -> list[tuple[str, FloatArray, Sequence[int]]]:
    """Return name, scores and items of every dimension, and of all items together."""
    blocks = design.blocks()
    whole = list(range(len(E)))
    (scores,), _ = block_means((E,), [*blocks, whole], share)
    names = (*design.dimensions, "")
    return list(zip(names, scores, [*blocks, whole], strict=True))


def _groups(read: FormAnswers) -> list[dict[str, object]]:
    """Return the keys of every group; one without keys for all."""
    keys = read.keys
    if keys is None:
        return [{}]
    taken = ("level", "dimension", "source", "term", *ESTIMATES, "df", "reason")
    repeated_keys(keys, 1, taken)
    return list(keys.rows())


def _model(
    place: Mapping[str, object],
    names: Sequence[str],
    scores: tuple[FloatArray, FloatArray],
    rows: tuple[FormAnswers, BoolArray],
    top: float,
    level: float,
) -> list[dict[str, object]]:
    """Return the rows of one regression, or why there is none."""
    (X, y), (read, seen) = scores, rows
    n = int(seen.sum())
    if n < ROWS_PER_TERM * (X.shape[1] + 1):
        why = f"{n} complete rows, fewer than {ROWS_PER_TERM} per coefficient"
        return _nothing(place, names, n, f"{why} (rule of thumb)")
    fit = regressed(X, y, read.rows, seen)
    if not np.isfinite(fit.b).all():
        return _nothing(
            place, names, n, "a predictor is constant, or they are collinear"
        )
    return _rows(place, names, fit, top, level)


def _wanted(predictors: Predictors) -> dict[str, list[str]]:
    if not isinstance(predictors, Mapping) or not predictors:
        raise OptionError(
            f"predictors={predictors!r}",
            code="no-predictors",
            column="predictors",
            remedy='give {name: column or columns}, such as {"word_of_mouth": "wom"}',
        )
    wanted = {
        str(name): [own] if isinstance(own, str) else list(own)
        for name, own in predictors.items()
    }
    for name, own in wanted.items():
        if not own:
            raise OptionError(
                f"predictor {name!r} has no columns",
                code="no-columns",
                column=name,
                remedy="name at least one column",
            )
    return wanted


def _predictors(
    wanted: Mapping[str, list[str]], columns: Sequence[FloatArray], share: float
) -> FloatArray:
    blocks, first = [], 0
    for own in wanted.values():
        blocks.append(list(range(first, first + len(own))))
        first += len(own)
    (means,), _ = block_means((columns,), blocks, share)
    return np.column_stack(means)


def _top(
    survey: Survey, answers: Sequence[tuple[str, FloatArray]], own: BoolArray
) -> float:
    """Return the mean share of a group's answers at the top of each item's scale."""
    found = []
    for name, column in answers:
        scale, seen = survey.scale(name), np.isfinite(column) & own
        if scale is None or not seen.any():
            return float("nan")
        found.append(float((column[seen] >= scale.maximum).mean()))
    return float(np.mean(found))


def _nothing(
    place: Mapping[str, object], names: Sequence[str], n: int, why: str
) -> list[dict[str, object]]:
    terms = ("coefficient", "standardized", "vif", "lmg")
    rows: list[dict[str, object]] = [
        {**place, "source": name, "term": term, "n": n, "reason": why}
        for name in names
        for term in terms
    ]
    whole = ("constant", "r2", "r2_adjusted", "share_top")
    return rows + [{**place, "term": t, "n": n, "reason": why} for t in whole]


def _rows(
    place: Mapping[str, object],
    names: Sequence[str],
    fit: Regressed,
    top: float,
    level: float,
) -> list[dict[str, object]]:
    error = np.sqrt(np.maximum(np.diagonal(fit.cov), 0.0))
    test = t_test(fit.b, error, np.full(len(error), fit.df), level)
    shares = np.full(len(names), np.nan)
    if np.isfinite(fit.corr).all():
        found = lmg(fit.corr[None, :-1, :-1], fit.corr[None, :-1, -1])[0]
        shares = found / fit.r2 if fit.r2 > 0 else shares
    base = {**place, "n": fit.n}

    def estimated(term: str, source: str, i: int, scale: float) -> dict[str, object]:
        return {
            **base,
            "source": source,
            "term": term,
            "estimate": fit.b[i] * scale,
            "std_error": error[i] * scale,
            "statistic": test.statistic[i],
            "p_value": test.p_value[i],
            "conf_low": test.conf_low[i] * scale,
            "conf_high": test.conf_high[i] * scale,
            "df": fit.df,
        }

    rows = [estimated("constant", "", 0, 1.0)]
    for i, name in enumerate(names, 1):
        plain = {**base, "source": name}
        rows += [
            estimated("coefficient", name, i, 1.0),
            estimated("standardized", name, i, float(fit.scale[i])),
            {**plain, "term": "vif", "estimate": fit.vif[i]},
            {**plain, "term": "lmg", "estimate": shares[i - 1]},
        ]
    whole = {"r2": fit.r2, "r2_adjusted": fit.r2_adjusted, "share_top": top}
    return rows + [{**base, "term": t, "estimate": v} for t, v in whole.items()]


def _table(rows: Sequence[Mapping[str, object]], by: Sequence[str]) -> Table:
    texts = ("level", "dimension", "source", "term", "reason")
    numbers = ("n", *ESTIMATES[1:], "df")
    columns: dict[str, object] = {name: [row[name] for row in rows] for name in by}
    columns |= {name: [str(row.get(name, "")) for row in rows] for name in texts}
    columns |= {
        name: np.array([float(row.get(name, np.nan)) for row in rows])  # type: ignore[arg-type]
        for name in numbers
    }
    columns["n"] = np.asarray(columns["n"]).astype(np.int64)
    return Table.of(columns, keys=(*by, "level", "dimension", "source", "term"))
