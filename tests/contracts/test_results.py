"""What is true of every result, said once."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics._display import Summary
from satmetrics._frames import ESTIMATES, KEYS, Table
from satmetrics._published import PublishedSeries
from satmetrics._result import Context, Record, Result
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_engines import compare_engines
from satmetrics.indices.index_result import IndexResult
from satmetrics.survey.item import Dimension, Form

EVIL = "<script>alert('x')</script>"


def evil_survey() -> sat.Survey:
    """Return a survey whose unit, columns and labels are hostile."""
    rng = np.random.default_rng(1)
    base = rng.integers(2, 7, size=(60, 1))
    answers = np.clip(base + rng.integers(-1, 2, size=(60, 6)), 1, 7)
    columns = ["q1", f"q2{EVIL}", "s1", "s2", "e1", "e2"]
    frame = pd.DataFrame(answers, columns=columns)
    frame["shop"] = np.where(np.arange(60) % 2, EVIL, "plain")
    frame["wave"] = np.where(np.arange(60) < 30, "2025", f"2026{EVIL}")
    return sat.Survey(frame, unit="shop", wave="wave", scale=(1, 7), name=EVIL)


def evil_model() -> sat.StructuralModel:
    """Return a model whose names are hostile."""
    return sat.StructuralModel.from_blocks(
        EVIL,
        {f"Quality{EVIL}": ["q1", f"q2{EVIL}"], "Satisfaction": ["s1", "s2"]},
        {f"Quality{EVIL}": ["Satisfaction"]},
        target="Satisfaction",
        scale=(1, 7),
    )


def chained_model() -> sat.StructuralModel:
    """Return a model with a chain of paths whose names are hostile."""
    return sat.StructuralModel.from_blocks(
        f"chained{EVIL}",
        {
            f"Quality{EVIL}": ["q1", f"q2{EVIL}"],
            "Satisfaction": ["s1", "s2"],
            f"Expectation{EVIL}": ["e1", "e2"],
        },
        {f"Quality{EVIL}": ["Satisfaction"], "Satisfaction": [f"Expectation{EVIL}"]},
    )


def moderated_model() -> sat.StructuralModel:
    """Return a model of higher order with an interaction, whose names are hostile."""
    quality, expectation = f"Quality{EVIL}", f"Expectation{EVIL}"
    return sat.StructuralModel.from_blocks(
        f"moderated{EVIL}",
        {
            quality: ["q1", f"q2{EVIL}"],
            "Speed": ["s1"],
            expectation: ["e1"],
            "Satisfaction": ["e2", "s2"],
        },
        {
            f"Offer{EVIL}": ["Satisfaction"],
            expectation: ["Satisfaction"],
            f"Product{EVIL}": ["Satisfaction"],
        },
        scale=(1, 7),
        higher={f"Offer{EVIL}": [quality, "Speed"]},
        interactions={f"Product{EVIL}": (f"Offer{EVIL}", expectation)},
    )


def evil_five_gaps() -> dict[str, Result]:
    """Return the five gaps of units, dimensions and items whose names are hostile."""
    spec = sat.Instrument(
        id="evil",
        label=sat.Label(EVIL),
        dimensions=(Dimension(f"D{EVIL}"), Dimension("other")),
        items=(
            sat.Item(f"a{EVIL}", dimension=f"D{EVIL}"),
            sat.Item("b", dimension="other"),
        ),
        forms=(Form("expectation", "e_{item}"), Form("perception", "p_{item}")),
        scale=sat.Scale(1, 7),
    )
    rng = np.random.default_rng(3)
    columns = [*spec.columns(), f"s_D{EVIL}", "s_other", f"d_D{EVIL}", "d_other"]
    columns += [f"c_D{EVIL}", "c_other"]
    frame = pd.DataFrame(rng.integers(3, 7, size=(40, len(columns))), columns=columns)
    frame["shop"] = np.where(np.arange(40) % 2, EVIL, "plain")
    made = {
        by or "all": sat.five_gaps(
            *(frame, frame[:8], frame),
            instrument=spec,
            standards="s_{dimension}",
            delivery="d_{dimension}",
            communication="c_{dimension}",
            against="stage",
            by=by,
            n_draws=50,
            rng=1,
        )
        for by in (None, "shop")
    }
    standard = sat.quality.StepStandard(EVIL, "e_b", "<=", 5)
    step = sat.quality.Step(EVIL, "support", dimension=EVIL, standard=standard)
    drawn = sat.quality.Blueprint(EVIL, (step,))
    return {
        "five gaps": made["all"],
        "five gaps by": made["shop"],
        "gap decomposition": made["shop"].decomposition(),
        "conformance": drawn.conformance(frame, by="shop"),
        "psychometrics": sat.quality.psychometrics(frame, spec, f"s_D{EVIL}"),
        "psychometrics by": sat.quality.psychometrics(frame, spec, by="shop"),
    }


def criteria_results(survey: sat.Survey) -> dict[str, Result]:
    """Return results of criteria weights, grades and hierarchies."""
    quality = f"Quality{EVIL}"
    blocks = {quality: ["q1", f"q2{EVIL}"], "Service": ["s1"]}
    tree = sat.quality.IndexHierarchy.from_dict(f"index{EVIL}", blocks)
    scores = sat.quality.hierarchy_scores(tree, survey, by=["unit", "wave"])
    grades = {f"good{EVIL}": (5, 7), "poor": (1, 4)}
    shares = sat.quality.grade_shares(survey, blocks, grades=grades, by="unit")
    said = [{(quality, "Service"): 2}, {(quality, "Service"): 3}]
    return {
        "weights": sat.quality.point_weights(survey, {quality: "q1", "S": "s1"}),
        "weights by": sat.quality.point_weights(
            survey, {quality: "q1", "S": "s1"}, by="unit"
        ),
        "weights judged": sat.quality.ahp_weights(said, industry=EVIL),
        "grade shares": shares,
        "fuzzy": sat.quality.fuzzy_evaluation(
            {quality: 0.7, "Service": 0.3}, shares, scores=[100, 0]
        ),
        "hierarchy": scores,
        "hierarchy changes": sat.quality.hierarchy_changes(scores),
    }


def evil_instrument() -> dict[str, Result]:
    """Return the questions of a hostile instrument, and a frame held against it."""
    items = tuple(
        sat.Item(f"i{k}{EVIL}", sat.Label(EVIL), dimension=EVIL) for k in range(4)
    )
    spec = sat.Instrument(
        id=EVIL,
        label=sat.Label(EVIL),
        dimensions=(Dimension(EVIL, sat.Label(EVIL)),),
        items=items,
        forms=tuple(
            Form(f"{kind}{EVIL}", f"{kind[0]}_{{item}}", kind)
            for kind in ("expectation", "perception")
        ),
        scale=sat.Scale(1, 7),
        notes=(EVIL,),
    )
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({c: rng.integers(0, 8, 40) for c in spec.columns()})
    return {
        "questionnaire": spec.questionnaire(),
        "instrument check": spec.check(frame.rename(columns={spec.columns()[0]: EVIL})),
        "instrument check whole": spec.check(frame),
        "study plan": sat.servqual_study(instrument=spec, industry=EVIL),
        "study": sat.servqual_study(frame.clip(lower=1), spec),
    }


def evil_series() -> PublishedSeries:
    """Return a published series whose names, units and sources are hostile."""
    columns = {
        "level": [EVIL, EVIL, "nation"],
        "term": ["index", "index", f"asked{EVIL}"],
        "name": [EVIL, EVIL, "all"],
        "wave": ["2025", "2025", f"2026{EVIL}"],
        "n": [np.nan, np.nan, 250.0],
        "estimate": [71.0, 72.5, np.nan],
        "std_error": [np.nan, np.nan, np.nan],
        "release": [f"first{EVIL}", "second", ""],
        "status": ["revised", "verified", "not measured"],
        "source": [EVIL, EVIL, EVIL],
    }
    return PublishedSeries(
        Table.of(columns, keys=("level", "term", "name", "wave")),
        Context("real", EVIL, notes=(EVIL,)),
        title=EVIL,
        units={"index": EVIL, f"asked{EVIL}": EVIL},
    )


def gaps_of_three() -> dict[str, object]:
    """Return the columns of a hostile zone."""
    return {
        "minimum": ["e1", "e2"],
        "desired": [f"q2{EVIL}", "s2"],
        "perception": ["q1", "s1"],
        "dimensions": {EVIL: [0], "other": [1]},
    }


def evil_aggregate(levels: IndexResult) -> dict[str, Result]:
    """Return figures added up, their changes and what members gave to them."""
    unit, wave = levels.by
    shops = list(dict.fromkeys(levels.table[unit]))
    members = pd.DataFrame({unit: shops, "town": EVIL, "size": 1.0})
    made = sat.indices.aggregate(
        *(levels, members),
        levels=[unit, "town"],
        shares={unit: "size", "town": "responses"},
        over=wave,
        top=f"all{EVIL}",
        rolling=True,
    )
    return {
        "aggregate": made,
        "aggregate changes": made.changes(),
        "contributions": made.contributions(),
    }


def nested_models(survey: sat.Survey) -> dict[str, Result]:
    """Return a ladder of factor models whose names are hostile."""
    quality = f"Quality{EVIL}"
    loose = sat.StructuralModel.from_blocks(
        EVIL, {quality: ["q1", f"q2{EVIL}"], "Satisfaction": ["s1", "s2"]}, {}
    )
    one = sat.StructuralModel.from_blocks(
        EVIL, {quality: ["q1", f"q2{EVIL}", "s1", "s2"]}, {}
    )
    frame = np.random.default_rng(2).normal(size=(300, 1)) + np.random.default_rng(
        3
    ).normal(size=(300, 4))
    answers = pd.DataFrame(frame, columns=["q1", f"q2{EVIL}", "s1", "s2"])
    answers["shop"] = np.where(np.arange(300) % 2, EVIL, "plain")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.InadmissibleWarning)
        return {
            "factors": sem(loose, answers),
            "factors batch": sem(one, answers, by="shop"),
            "engines": compare_engines(one, answers),
            "factors of groups": sem(one, answers, groups="shop"),
            "ladder": sat.assessment.invariance_steps(one, answers, by="shop"),
            "rmsea power": sat.assessment.rmsea_power([20, 100], power=0.8),
            "nested": sat.assessment.compare_fits(
                *(sem(m, answers) for m in (loose, one)), names=(EVIL, "b")
            ),
        }


def build() -> dict[str, Result]:
    """Return one of every public result, singles and batches."""
    survey, model = evil_survey(), evil_model()
    fit = sat.pls(model, survey)
    batch = sat.pls(model, survey, by="shop")
    levels = sat.index(fit, survey, by=["unit", "wave"])
    table = pd.DataFrame(
        {
            "dimension": [EVIL, "b"],
            "expectation_mean": [4.4, 4.5],
            "expectation_sd": [0.4, 0.4],
            "perception_mean": [4.2, 4.4],
            "perception_sd": [0.5, 0.5],
            "n": [386, 386],
        }
    )
    gaps = {
        "expectation": ["e1", "e2"],
        "perception": ["q1", "s1"],
        "dimensions": {EVIL: [0], "other": [1]},
    }
    made = {
        "model": model,
        "moments": sat.Moments.from_frame(survey, ["q1", "s1"]),
        "moments batch": sat.Moments.from_frame(survey, ["q1", "s1"], by="shop"),
        "fit": fit,
        "fit batch": batch,
        "effects": sat.effects(fit),
        "effects batch": sat.effects(batch),
        "assessment": sat.assess(fit),
        "assessment batch": sat.assess(batch),
        **nested_models(survey),
        "guidance": sat.assessment.guidance(),
        "reliability": sat.assessment.reliability(
            survey, {EVIL: ["q1", f"q2{EVIL}", "s1"], "single": ["e1"]}
        ),
        "reliability by": sat.assessment.reliability(
            survey, {EVIL: ["q1", f"q2{EVIL}", "s1"]}, by="shop"
        ),
        "dimensionality": sat.assessment.dimensionality(
            survey, ["q1", f"q2{EVIL}", "s1", "s2", "e1", "e2"], n_draws=20, rng=1
        ),
        "factors": sat.assessment.explore_factors(
            survey, 2, {EVIL: ["q1", f"q2{EVIL}", "s1"], "other": ["s2", "e1", "e2"]}
        ),
        "exact fit": sat.assessment.exact_fit(fit, survey, n_draws=20, rng=1),
        "model comparison": sat.assessment.compare_models(
            {EVIL: fit, "same": fit}, "Satisfaction"
        ),
        "blindfolding": sat.assessment.blindfolding(fit, survey),
        "bootstrap": sat.bootstrap(fit, survey, n_draws=40, rng=1),
        "prediction": sat.assessment.predict(fit, survey, folds=3, repeats=2, rng=1),
        "groups": sat.assessment.compare_groups(
            model, survey, by=["unit", "wave"], n_draws=20, rng=1
        ),
        "invariance": sat.assessment.micom(model, survey, by="unit", n_draws=20, rng=1),
        "index": levels,
        "net score": sat.metrics.net_score(
            survey, f"q2{EVIL}", by="wave", promoters=(6, 7), detractors=(1, 4)
        ),
        "formula index": sat.indices.formula_index(
            sat.indices.FormulaIndex(EVIL, label=sat.Label(EVIL), note=EVIL),
            survey,
            items={EVIL: [f"q2{EVIL}"], "other": ["q1", "s1"]},
            by=["unit", "wave"],
        ),
        "metric differences": sat.metrics.differences(
            sat.metrics.top_box(survey, [f"q2{EVIL}", "s1"], by=["unit", "wave"])
        ),
        "changes": sat.changes(levels),
        "unit invariance": sat.indices.unit_invariance(
            model, survey, wave="2025", n_draws=99, rng=1
        ),
        "ranking": sat.indices.ranking(levels, unit="shop", n_draws=100, rng=1),
        "scoreboard": sat.indices.scoreboard(model, survey, rng=1),
        "published series": evil_series(),
        **evil_aggregate(levels),
        "priorities": sat.priorities(fit),
        "control chart": sat.indices.control_chart(levels, method="cusum"),
        "targets": sat.indices.targets_met(levels, target=60),
        "sample plan": sat.indices.sample_size(levels, half_width=[2, 3]),
        "gaps": sat.gaps(survey, **gaps),
        "gaps by": sat.gaps(survey, **gaps, by="unit"),
        "gap table": sat.gap_table(table),
        "group comparison": sat.quality.compare_gaps(survey, **gaps, by="unit"),
        "benchmark": sat.quality.benchmark(
            survey, **gaps, by="unit", own=EVIL, score="gap", n_draws=20, rng=1
        ),
        "drift": sat.quality.drift(survey, **gaps),
        "expectation drivers": sat.quality.expectation_drivers(
            survey,
            expectation=["e1", "e2"],
            dimensions={EVIL: [0], "other": [1]},
            predictors={f"talk{EVIL}": "q1", "needs": ["s1", "s2"]},
        ),
        "states": sat.quality.three_states(survey, **gaps, tolerance=[0, 1], by="unit"),
        "disconfirmation": sat.quality.disconfirmation(
            survey, columns=["q1", "s1"], dimensions={EVIL: [0], "other": [1]}
        ),
        "performance": sat.quality.performance(
            survey, **gaps, importance={EVIL: "s2", "other": f"q2{EVIL}"}
        ),
        "performance by": sat.quality.performance(
            survey, **gaps, importance=["s2", f"q2{EVIL}"], by="unit"
        ),
        "zones": sat.quality.zones(survey, **gaps_of_three()),
        "zones by": sat.quality.zones(survey, **gaps_of_three(), by="unit"),
        "standards": sat.quality.standards(
            survey, {EVIL: ("q1", ">=", 4, EVIL), "other": ("s1", ">=", 5)}, by="unit"
        ),
        "response quality": sat.quality.response_quality(
            survey, {EVIL: ["q1", f"q2{EVIL}", "s1"], "other": ["s2", "e1", "e2"]}
        ),
        "surface": sat.quality.response_surface(
            survey, outcome="s2", **gaps, n_draws=20, rng=1
        ),
        "surface by": sat.quality.response_surface(
            survey, outcome="s2", **gaps, by="unit", n_draws=0
        ),
    }
    made |= evil_five_gaps()
    made |= evil_instrument()
    chained = chained_model()
    links = sat.pls(chained, survey)
    made["bootstrap chained"] = sat.bootstrap(
        *(links, survey),
        n_draws=40,
        rng=1,
        interval="studentized",
        statistic=lambda fits: {EVIL: fits.r_squared[:, 2]},
    )
    made["intervals"] = made["bootstrap chained"].intervals("bc", "studentized")
    made["mediation"] = sat.assessment.mediation(made["bootstrap chained"])
    made["jackknife"] = sat.assessment.jackknife(links, survey)
    made["importance"] = sat.drivers.importance_performance(
        fit, survey, n_draws=40, rng=1
    )
    made["diagnostics"] = sat.indices.diagnostics(fit, survey)
    made["diagnostics by"] = sat.indices.diagnostics(fit, survey, by="shop")
    made["impact"] = sat.drivers.impact(fit, survey, n_draws=20, rng=1)
    made["scenario"] = sat.drivers.scenario(
        *(fit, survey), changes={f"Quality{EVIL}": 5}, n_draws=20, rng=1
    )
    made["relative importance"] = sat.drivers.relative_importance(
        *(survey, {EVIL: ["q1", f"q2{EVIL}"], "other": ["s1"]}),
        outcome="s2",
        by="unit",
        n_draws=20,
        rng=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # answers without structure: anything may be
        factors = sat.sem(model, survey)
    made["factor fit"] = factors
    made["factor assessment"] = sat.assess(factors)
    made["factor effects"] = sat.effects(factors)
    made["factor index"] = sat.index(factors, survey, by="unit")
    staged = sat.pls(moderated_model(), survey)
    made["fit staged"] = staged
    made["fit staged batch"] = sat.pls(moderated_model(), survey, by="shop")
    made["slopes"] = sat.assessment.simple_slopes(
        staged, boot=sat.bootstrap(staged, survey, n_draws=20, rng=1)
    )
    made["slopes batch"] = sat.assessment.simple_slopes(made["fit staged batch"])
    made["agreement"] = sat.quality.agreement(survey, {EVIL: ["e1", "e2"]})
    units = pd.DataFrame(
        {
            "unit": [EVIL, "b", "c", "d", "e", "f"],
            "gap1": [-1.0, -0.5, 0.2, -0.3, 0.1, -2.0],
            "gap5": [-1.5, -0.4, 0.1, -0.6, 0.3, -1.0],
        }
    )
    made["unit gaps"] = sat.quality.unit_gaps(units)
    raters = units[["unit"]].assign(**{f"morale{EVIL}": [3.0, 4, 6, 2, 5, 1]})
    made["gap explanation"] = sat.quality.explain_gaps(
        *(units, raters), predictors={1: [f"morale{EVIL}"]}, n_draws=20, rng=1
    )
    figures = units.rename(columns={"gap5": "estimate"}).assign(std_error=0.2)
    made["shrunken means"] = sat.quality.shrunken_means(figures)
    made |= criteria_results(survey)
    made["loss comparison"] = sat.assessment.cvpat(made["prediction"])
    made["report"] = sat.report(EVIL, [fit, levels, made["gaps"]])
    return made


RESULTS = build()
EVERY = pytest.mark.parametrize("name", list(RESULTS))


def equal(one: object, other: object) -> bool:
    """Compare two results field by field, NaN equal to NaN."""
    if isinstance(one, Record) and not isinstance(one, Result) and one == other:
        return True
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            equal(getattr(one, f.name), getattr(other, f.name))
            for f in dataclasses.fields(one)
        )
    if isinstance(one, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return all(map(equal, one.ravel().tolist(), other.ravel().tolist()))
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


def arrays(value: object):
    """Yield every array inside a result."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from arrays(item)
    elif dataclasses.is_dataclass(value):
        for f in dataclasses.fields(value):
            yield from arrays(getattr(value, f.name))


def test_every_public_result_class_is_here():
    built = {type(result) for result in RESULTS.values()}

    def leaves(cls):
        below = cls.__subclasses__()
        return {cls} if not below else set().union(*map(leaves, below))

    ours = {c for c in leaves(Result) if c.__module__.startswith("satmetrics.")}
    assert ours <= built, f"add {ours - built} to build()"


@EVERY
def test_frozen(name):
    result = RESULTS[name]
    assert dataclasses.is_dataclass(result)
    field = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, field, None)
    assert not any(array.flags.writeable for array in arrays(result))


@EVERY
@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda r: pickle.loads(pickle.dumps(r)), id="pickle"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda r: sat.read_result(r.to_json()), id="json"),
    ],
)
def test_comes_back_whole_and_frozen(name, again):
    result = RESULTS[name]
    other = again(result)
    assert equal(result, other)
    assert not any(array.flags.writeable for array in arrays(other))
    pd.testing.assert_frame_equal(result.to_frame(), other.to_frame())
    assert str(result) == str(other)


@EVERY
def test_json_file(name, tmp_path):
    result = RESULTS[name]
    assert equal(result, sat.read_result(result.save_json(tmp_path / "r.json")))


@EVERY
def test_frame_speaks_the_shared_words(name):
    result = RESULTS[name]
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(frame.index, pd.RangeIndex)
    assert len(frame)
    for column in frame.columns:
        text = column.replace(EVIL, "").removeprefix("r_")
        assert text.replace("_", "").isalnum(), column
        assert text == text.lower() or text in ("P", "E"), column
    shared = [c for c in frame.columns if c in ESTIMATES]
    assert shared == [c for c in ESTIMATES if c in shared], "order of the estimates"
    keys = [c for c in frame.columns if c in KEYS]
    if shared and keys:
        columns = list(frame.columns)
        assert columns.index(keys[-1]) < columns.index(shared[0]), "keys come first"
    own = frame.copy()
    own.iloc[0, 0] = own.iloc[-1, 0]
    pd.testing.assert_frame_equal(frame, result.to_frame())


@EVERY
def test_summary_and_html(name):
    result = RESULTS[name]
    assert isinstance(result.summary(), Summary)
    assert repr(result) == str(result.summary())
    assert "0x" not in repr(result)
    html = result._repr_html_()
    assert "<script" not in html
    assert "&lt;script" in html or name in (
        "guidance",
        "rmsea power",
    )  # which holds no user text


def test_json_is_data_and_nothing_else():
    text = RESULTS["fit"].to_json()
    for wrong, message in (
        ("{}", "not a satmetrics result"),
        ("{", "not JSON"),
        (text.replace('"schema": 1', '"schema": 99'), "schema 99"),
        (text.replace('"PlsFit"', '"os.system"'), "does not know"),
        (text.replace('"dtype": "<f8"', '"dtype": "V8"'), "array type"),
    ):
        assert wrong != text
        with pytest.raises(errors.DataError, match=message):
            sat.read_result(wrong)
