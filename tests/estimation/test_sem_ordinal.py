"""Models of ordered answers against lavaan, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation import _sem_dwls as kernel
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.moment import _ordinal_errors

ITEMS = [f"x{i}" for i in range(1, 10)]
BLOCKS = {"visual": ITEMS[:3], "textual": ITEMS[3:6], "speed": ITEMS[6:]}
FULL = {"visual": ["textual", "speed"], "textual": ["speed"]}


@pytest.fixture(scope="module")
def answers():
    """Holzinger and Swineford's tests, each cut at its quartiles."""
    tests = pytest.importorskip("semopy.examples.holzinger39").get_data()
    cut = {
        c: np.searchsorted(np.quantile(tests[c], [0.25, 0.5, 0.75]), tests[c]) + 1
        for c in ITEMS
    }
    return pd.DataFrame(cut)


@pytest.fixture(scope="module")
def model():
    """Three factors, all joined: as saturated between factors as correlations are."""
    return sat.StructuralModel.from_blocks("hs", BLOCKS, FULL)


def fitted(model, answers, estimator="DWLS", **options):
    return sem(model, answers, SemOptions(estimator=estimator, **options), ordinal=True)


class TestLavaan:
    @pytest.mark.parametrize(
        ("case", "estimator"), [("wlsmv", "DWLS"), ("ulsmv", "ULS")]
    )
    def test_loadings_errors_and_tests(
        self, model, answers, reference, case, estimator
    ):
        known = reference("lavaan_hs_ordinal")[case]
        fit = fitted(model, answers, estimator)
        frame = fit.estimates().set_index(["lhs", "op", "rhs"])
        for left, right, estimate, error in known["loading"]:
            row = frame.loc[(left, "=~", right)]
            assert row["estimate"] == pytest.approx(estimate, rel=1e-5)
            if error:
                assert row["std_error"] == pytest.approx(error, rel=1e-5)
        assert fit.df == known["df"]
        assert fit.chi2 == pytest.approx(known["chisq"], rel=1e-6)
        part = fit.ordinal
        assert part.scaled_shifted == pytest.approx(known["chisq_scaled"], rel=1e-6)
        factor = known["chisq_scaling_factor"]
        assert part.shift_factor == pytest.approx(factor, rel=1e-6)

    def test_thresholds_and_correlations(self, model, answers, reference):
        known = reference("lavaan_hs_ordinal")["wlsmv"]
        part = fitted(model, answers).ordinal
        tau = np.array([row[2:] for row in known["threshold"]])
        np.testing.assert_allclose(part.threshold, tau[:, 0], rtol=1e-9)
        np.testing.assert_allclose(part.std_error, tau[:, 1], rtol=1e-9)
        i, j = kernel.lower(9)
        R = np.array(known["polychoric"])
        np.testing.assert_allclose(part.rho, R[i, j], atol=1e-6)

    def test_fit_measures(self, model, answers, reference):
        known = reference("lavaan_hs_ordinal")["wlsmv"]
        found = fitted(model, answers).fit_measures().set_index("term")
        pairs = {
            "cfi": "cfi",
            "tli": "tli",
            "rmsea": "rmsea",
            "srmr": "srmr",
            "cfi_scaled": "cfi_scaled",
            "tli_scaled": "tli_scaled",
            "rmsea_scaled": "rmsea_scaled",
            "baseline_chi2": "baseline_chisq",
            "baseline_chi2_scaled": "baseline_chisq_scaled",
        }
        for own, theirs in pairs.items():
            assert found.loc[own, "estimate"] == pytest.approx(known[theirs], rel=2e-5)
        limits = found.loc["rmsea_scaled"]
        assert limits["conf_low"] == pytest.approx(
            known["rmsea_ci_lower_scaled"], rel=1e-4
        )
        assert limits["conf_high"] == pytest.approx(
            known["rmsea_ci_upper_scaled"], rel=1e-4
        )

    def test_r2_and_unit_variances(self, model, answers, reference):
        known = reference("lavaan_hs_ordinal")["wlsmv"]["r2"]
        fit = fitted(model, answers)
        r2 = fit.measurement().set_index("indicator")["r2"]
        for item, value in known.items():
            assert r2[item] == pytest.approx(value, rel=1e-5)
        implied = fit.matrices.Sigma[0]
        np.testing.assert_allclose(np.diagonal(implied), 1.0, rtol=1e-12)

    def test_identified_by_variances_is_the_same_model(self, model, answers):
        one = fitted(model, answers)
        other = fitted(model, answers, identification="variance")
        assert other.chi2 == pytest.approx(float(one.chi2), rel=1e-7)
        assert other.ordinal.scaled_shifted == pytest.approx(
            one.ordinal.scaled_shifted, rel=1e-6
        )


class TestErrors:
    def test_scores_are_slopes_of_the_likelihood(self):
        h, k, rho, step = np.array([-0.6, 0.3]), np.array([-0.2, 0.1, 1.0]), 0.4, 1e-6

        def log(h, k, rho):
            edge = [np.concatenate([[-38.0], e, [38.0]]) for e in (h, k)]
            corners = _ordinal_errors.bivariate_normal(
                edge[0][:, None], edge[1][None], np.asarray(rho)
            )
            return np.log(np.diff(np.diff(corners, axis=0), axis=1))

        by_rho, by_h, by_k = _ordinal_errors.pair_scores(h, k, rho)
        slope = (log(h, k, rho + step) - log(h, k, rho - step)) / (2 * step)
        np.testing.assert_allclose(by_rho, slope, atol=1e-7)
        for m in range(2):
            d = step * np.eye(2)[m]
            slope = (log(h + d, k, rho) - log(h - d, k, rho)) / (2 * step)
            np.testing.assert_allclose(by_h[m], slope, atol=1e-7)
        for m in range(3):
            d = step * np.eye(3)[m]
            slope = (log(h, k + d, rho) - log(h, k - d, rho)) / (2 * step)
            np.testing.assert_allclose(by_k[m], slope, atol=1e-7)

    def test_a_reversed_item_changes_nothing(self, model, answers):
        plain = fitted(model, answers)
        turned = sat.StructuralModel(
            "hs",
            tuple(
                sat.Construct(c.name, c.indicators, scale=(1, 4), reverse=("x2",))
                if c.name == "visual"
                else sat.Construct(c.name, c.indicators, scale=(1, 4))
                for c in model.constructs
            ),
            model.paths,
        )
        other = fitted(turned, answers.assign(x2=5 - answers["x2"]))
        np.testing.assert_allclose(other.theta, plain.theta, rtol=1e-6)
        np.testing.assert_allclose(other.vcov, plain.vcov, rtol=1e-5, atol=1e-9)

    def test_whole_weights_are_repeated_rows_but_for_the_errors(self, model, answers):
        twice = fitted(model, pd.concat([answers, answers]))
        weighted = sat.Survey(answers.assign(w=2.0), weight="w")
        heavy = fitted(model, weighted)
        np.testing.assert_allclose(heavy.theta, twice.theta, rtol=1e-6)

    @pytest.mark.slow
    def test_errors_and_test_in_repeated_samples(self):
        rng = np.random.default_rng(5)
        loading, r = np.array([0.8, 0.7, 0.6] * 2), 0.5
        blocks = {"f": ITEMS[:3], "g": ITEMS[3:6]}
        model = sat.StructuralModel.from_blocks("two", blocks, {"f": ["g"]})
        inside, p = [], []
        for _ in range(600):
            f = rng.normal(size=(250, 1))
            g = r * f + np.sqrt(1 - r**2) * rng.normal(size=(250, 1))
            y = np.hstack([np.repeat(f, 3, 1), np.repeat(g, 3, 1)]) * loading
            y += rng.normal(size=y.shape) * np.sqrt(1 - loading**2)
            cut = np.searchsorted([-0.8, 0.4, 1.3], y) + 1
            frame = pd.DataFrame(cut, columns=ITEMS[:6])
            fit = fitted(model, frame, identification="variance")
            rows = fit.estimates().query("op == '=~' and lhs == 'f'")
            inside.append(
                (rows["conf_low"] <= loading[:3]) & (rows["conf_high"] >= loading[:3])
            )
            found = fit.fit_measures().set_index("term")["estimate"]
            p.append(found["p_value_scaled_shifted"])
        assert 0.93 < np.mean(inside) < 0.97
        assert 0.03 < np.mean(np.array(p) < 0.05) < 0.075


class TestFaults:
    @pytest.mark.parametrize(
        ("options", "asked", "code"),
        [
            ({}, {"ordinal": True}, "ordinal-estimator"),
            ({"estimator": "DWLS"}, {}, "not-ordinal"),
            ({"estimator": "DWLS"}, {"ordinal": ["x1"]}, "ordinal-mixed"),
            ({"estimator": "DWLS"}, {"ordinal": True, "by": "x9"}, "ordinal-option"),
            (
                {"estimator": "DWLS"},
                {"ordinal": True, "missing": "em"},
                "ordinal-option",
            ),
            ({"estimator": "DWLS", "means": True}, {"ordinal": True}, "ordinal-means"),
        ],
    )
    def test_what_does_not_go_together(self, model, answers, options, asked, code):
        with pytest.raises(errors.OptionError) as caught:
            sem(model, answers, SemOptions(**options), **asked)
        assert caught.value.code == code

    def test_moments_have_no_tables(self, model, answers):
        moments = sat.Moments.from_frame(answers, ITEMS, ordinal=True)
        with pytest.raises(errors.DataError):
            sem(model, moments, SemOptions(estimator="DWLS"), ordinal=True)

    def test_json(self, model, answers):
        fit = fitted(model, answers)
        again = sat.read_result(fit.to_json())
        assert again.ordinal.scaled_shifted == fit.ordinal.scaled_shifted
        assert str(again) == str(fit)
