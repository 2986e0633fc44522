"""The standard procedure in eight steps: from criteria to the mean gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Result
from satmetrics.criteria.weights import CriteriaWeights
from satmetrics.errors import OptionError
from satmetrics.gap import study_steps as steps
from satmetrics.gap.design import design_of_instrument
from satmetrics.gap.forms import instrument_of, read_forms
from satmetrics.gap.gaps import gaps
from satmetrics.gap.result import GapResult
from satmetrics.gap.words import DIRECTION
from satmetrics.survey.answering import response_quality
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.label import Label
from satmetrics.survey.opening import survey_of

if TYPE_CHECKING:
    import pandas as pd

STEPS = (
    Label("choose the criteria", "选取评价标准"),
    Label("weight them for the industry", "确定权数"),
    Label("design four or five items for each", "每条标准设计四五个具体问题"),
    Label("make the questionnaire", "制作问卷"),
    Label("collect the answers", "发放问卷，逐条评分"),
    Label("tabulate them", "综合统计"),
    Label("score expected and perceived quality", "分别测算预期质量和感知质量"),
    Label("find the mean gap", "求得平均服务质量差距值"),
)
"""The steps of the procedure, and what Chinese textbooks call them."""
NO_ANSWERS = "no answers yet"
EMPTY = Table((), ())


@dataclass(frozen=True, eq=False, repr=False)
class ServqualStudy(Result):
    """A service quality study, step by step; steps 5 to 8 are empty without answers.

    Attributes
    ----------
    steps : ``step, name, name_zh, result`` (what the step came to), one row a step.
    criteria : step 1: dimension, label_en, label_zh, status.
    weights : step 2: dimension, estimate (summing to 1), std_error, conf_low,
        conf_high, source.
    items : step 3: dimension, n_items, remark.
    questionnaire : step 4: the questions in order, see `Instrument.questionnaire`.
    answers : step 5: form, n_items, answers, missing, share_missing.
    quality : step 5: whom the rules of `satmetrics.quality.response_quality` flag
        (long strings, straight lines …), one row a rule; nobody is left out for it.
    tabulation : step 6: dimension, item, form, n, missing, mean, sd, share_lowest,
        share_highest (of the scale; NaN where it is not known).
    scores : step 7: the `by` columns, level, dimension, variant, term ("expectation",
        "perception"), n, estimate, std_error, conf_low, conf_high.
    gaps : step 8: the gaps, with those weighted by step 2; None without answers.
    instrument : what was asked; holds the weights of the industry.
    industry, by, level : as given.
    context : origin, and what was left out.
    """

    steps: Table
    criteria: Table
    weights: Table
    items: Table
    questionnaire: Table
    instrument: Instrument
    answers: Table = EMPTY
    tabulation: Table = EMPTY
    scores: Table = EMPTY
    gaps: GapResult | None = None
    quality: Table = EMPTY
    industry: str = ""
    by: tuple[str, ...] = ()
    level: float = 0.95
    context: Context = field(default_factory=Context)

    def step(self, number: int) -> Table:
        """Return the table that a step of the procedure came to.

        Parameters
        ----------
        number : 1 to 8.

        Raises
        ------
        OptionError
            If there is no such step.
        """
        tables = (
            self.criteria,
            self.weights,
            self.items,
            self.questionnaire,
            self.answers,
            self.tabulation,
            self.scores,
            EMPTY if self.gaps is None else self.gaps.table,
        )
        if isinstance(number, bool) or number not in range(1, len(tables) + 1):
            raise OptionError(
                f"there is no step {number!r}",
                code="no-step",
                column="number",
                value=number,
                remedy="the steps are "
                + ", ".join(f"{k}: {s.en}" for k, s in enumerate(STEPS, 1)),
            )
        return tables[number - 1]

    def to_frame(self) -> pd.DataFrame:
        """Return the steps and what each came to; `step` has their tables."""
        return self.steps.to_frame()

    def summary(self) -> Summary:
        """Return the eight steps, each with its output."""
        facts = (
            *self.context.facts(),
            ("instrument", f"{self.instrument.label.en} ({self.instrument.id})"),
            ("industry", self.industry or "not stated"),
            ("expectation asked", self.instrument.expectation or "not stated"),
            ("level", f"{self.level:g}"),
        )
        words = {"step": "step", "name": "what", "name_zh": "名称", "result": "result"}
        sections = [section("", self.steps, words), *self._sections()]
        remarks = tuple(str(r) for r in self.items["remark"] if r)
        notes = (DIRECTION, *remarks, *self.context.sentences())
        return Summary(
            "Service quality study", facts, tuple(s for s in sections if s.rows), notes
        )

    def _sections(self) -> list[Section]:
        keys = {name: name for name in self.by}
        low, high = "conf_low", "conf_high"
        limits = {low: "low", high: "high"}
        columns: list[dict[str, str]] = [
            {"dimension": "criterion", "label_en": "label", "label_zh": "名称"},
            {"dimension": "criterion", "source": "source", "estimate": "weight"}
            | limits,
            {"dimension": "criterion", "remark": "remark", "n_items": "items"},
            {"column": "column", "block": "asked", "question": "question"}
            | {"scale": "scale"},
            {"form": "form", "n_items": "items", "answers": "answers"}
            | {"missing": "missing", "share_missing": "share missing"},
            {"item": "item", "form": "form", "n": "n", "mean": "mean", "sd": "sd"}
            | {"share_lowest": "at lowest", "share_highest": "at highest"},
            {**keys, "dimension": "criterion", "variant": "overall", "term": "quality"}
            | {"n": "n", "estimate": "mean", **limits},
            {**keys, "dimension": "criterion", "variant": "overall", "n": "n"}
            | {"expectation": "E", "perception": "P", "estimate": "gap", **limits}
            | {"p_holm": "p (Holm)"},
        ]
        made = []
        for k, words in enumerate(columns, 1):
            table = self.step(k)
            if k == len(STEPS) and len(table):
                table = table.take(np.flatnonzero(table["level"] != "item"))
            heading = f"Step {k}: {STEPS[k - 1].en}"
            made.append(section(heading, table, words, max_rows=24))
        return made


@friendly_keywords
def servqual_study(
    data: object = None,
    instrument: Instrument | str | None = None,
    *,
    industry: str = "",
    weights: Mapping[str, float] | CriteriaWeights | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> ServqualStudy:
    """Walk the eight steps of measuring service quality and keep what each comes to.

    Criteria → weights for the industry → four or five items for each → questionnaire →
    answers → tabulation → expected and perceived quality → mean gap. Without answers
    the first four steps are made: the plan of a study, its questionnaire included.

    Weights are, in this order: those given; those the instrument stores for
    `industry`; the points respondents shared out, if the instrument asks for them; else
    equal, and said so. The result's ``instrument`` holds them for the industry:
    ``study.instrument.save_toml("mine.toml")`` keeps them for the next study.

    Parameters
    ----------
    data : a Survey or any dataframe of answers; None to plan a study.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    industry : such as "bank"; weights differ between industries.
    weights : criterion → weight or points (divided by their sum), or what one of the
        functions of weights in `satmetrics.quality` returned.
    by : columns or roles ("unit", "wave") that form groups in steps 7 and 8.
    level : confidence level of all intervals.
    missing, min_answered : as in `gaps`.

    Returns
    -------
    ServqualStudy

    Raises
    ------
    OptionError
        If no instrument is known, or it has no expectation and perception form.
    SpecificationError
        If the instrument stores no weights for `industry` and none are found else.
    DataError
        If answers cannot be read, or a weight is negative or names no criterion.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1988), SERVQUAL, Journal of Retailing 64, 12-40.

    Examples
    --------
    >>> import satmetrics as sat
    >>> study = sat.servqual_study(sat.datasets.load("bank_servqual"), industry="bank")
    >>> study.to_frame()[["step", "name"]].tail(2)
       step                                  name
    6     7  score expected and perceived quality
    7     8                     find the mean gap
    >>> plan = sat.servqual_study(instrument="servqual")
    >>> len(plan.questionnaire), plan.gaps is None
    (49, True)
    """
    check_level(level)
    spec = instrument_of("servqual_study", data, instrument)
    design = design_of_instrument(spec)
    survey = None if data is None else survey_of(data, spec)
    found, points = steps.weights(spec, survey, design, industry, weights, level)
    if industry:
        spec = steps.stored(spec, industry, found)
    plan = ServqualStudy(
        steps=EMPTY,
        criteria=steps.criteria(spec, design),
        weights=found,
        items=steps.items(design),
        questionnaire=steps.questions(spec),
        instrument=spec,
        industry=industry,
        level=level,
    )
    if survey is None:
        return _told(plan)
    made = gaps(
        survey,
        spec,
        points=points,
        by=by,
        level=level,
        missing=missing,
        min_answered=min_answered,
    )
    read = read_forms(survey, design, by=by, missing=missing)
    shares = np.asarray(found["estimate"], dtype=np.float64)
    looked = response_quality(survey, instrument=spec)
    study = replace(
        plan,
        answers=steps.answers(read),
        quality=looked.table,
        tabulation=steps.tabulation(read, design, survey),
        scores=steps.scores(read, design, shares, min_answered, level),
        gaps=made,
        by=read.by,
        context=made.context,
    )
    return _told(study, int((looked.flags()["n_flags"] > 0).sum()))


def _told(study: ServqualStudy, flagged: int = 0) -> ServqualStudy:
    """Write what each step came to."""
    came = [
        f"{len(study.criteria)} criteria of {study.instrument.id}",
        str(study.weights["source"][0]),
        f"{int(study.items['n_items'].sum())} items"
        + (", see remarks" if any(study.items["remark"]) else ""),
        f"{len(study.questionnaire)} questions",
    ]
    if study.gaps is None:
        came += [NO_ANSWERS] * (len(STEPS) - len(came))
    else:
        came += _came_to(study, study.gaps, flagged)
    columns = {
        "step": np.arange(1, len(STEPS) + 1),
        "name": [step.en for step in STEPS],
        "name_zh": [step.zh for step in STEPS],
        "result": came,
    }
    return replace(study, steps=Table.of(columns, keys=("step", "name")))


def _came_to(study: ServqualStudy, made: GapResult, flagged: int) -> list[str]:
    given, lost = int(study.answers["answers"].sum()), study.answers["missing"].sum()
    overall = study.scores.where(level="overall")
    found = [
        f"{given:,} answers of {study.context.n_rows:,} rows, {int(lost):,} missing; "
        f"{flagged:,} respondents flagged by a rule of response quality",
        f"{len(study.tabulation)} questions: mean, sd, both ends of the scale",
    ]
    if study.by:
        groups = f"{len(overall) // 2} groups of {' and '.join(study.by)}"
        return [*found, groups, groups]
    quality = {r["term"]: r["estimate"] for r in overall.rows()}
    gap = made.rows("overall")
    row = next(gap.take(np.array([len(gap) - 1])).rows())
    return [
        *found,
        f"expected {quality['expectation']:.2f}, perceived {quality['perception']:.2f}",
        f"{row['estimate']:+.2f} ({row['conf_low']:+.2f} to {row['conf_high']:+.2f}), "
        f"{row['variant']}",
    ]
