"""EM moments: another program, closed forms, direct maximisation, resamples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _resample
from satmetrics.moment import _em, _em_walk
from satmetrics.moment import _em_information as information
from satmetrics.moment.em import EmUnits, PatternMoments

HS = [f"x{i}" for i in range(1, 10)]


@pytest.fixture(scope="module")
def known(reference):
    return reference("hs_fiml")


@pytest.fixture(scope="module")
def holed(known) -> pd.DataFrame:
    from semopy.examples import holzinger39

    frame = holzinger39.get_data()[HS].reset_index(drop=True).astype(float)
    for item, rows in known["missing"].items():
        frame.loc[rows, item] = np.nan
    return frame


@pytest.fixture
def monotone(rng):
    """Three items; b is missing for some, c for those and more, depending on a."""
    X = rng.multivariate_normal([1, 2, 3], np.eye(3) + 0.5, size=120)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    order = np.argsort(X[:, 0] + rng.normal(size=120))
    frame.loc[order[:40], "c"] = np.nan
    frame.loc[order[:15], "b"] = np.nan
    return frame


@pytest.fixture
def small(rng):
    X = rng.multivariate_normal([1, 2, 3], np.eye(3) + 0.5, size=50)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[0] = np.nan
    return pd.DataFrame(X, columns=["a", "b", "c"])


def ml(m: sat.Moments) -> np.ndarray:
    return m.cov * (m.n - 1) / m.n


def casewise(X, mean, cov) -> float:
    """Log-likelihood of rows, one by one, from the density as textbooks print it."""
    total = 0.0
    for row in X:
        o = np.isfinite(row)
        if o.any():
            S, d = cov[o][:, o], (row - mean)[o]
            det = np.linalg.det(2 * np.pi * S)
            total += -0.5 * (np.log(det) + d @ np.linalg.inv(S) @ d)
    return total


def test_lavaan_saturated_moments(holed, known):
    assert holed.isna().to_numpy().sum() == 407
    m = sat.Moments.from_frame(holed, missing="em")
    np.testing.assert_allclose(m.mean, known["saturated"]["mean"], atol=2e-5)
    np.testing.assert_allclose(ml(m), known["saturated"]["cov"], atol=2e-5)
    patterns = PatternMoments.of(m.names, holed.to_numpy())
    found = patterns.log_likelihood(m.mean, ml(m))
    assert found == pytest.approx(known["saturated"]["log_likelihood"], abs=1e-6)
    assert found >= known["saturated"]["log_likelihood"]
    assert (m.kind, m.n) == ("em", 301)
    assert "15.0 % of answers missing, 73 patterns" in str(m)


def test_patterns_are_the_different_rows(rng):
    for p in (1, 7, 64, 130):
        there = rng.random((200, p)) < 0.9
        there[::3] = there[0]
        seen, at = _em.patterns_of(there)
        np.testing.assert_array_equal(seen[at], there)
        assert len(seen) == len({row.tobytes() for row in there})
    empty = _em.patterns_of(np.zeros((0, 3), dtype=bool))
    assert empty[0].shape == (0, 3)


def test_log_likelihood_is_that_of_the_rows(small):
    m = sat.Moments.from_frame(small, missing="em")
    X = small.to_numpy()
    patterns = PatternMoments.of(m.names, X)
    assert patterns.n.sum() == 49
    for mean, cov in ((m.mean, ml(m)), (np.zeros(3), np.eye(3) * 2)):
        expected = casewise(X, mean, cov)
        assert patterns.log_likelihood(mean, cov) == pytest.approx(expected, rel=1e-12)
    assert patterns.log_likelihood(m.mean, np.ones((3, 3))) == -np.inf


def test_monotone_missing_has_a_closed_form(monotone):
    """Anderson (1957): regressions on the rows that have the regressand."""
    m = sat.Moments.from_frame(monotone, missing="em")
    X = monotone.to_numpy()
    mean = np.array([X[:, 0].mean()])
    cov = np.array([[X[:, 0].var()]])
    for j in (1, 2):
        rows = X[np.isfinite(X[:, j])]
        A = np.column_stack([np.ones(len(rows)), rows[:, :j]])
        b, *_ = np.linalg.lstsq(A, rows[:, j], rcond=None)
        rest = ((rows[:, j] - A @ b) ** 2).mean()
        cross = cov @ b[1:]
        cov = np.block(
            [[cov, cross[:, None]], [cross[None], rest + b[1:] @ cov @ b[1:]]]
        )
        mean = np.append(mean, b[0] + b[1:] @ mean)
    np.testing.assert_allclose(m.mean, mean, atol=1e-8)
    np.testing.assert_allclose(ml(m), cov, atol=1e-8)


def test_direct_maximisation_finds_nothing_better(small):
    m = sat.Moments.from_frame(small, missing="em")
    X = small.to_numpy()[1:]
    lower = np.tril_indices(3)

    def minus(theta):
        root = np.zeros((3, 3))
        root[lower] = theta[3:]
        return -casewise(X, theta[:3], root @ root.T)

    start = np.r_[np.nanmean(X, axis=0), np.eye(3)[lower]]
    found = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-7})
    assert -casewise(X, m.mean, ml(m)) <= found.fun + 1e-9
    np.testing.assert_allclose(m.mean, found.x[:3], atol=2e-5)


def test_complete_answers_give_the_sample_moments(small):
    whole = small.dropna()
    em = sat.Moments.from_frame(whole, missing="em")
    plain = sat.Moments.from_frame(whole)
    assert em.kind == "sample"
    np.testing.assert_allclose(em.cov, plain.cov, rtol=1e-12)
    with_one_more = pd.concat([whole, pd.DataFrame([[np.nan] * 3], columns=[*"abc"])])
    m = sat.Moments.from_frame(with_one_more, missing="em")
    np.testing.assert_allclose(m.cov, plain.cov, rtol=1e-12)
    assert [e.n for e in m.context.exclusions] == [1]
    units = EmUnits(("a", "b", "c"), np.zeros(3), whole.to_numpy(), np.ones(len(whole)))
    np.testing.assert_allclose(units.moments().cov, plain.cov, rtol=1e-12)


def test_whole_weights_equal_repeated_rows(small):
    times = np.arange(50) % 3 + 1
    m = sat.Moments.from_frame(
        small.assign(w=times), [*"abc"], weights="w", missing="em"
    )
    rows = small.loc[np.repeat(np.arange(50), times)]
    repeated = sat.Moments.from_frame(rows, missing="em")
    np.testing.assert_allclose(m.mean, repeated.mean, atol=1e-8)
    w = times[1:].astype(float)
    W, W2 = w.sum(), (w**2).sum()
    np.testing.assert_allclose(m.cov * (1 - W2 / W**2), ml(repeated), atol=1e-8)
    assert m.n_eff == pytest.approx(W**2 / W2)
    constant = sat.Moments.from_frame(
        small.assign(w=2.5), [*"abc"], weights="w", missing="em"
    )
    plain = sat.Moments.from_frame(small, missing="em")
    np.testing.assert_allclose(constant.cov, plain.cov, atol=1e-8)
    np.testing.assert_allclose(constant.mean_cov, plain.mean_cov, atol=1e-8)


def test_units_and_scales_do_not_matter(small):
    m = sat.Moments.from_frame(small, missing="em")
    scale, offset = np.array([1e-3, 1.0, 1e4]), np.array([1e3, -5.0, 0.0])
    other = sat.Moments.from_frame(small * scale + offset, missing="em")
    np.testing.assert_allclose(other.mean, m.mean * scale + offset, rtol=1e-8)
    np.testing.assert_allclose(other.corr(), m.corr(), atol=1e-8)
    order = ["c", "a", "b"]
    turned = sat.Moments.from_frame(small[order], missing="em")
    np.testing.assert_allclose(turned.cov, m.select(order).cov, atol=1e-8)


def test_groups_are_estimated_by_themselves(small, rng):
    frame = small.assign(g=np.where(rng.random(50) < 0.5, "x", "y"))
    batch = sat.Moments.from_frame(frame, [*"abc"], by="g", missing="em")
    for g, name in enumerate("xy"):
        alone = sat.Moments.from_frame(
            frame[frame["g"] == name], [*"abc"], missing="em"
        )
        np.testing.assert_allclose(batch.cov[g], alone.cov, atol=1e-12)
        np.testing.assert_allclose(batch.mean_cov[g], alone.mean_cov, atol=1e-12)


def test_patterns_of_many_and_of_few_rows_are_one_thing(rng, monkeypatch):
    """Sums of large patterns and rows of small ones give the same step."""
    X = rng.multivariate_normal(np.zeros(4), np.eye(4) + 0.5, size=300)
    X[:100, 0] = np.nan
    X[50:150, 1] = np.nan
    X[rng.random(X.shape) < 0.05] = np.nan
    X = X[np.isfinite(X).any(axis=1)]
    counts = rng.integers(0, 3, size=(5, len(X))).astype(float)
    start = np.zeros((5, 4)), np.tile(np.eye(4), (5, 1, 1))
    found = []
    for large in (0, 2, 1e9):
        monkeypatch.setattr(_em, "LARGE", large)
        plan = _em.Plan.of(X, np.ones(len(X)))
        found.append(_em_walk.fit_em(plan, counts, *start))
        assert bool(plan.parts) == (large > 0)
        assert bool(plan.blocks) == (large < 1e9)
    for other in found[1:]:
        np.testing.assert_allclose(other.cov, found[0].cov, atol=1e-9)
        np.testing.assert_allclose(other.mean, found[0].mean, atol=1e-9)


def test_the_information_is_the_curvature_of_the_likelihood(small):
    X = small.to_numpy()[1:]
    plan = _em.Plan.of(X, np.ones(len(X)))
    m = sat.Moments.from_frame(small, missing="em")
    i, j = np.triu_indices(3)
    theta = np.r_[m.mean, ml(m)[i, j]]

    def log_likelihood(t):
        S = np.zeros((3, 3))
        S[i, j] = S[j, i] = t[3:]
        return casewise(X, t[:3], S)

    h = 2e-3
    E = np.eye(9) * h
    H = np.empty((9, 9))
    for a in range(9):
        for b in range(9):
            ends = [
                s * t * log_likelihood(theta + s * E[a] + t * E[b])
                for s in (1, -1)
                for t in (1, -1)
            ]
            H[a, b] = -sum(ends) / (4 * h * h)
    found = information.information(m.mean, ml(m), plan)
    size = np.sqrt(np.outer(np.diag(found), np.diag(found)))
    np.testing.assert_allclose(H / size, found / size, atol=3e-4)


def test_covariance_of_the_means(small, monotone):
    """Complete answers: cov/n. Incomplete ones: as resampling says."""
    whole = small.dropna().to_numpy()
    plan = _em.Plan.of(whole, np.ones(len(whole)))
    S = np.cov(whole.T)
    found, sound = information.sandwich(
        whole.mean(axis=0), np.cov(whole.T, ddof=0), plan, full=False
    )
    assert sound
    np.testing.assert_allclose(found, S / len(whole), rtol=1e-10)
    m = sat.Moments.from_frame(monotone, missing="em")
    units = EmUnits(m.names, m.mean, monotone.to_numpy() - m.mean, np.ones(120))
    blocks = _resample.bootstrap_counts(120, 4000, 1)
    means = np.concatenate([units.moments(counts).mean for counts in blocks])
    np.testing.assert_allclose(
        np.cov(means.T), m.mean_cov, atol=0.08 * np.diag(m.mean_cov).max()
    )
    assert m.mean_cov[2, 2] > m.cov[2, 2] / 120
    every = sat.Moments.from_frame(monotone, missing="em", acov=True)
    np.testing.assert_allclose(every.acov[:3, :3], m.mean_cov, rtol=1e-10)


def test_what_is_not_identified_is_named(small):
    never = small.assign(d=np.nan)
    with pytest.raises(errors.NotIdentifiedError, match="no answers to d"):
        sat.Moments.from_frame(never, missing="em")
    apart = small.assign(d=np.where(small["a"].isna(), 1.0 + np.arange(50) % 4, np.nan))
    with pytest.raises(errors.NotIdentifiedError, match="answer both a and d"):
        sat.Moments.from_frame(apart, missing="em")
    with pytest.raises(errors.NotIdentifiedError, match="more rows than items"):
        sat.Moments.from_frame(
            pd.DataFrame(
                [[1, 2, 3.0], [2, 1, 5], [np.nan, 2, 2]], columns=["a", "b", "c"]
            ),
            missing="em",
        )
    constant = small.assign(d=np.where(small["a"].isna(), np.nan, 3.0))
    with pytest.raises(errors.NotIdentifiedError, match="zero variance: d"):
        sat.Moments.from_frame(constant, missing="em")
    twice = small.assign(d=2 * small["b"])
    with pytest.raises(errors.NotIdentifiedError, match="lost its inverse"):
        sat.Moments.from_frame(twice, missing="em")


def test_in_a_batch_it_is_a_reason(small):
    frame = small.assign(g=["x"] * 25 + ["y"] * 25)
    frame.loc[:24, "b"] = np.nan
    m = sat.Moments.from_frame(frame, [*"abc"], by="g", missing="em")
    assert m.reasons == ("no answers to b", "")
    assert np.isnan(m.cov[0]).all()
    assert np.isfinite(m.cov[1]).all()


def test_they_do_not_merge(small):
    m = sat.Moments.from_frame(small, missing="em")
    with pytest.raises(errors.DataError, match="em moments cannot be merged"):
        m.merge(m)
    with pytest.raises(errors.DataError, match="em moments cannot be merged"):
        m.subtract(m)


@pytest.fixture(scope="module")
def holes(mobi):
    cells = np.random.default_rng(5).random(mobi.shape) < 0.08
    return mobi.astype(float).mask(cells)


def test_draws_equal_refits_of_resampled_rows(holes):
    options = sat.PlsOptions(tol=1e-12)
    fit = sat.pls("ecsi", holes, options, missing="em")
    boot = sat.bootstrap(fit, holes, n_draws=12, rng=11)
    counts = next(_resample.bootstrap_counts(250, 12, 11)).astype(int)
    paths = (boot.table["term"] == "path").nonzero()[0]
    for k in range(12):
        rows = holes.loc[np.repeat(np.arange(250), counts[k])]
        again = sat.pls("ecsi", rows, options, missing="em")
        np.testing.assert_allclose(
            boot.draws[k, paths], again.paths()["estimate"], atol=1e-7
        )
    by_hand = boot.draws.std(axis=0, ddof=1)
    np.testing.assert_allclose(boot.table["std_error"], by_hand, rtol=1e-10)


def test_draws_do_not_depend_on_chunks(holes, monkeypatch):
    fit = sat.pls("ecsi", holes, missing="em")
    one = sat.bootstrap(fit, holes, n_draws=60, rng=3)
    monkeypatch.setattr(_em_walk, "CELLS", 2**16)
    fewer = sat.bootstrap(fit, holes, n_draws=40, rng=3)
    np.testing.assert_allclose(one.draws[:40], fewer.draws, atol=1e-10)


def test_draws_that_cannot_be_estimated_are_counted(rng):
    X = rng.integers(1, 6, size=(40, 4)).astype(float)
    X[9:, 3] = np.nan
    X[20:25, 0] = np.nan
    frame = pd.DataFrame(X, columns=["a", "b", "c", "rare"])
    model = sat.StructuralModel.from_blocks(
        "m", {"X": ["a", "b"], "Y": ["c", "rare"]}, {"X": "Y"}
    )
    units = EmUnits(tuple(frame.columns), np.zeros(4), X, np.ones(40))
    counts = np.ones((3, 40))
    counts[0, :8] = 0
    counts[1, 4:] = 0
    counts[2, 20:25] = 0
    m = units.moments(counts)
    assert m.reasons[0] == "fewer than two rows answer both a and rare"
    assert "more rows than items" in m.reasons[1]
    assert np.isnan(m.cov[:2]).all()
    fit = sat.pls(model, frame, missing="em")
    boot = sat.bootstrap(fit, frame, n_draws=200, rng=1)
    assert 0 < boot.n_failed < 200
    assert all(
        "answer" in why or "EM" in why or "zero" in why for why, _ in boot.failures
    )
