"""Reliability of blocks of items: references, recomputation, designs, wrong input."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.assessment import _common_factors
from satmetrics.assessment import _delta as delta
from satmetrics.assessment import _reliability as kernel
from satmetrics.errors import DataError, MissingMomentsError, OptionError

BLOCKS = {"a": ["x1", "x2", "x3", "x4"], "b": ["y1", "y2", "y3"]}


def answers(n=400, seed=5):
    """Return two blocks of uneven, skewed items."""
    rng = np.random.default_rng(seed)
    f = rng.gamma(3, 1, size=(n, 2))
    f[:, 1] += 0.5 * f[:, 0]
    X = f[:, [0, 0, 0, 0, 1, 1, 1]] * [1, 0.8, 1.3, 0.5, 1, 1, 0.7]
    X = X + rng.normal(size=X.shape) * [1, 1.5, 1, 2, 1, 0.8, 1.2]
    frame = pd.DataFrame(X, columns=[*BLOCKS["a"], *BLOCKS["b"]])
    frame["group"] = np.where(np.arange(n) % 3, "u", "v")
    frame["w"] = rng.integers(1, 5, n).astype(float)
    frame["psu"] = np.arange(n) // 8
    frame["region"] = frame["psu"] // 15
    return frame


def rows(result, term, construct=None):
    frame = result.to_frame().query("term == @term")
    return frame if construct is None else frame.query("construct == @construct")


def one(result, term, construct="a", column="estimate"):
    return rows(result, term, construct)[column].iloc[0]


def alpha_of(X):
    k = X.shape[1]
    return k / (k - 1) * (1 - X.var(axis=0, ddof=1).sum() / X.sum(axis=1).var(ddof=1))


class TestReferences:
    def test_babakus_and_boller(self, reference):
        """Published correlations, alphas of an independent program."""
        known = reference("babakus_boller")
        items = sat.datasets.moments("babakus_boller_1992")
        edges = [0, 4, 9, 13, 17, 22]
        blocks = {
            str(i): items.names[a:b]
            for i, (a, b) in enumerate(itertools.pairwise(edges))
        }
        found = sat.assessment.reliability(items, {**blocks, "all": items.names})
        alphas = rows(found, "alpha_standardized")["estimate"].to_numpy()
        assert alphas == pytest.approx(known["alpha_standardized"], abs=0.5e-4)
        assert rows(found, "alpha")["n"].eq(known["n"]).all()

    @pytest.mark.parametrize(
        "block",
        ["Image", "Expectation", "Quality", "Value", "Satisfaction", "Loyalty"],
    )
    def test_psych(self, reference, mobile, block):
        """Alpha, its limits, and what depends on items, as R's psych prints them."""
        known = reference("ecsi_reliability_psych")[block]
        found = sat.assessment.reliability(mobile, {"a": known["items"]})
        for term in ("alpha", "alpha_standardized", "mean_r"):
            assert one(found, term) == pytest.approx(known[term], abs=1e-9)
        for term in ("item_rest", "alpha_deleted"):
            if term in known:
                mine = rows(found, term)["estimate"].to_numpy()
                assert mine == pytest.approx(known[term], abs=1e-9)
        limits = [one(found, "alpha", column=c) for c in ("conf_low", "conf_high")]
        assert limits == pytest.approx(known["feldt"], abs=1e-9)
        assert one(found, "alpha", column="interval") == "Feldt"
        even = sat.Moments.from_table(
            None, None, mobile.select(known["items"]).corr(), n=250
        )
        found = sat.assessment.reliability(even, {"a": even.names})
        assert one(found, "lambda2") == pytest.approx(
            known["lambda2_standardized"], abs=1e-9
        )
        if "loadings" in known:
            mine = _common_factors.one_factor(even.corr())
            assert mine.loadings == pytest.approx(np.abs(known["loadings"]), abs=5e-6)
            assert mine.unique == pytest.approx(known["unique"], abs=5e-6)
            total = np.sum(known["loadings"]) ** 2
            omega = total / (total + np.sum(known["unique"]))
            assert one(found, "omega_standardized") == pytest.approx(omega, abs=5e-6)
            assert omega == pytest.approx(known["omega_standardized"], abs=0.01)

    def test_a_heywood_case_is_said(self, mobile):
        found = sat.assessment.reliability(mobile, {"a": ["CUSL1", "CUSL2", "CUSL3"]})
        assert "Heywood" in one(found, "omega", column="reason")
        assert np.isfinite(one(found, "omega"))
        assert np.isnan(one(found, "omega", column="conf_low"))
        assert "Heywood" in str(found)

    def test_one_factor_maximises_the_likelihood_of_statsmodels(self, mobile):
        from statsmodels.multivariate.factor import Factor

        R = mobile.select(mobile.names[8:15]).corr()
        mine = _common_factors.one_factor(R)
        other = Factor(corr=R, n_factor=1, method="ml")
        at = other.loglike((mine.loadings[:, None], mine.unique))
        fit = other.fit(start=(np.full((7, 1), 0.6), np.full(7, 0.5)))
        best = other.loglike((fit.loadings, fit.uniqueness))
        assert at >= best - 1e-12
        assert mine.loadings == pytest.approx(np.abs(fit.loadings[:, 0]), abs=1e-4)


class TestRecomputed:
    def test_against_plain_numpy(self):
        frame = answers()
        found = sat.assessment.reliability(frame, BLOCKS)
        X = frame[BLOCKS["a"]].to_numpy()
        assert one(found, "alpha") == pytest.approx(alpha_of(X))
        R = np.corrcoef(X.T)
        r = R[np.triu_indices(4, 1)].mean()
        assert one(found, "mean_r") == pytest.approx(r)
        assert one(found, "alpha_standardized") == pytest.approx(4 * r / (1 + 3 * r))
        halves = {"split_half_first": [0, 1], "split_half_odd": [0, 2]}
        for term, first in halves.items():
            second = [j for j in range(4) if j not in first]
            pair = [X[:, part].sum(axis=1) for part in (first, second)]
            r = np.corrcoef(pair)[0, 1]
            assert one(found, term) == pytest.approx(2 * r / (1 + r))
        frame = found.to_frame().set_index("indicator")
        for j, item in enumerate(BLOCKS["a"]):
            rest = np.delete(X, j, axis=1)
            row = frame.loc[item].set_index("term")
            r = np.corrcoef(X[:, j], rest.sum(axis=1))[0, 1]
            assert row.loc["item_rest", "estimate"] == pytest.approx(r)
            assert row.loc["alpha_deleted", "estimate"] == pytest.approx(alpha_of(rest))

    def test_alpha_is_the_mean_of_all_even_splits_and_lambda4_their_largest(self):
        """Cronbach 1951: of 4 cov(A, B) / var(A + B)."""
        X = answers()[BLOCKS["a"]].to_numpy()
        S = np.cov(X.T)
        even = []
        every = []
        for size in (1, 2):
            for half in itertools.combinations(range(4), size):
                a = np.isin(np.arange(4), half).astype(float)
                value = 4 * (a @ S @ (1 - a)) / S.sum()
                every.append(value)
                if size == 2:
                    even.append(value)
        found = sat.assessment.reliability(answers(), BLOCKS)
        assert one(found, "alpha") == pytest.approx(np.mean(even))
        assert one(found, "lambda4") == pytest.approx(max(every))

    def test_congeneric_population(self):
        """At Σ = λλ' + Ψ omega is the reliability, alpha below it, lambda2 between."""
        lam, psi = np.array([1.0, 0.8, 0.5, 1.2]), np.array([0.5, 1.0, 2.0, 0.7])
        S = np.outer(lam, lam) + np.diag(psi)
        sd = np.sqrt(np.diag(S))
        m = sat.Moments.from_table(np.zeros(4), sd, S / np.outer(sd, sd), n=300)
        found = sat.assessment.reliability(m, {"a": m.names})
        truth = lam.sum() ** 2 / S.sum()
        assert one(found, "omega") == pytest.approx(truth, abs=1e-9)
        assert one(found, "alpha") < one(found, "lambda2") < truth

    def test_parallel_items_agree_whatever_the_coefficient(self):
        R = np.full((6, 6), 0.4) + 0.6 * np.eye(6)
        m = sat.Moments.from_table(None, None, R, n=100)
        found = sat.assessment.reliability(m, {"a": m.names})
        for term in ("alpha", "omega", "lambda2", "lambda4", "split_half_odd"):
            assert one(found, term) == pytest.approx(2.4 / 3), term

    def test_feldt(self):
        frame = answers()
        found = sat.assessment.reliability(frame, BLOCKS, interval="feldt", level=0.9)
        a, n, k = one(found, "alpha"), 400, 4
        df = n - 1, (n - 1) * (k - 1)
        low = 1 - (1 - a) * stats.f.ppf(0.95, *df)
        high = 1 - (1 - a) * stats.f.ppf(0.05, *df)
        assert one(found, "alpha", column="conf_low") == pytest.approx(low)
        assert one(found, "alpha", column="conf_high") == pytest.approx(high)
        assert one(found, "omega", column="interval") == "distribution-free"


class TestErrors:
    """Standard errors from derivatives, against derivatives taken numerically."""

    @pytest.fixture(scope="class")
    @classmethod
    def S(cls):
        return np.cov(answers()[BLOCKS["a"]].to_numpy().T)

    @pytest.mark.parametrize(
        "name",
        [
            "alpha",
            "standardized",
            "omega",
            "omega_standardized",
            "lambda2",
            "first_second",
            "odd_even",
            "mean_r",
        ],
    )
    def test_slopes(self, S, name):
        found = getattr(kernel.coefficients(S), name)
        h = 1e-5
        for i in range(4):
            for j in range(i, 4):
                E = np.zeros((4, 4))
                E[i, j] = E[j, i] = h
                ends = [
                    getattr(kernel.coefficients(S + s * E), name).value for s in (1, -1)
                ]
                numeric = (ends[0] - ends[1]) / (2 * h)
                slope = found.slope[i, j] * (1 if i == j else 2)
                assert slope == pytest.approx(numeric, abs=2e-7)

    def test_slopes_of_items(self, S):
        for part in ("rest", "deleted"):
            for t in range(4):
                found = getattr(kernel.coefficients(S), part)[t]
                E = np.array([[0.3, 0.1, 0, 0.2], [0.1, 0.1, 0.4, 0], [0, 0.4, 1, 0.2]])
                E = np.vstack([E, [0.2, 0, 0.2, 0.5]]) * 1e-5
                ends = [
                    getattr(kernel.coefficients(S + s * E), part)[t].value
                    for s in (1, -1)
                ]
                numeric = (ends[0] - ends[1]) / 2
                assert (found.slope * E).sum() == pytest.approx(numeric, rel=1e-5)

    def test_rows_equal_the_covariance_of_the_entries(self):
        frame = answers()
        by_rows = sat.assessment.reliability(frame, BLOCKS)
        moments = sat.Moments.from_frame(frame, [*BLOCKS["a"], *BLOCKS["b"]], acov=True)
        by_acov = sat.assessment.reliability(moments, BLOCKS)
        same = ["estimate", "std_error", "conf_low", "conf_high"]
        pd.testing.assert_frame_equal(
            by_rows.to_frame()[same], by_acov.to_frame()[same], rtol=1e-8
        )

    def test_clusters_and_strata_equal_the_covariance_of_the_entries(self):
        survey = sat.Survey(answers(), weight="w", cluster="psu", stratum="region")
        by_rows = sat.assessment.reliability(survey, BLOCKS)
        moments = sat.Moments.from_frame(
            survey, [*BLOCKS["a"], *BLOCKS["b"]], acov=True
        )
        by_acov = sat.assessment.reliability(moments, BLOCKS)
        assert by_rows.to_frame()["std_error"].to_numpy() == pytest.approx(
            by_acov.to_frame()["std_error"].to_numpy(), nan_ok=True
        )
        plain = sat.assessment.reliability(answers(), BLOCKS)
        assert one(plain, "alpha", column="std_error") != pytest.approx(
            one(by_rows, "alpha", column="std_error"), rel=1e-3
        )

    def test_normal_theory_of_alpha_is_van_zyls(self):
        """van Zyl, Neudecker and Nel (2000), whose divisor is n."""
        frame = answers()
        items = BLOCKS["a"]
        moments = sat.Moments.from_frame(frame, items)
        found = sat.assessment.reliability(moments, {"a": items})
        V, k, n = np.cov(frame[items].to_numpy().T), 4, 400
        j = np.ones(k)
        total = j @ V @ j
        inner = total * (np.trace(V @ V) + np.trace(V) ** 2) - 2 * np.trace(V) * (
            j @ V @ V @ j
        )
        variance = 2 * k**2 / ((k - 1) ** 2 * total**3) * inner / (n - 1)
        assert one(found, "alpha", column="std_error") == pytest.approx(variance**0.5)

    def test_jackknife_agrees(self):
        frame = answers(300)
        found = sat.assessment.reliability(frame, BLOCKS)
        X = frame[BLOCKS["a"]].to_numpy()
        without = [
            kernel.coefficients(np.cov(np.delete(X, i, axis=0).T)) for i in range(300)
        ]
        for term, name in {"alpha": "alpha", "omega": "omega"}.items():
            values = np.array([getattr(w, name).value for w in without])
            jack = np.sqrt(299 / 300 * ((values - values.mean()) ** 2).sum())
            assert one(found, term, column="std_error") == pytest.approx(jack, rel=0.04)

    def test_normal_errors_of_many(self):
        """Batch of numbers: 2 tr(FSFS)/(n − 1) equals J acov J' of normal answers."""
        S = np.cov(answers()[BLOCKS["b"]].to_numpy().T)
        found = delta.stacked([kernel.lambda2(S), kernel.mean_correlation(S)])
        i, j = np.triu_indices(3)
        acov = S[np.ix_(i, i)] * S[np.ix_(j, j)] + S[np.ix_(i, j)] * S[np.ix_(j, i)]
        wide = np.zeros((9, 9))
        wide[3:, 3:] = acov / 49
        assert delta.acov_errors(found, wide) == pytest.approx(
            delta.normal_errors(found, S, np.array(50.0))
        )


class TestInvariance:
    def test_repeated_rows_are_whole_weights(self):
        frame = answers(200)
        long = frame.loc[frame.index.repeat(frame["w"].astype(int))]
        weighted = sat.assessment.reliability(frame, BLOCKS, weights="w").to_frame()
        repeated = sat.assessment.reliability(long, BLOCKS).to_frame()
        ratio = ("alpha", "omega", "lambda2", "mean_r", "item_rest")
        for term in ratio:  # ratios: the divisor of the covariance cancels
            mine = weighted[weighted["term"] == term]["estimate"].to_numpy()
            other = repeated[repeated["term"] == term]["estimate"].to_numpy()
            assert mine == pytest.approx(other)

    def test_rows_and_items_in_any_order(self):
        frame = answers()
        first = sat.assessment.reliability(frame, BLOCKS, by="group").to_frame()
        mixed = frame.sample(frac=1, random_state=1)
        second = sat.assessment.reliability(mixed, BLOCKS, by="group").to_frame()
        pd.testing.assert_frame_equal(first, second, rtol=1e-9)
        turned = {name: items[::-1] for name, items in BLOCKS.items()}
        third = sat.assessment.reliability(frame, turned).to_frame()
        plain = sat.assessment.reliability(frame, BLOCKS).to_frame()
        for term in ("alpha", "omega", "lambda2", "lambda4", "mean_r"):
            a, b = (f[f["term"] == term] for f in (plain, third))
            assert a["std_error"].to_numpy() == pytest.approx(
                b["std_error"].to_numpy(), nan_ok=True
            )
            assert a["estimate"].to_numpy() == pytest.approx(b["estimate"].to_numpy())

    @pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
    def test_three_libraries(self, library):
        frame = answers(120).drop(columns="group")
        mine = sat.assessment.reliability(frame, BLOCKS).to_frame()
        other = sat.assessment.reliability(library(frame), BLOCKS).to_frame()
        pd.testing.assert_frame_equal(mine, other)

    def test_a_lazy_frame_gives_normal_theory(self):
        frame = answers(120).drop(columns="group")
        lazy = sat.assessment.reliability(pl.from_pandas(frame).lazy(), BLOCKS)
        plain = sat.assessment.reliability(frame, BLOCKS)
        assert one(lazy, "omega") == pytest.approx(one(plain, "omega"))
        assert one(lazy, "omega", column="interval") == "normal theory"
        assert one(lazy, "alpha", column="interval") == "Feldt"

    def test_groups_are_groups_alone(self):
        frame = answers()
        both = sat.assessment.reliability(frame, BLOCKS, by="group")
        for name in ("u", "v"):
            alone = sat.assessment.reliability(
                frame[frame["group"] == name], BLOCKS
            ).to_frame()
            mine = both.to_frame().query("group == @name").drop(columns="group")
            pd.testing.assert_frame_equal(
                mine.reset_index(drop=True), alone, rtol=1e-8, check_dtype=False
            )


class TestWhatIsSaid:
    def test_an_instrument_and_its_forms(self, bank):
        found = sat.assessment.reliability(bank, "servqual", form="expectation")
        frame = found.to_frame()
        assert list(dict.fromkeys(frame["construct"])) == [
            *(d.id for d in bank.instrument.dimensions),
            "all items",
        ]
        assert frame["indicator"].str.startswith(("e_",)).sum() == 2 * 44
        default = sat.assessment.reliability(bank).to_frame()
        assert default["indicator"].str.startswith("p_").any()

    def test_missing_answers_are_counted_block_by_block(self):
        frame = answers(50)
        frame.loc[:4, "x1"] = np.nan
        frame.loc[7, "y1"] = np.nan
        found = sat.assessment.reliability(frame, BLOCKS)
        assert one(found, "alpha", "a", "n") == 45
        assert one(found, "alpha", "b", "n") == 49
        lost = {e.where: e.n for e in found.context.exclusions}
        assert lost["a"], lost["b"] == (5, 1)
        with pytest.raises(DataError, match="missing"):
            sat.assessment.reliability(frame, BLOCKS, missing="error")

    def test_one_and_two_items(self):
        found = sat.assessment.reliability(answers(), {"a": ["x1"], "b": ["x1", "x2"]})
        assert np.isnan(one(found, "alpha", "a"))
        assert one(found, "alpha", "a", "reason") == "not defined for one item"
        assert "not identified" in one(found, "omega", "b", "reason")
        assert "two items" in rows(found, "alpha_deleted", "b")["reason"].iloc[0]
        r = one(found, "mean_r", "b")
        assert one(found, "split_half_odd", "b") == pytest.approx(2 * r / (1 + r))

    def test_a_reversed_item_is_noticed(self):
        frame = answers()
        frame["x2"] = -frame["x2"]
        assert "x2; was an item to be reversed?" in str(
            sat.assessment.reliability(frame, BLOCKS)
        )

    def test_a_constant_item(self):
        frame = answers()
        frame["x1"] = 3.0
        found = sat.assessment.reliability(frame, BLOCKS)
        assert "constant" in one(found, "mean_r", column="reason")
        assert np.isnan(one(found, "omega"))

    def test_a_group_of_one_respondent(self):
        frame = answers(60)
        frame["group"] = ["lone", *["others"] * 59]
        found = sat.assessment.reliability(frame, BLOCKS, by="group").to_frame()
        lone = found.query("group == 'lone'")
        assert lone["estimate"].isna().all()
        assert lone.query("term == 'alpha'")["reason"].str.contains("1 complete").all()
        assert (
            found.query("group == 'others' and term == 'alpha'").estimate.notna().all()
        )

    def test_many_items_are_not_searched_for_the_best_split(self):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(200, 13)) + rng.normal(size=(200, 1))
        frame = pd.DataFrame(X, columns=[f"i{j}" for j in range(13)])
        found = sat.assessment.reliability(frame, {"a": list(frame)})
        assert np.isnan(one(found, "lambda4"))
        assert "12 items" in one(found, "lambda4", column="reason")


class TestWrongInput:
    def test_nothing_says_what_belongs_together(self):
        with pytest.raises(OptionError, match="belong together"):
            sat.assessment.reliability(answers())

    def test_swapped(self):
        with pytest.raises(OptionError, match="swapped"):
            sat.assessment.reliability("servqual", answers())

    @pytest.mark.parametrize(
        ("blocks", "code"),
        [
            ({"a": []}, "bad-blocks"),
            ({"a": ["x1", "x1"]}, "bad-blocks"),
            ({"a": "x1"}, "bad-blocks"),
            ({"a": ["x1", "x22"]}, "columns-not-found"),
            (7, "bad-blocks"),
        ],
    )
    def test_blocks(self, blocks, code):
        with pytest.raises((DataError, OptionError)) as raised:
            sat.assessment.reliability(answers(), blocks)
        assert raised.value.code == code

    def test_forms(self, bank):
        with pytest.raises(OptionError, match="once per dimension"):
            sat.assessment.reliability(bank, form="importance")
        with pytest.raises(OptionError, match="form="):
            sat.assessment.reliability(answers(), BLOCKS, form="perception")

    def test_options(self):
        for bad in ({"interval": "bca"}, {"missing": "em"}, {"level": 5}):
            with pytest.raises(OptionError):
                sat.assessment.reliability(answers(), BLOCKS, **bad)
        with pytest.raises(OptionError, match="did you mean 'level'"):
            sat.assessment.reliability(answers(), BLOCKS, alpha=0.05)

    def test_moments(self, mobile):
        bare = sat.Moments.from_table([1, 2, 3], [1, 1, 1], n=50)
        with pytest.raises(MissingMomentsError):
            sat.assessment.reliability(bare, {"a": bare.names})
        with pytest.raises(OptionError, match="grouped by"):
            sat.assessment.reliability(mobile, {"a": mobile.names}, by="unit")
        with pytest.raises(OptionError, match="weights"):
            sat.assessment.reliability(mobile, {"a": mobile.names}, weights="w")

    def test_a_group_column_with_a_name_of_the_result(self):
        frame = answers().rename(columns={"group": "construct"})
        with pytest.raises(OptionError, match="rename"):
            sat.assessment.reliability(frame, BLOCKS, by="construct")

    def test_pairwise_moments_have_no_interval(self):
        frame = answers()
        frame.loc[:9, "x1"] = np.nan
        moments = sat.Moments.from_frame(frame, BLOCKS["a"], missing="pairwise")
        found = sat.assessment.reliability(moments, {"a": BLOCKS["a"]})
        assert found.to_frame()["std_error"].isna().all()
        assert np.isfinite(one(found, "alpha"))


@pytest.mark.slow
class TestCoverage:
    """Share of 2,000 samples whose limits hold the population's value."""

    LAM = np.array([0.8, 0.7, 0.6, 0.9, 0.5])
    PSI = np.array([0.5, 0.6, 0.9, 0.4, 1.0])

    @pytest.mark.parametrize("n", [100, 300])
    @pytest.mark.parametrize("skewed", [False, True])
    def test_coverage(self, n, skewed):
        rng = np.random.default_rng(11)
        k, B = 5, 2000
        S = np.outer(self.LAM, self.LAM) + np.diag(self.PSI)
        truth = kernel.coefficients(S)
        shape = (B, n)
        if skewed:
            f = (rng.gamma(2, size=(*shape, 1)) - 2) / np.sqrt(2)
            e = (rng.gamma(2, size=(*shape, k)) - 2) / np.sqrt(2)
        else:
            f, e = rng.normal(size=(*shape, 1)), rng.normal(size=(*shape, k))
        X = (f * self.LAM + e * np.sqrt(self.PSI)).reshape(B * n, k)
        frame = pd.DataFrame(X, columns=list("abcde"))
        frame["sample"] = np.repeat(np.arange(B), n)
        found = sat.assessment.reliability(frame, {"x": list("abcde")}, by="sample")
        feldt = sat.assessment.reliability(
            frame, {"x": list("abcde")}, by="sample", interval="feldt"
        )
        for result, term, value in (
            (found, "alpha", truth.alpha.value),
            (found, "omega", truth.omega.value),
            (found, "lambda2", truth.lambda2.value),
            (found, "mean_r", truth.mean_r.value),
            (feldt, "alpha", truth.alpha.value),
        ):
            t = rows(result, term)
            held = ((t["conf_low"] <= value) & (value <= t["conf_high"])).mean()
            kind = t["interval"].iloc[0]
            if kind == "Feldt":
                assert (held > 0.94) if not skewed else (held < 0.95)
            else:
                assert 0.92 <= held <= 0.975, term
