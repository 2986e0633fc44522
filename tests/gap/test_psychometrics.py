"""Psychometrics of gaps: populations with known truth, recomputation, wrong input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.errors import DataError, MissingMomentsError, OptionError
from satmetrics.gap import _psychometrics as kernel
from satmetrics.survey.item import Dimension, Form, Item

ITEMS = ("a1", "a2", "a3", "b1", "b2", "b3", "b4")


def instrument(reverse=()):
    return sat.Instrument(
        "own",
        sat.Label("own"),
        (Dimension("a"), Dimension("b")),
        tuple(Item(i, dimension=i[0], reverse=i in reverse) for i in ITEMS),
        (Form("expectation", "e_{item}"), Form("perception", "p_{item}")),
        scale=sat.Scale(1, 7),
        expectation="should",
    )


def answers(n=400, seed=3, reverse=()):
    """Return answers on 1–7 with an outcome that follows perception."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    E = 5.5 + 0.7 * base + 0.8 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 7)) * 0.7
    P = 4.5 + 0.4 * base + rng.normal(size=(n, 1)) + rng.normal(size=(n, 7))
    X = np.clip(np.rint(np.hstack([E, P])), 1, 7)
    frame = pd.DataFrame(X, columns=[f"{f}_{i}" for f in "ep" for i in ITEMS])
    frame["overall"] = P.mean(axis=1) + rng.normal(size=n)
    frame["shop"] = np.where(np.arange(n) % 3, "x", "y")
    frame["w"] = rng.integers(1, 4, n).astype(float)
    frame["psu"] = np.arange(n) // 8
    for item in reverse:
        for form in "ep":
            frame[f"{form}_{item}"] = 8 - frame[f"{form}_{item}"]
    return frame


def alpha_of(X):
    k = X.shape[1]
    return k / (k - 1) * (1 - X.var(axis=0, ddof=1).sum() / X.sum(axis=1).var(ddof=1))


def value(found, term, dimension="a", column="estimate", **equals):
    table = found.rows(term, dimension=dimension, **{"items": "all", **equals})
    assert len(table) == 1
    return table[column][0]


def population(k, rel, sd, r):
    """Moments of parallel items whose sums have given reliabilities, sds and r.

    Errors of E and P do not correlate; the sums' sds are `sd` times k.
    """
    parts = []
    for reliability, spread in zip(rel, sd, strict=True):
        total = (k * spread) ** 2
        common = reliability * total / k**2
        own = (total - k**2 * common) / k
        parts.append(np.full((k, k), common) + own * np.eye(k))
    cross = np.full((k, k), r * sd[0] * sd[1])
    S = np.block([[parts[0], cross], [cross, parts[1]]])
    spread = np.sqrt(np.diag(S))
    names = [f"{f}_{i}" for f in "ep" for i in ITEMS[:k]]
    return sat.Moments.from_table(
        np.zeros(2 * k), spread, S / np.outer(spread, spread), n=200, names=names
    )


def small(k):
    own = instrument()
    return dataclasses.replace(own, items=own.items[:k], dimensions=own.dimensions[:1])


class TestTruth:
    @pytest.mark.parametrize(
        ("rel", "sd", "r", "truth"),
        [
            ((0.8, 0.8), (1, 1), 0.5, 0.60),
            ((0.9, 0.9), (1, 1), 0.6, 0.75),
            ((0.7, 0.7), (1, 1), 0.4, 0.50),
            ((0.9, 0.9), (1, 2), 0.5, 0.8333),
            ((0.6, 0.8), (1, 1), 0.0, 0.70),
        ],
    )
    def test_reliability_of_differences(self, rel, sd, r, truth):
        """By the formula, and of a population of items that has these figures."""
        plain = kernel.difference_reliability(
            sd[1] ** 2, sd[0] ** 2, rel[1], rel[0], r * sd[0] * sd[1]
        )
        assert plain == pytest.approx(truth, abs=0.5e-4)
        found = sat.quality.psychometrics(population(3, rel, sd, r), small(3))
        assert value(found, "difference_reliability", form="gap") == pytest.approx(
            truth, abs=0.5e-4
        )
        assert value(found, "alpha", form="expectation") == pytest.approx(rel[0])
        assert value(found, "alpha", form="perception") == pytest.approx(rel[1])
        assert value(found, "omega", form="perception") == pytest.approx(rel[1])
        assert value(found, "r_perception", form="expectation") == pytest.approx(r)

    @pytest.mark.parametrize("r", [-0.2, 0.0, 0.3, 0.7])
    def test_identity_of_the_gaps_correlations(self, r):
        found = sat.quality.psychometrics(
            population(3, (0.8, 0.7), (0.5, 1.2), r), small(3)
        )
        s_g = np.sqrt(0.25 + 1.44 - 2 * r * 0.6)
        assert value(found, "r_perception", form="gap") == pytest.approx(
            (1.2 - r * 0.5) / s_g
        )
        assert value(found, "r_expectation", form="gap") == pytest.approx(
            (r * 1.2 - 0.5) / s_g
        )
        assert value(found, "sd", form="gap") == pytest.approx(s_g)
        assert value(found, "variance_ratio", form="expectation") == pytest.approx(
            0.25 / 1.44
        )


class TestRecomputed:
    @pytest.fixture(scope="class")
    @classmethod
    def found(cls):
        return sat.quality.psychometrics(answers(), instrument(), "overall")

    def test_against_plain_numpy(self, found):
        frame = answers()
        for dimension, items in (("a", ITEMS[:3]), ("b", ITEMS[3:]), ("", ITEMS)):
            E = frame[[f"e_{i}" for i in items]].to_numpy()
            P = frame[[f"p_{i}" for i in items]].to_numpy()
            blocks = {"expectation": E, "perception": P, "gap": P - E}
            for form, X in blocks.items():
                assert value(found, "alpha", dimension, form=form) == pytest.approx(
                    alpha_of(X)
                )
                assert value(found, "sd", dimension, form=form) == pytest.approx(
                    X.mean(axis=1).std(ddof=1)
                )
            e, p = E.mean(axis=1), P.mean(axis=1)
            C = np.cov(e, p)
            true = C[1, 1] * alpha_of(P) + C[0, 0] * alpha_of(E) - 2 * C[0, 1]
            rho = true / (C[0, 0] + C[1, 1] - 2 * C[0, 1])
            own = value(found, "difference_reliability", dimension, form="gap")
            assert own == pytest.approx(rho)
            tops = value(found, "top_share", dimension, form="expectation")
            assert tops == pytest.approx((E == 7).mean())

    def test_pitman_and_morgan_is_the_correlation_of_sum_and_difference(self, found):
        frame = answers()
        e, p = (frame[[f"{f}_{i}" for i in ITEMS[:3]]].mean(axis=1) for f in "ep")
        test = stats.pearsonr(e + p, e - p)
        r = test.statistic
        t = r * np.sqrt(398 / (1 - r**2))
        own = {"form": "expectation"}
        assert value(found, "variance_ratio", column="statistic", **own) == (
            pytest.approx(t)
        )
        assert value(found, "variance_ratio", column="p_value", **own) == pytest.approx(
            test.pvalue
        )
        assert value(found, "variance_ratio", column="df", **own) == 398

    def test_outcome(self, found):
        frame = answers()
        e, p = (frame[[f"{f}_{i}" for i in ITEMS[:3]]].mean(axis=1) for f in "ep")
        z = frame["overall"]
        for form, x in (("expectation", e), ("perception", p), ("gap", p - e)):
            r = np.corrcoef(x, z)[0, 1]
            assert value(found, "r_outcome", form=form) == pytest.approx(r)
            assert value(found, "r2_outcome", form=form) == pytest.approx(r**2)
        X = np.column_stack([np.ones(400), e, p])
        residual = z - X @ np.linalg.lstsq(X, z, rcond=None)[0]
        both = 1 - residual.var(ddof=0) / z.var(ddof=0)
        assert value(
            found, "r2_outcome", form="expectation and perception"
        ) == pytest.approx(both)

    def test_williams_holds_its_level(self):
        """Two equal correlations: rejected in 5 % of 4,000 samples."""
        rng = np.random.default_rng(9)
        R = np.array([[1, 0.6, 0.4], [0.6, 1, 0.4], [0.4, 0.4, 1]])
        X = rng.normal(size=(4000, 60, 3)) @ np.linalg.cholesky(R).T
        C = np.array([np.corrcoef(x.T) for x in X])
        _, _, p = kernel.williams(C[:, 0, 2], C[:, 1, 2], C[:, 0, 1], np.full(4000, 60))
        assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.012)

    def test_williams_is_steigers_example(self):
        """The determinant is that of the three variables' correlations."""
        t, df, _ = kernel.williams(*map(np.array, (0.5, 0.3, 0.4)), np.array(103.0))
        R = np.array([[1, 0.5, 0.3], [0.5, 1, 0.4], [0.3, 0.4, 1]])
        below = 2 * 102 / 100 * np.linalg.det(R) + 0.4**2 * 0.6**3
        assert t == pytest.approx(0.2 * np.sqrt(102 * 1.4 / below))
        assert df == 100

    def test_jackknife_of_the_difference(self, found):
        S = answers()[[f"{f}_{i}" for f in "ep" for i in ITEMS[:3]]].to_numpy()
        without = np.array(
            [
                kernel.scores(np.cov(np.delete(S, i, axis=0).T), 3).difference.value
                for i in range(len(S))
            ]
        )
        jack = np.sqrt(399 / 400 * ((without - without.mean()) ** 2).sum())
        error = value(found, "difference_reliability", form="gap", column="std_error")
        assert error == pytest.approx(jack, rel=0.03)

    def test_moments_with_acov_equal_answers(self, found):
        columns = [f"{f}_{i}" for f in "ep" for i in ITEMS]
        moments = sat.Moments.from_frame(answers(), [*columns, "overall"], acov=True)
        other = sat.quality.psychometrics(moments, instrument(), "overall")
        mine, theirs = (
            x.to_frame().query("term != 'top_share'") for x in (found, other)
        )
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-7)
        tops = other.rows("top_share")
        assert set(tops["reason"]) == {"needs the answers"}

    def test_design_and_groups(self):
        survey = sat.Survey(
            answers(), instrument(), weight="w", cluster="psu", unit="shop"
        )
        both = sat.quality.psychometrics(survey, by="unit")
        assert both.by == ("shop",)
        columns = [f"{f}_{i}" for f in "ep" for i in ITEMS]
        acov = sat.Moments.from_frame(survey, columns, by="unit", acov=True)
        other = sat.quality.psychometrics(acov, instrument())
        mine = both.rows("difference_reliability")
        theirs = other.rows("difference_reliability")
        assert mine["estimate"] == pytest.approx(theirs["estimate"])
        assert mine["std_error"] == pytest.approx(theirs["std_error"])

    def test_a_lazy_frame(self):
        frame = pl.from_pandas(answers().drop(columns=["shop"])).lazy()
        lazy = sat.quality.psychometrics(frame, instrument(), "overall")
        plain = sat.quality.psychometrics(answers(), instrument(), "overall")
        for term in ("alpha", "difference_reliability", "r2_outcome"):
            assert lazy.rows(term)["estimate"] == pytest.approx(
                plain.rows(term)["estimate"]
            )


class TestWhatIsSaid:
    def test_reversed_items_with_and_without(self):
        own = instrument(reverse=("b1", "b2"))
        found = sat.quality.psychometrics(answers(reverse=("b1", "b2")), own)
        plain = sat.quality.psychometrics(answers(), instrument())
        for term in ("alpha", "difference_reliability"):
            mine = found.rows(term, items="all")["estimate"]
            assert mine == pytest.approx(plain.rows(term)["estimate"])
        without = found.rows("alpha", items="without reversed", dimension="b")
        X = answers()[["p_b3", "p_b4"]].to_numpy()
        assert without["estimate"][1] == pytest.approx(alpha_of(X))
        assert not len(found.rows("alpha", items="without reversed", dimension="a"))

    def test_caution_names_the_unreliable_part(self):
        frame = answers()
        rng = np.random.default_rng(1)
        for i in ITEMS[:3]:
            frame[f"e_{i}"] = rng.integers(1, 8, len(frame))
        found = sat.quality.psychometrics(frame, instrument())
        said = " ".join(found.cautions())
        assert "should not be summarised" in said
        assert "rule of thumb" in said
        assert "a (expectation" in said
        assert "b (" not in said
        sound = sat.quality.psychometrics(answers(), instrument()).cautions()
        assert not any("summarised" in line for line in sound)

    def test_one_and_two_items(self):
        two = sat.quality.psychometrics(answers(), small(2))
        assert "two items" in value(two, "omega", form="gap", column="reason")
        one = sat.quality.psychometrics(answers(), small(1), "overall")
        assert value(one, "alpha", form="gap", column="reason") == (
            "not defined for one item"
        )
        assert np.isfinite(value(one, "r_perception", form="gap"))
        assert "Restriction" in str(one)

    def test_a_gap_that_does_not_vary(self):
        frame = answers()
        for i in ITEMS:
            frame[f"p_{i}"] = np.minimum(frame[f"e_{i}"], 6)
            frame[f"e_{i}"] = frame[f"p_{i}"] + 1
        found = sat.quality.psychometrics(frame, instrument())
        assert np.isnan(value(found, "r_perception", form="gap"))
        assert "does not vary" in value(
            found, "difference_reliability", form="gap", column="reason"
        )

    def test_missing_answers_are_counted(self):
        frame = answers()
        frame.loc[:9, "e_a1"] = np.nan
        frame.loc[5:20, "overall"] = np.nan
        found = sat.quality.psychometrics(frame, instrument(), "overall")
        assert value(found, "alpha", form="gap", column="n") == 390
        assert value(found, "alpha", "b", form="gap", column="n") == 400
        assert value(found, "r_outcome", form="gap", column="n") == 379
        lost = {e.where: e.n for e in found.context.exclusions}
        assert lost["a"] == 10
        assert lost["a with overall"] == 21
        E = frame[["e_a1", "e_a2", "e_a3"]].to_numpy()
        top = np.nanmean(np.where(np.isnan(E), np.nan, E == 7), axis=1).mean()
        assert value(found, "top_share", form="expectation") == pytest.approx(top)

    def test_summary(self, bank):
        text = str(sat.quality.psychometrics(bank))
        for word in ("positive is good", "of the difference", "z of the logarithm"):
            assert word in text
        single = str(sat.quality.psychometrics(answers(), instrument(), "overall"))
        assert "Pitman-Morgan" in single
        assert "Williams" in single

    def test_clusters_are_tested_by_their_errors(self):
        frame = pd.concat([answers()] * 3, ignore_index=True)
        frame["person"] = np.tile(np.arange(400), 3)
        tested = {}
        for name, roles in {"clusters": {"cluster": "person"}, "single": {}}.items():
            survey = sat.Survey(frame, instrument(), **roles)
            tested[name] = sat.quality.psychometrics(survey, outcome="overall")
        one = sat.quality.psychometrics(answers(), instrument(), "overall")
        for term in ("variance_ratio", "r_outcome_difference"):
            z, t, base = (
                value(found, term, column="statistic")
                for found in (tested["clusters"], tested["single"], one)
            )
            # answers copied three times say no more than once
            assert z == pytest.approx(base, rel=0.2)
            assert t == pytest.approx(base * np.sqrt(3), rel=0.05)


class TestWrongInput:
    def test_instrument(self, bank):
        with pytest.raises(OptionError, match="does not know the instrument"):
            sat.quality.psychometrics(answers())
        with pytest.raises(OptionError, match="no expectation form"):
            sat.quality.psychometrics(answers(), "servperf")
        with pytest.raises(OptionError, match="swapped"):
            sat.quality.psychometrics("servqual", bank)

    def test_outcome(self):
        with pytest.raises(OptionError, match="is an item"):
            sat.quality.psychometrics(answers(), instrument(), "p_a1")
        with pytest.raises(DataError, match="did you mean 'overall'"):
            sat.quality.psychometrics(answers(), instrument(), "overal")

    def test_columns(self):
        with pytest.raises(DataError, match="e_a1"):
            sat.quality.psychometrics(answers().drop(columns="e_a1"), instrument())

    def test_moments(self):
        columns = [f"{f}_{i}" for f in "ep" for i in ITEMS]
        bare = sat.Moments.from_table(np.ones(14), np.ones(14), n=90, names=columns)
        with pytest.raises(MissingMomentsError):
            sat.quality.psychometrics(bare, instrument())

    def test_names_of_the_result(self):
        frame = answers().rename(columns={"shop": "form"})
        with pytest.raises(OptionError, match="rename"):
            sat.quality.psychometrics(frame, instrument(), by="form")


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
def test_coverage_of_the_reliability_of_differences(skewed):
    """2,000 samples of 250: the limits hold the population's value."""
    rng = np.random.default_rng(21)
    B, n, k = 2000, 250, 4

    def noise(*shape):
        if skewed:
            return (rng.gamma(2, size=shape) - 2) / np.sqrt(2)
        return rng.normal(size=shape)

    both, own_e, own_p = (noise(B, n, 1) for _ in range(3))
    E = 0.4 * both + 0.5 * own_e + 0.8 * noise(B, n, k)
    P = 0.4 * both + 0.8 * own_p + 0.9 * noise(B, n, k)
    common = np.full((k, k), 1.0)
    S = np.block(
        [
            [0.41 * common + 0.64 * np.eye(k), 0.16 * common],
            [0.16 * common, 0.8 * common + 0.81 * np.eye(k)],
        ]
    )
    truth = kernel.scores(S, k)
    items = tuple(Item(f"a{i}", dimension="a") for i in range(k))
    own = dataclasses.replace(small(3), items=items, scale=None)
    X = np.concatenate([E, P], axis=2).reshape(B * n, 2 * k)
    frame = pd.DataFrame(X, columns=[f"{f}_a{i}" for f in "ep" for i in range(k)])
    frame["sample"] = np.repeat(np.arange(B), n)
    found = sat.quality.psychometrics(frame, own, by="sample")
    for term, form, true in (
        ("difference_reliability", "gap", truth.difference.value),
        ("alpha", "gap", truth.alpha[2].value),
        ("r_perception", "gap", truth.gp.value),
        ("variance_ratio", "expectation", truth.ratio.value),
    ):
        rows = found.rows(term, form=form)
        held = ((rows["conf_low"] <= true) & (true <= rows["conf_high"])).mean()
        assert 0.92 <= held <= 0.97, (term, held)


def test_a_spread_of_zero_has_no_limits():
    low, high = kernel.ratio_limits(np.array([0.0, 1.0]), np.array([np.inf, 0.1]), 0.95)
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 1 < high[1]


def test_the_answers_of_two_who_agree_have_no_silent_limits():
    frame = answers().iloc[:3].reset_index(drop=True)
    frame.loc[:, frame.columns] = frame.iloc[0].to_numpy()
    frame["e_a1"] += [0, 1, 0]
    found = sat.quality.psychometrics(frame, instrument(), "overall").to_frame()
    absent = found["estimate"].isna()
    assert (found.loc[absent, "reason"] != "").all()
