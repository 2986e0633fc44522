"""KMO, Bartlett, parallel analysis and exploratory factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.assessment import (
    _common_factors,
    _dimensionality,
    _extraction,
    _rotation,
)
from satmetrics.errors import DataError, NotIdentifiedError, OptionError


@pytest.fixture(scope="module")
def items():
    return sat.datasets.moments("babakus_boller_1992")


def simple(m=3, per=4, r=0.3, loading=0.7):
    """Return Λ and R of m factors of simple structure that correlate by r."""
    L = np.kron(np.eye(m), np.full((per, 1), loading))
    phi = np.full((m, m), r) + (1 - r) * np.eye(m)
    R = L @ phi @ L.T
    np.fill_diagonal(R, 1.0)
    return L, phi, R


def table_of(R, n=500):
    return sat.Moments.from_table(None, None, R, n=n)


class TestDimensionality:
    def test_babakus_and_boller(self, items, reference):
        known = reference("babakus_boller")
        found = sat.assessment.dimensionality(items, rng=0)
        frame = found.to_frame().set_index("term")
        assert frame.loc["kmo", "estimate"] == pytest.approx(known["kmo"], abs=5e-6)
        test = frame.loc["bartlett"]
        assert test["statistic"] == pytest.approx(known["bartlett"], abs=5e-3)
        assert test["df"] == known["bartlett_df"]
        roots = frame.loc["eigenvalue"]
        assert roots["estimate"].iloc[:6].to_numpy() == pytest.approx(
            known["eigenvalues"], abs=5e-4
        )
        assert roots["share"].iloc[0] == pytest.approx(known["first_share"], abs=5e-4)
        assert found.retained() == known["parallel"]
        assert found.retained("kaiser") == known["kaiser"]

    @pytest.mark.parametrize("seed", range(5))
    def test_two_dimensions_whatever_the_seed(self, items, seed):
        assert sat.assessment.dimensionality(items, rng=seed).retained() == 2

    def test_kmo_from_regressions(self, items):
        """Partial correlations as correlations of residuals."""
        R = items.corr()[:5, :5]
        total = q = 0.0
        msa = np.zeros((5, 2))
        for i in range(5):
            for j in range(5):
                if i == j:
                    continue
                rest = [k for k in range(5) if k not in (i, j)]
                B = R[np.ix_([i, j], rest)] @ np.linalg.inv(R[np.ix_(rest, rest)])
                C = R[np.ix_([i, j], [i, j])] - B @ R[np.ix_(rest, [i, j])]
                partial = C[0, 1] / np.sqrt(C[0, 0] * C[1, 1])
                msa[i] += R[i, j] ** 2, partial**2
                total, q = total + R[i, j] ** 2, q + partial**2
        kmo, own = _dimensionality.sampling_adequacy(R)
        assert kmo == pytest.approx(total / (total + q))
        assert own == pytest.approx(msa[:, 0] / msa.sum(axis=1))

    def test_bartlett_is_the_likelihood_ratio(self, items):
        R = items.corr()
        statistic, df, p = _dimensionality.sphericity(R[:4, :4], 60)
        log = np.log(np.prod(np.linalg.eigvalsh(R[:4, :4])))
        assert statistic == pytest.approx(-(59 - 13 / 6) * log)
        assert p == pytest.approx(stats.chi2.sf(statistic, df))

    def test_random_eigenvalues_are_those_of_normal_data(self):
        """Drawn as covariances; against correlations of simulated answers."""
        R = np.full((6, 6), 0.1) + 0.9 * np.eye(6)
        m = table_of(R, n=80)
        found = sat.assessment.dimensionality(m, n_draws=2000, rng=3)
        rows = found.table.where(term="eigenvalue")
        rng = np.random.default_rng(8)
        X = rng.normal(size=(2000, 80, 6))
        roots = np.array([np.linalg.eigvalsh(np.corrcoef(x.T))[::-1] for x in X])
        assert rows["random_mean"] == pytest.approx(roots.mean(axis=0), abs=0.01)
        other = np.quantile(roots, 0.95, axis=0)
        assert rows["random_quantile"] == pytest.approx(other, abs=0.02)

    def test_answers_equal_their_moments(self, bank):
        columns = bank.instrument.columns("perception")[:9]
        moments = sat.Moments.from_frame(bank, columns, missing="em")
        a = sat.assessment.dimensionality(moments, rng=1)
        b = sat.assessment.dimensionality(bank, columns, rng=1, missing="em")
        pd.testing.assert_frame_equal(a.to_frame(), b.to_frame())

    def test_weights_count_by_their_effective_n(self):
        rng = np.random.default_rng(2)
        frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
        frame["w"] = rng.uniform(0.2, 3, 200)
        found = sat.assessment.dimensionality(frame, list("abcd"), weights="w", rng=1)
        moments = sat.Moments.from_frame(frame, list("abcd"), weights="w")
        R, n = moments.corr(), float(moments.n_eff)
        known = -(n - 1 - 13 / 6) * np.linalg.slogdet(R)[1]
        row = found.table.where(term="bartlett")
        assert row["statistic"][0] == pytest.approx(known)

    def test_wrong_input(self, items, bank):
        with pytest.raises(DataError, match="at least three"):
            sat.assessment.dimensionality(items, ["Q1", "Q2"])
        with pytest.raises(DataError, match="not positive definite"):
            sat.assessment.dimensionality(table_of(np.ones((3, 3))))
        batch = sat.Moments.from_frame(
            bank, bank.instrument.columns("perception")[:4], "unit", missing="em"
        )
        with pytest.raises(DataError, match="one group"):
            sat.assessment.dimensionality(batch)
        with pytest.raises(DataError, match="did you mean 'Q1'"):
            sat.assessment.dimensionality(items, ["q1", "Q2", "Q3"])
        with pytest.raises(OptionError, match="at least 20"):
            sat.assessment.dimensionality(items, n_draws=3)
        frame = pd.DataFrame({"a": [1, 2, 3, 5], "b": [2, 1, 2, 1], "c": 4})
        with pytest.raises(DataError, match="constant"):
            sat.assessment.dimensionality(frame, ["a", "b", "c"])


class TestFactors:
    @pytest.mark.parametrize("method", ["ml", "pa"])
    @pytest.mark.parametrize("rotation", ["oblimin", "promax", "varimax", "none"])
    def test_every_rotation_leaves_what_is_reproduced(self, method, rotation):
        """At an exact population Λ Φ Λ' is R off the diagonal."""
        _, _, R = simple()
        found = sat.assessment.explore_factors(
            table_of(R), 3, method=method, rotation=rotation
        )
        L = found.loadings()
        phi = found.table.where(term="factor_correlation")["estimate"].reshape(3, 3)
        off = ~np.eye(len(R), dtype=bool)
        assert (L @ phi @ L.T)[off] == pytest.approx(R[off], abs=1e-4)
        assert np.diag(phi) == pytest.approx(np.ones(3))
        assert (L.sum(axis=0) >= -1e-12).all()
        variance = found.table.where(term="variance")["estimate"]
        assert (np.diff(variance) <= 1e-9).all()
        assert variance.sum() == pytest.approx(
            found.table.where(term="communality")["estimate"].sum()
        )

    @pytest.mark.parametrize(
        ("rotation", "tolerance"), [("oblimin", 1e-5), ("promax", 0.01)]
    )
    def test_simple_structure_is_found(self, rotation, tolerance):
        """A population with one zero loading less would be a local minimum's."""
        _, phi, R = simple(r=0.4)
        strong = np.where(np.arange(12) < 4, 0.8 / 0.7, 1.0)
        R *= np.outer(strong, strong)
        np.fill_diagonal(R, 1.0)
        found = sat.assessment.explore_factors(table_of(R), 3, rotation=rotation)
        mine = np.sort(np.abs(found.loadings()), axis=1)
        assert mine[:, -1] == pytest.approx(strong * 0.7, abs=tolerance)
        assert mine[:, :-1] == pytest.approx(np.zeros((12, 2)), abs=tolerance)
        corr = found.table.where(term="factor_correlation")["estimate"].reshape(3, 3)
        assert corr == pytest.approx(phi, abs=3 * tolerance)

    def test_oblimin_minimises_its_criterion(self, items):
        """Small turns of any factor towards another never help."""
        A = _extraction.maximum_likelihood(np.array(items.corr()), 3).loadings
        found = _rotation.oblimin(A)

        def criterion(L):
            return sum(
                ((L[:, i] * L[:, j]) ** 2).sum() for i in range(3) for j in range(i)
            )

        T = np.linalg.lstsq(found.loadings, A, rcond=None)[0]  # A = L T
        best = criterion(found.loadings)
        for i in range(3):
            for j in range(3):
                if i != j:
                    U = T.copy()
                    U[i] += 0.02 * T[j]
                    U /= np.linalg.norm(U, axis=1, keepdims=True)
                    assert criterion(A @ np.linalg.inv(U)) > best

    def test_varimax_has_the_largest_variance_of_squares(self, items):
        A = _extraction.principal_axis(np.array(items.corr()), 2).loadings
        h = np.sqrt((A**2).sum(axis=1, keepdims=True))

        def criterion(angle):
            c, s = np.cos(angle), np.sin(angle)
            L = (A / h) @ np.array([[c, -s], [s, c]])
            return (L**2).var(axis=0).sum()

        mine = ((_rotation.varimax(A).loadings / h) ** 2).var(axis=0).sum()
        best = max(map(criterion, np.linspace(0, np.pi / 2, 5000)))
        assert mine == pytest.approx(best, abs=1e-7)

    def test_one_factor_is_that_of_omega(self, items):
        found = sat.assessment.explore_factors(items, 1, items.names[:9])
        mine = _common_factors.one_factor(items.corr()[:9, :9])
        assert found.loadings()[:, 0] == pytest.approx(mine.loadings, abs=1e-4)
        assert found.rotation == "none"

    @pytest.mark.parametrize("m", [2, 3])
    def test_the_likelihood_is_that_of_statsmodels(self, items, m):
        """No lower than where statsmodels' search ends."""
        from statsmodels.multivariate.factor import Factor

        R = np.array(items.corr())
        mine = _extraction.maximum_likelihood(R, m)
        start = _extraction.principal_axis(R, m).loadings
        other = Factor(corr=R, n_factor=m, method="ml")
        fit = other.fit(start=(start, 1 - (start**2).sum(axis=1)))
        best = -fit.model.mle_retvals.fun
        A = mine.loadings
        assert other.loglike((A, 1 - (A**2).sum(axis=1))) >= best - 1e-11
        assert mine.converged

    def test_the_test_of_fit_is_that_of_the_likelihood(self, items):
        """Bartlett-corrected ratio, from statsmodels' own log-likelihood."""
        from statsmodels.multivariate.factor import Factor

        R = np.array(items.corr())
        found = sat.assessment.explore_factors(items, 2)
        A = _extraction.maximum_likelihood(R, 2).loadings
        unique = 1 - (A**2).sum(axis=1)
        fit = Factor(corr=R, n_factor=2, method="ml").loglike((A, unique))
        F = -2 * 22 * fit - np.linalg.slogdet(R)[1] - 22
        row = found.table.where(term="fit")
        factor = 501 - 49 / 6 - 4 / 3
        assert row["statistic"][0] == pytest.approx(factor * F, rel=1e-6)
        assert row["df"][0] == 188

    def test_an_instrument_of_simple_structure(self, bank):
        found = sat.assessment.explore_factors(bank, 5, missing="em")
        primary = found.table.where(term="primary")
        share = primary["estimate"].reshape(5, 5)
        assert sorted(share.ravel())[-5:] == [1.0] * 5
        assert (share.sum(axis=1) == 1).all()
        assert set(primary["dimension"]) == {d.id for d in bank.instrument.dimensions}

    def test_columns_of_a_survey_keep_their_dimensions(self, bank):
        columns = bank.instrument.columns("expectation")
        found = sat.assessment.explore_factors(bank, 2, columns[:9], missing="em")
        owners = dict.fromkeys(found.table.where(term="communality")["dimension"])
        assert list(owners) == ["tangibles", "reliability"]

    def test_a_heywood_case_is_said(self, mobile):
        found = sat.assessment.explore_factors(mobile, 1, ["CUSL1", "CUSL2", "CUSL3"])
        assert "Heywood case: uniqueness at or below 0.005: CUSL3" in str(found)

    def test_order_of_items_does_not_matter(self, items):
        first = sat.assessment.explore_factors(items, 3).loadings()
        names = items.names[::-1]
        second = sat.assessment.explore_factors(items, 3, list(names)).loadings()
        assert second[::-1] == pytest.approx(first, abs=2e-3)

    def test_wrong_input(self, items):
        with pytest.raises(NotIdentifiedError, match="up to 3 factors"):
            sat.assessment.explore_factors(items, 4, items.names[:7])
        for bad in ({"method": "uls"}, {"rotation": "geomin"}):
            with pytest.raises(OptionError):
                sat.assessment.explore_factors(items, 2, **bad)
        with pytest.raises(OptionError, match="did you mean"):
            sat.assessment.explore_factors(items, 2, rotate="oblimin")


class TestPublished:
    def test_unknown_means_and_spreads(self):
        R = [[1, 0.5], [0.5, 1]]
        m = sat.Moments.from_table(None, None, R, n=50)
        assert np.isnan(m.mean).all()
        assert m.sd == pytest.approx([1, 1])
        assert "standardised" in " ".join(m.context.notes)
        with pytest.raises(DataError, match="neither"):
            sat.Moments.from_table([1, 2], None, n=50)
        with pytest.raises(DataError, match="finite"):
            sat.Moments.from_table([1, np.nan], [1, 1], R, n=50)

    def test_moments_of_unknown_means_can_be_bootstrapped(self, items):
        """The figures given again are those of the fit, though their means are NaN."""
        model = sat.StructuralModel.from_blocks(
            "two", {"A": ["Q1", "Q2"], "B": ["Q5", "Q6"]}, {"A": ["B"]}
        )
        fit = sat.pls(model, items)
        boot = sat.bootstrap(fit, items, n_draws=50, rng=1)
        assert boot.to_frame()["std_error"].notna().any()


@pytest.mark.slow
def test_parallel_analysis_recovers_the_number_of_factors():
    """Three factors that hardly correlate: found in at least 95 of 100 samples."""
    _, _, R = simple(m=3, per=5, r=0.1, loading=0.65)
    rng = np.random.default_rng(4)
    root = np.linalg.cholesky(R)
    hits = 0
    for seed in range(100):
        X = rng.normal(size=(250, 15)) @ root.T
        found = sat.assessment.dimensionality(
            table_of(np.corrcoef(X.T), 250), n_draws=100, rng=seed
        )
        hits += found.retained() == 3
    assert hits >= 95


@pytest.mark.slow
def test_which_form_of_parallel_analysis_finds_correlated_factors():
    """Five factors that correlate by .7: Horn's form keeps too few, the other five."""
    _, _, R = simple(m=5, per=4, r=0.7, loading=0.75)
    rng = np.random.default_rng(4)
    root = np.linalg.cholesky(R)
    kept = []
    for seed in range(100):
        X = rng.normal(size=(400, 20)) @ root.T
        found = sat.assessment.dimensionality(
            table_of(np.corrcoef(X.T), 400), n_draws=100, rng=seed
        )
        kept.append((found.retained(), found.retained("parallel_common")))
    whole, common = np.array(kept).T
    assert (whole < 5).mean() > 0.9
    assert (common == 5).mean() > 0.8
