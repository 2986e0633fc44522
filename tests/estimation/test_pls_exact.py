"""PLS where the truth is exact: populations, invariances, degenerate cases."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation import _structure


def composite_population(rng, sizes=(3, 4, 2, 3)):
    """Return Σ, weights and path matrix of a composite population.

    Blocks have free covariances; between blocks Σ_jk = S_j w_j ρ_jk w_k' S_k.
    """
    q = len(sizes)
    B = np.zeros((q, q))
    B[0, 1], B[0, 2], B[1, 2], B[2, 3], B[0, 3] = 0.5, 0.3, 0.4, 0.6, 0.1
    rho = np.eye(q)
    for t in range(1, q):
        rho[t, :t] = rho[:t, t] = B[:t, t] @ rho[:t, :t]
    blocks, weights = [], []
    for k in sizes:
        A = rng.normal(size=(k, 2 * k))
        S = A @ A.T / (2 * k) + 0.3
        d = np.sqrt(np.diag(S))
        S = S / np.outer(d, d)
        w = rng.uniform(0.3, 1, size=k)
        blocks.append(S)
        weights.append(w / np.sqrt(w @ S @ w))
    loadings = [S @ w for S, w in zip(blocks, weights, strict=True)]
    sigma = np.block(
        [
            [
                blocks[i] if i == j else rho[i, j] * np.outer(loadings[i], loadings[j])
                for j in range(q)
            ]
            for i in range(q)
        ]
    )
    return sigma, np.concatenate(weights), B


def model_of(sizes, B, mode, kind="composite"):
    q = len(sizes)
    constructs = {f"C{k}": [f"x{k}_{i}" for i in range(sizes[k])] for k in range(q)}
    paths = {f"C{i}": [f"C{j}" for j in range(q) if B[i, j]] for i in range(q)}
    paths = {s: t for s, t in paths.items() if t}
    return sat.StructuralModel.from_blocks(
        "exact",
        constructs,
        paths,
        modes=dict.fromkeys(constructs, mode),
        kinds=dict.fromkeys(constructs, kind),
    )


@pytest.mark.parametrize("scheme", ["centroid", "factorial", "path"])
def test_mode_b_recovers_a_composite_population(scheme, rng):
    sizes = (3, 4, 2, 3)
    sigma, weights, B = composite_population(rng, sizes)
    assert np.linalg.eigvalsh(sigma)[0] > 0
    model = model_of(sizes, B, "B")
    p = len(sigma)
    moments = sat.Moments.from_table(
        np.zeros(p), np.ones(p), sigma, n=500, names=model.indicators
    )
    fit = sat.pls(model, moments, sat.PlsOptions(scheme=scheme, tol=1e-13))
    np.testing.assert_allclose(np.abs(fit.weights), weights, atol=1e-8)
    np.testing.assert_allclose(fit.path_matrix, B, atol=1e-8)


def rowwise_pls(X, blocks, A, scheme, metric):
    """Wold's algorithm on rows, written independently: scores, not covariances."""
    X = X - X.mean(axis=0)
    if metric == "standardized":
        X = X / X.std(axis=0, ddof=1)
    W = [np.ones(len(b)) for b in blocks]
    n, q = len(X), len(blocks)
    for _ in range(500):
        Y = np.column_stack([X[:, b] @ w for b, w in zip(blocks, W, strict=True)])
        Y = Y / Y.std(axis=0, ddof=1)
        R = np.corrcoef(Y.T)
        Z = np.zeros_like(Y)
        for j in range(q):
            before, after = np.flatnonzero(A[:, j]), np.flatnonzero(A[j])
            if scheme == "path":
                if len(before):
                    beta = np.linalg.lstsq(Y[:, before], Y[:, j], rcond=None)[0]
                    Z[:, j] += Y[:, before] @ beta
                Z[:, j] += Y[:, after] @ R[j, after]
            else:
                both = np.concatenate([before, after])
                e = np.sign(R[j, both]) if scheme == "centroid" else R[j, both]
                Z[:, j] += Y[:, both] @ e
        W = [X[:, b].T @ Z[:, j] / (n - 1) for j, b in enumerate(blocks)]
    Y = np.column_stack([X[:, b] @ w for b, w in zip(blocks, W, strict=True)])
    scale = Y.std(axis=0, ddof=1)
    Y = Y / scale
    paths = np.zeros((q, q))
    for j in range(q):
        before = np.flatnonzero(A[:, j])
        if len(before):
            paths[before, j] = np.linalg.lstsq(Y[:, before], Y[:, j], rcond=None)[0]
    return np.concatenate([w / s for w, s in zip(W, scale, strict=True)]), paths, Y


@pytest.mark.parametrize("metric", ["standardized", "raw"])
@pytest.mark.parametrize("scheme", ["centroid", "factorial", "path"])
def test_rows_and_moments_agree(scheme, metric, rng):
    sizes = (3, 4, 2, 3)
    sigma, _, B = composite_population(rng, sizes)
    X = rng.multivariate_normal(np.zeros(len(sigma)), sigma, size=120) * 2 + 5
    model = model_of(sizes, B, "A")
    frame = pd.DataFrame(X, columns=model.indicators)
    options = sat.PlsOptions(scheme=scheme, metric=metric, tol=1e-13)
    fit = sat.pls(model, frame, options)
    starts = np.cumsum((0, *sizes))
    blocks = [np.arange(a, b) for a, b in itertools.pairwise(starts)]
    weights, paths, scores = rowwise_pls(X, blocks, B != 0, scheme, metric)
    np.testing.assert_allclose(fit.weights, weights, atol=1e-9)
    np.testing.assert_allclose(fit.path_matrix, paths, atol=1e-9)
    np.testing.assert_allclose(fit.scores(frame), scores, atol=1e-8)


def test_batch_equals_single_fits(mobi):
    groups = mobi.assign(branch=np.arange(250) % 3)
    batch = sat.pls("ecsi", groups, by="branch")
    assert batch.paths().columns[0] == "branch"
    for g in range(3):
        one = sat.pls("ecsi", mobi[np.arange(250) % 3 == g])
        np.testing.assert_allclose(batch.weights[g], one.weights, atol=1e-7)
        np.testing.assert_allclose(batch.group(g).r_squared, one.r_squared, atol=1e-7)


def test_a_bad_unit_spoils_no_other(mobi):
    answers = mobi.assign(branch=np.arange(250) % 3)
    answers.loc[answers["branch"] == 1, "IMAG1"] = 7
    fit = sat.pls("ecsi", answers, by="branch")
    status = fit.status()
    assert list(status["converged"]) == [True, False, True]
    assert status["reason"][1] == "zero variance: IMAG1"
    assert np.isnan(fit.path_matrix[1]).all()
    alone = sat.pls("ecsi", answers[answers["branch"] == 0])
    np.testing.assert_allclose(fit.path_matrix[0], alone.path_matrix, atol=1e-9)


def test_integer_weights_equal_repeated_rows(mobi, rng):
    w = rng.integers(1, 4, size=250)
    weighted = sat.pls("ecsi", mobi.assign(w=w), weights="w")
    repeated = sat.pls("ecsi", mobi.loc[mobi.index.repeat(w)])
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=1e-8)
    np.testing.assert_allclose(weighted.path_matrix, repeated.path_matrix, atol=1e-8)
    n_eff = w.sum() ** 2 / (w**2).sum()
    assert weighted.status()["n_eff"][0] == pytest.approx(n_eff)
    assert f"effective n: {n_eff:.0f}" in str(weighted)
    assert "effective" not in str(repeated)


def test_invariance_to_rows_items_and_scale(mobi, rng):
    base = sat.pls("ecsi", mobi)
    shuffled = mobi.sample(frac=1, random_state=1)[list(rng.permutation(mobi.columns))]
    np.testing.assert_allclose(
        sat.pls("ecsi", shuffled).path_matrix, base.path_matrix, atol=1e-9
    )
    moments = sat.datasets.moments("ecsi_mobile")
    stretched = sat.Moments.from_table(
        moments.mean * 10, moments.sd * 10, moments.corr(), n=250, names=moments.names
    )
    np.testing.assert_allclose(
        sat.pls("ecsi", stretched).path_matrix,
        sat.pls("ecsi", moments).path_matrix,
        atol=1e-9,
    )


def test_total_effects_are_the_inverse(rng):
    B = np.triu(rng.normal(size=(5, 6, 6)), 1)
    expected = np.linalg.inv(np.eye(6) - B) - np.eye(6)
    np.testing.assert_allclose(_structure.total_effects(B), expected, atol=1e-10)


def test_implied_correlations_of_a_saturated_population(rng):
    sizes = (3, 4, 2, 3)
    sigma, _, B = composite_population(rng, sizes)
    model = model_of(sizes, B, "B")
    moments = sat.Moments.from_table(
        np.zeros(12), np.ones(12), sigma, n=500, names=model.indicators
    )
    implied = sat.pls(model, moments, sat.PlsOptions(tol=1e-13)).implied()
    np.testing.assert_allclose(implied[list(model.indicators)], sigma, atol=1e-8)


def test_not_converged_raises_with_the_cure(mobi):
    with pytest.raises(errors.ConvergenceError, match="max_iter") as caught:
        sat.pls("ecsi", mobi, sat.PlsOptions(max_iter=2))
    assert caught.value.value == 2


def test_singular_mode_b_block_is_named(mobi):
    answers = mobi.assign(copy=mobi["IMAG1"])
    model = sat.StructuralModel.from_blocks(
        "b",
        {"Image": ["IMAG1", "copy", "IMAG2"], "Satisfaction": ["CUSA1", "CUSA2"]},
        {"Image": ["Satisfaction"]},
        modes={"Image": "B"},
    )
    with pytest.raises(errors.NotIdentifiedError, match="mode B block Image"):
        sat.pls(model, answers)


def test_few_rows_warn_in_mode_a_and_name_the_block_in_mode_b(mobi):
    with pytest.warns(errors.SmallSampleWarning, match="n = 20"):
        sat.pls("ecsi", mobi[:20])
    model = sat.StructuralModel.from_blocks(
        "b",
        {"Quality": [f"PERQ{i}" for i in range(1, 8)], "Satisfaction": ["CUSA1"]},
        {"Quality": ["Satisfaction"]},
        modes={"Quality": "B"},
    )
    with pytest.raises(errors.NotIdentifiedError, match="Quality"):
        sat.pls(model, mobi[:6])


def test_constant_item_is_named(mobi):
    with pytest.raises(errors.DataError, match="zero variance: CUSA1"):
        sat.pls("ecsi", mobi.assign(CUSA1=10))


def test_options_are_checked(mobi):
    with pytest.raises(errors.OptionError, match="did you mean 'centroid'"):
        sat.PlsOptions(scheme="centroit")
    with pytest.raises(errors.OptionError, match="did you mean 'tol'"):
        sat.PlsOptions(tolerance=1e-7)
    with pytest.raises(errors.OptionError, match="swapped"):
        sat.pls(mobi, sat.models.load("ecsi"))
    with pytest.raises(errors.OptionError, match="swapped"):
        sat.pls(mobi, "ecsi")


def factor_population(rng, sizes=(3, 4, 2, 3)):
    """Return Σ, loadings and path matrix of a factor population."""
    q = len(sizes)
    B = np.zeros((q, q))
    B[0, 1], B[0, 2], B[1, 2], B[2, 3], B[0, 3] = 0.5, 0.3, 0.4, 0.6, 0.1
    rho = np.eye(q)
    for t in range(1, q):
        rho[t, :t] = rho[:t, t] = B[:t, t] @ rho[:t, :t]
    owner = np.repeat(np.arange(q), sizes)
    loadings = rng.uniform(0.5, 0.9, size=len(owner))
    sigma = rho[np.ix_(owner, owner)] * np.outer(loadings, loadings)
    np.fill_diagonal(sigma, 1.0)
    return sigma, loadings, B


@pytest.mark.parametrize("scheme", ["centroid", "factorial", "path"])
def test_consistent_pls_recovers_a_factor_population(scheme, rng):
    sizes = (3, 4, 2, 3)
    sigma, loadings, B = factor_population(rng, sizes)
    model = model_of(sizes, B, "A", kind="factor")
    moments = sat.Moments.from_table(
        np.zeros(12), np.ones(12), sigma, n=500, names=model.indicators
    )
    fit = sat.pls(model, moments, sat.PlsOptions(scheme=scheme, tol=1e-13))
    np.testing.assert_allclose(fit.loadings, loadings, atol=1e-8)
    np.testing.assert_allclose(fit.path_matrix, B, atol=1e-8)
    implied = fit.implied()[list(model.indicators)]
    np.testing.assert_allclose(implied, sigma, atol=1e-8)
    assert bool(fit.admissible)


def test_a_factor_without_reliability_is_named(rng):
    p = 4
    S = np.full((p, p), 0.3)
    np.fill_diagonal(S, 1.0)
    S[0, 1] = S[1, 0] = -0.4
    model = sat.StructuralModel.from_blocks(
        "m",
        {"Q": ["a", "b"], "S": ["c", "d"]},
        {"Q": "S"},
        kinds={"Q": "factor"},
    )
    table = sat.Moments.from_table(
        np.zeros(p), np.ones(p), S, n=200, names=["a", "b", "c", "d"]
    )
    with pytest.raises(errors.NotIdentifiedError, match="rho_A of factor Q"):
        sat.pls(model, table)


def test_an_inadmissible_factor_solution_says_what_is_wrong(mobi):
    model = sat.models.load("ecsi")
    blocks = {c.name: c.indicators for c in model.constructs}
    paths = {}
    for path in model.paths:
        paths.setdefault(path.source, []).append(path.target)
    factors = sat.StructuralModel.from_blocks(
        "f", blocks, paths, kinds=dict.fromkeys(blocks, "factor")
    )
    with pytest.warns(errors.InadmissibleWarning, match="not positive semi-definite"):
        fit = sat.pls(factors, mobi)
    assert not fit.admissible


def test_factors_take_mode_a_and_the_standardised_metric(mobi):
    with pytest.raises(errors.SpecificationError, match="composite"):
        sat.Construct("Q", ("PERQ1", "PERQ2"), mode="B", kind="factor")
    model = sat.StructuralModel.from_blocks(
        "m",
        {"Q": ["PERQ1", "PERQ2"], "S": ["CUSA1", "CUSA2"]},
        {"Q": "S"},
        kinds={"Q": "factor"},
    )
    with pytest.raises(errors.SpecificationError, match="standardized"):
        sat.pls(model, mobi, sat.PlsOptions(metric="raw"))


def test_sum_scores_have_equal_weights(mobi):
    blocks = {"Q": ["PERQ1", "PERQ2", "PERQ3"], "S": ["CUSA1", "CUSA2"]}
    model = sat.StructuralModel.from_blocks(
        "m", blocks, {"Q": "S"}, modes=dict.fromkeys(blocks, "sum")
    )
    fit = sat.pls(model, mobi)
    Z = (mobi - mobi.mean()) / mobi.std()
    sums = [Z[items].sum(axis=1) for items in blocks.values()]
    assert fit.path_matrix[0, 1] == pytest.approx(np.corrcoef(sums)[0, 1], abs=1e-12)
    assert np.ptp(fit.weights[:3]) < 1e-12


def test_reversed_indicator_equals_turned_answers(mobi):
    block = {"Quality": ["PERQ1", "PERQ2"], "Satisfaction": ["CUSA1", "CUSA2"]}
    plain = sat.StructuralModel.from_blocks(
        "m", block, {"Quality": "Satisfaction"}, target="Satisfaction", scale=(1, 10)
    )
    turned = sat.StructuralModel(
        "m",
        (
            sat.Construct("Quality", ("PERQ1", "PERQ2"), reverse=("PERQ2",)),
            plain.constructs[1],
        ),
        plain.paths,
        target="Satisfaction",
        scale=(1, 10),
    )
    one = sat.pls(plain, mobi)
    answers = mobi.assign(PERQ2=11 - mobi["PERQ2"])
    other = sat.pls(turned, answers)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-8)
    np.testing.assert_allclose(
        sat.index(one).to_frame()["estimate"], sat.index(other).to_frame()["estimate"]
    )
    np.testing.assert_allclose(one.scores(mobi), other.scores(answers), atol=1e-8)


def test_members_do_not_depend_on_their_company(mobi):
    """A coarse tolerance would show if a member were iterated on with the others."""
    rng = np.random.default_rng(2)
    groups = mobi.sample(frac=8, replace=True, random_state=1, ignore_index=True)
    groups["g"] = rng.integers(0, 40, size=len(groups))
    options = sat.PlsOptions(tol=1e-3)
    batch = sat.pls("ecsi", groups, options, by="g")
    assert len(set(batch.iterations)) > 2
    for g in (0, 17, 39):
        one = sat.pls("ecsi", groups[groups["g"] == g], options)
        assert one.iterations == batch.iterations[g]
        np.testing.assert_allclose(batch.weights[g], one.weights, atol=1e-12)
        np.testing.assert_allclose(batch.path_matrix[g], one.path_matrix, atol=1e-12)


def test_an_item_reversed_in_model_and_survey_is_an_error(mobi):
    model = sat.StructuralModel(
        "m",
        (
            sat.Construct("Quality", ("PERQ1", "PERQ2"), reverse=("PERQ2",)),
            sat.Construct("Satisfaction", ("CUSA1", "CUSA2")),
        ),
        (sat.Path("Quality", "Satisfaction"),),
        scale=(1, 10),
    )
    answers = mobi.assign(PERQ2=11 - mobi["PERQ2"])
    with pytest.raises(errors.DataError, match="turn it twice"):
        sat.pls(model, sat.Survey(answers, reverse=["PERQ2"], scale=(1, 10)))


def test_items_that_cancel_are_said_to(mobi):
    model = sat.StructuralModel.from_blocks(
        "m",
        {"Quality": ["PERQ1", "turned"], "Satisfaction": ["CUSA1", "CUSA2"]},
        {"Quality": "Satisfaction"},
    )
    with pytest.raises(errors.NotIdentifiedError, match="cancel"):
        sat.pls(model, mobi.assign(turned=11 - mobi["PERQ1"]))


def test_small_groups_of_a_batch_carry_a_caution(mobi):
    shops = np.where(np.arange(250) < 20, "few", "many")
    fit = sat.pls("ecsi", mobi.assign(shop=shops), by="shop")
    status = fit.status().set_index("shop")
    assert status.loc["few", "converged"]
    assert "not larger than the number of indicators" in status.loc["few", "reason"]
    assert status.loc["many", "reason"] == ""


def test_one_constant_item_spoils_its_group_only():
    rng = np.random.default_rng(8)
    for _ in range(20):
        base = rng.integers(2, 9, size=(200, 1))
        X = np.clip(base + rng.integers(-2, 3, size=(200, 4)), 1, 10) * 11.1
        data = pd.DataFrame(X, columns=list("abcd"))
        data["g"] = np.repeat(["x", "y"], 100)
        data.loc[data["g"] == "y", "a"] = X[0, 0]
        model = sat.StructuralModel.from_blocks(
            "m", {"X": ["a", "b"], "Y": ["c", "d"]}, {"X": "Y"}
        )
        fit = sat.pls(model, data, by="g")
        assert list(fit.converged) == [True, False]
        assert fit.reasons[1] == "zero variance: a"
