"""Standards met: Wilson limits, goals, none of n, clusters, and gap 3."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import satmetrics as sat
from satmetrics.errors import DataError, OptionError, SpecificationError
from satmetrics.survey.label import Label

met = sat.quality.standards
Spec = sat.quality.Standards


def yes(k, n):
    return pd.DataFrame({"a": [1] * k + [0] * (n - k)})


def only(result, level="standard"):
    rows = list(result.rows(level).rows())
    assert len(rows) == 1
    return rows[0]


def test_wilson_limits_are_those_of_the_reference(reference):
    cases = reference("wilson_limits")["case"]
    assert len(cases) == 4
    for row in cases:
        k, n = int(row["successes"]), int(row["n"])
        found = only(met(yes(k, n), ["a"]))
        assert found["conf_low"] == pytest.approx(row["low"], abs=5e-5)
        assert found["conf_high"] == pytest.approx(row["high"], abs=5e-5)
        assert found["estimate"] == pytest.approx(k / n)


@pytest.mark.parametrize("n", [10, 33, 400])
def test_none_and_all_of_n_have_exact_one_sided_bounds(n):
    none, every = (only(met(yes(k, n), ["a"])) for k in (0, n))
    exact = stats.beta.ppf(0.95, 1, n)  # Clopper-Pearson, one-sided
    assert none["bound"] == pytest.approx(exact)
    assert every["bound"] == pytest.approx(1 - exact)
    assert none["bound"] == pytest.approx(3 / n, rel=0.15)
    assert np.isnan(only(met(yes(1, n), ["a"]))["bound"])


def test_none_of_33_is_not_zero_per_cent():
    said = str(met(yes(0, 33), ["a"]))
    assert "none of 33 met; at most 8.7 %" in said
    assert "rule of three 9.1 %" in said
    assert "all of 33 met; at least 91.3 %" in str(met(yes(33, 33), ["a"]))


TARGETS = {
    "telephone": ("rings", "<=", 3, "rings"),
    "wait": ("wait", "<", 10, "minutes"),
    "greeting": ("steps", ">=", 5),
    "named": "named",
}


def encounters(n=200, seed=1, holes=0.1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "rings": rng.integers(1, 6, n).astype(float),
            "wait": rng.gamma(3, 3, n),
            "steps": rng.integers(3, 9, n).astype(float),
            "named": (rng.random(n) < 0.8).astype(float),
        }
    )
    frame = frame.mask(rng.random(frame.shape) < holes)
    frame["shop"] = rng.choice(["north", "south"], n)
    frame["w"] = rng.uniform(0.5, 2, n).round(2)
    frame["day"] = rng.integers(0, 20, n)
    return frame


def by_hand(row):
    return [
        None if np.isnan(row["rings"]) else row["rings"] <= 3,
        None if np.isnan(row["wait"]) else row["wait"] < 10,
        None if np.isnan(row["steps"]) else row["steps"] >= 5,
        None if np.isnan(row["named"]) else row["named"] == 1,
    ]


def test_shares_by_hand_missing_is_not_observed():
    frame = encounters()
    found = met(frame, TARGETS)
    judged = [by_hand(row) for row in frame.to_dict("records")]
    for k, row in enumerate(found.rows("standard").rows()):
        seen = [d[k] for d in judged if d[k] is not None]
        assert (row["n"], row["missing"]) == (len(seen), len(frame) - len(seen))
        assert row["estimate"] == pytest.approx(np.mean(seen))
        assert row["successes"] == pytest.approx(sum(seen))
        wanted = proportion_confint(sum(seen), len(seen), method="wilson")
        assert (row["conf_low"], row["conf_high"]) == pytest.approx(wanted)
    every = []
    for done in judged:
        if False in done:
            every.append(False)
        elif None not in done:
            every.append(True)
    row = only(found, "encounter")
    assert row["n"] == len(every)
    assert row["estimate"] == pytest.approx(np.mean(every))
    flat = [d for done in judged for d in done if d is not None]
    assert only(found, "overall")["estimate"] == pytest.approx(np.mean(flat))
    lost = {e.where: e.n for e in found.context.exclusions}
    assert lost["telephone"] == int(frame["rings"].isna().sum())


def test_a_good_mean_hides_encounters_that_fail():
    frame = pd.DataFrame({"rings": [1, 1, 5, 5]})
    assert frame["rings"].mean() == 3
    assert only(met(frame, {"t": ("rings", "<=", 3)}))["estimate"] == 0.5


def test_groups_are_separate_and_dimensions_are_pooled():
    frame = encounters()
    spec = Spec(
        "ours",
        (
            sat.quality.Standard("a", "x", dimension="speed"),
            sat.quality.Standard("b", "y", dimension="speed"),
            sat.quality.Standard("c", "named", dimension="care"),
        ),
    )
    frame["x"], frame["y"] = (frame["rings"] <= 3) * 1, (frame["steps"] >= 5) * 1
    found = met(frame, spec, by="shop")
    for shop, own in frame.groupby("shop"):
        alone = met(own.reset_index(drop=True), spec).to_frame()
        part = found.table.where(shop=shop).drop("shop").to_frame()
        columns = ["level", "dimension", "standard", "n", "estimate", "missing"]
        pd.testing.assert_frame_equal(part[columns], alone[columns])
    pooled = found.table.where(level="dimension", dimension="speed", shop="north")
    north = frame[frame["shop"] == "north"]
    assert pooled["n"][0] == 2 * len(north)
    assert pooled["estimate"][0] == pytest.approx(north[["x", "y"]].to_numpy().mean())


def test_weights_and_clusters_widen_the_limits_as_designs_do():
    frame = encounters(holes=0.0)
    plain = only(met(frame, ["named"]))
    weighted = only(met(sat.Survey(frame, weight="w"), ["named"]))
    w, x = frame["w"], frame["named"]
    assert weighted["estimate"] == pytest.approx(np.average(x, weights=w))
    kish = w.sum() ** 2 / (w**2).sum()
    assert weighted["n_eff"] == pytest.approx(kish)
    assert plain["n_eff"] == pytest.approx(len(frame))
    doubled = pd.concat([frame.assign(call=k) for k in range(3)], ignore_index=True)
    doubled["visit"] = np.tile(np.arange(len(frame)), 3)
    clustered = only(met(sat.Survey(doubled, cluster="visit"), ["named"]))
    assert clustered["n"] == 3 * len(frame)
    assert clustered["n_eff"] == pytest.approx(len(frame), rel=0.02)
    assert clustered["conf_low"] == pytest.approx(plain["conf_low"], abs=0.002)


@pytest.mark.parametrize(
    ("k", "n", "goal", "verdict"),
    [
        (99, 100, 0.9, "reached"),
        (93, 100, 0.9, "open"),
        (70, 100, 0.9, "below"),
        (100, 100, 1, "open"),
        (99, 100, 1, "below"),
        (99, 100, None, "not set"),
    ],
)
def test_goals_are_compared_with_the_whole_interval(k, n, goal, verdict):
    assert only(met(yes(k, n), ["a"], goal=goal))["verdict"] == verdict


def test_a_standard_keeps_its_own_goal():
    spec = Spec(
        "s",
        (
            sat.quality.Standard("x", "a", goal=0.5),
            sat.quality.Standard("y", "b"),
        ),
    )
    frame = yes(60, 100).assign(b=1)
    rows = met(frame, spec, goal=1).rows("standard")
    assert rows["goal"].tolist() == [0.5, 1.0]
    assert np.isnan(only(met(frame, spec, goal=1), "encounter")["goal"])
    assert only(met(frame, ["a", "b"], goal=1), "encounter")["goal"] == 1


def test_toml_comes_back_unchanged(tmp_path):
    spec = Spec(
        "ours",
        (
            sat.quality.Standard(
                *("telephone", "rings", "<=", 3, "rings", 0.95, "speed"),
                Label("answered in time", "及时接听"),
            ),
            sat.quality.Standard("named", "named"),
        ),
        Label("Our standards", "我们的标准"),
        "handbook",
        "verified",
        ("a note",),
    )
    path = spec.save_toml(tmp_path / "ours.toml")
    assert Spec.read(path) == spec
    frame = encounters()
    one = met(frame, str(path)).to_frame()
    pd.testing.assert_frame_equal(one, met(frame, spec).to_frame())
    assert "a note" in met(frame, path).context.notes


@pytest.mark.parametrize("name", ["standards_audit", "greeting"])
def test_templates_ship_in_both_languages(name):
    spec = Spec.template(name)
    assert Spec.from_toml(spec.to_toml()) == spec
    assert spec.label.en
    assert spec.label.zh
    assert all(s.label.en and s.label.zh for s in spec.standards)
    frame = pd.DataFrame({s.column: [1.0, 0.0] for s in spec.standards})
    assert len(met(frame, spec).rows("standard")) == len(spec.standards)


def test_the_audit_has_six_criteria():
    assert len(Spec.template("standards_audit").standards) == 6
    with pytest.raises(OptionError, match="did you mean 'standards_audit'"):
        Spec.template("standard_audit")


def test_the_five_gaps_take_the_result_for_gap_3():
    bank = sat.datasets.load("bank_servqual")
    names = [d.id for d in bank.instrument.dimensions][:2]
    spec = Spec(
        "s",
        tuple(
            sat.quality.Standard(f"s{k}", f"c{k}", dimension=name)
            for k, name in enumerate(names)
        ),
    )
    rng = np.random.default_rng(1)
    visits = pd.DataFrame(rng.integers(0, 2, (80, 2)), columns=["c0", "c1"])
    found = met(visits, spec)
    gaps = sat.five_gaps(bank, delivery=found).to_frame()
    third = gaps[(gaps["gap"] == 3) & (gaps["level"] == "dimension")]
    own = third.set_index("dimension")
    for name in names:
        row = next(found.table.where(level="dimension", dimension=name).rows())
        assert own.loc[name, "estimate"] == pytest.approx(1 - row["estimate"])
        assert own.loc[name, "conf_low"] == pytest.approx(1 - row["conf_high"])
        assert own.loc[name, "conf_high"] == pytest.approx(1 - row["conf_low"])


def test_kind_of_frame_does_not_matter():
    frame = encounters()
    one = met(frame, TARGETS, by="shop").to_frame()
    two = met(pl.from_pandas(frame), TARGETS, by="shop").to_frame()
    pd.testing.assert_frame_equal(one, two)


def test_a_group_without_an_observation_says_so():
    frame = encounters()
    frame.loc[frame["shop"] == "north", "rings"] = np.nan
    rows = met(frame, TARGETS, by="shop").table.where(
        shop="north", standard="telephone"
    )
    assert rows["n"][0] == 0
    assert np.isnan(rows["estimate"][0])
    assert rows["reason"][0] == "no encounter observed here"
    assert rows["verdict"][0] == "not set"


@pytest.mark.parametrize(
    ("targets", "error", "match"),
    [
        ({"t": ("rings", "=<", 3)}, SpecificationError, "comparison = '=<'"),
        ({"t": ("rings", "<=", "3")}, SpecificationError, "target = '3'"),
        ({"t": ("rings", 3)}, SpecificationError, "'t': "),
        ({"t": "rings"}, DataError, "holds"),
        ({"t": "ring"}, DataError, "did you mean 'rings'"),
        ({"t": "shop"}, DataError, "shop"),
        ({}, SpecificationError, "no standards"),
        (3, OptionError, "targets=3"),
    ],
)
def test_wrong_targets_say_what_would_be_right(targets, error, match):
    with pytest.raises(error, match=match):
        met(encounters(), targets)


def test_wrong_goals_and_files():
    with pytest.raises(OptionError, match="goal=95 is not a share"):
        met(yes(1, 2), ["a"], goal=95)
    text = Spec.of({"t": ("rings", "<=", 3)}).to_toml()
    for wrong, match in (
        (text.replace("comparison", "comparision"), "did you mean 'comparison'"),
        (text.replace("schema = 1", "schema = 2"), "schema = 2"),
        (text.replace('column = "rings"', ""), "column is missing"),
        ("schema = 1\nid = 'x'", r"\[\[standard\]\] is missing"),
    ):
        with pytest.raises(SpecificationError, match=match):
            Spec.from_toml(wrong)
    with pytest.raises(SpecificationError, match="occurs twice"):
        Spec.of(["a", "a"])
