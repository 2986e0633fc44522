"""MICOM: against rows, exact identities, size and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import micom
from satmetrics.inference import _permute

STEP_TERMS = ("composition", "mean", "variance")


@pytest.fixture(scope="module")
def halves(mobi):
    return mobi.assign(half=np.where(np.arange(len(mobi)) < 120, "a", "b"))


def model(**more) -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "small",
        {"X": ["x1", "x2", "x3"], "Y": ["y1", "y2"]},
        {"X": ["Y"]},
        target="Y",
        **more,
    )


def answers(rng, n, weights=(1.0, 1.0, 1.0), shift=0.0, spread=1.0):
    """Return answers whose composite X has these weights: Y depends on nothing else."""
    x = rng.normal(size=(n, 3)) + 0.5 * rng.normal(size=(n, 1))
    y = x @ np.asarray(weights) + rng.normal(size=n)
    items = np.c_[x * spread + shift, y[:, None] + 0.5 * rng.normal(size=(n, 2))]
    return pd.DataFrame(items, columns=["x1", "x2", "x3", "y1", "y2"])


def grouped(*frames):
    sizes = [len(frame) for frame in frames]
    labels = np.repeat([f"g{k}" for k in range(len(frames))], sizes)
    return pd.concat(frames, ignore_index=True).assign(g=labels)


def step(found, term):
    return found.to_frame().query("term == @term").set_index("construct")


def by_rows(frame, labels, chosen, options):
    """MICOM the slow way: scores of single respondents, correlations, variances."""
    items = [i for c in chosen.constructs for i in c.indicators]
    X = frame[items].to_numpy(dtype=float)
    if options.metric == "standardized":
        X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    weights = {g: sat.pls(chosen, frame[labels == g], options).weights for g in (0, 1)}
    together = sat.pls(chosen, frame, options).weights
    out = {term: [] for term in STEP_TERMS}
    start = 0
    for construct in chosen.constructs:
        own = slice(start, start := start + len(construct.indicators))
        a, b = (X[:, own] @ weights[g][own] for g in (0, 1))
        out["composition"].append(np.corrcoef(a, b)[0, 1])
        score = X[:, own] @ together[own]
        one, other = score[labels == 0], score[labels == 1]
        out["mean"].append(one.mean() - other.mean())
        out["variance"].append(np.log(one.var(ddof=1) / other.var(ddof=1)))
    return {term: np.array(values) for term, values in out.items()}


@pytest.mark.parametrize("metric", ["standardized", "raw"])
def test_three_steps_are_those_of_rows(halves, metric):
    """Identical permutations, once as moments and once as rows of answers."""
    ecsi, draws = sat.models.load("ecsi"), 12
    options = sat.PlsOptions(metric=metric, tol=1e-12)
    found = micom(ecsi, halves, "half", options, n_draws=draws, level=0.9, rng=3)
    labels = (halves["half"] == "b").to_numpy().astype(int)
    child = np.random.default_rng(3).spawn(1)[0]
    permuted = np.concatenate(list(_permute.permuted_codes(labels, draws, child)))
    observed = by_rows(halves, labels, ecsi, options)
    null = [by_rows(halves, one, ecsi, options) for one in permuted]
    for term in STEP_TERMS:
        rows = step(found, term)
        drawn = np.array([each[term] for each in null])
        np.testing.assert_allclose(rows["estimate"], observed[term], rtol=0, atol=1e-9)
        if term == "composition":
            extreme = drawn <= observed[term] + 1e-10
            low = np.quantile(drawn, 0.1, axis=0)
        else:
            extreme = np.abs(drawn) >= np.abs(observed[term]) - 1e-10
            low = np.quantile(drawn, 0.05, axis=0)
            high = np.quantile(drawn, 0.95, axis=0)
            np.testing.assert_allclose(rows["conf_high"], high, rtol=0, atol=1e-8)
        np.testing.assert_allclose(rows["conf_low"], low, rtol=0, atol=1e-8)
        p = (extreme.sum(axis=0) + 1) / (draws + 1)
        tested = rows["p_value"].notna()
        np.testing.assert_allclose(rows["p_value"][tested], p[tested], rtol=1e-12)
    composition = step(found, "composition")
    assert list(composition.index[composition["p_value"].isna()]) == ["Complaints"]
    assert composition.loc["Complaints", "estimate"] == pytest.approx(1, abs=1e-14)


def test_identical_groups_are_fully_invariant(rng):
    same = answers(rng, 70)
    found = micom(model(), grouped(same, same), "g", n_draws=99, rng=1)
    np.testing.assert_allclose(step(found, "composition")["estimate"], 1, atol=1e-12)
    np.testing.assert_allclose(step(found, "mean")["estimate"], 0, atol=1e-12)
    np.testing.assert_allclose(step(found, "variance")["estimate"], 0, atol=1e-12)
    assert (found.to_frame()["p_value"] == 1).all()
    assert set(found.conclusions()["invariance"]) == {"full"}


def test_shift_and_spread_are_found_in_their_own_steps(rng):
    """x + 1 moves the mean, 2 x the variance; neither changes the composition."""
    first, second = answers(rng, 150), answers(rng, 150)
    shifted = micom(
        model(),
        grouped(first, second + np.array([1, 1, 1, 0, 0])),
        "g",
        n_draws=199,
        rng=1,
    )
    row = shifted.conclusions().set_index("construct").loc["X"]
    assert (row["invariance"], row["mean"]) == ("partial", 1 / 200)
    assert row["variance"] > 0.05
    assert step(shifted, "mean").loc["X", "estimate"] < -0.3
    wide = micom(
        model(),
        grouped(first, second * np.array([2, 2, 2, 1, 1])),
        "g",
        n_draws=199,
        rng=1,
    )
    row = wide.conclusions().set_index("construct").loc["X"]
    assert (row["invariance"], row["variance"]) == ("partial", 1 / 200)
    assert row["mean"] > 0.05
    ratio = step(wide, "variance").loc["X", "estimate"]
    assert ratio == pytest.approx(np.log(1 / 4), abs=0.5)


def test_other_weights_are_no_invariance(rng):
    frame = grouped(answers(rng, 200, (2, 1, 0)), answers(rng, 200, (0, 1, 2)))
    found = micom(model(modes={"X": "B"}), frame, "g", n_draws=199, rng=1)
    row = step(found, "composition").loc["X"]
    assert row["p_value"] == pytest.approx(1 / 200)
    assert row["estimate"] < row["conf_low"]
    verdict = found.conclusions().set_index("construct")["invariance"]
    assert verdict["X"] == "none"


def test_exact_composition_of_known_weights():
    """c of two weight vectors, by the correlation of a population."""
    from satmetrics.assessment import _invariance

    S = np.array([[1.0, 0.3, 0.9], [0.3, 1.0, 0.8], [0.9, 0.8, 4.0]])
    first = np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 5.0]]])
    second = np.array([[[0.6, 0.8, 0.0], [0.0, 0.0, -1.0]]])
    c = _invariance.compositions(first, second, S)
    length = np.sqrt(0.36 + 0.64 + 2 * 0.48 * 0.3)
    np.testing.assert_allclose(c, [[(0.6 + 0.8 * 0.3) / length, -1.0]], rtol=1e-14)


def test_three_groups_in_pairs(rng):
    frame = grouped(answers(rng, 60), answers(rng, 60), answers(rng, 60, shift=2))
    found = micom(model(), frame, "g", n_draws=99, rng=1)
    verdict = found.conclusions().query("construct == 'X'")
    pairs = list(zip(verdict["group_a"], verdict["group_b"], strict=True))
    assert pairs == [("g0", "g1"), ("g0", "g2"), ("g1", "g2")]
    assert (verdict["mean"].iloc[1:] <= 0.01).all()
    assert verdict["mean"].iloc[0] > 0.01
    alone = micom(model(), frame[frame["g"] != "g2"], "g", n_draws=99, rng=1)
    both = found.to_frame().query("group_a == 'g0' and group_b == 'g1'")
    np.testing.assert_allclose(
        both["estimate"], alone.to_frame()["estimate"], rtol=1e-9, atol=1e-12
    )


def test_a_reversed_item_counts_turned(rng):
    frame = grouped(answers(rng, 80), answers(rng, 80)).round(1)
    frame[["x1", "x2", "x3", "y1", "y2"]] = frame.iloc[:, :5].clip(-9, 9)
    plain = micom(model(scale=(-9, 9)), frame, "g", n_draws=49, rng=2)
    turned = sat.StructuralModel(
        "turned",
        (
            sat.Construct("X", ("x1", "x2", "x3"), reverse=("x2",), scale=(-9, 9)),
            sat.Construct("Y", ("y1", "y2"), scale=(-9, 9)),
        ),
        (sat.Path("X", "Y"),),
        target="Y",
    )
    again = micom(turned, frame.assign(x2=-frame["x2"]), "g", n_draws=49, rng=2)
    words = ["estimate", "p_value", "conf_low"]
    pd.testing.assert_frame_equal(
        plain.to_frame()[words], again.to_frame()[words], atol=1e-9
    )


def test_integer_weights_are_repeated_rows(rng):
    frame = grouped(answers(rng, 50), answers(rng, 50))
    frame["w"] = rng.integers(1, 4, len(frame))
    repeated = frame.loc[frame.index.repeat(frame["w"])].drop(columns="w")
    weighted = micom(model(), frame, "g", weights="w", n_draws=5, rng=1)
    plain = micom(model(), repeated, "g", n_draws=5, rng=1)
    for term, slack in (("composition", 1e-9), ("mean", 0.02)):  # divisor of the sd
        np.testing.assert_allclose(
            step(weighted, term)["estimate"], step(plain, term)["estimate"], rtol=slack
        )


def test_factors_are_named_and_composites_beside_them_tested(rng):
    frame = grouped(answers(rng, 90), answers(rng, 90))
    mixed = micom(model(kinds={"X": "factor"}), frame, "g", n_draws=49, rng=1)
    table = mixed.to_frame()
    own = table.query("construct == 'X'")
    assert own["estimate"].isna().all()
    assert own["reason"].str.contains("X is a factor").all()
    assert table.query("construct == 'Y'")["p_value"].notna().all()
    assert mixed.conclusions().set_index("construct").loc["X", "invariance"] == ""
    with pytest.raises(errors.SpecificationError, match="X is a factor"):
        micom(model(kinds={"X": "factor", "Y": "factor"}), frame, "g")


def test_sum_scores_have_one_composition(rng):
    frame = grouped(answers(rng, 60), answers(rng, 60))
    found = micom(model(modes={"X": "sum"}), frame, "g", n_draws=49, rng=1)
    row = step(found, "composition").loc["X"]
    assert row["estimate"] == pytest.approx(1, abs=1e-12)
    assert "one composition only" in row["reason"]
    assert found.conclusions().set_index("construct").loc["X", "invariance"]


def test_failures_are_reasons_and_counts(rng):
    frame = grouped(answers(rng, 40), answers(rng, 40), answers(rng, 40))
    frame.loc[frame["g"] == "g1", "x1"] = 2.0
    found = micom(model(), frame, "g", n_draws=49, rng=1)
    table = found.to_frame()
    failed = table.query("group_a == 'g1' or group_b == 'g1'")
    assert failed["p_value"].isna().all()
    assert failed["reason"].str.contains("g1: zero variance: x1").all()
    assert table.query("group_a == 'g0' and group_b == 'g2'")["p_value"].notna().all()
    assert "not estimated in g1" in found.checks[0]
    rare = grouped(answers(rng, 12), answers(rng, 12))
    rare["x3"] = 3.0
    rare.loc[[0, 12], "x3"] = 5.0
    found = micom(model(), rare, "g", n_draws=100, rng=1)
    counts = dict(found.failures)
    assert counts["zero variance: x3"] > 20
    draws = step(found, "composition")["draws"]
    assert (draws == 100 - sum(counts.values())).all()


def test_summary_reads_from_step_to_step(halves):
    found = micom("ecsi", halves, "half", n_draws=49, rng=1)
    text = str(found)
    for said in (
        "Conclusion",
        "Step 2: composition",
        "Step 3: means",
        "a (n = 120), b (n = 130)",
        "to be judged by the analyst",
        "Henseler, Ringle and Sarstedt 2016",
    ):
        assert said in text
    seen = []
    micom(
        *("ecsi", halves, "half"),
        n_draws=120,
        rng=1,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[-1] == (120, 120)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": "no"}, "columns not found"),
        ({"alpha": 0.05}, "level"),
        ({"n_draws": 0}, "at least 2"),
        ({"rng": "one"}, "seed"),
        ({"missing": "drop"}, "pairwise"),
    ],
)
def test_wrong_inputs(rng, wrong, said):
    frame = grouped(answers(rng, 30), answers(rng, 30))
    with pytest.raises(errors.SatmetricsError, match=said):
        micom(model(), frame, **{"by": "g", **wrong})


@pytest.mark.slow
def test_size_under_the_null_hypothesis():
    """400 samples of two groups alike: each step rejects in 5 % ± 3.3 %."""
    rng = np.random.default_rng(20261124)
    samples = 400
    rejected = dict.fromkeys(STEP_TERMS, 0)
    for _ in range(samples):
        frame = grouped(answers(rng, 60, (2, 1, 0)), answers(rng, 90, (2, 1, 0)))
        found = micom(model(), frame, "g", n_draws=199, rng=rng)
        for term in STEP_TERMS:
            rejected[term] += step(found, term).loc["X", "p_value"] <= 0.05
    for term in STEP_TERMS:
        share = rejected[term] / samples
        assert share == pytest.approx(0.05, abs=3 * np.sqrt(0.0475 / samples)), term
