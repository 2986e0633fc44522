"""A factor fit does whatever a path model's fit does."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics.errors import DataError, InadmissibleWarning, OptionError

LAMBDA = {"A": (1.0, 0.8, 1.3), "B": (1.0, 0.6, 0.9), "C": (1.0, 1.2, 0.7)}
THETA = (0.5, 0.7, 0.4, 0.6, 0.3, 0.8, 0.2, 0.5, 0.9)
A, B, C = 0.6, 0.5, 0.3
MODEL = sat.StructuralModel.from_blocks(
    "three",
    {k: [f"{k.lower()}{i}" for i in (1, 2, 3)] for k in LAMBDA},
    {"A": ["B", "C"], "B": ["C"]},
    target="C",
    scale=(0, 10),
)


def population(n: int = 500) -> tuple[sat.Moments, np.ndarray, np.ndarray]:
    """Return exact moments of the model, Λ and the covariance of its factors."""
    beta = np.array([[0, 0, 0], [A, 0, 0], [C, B, 0]])
    inverse = np.linalg.inv(np.eye(3) - beta)
    phi = inverse @ np.diag([1.2, 0.8, 0.5]) @ inverse.T
    big = np.zeros((9, 3))
    for k, loadings in enumerate(LAMBDA.values()):
        big[3 * k : 3 * k + 3, k] = loadings
    sigma = big @ phi @ big.T + np.diag(THETA)
    sd = np.sqrt(np.diag(sigma) * n / (n - 1))
    corr = sigma / np.sqrt(np.outer(np.diag(sigma), np.diag(sigma)))
    mean = np.linspace(4, 7, 9)
    made = sat.Moments.from_table(mean, sd, corr, n=n, names=MODEL.indicators)
    return made, big, phi


@pytest.fixture(scope="module")
def exact():
    return sat.sem(MODEL, population()[0])


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(7)
    moments = population()[0]
    X = rng.multivariate_normal(moments.mean, moments.cov, size=300)
    frame = pl.DataFrame(dict(zip(MODEL.indicators, np.clip(X, 0, 10).T, strict=True)))
    return frame.with_columns(pl.Series("shop", np.repeat(["x", "y", "z"], 100)))


def rows(result, **where):
    frame = result.to_frame()
    for key, value in where.items():
        frame = frame[frame[key] == value]
    return frame


def test_numbers_of_an_exact_population(exact):
    _, big, phi = population()
    assert exact.chi2 == pytest.approx(0, abs=1e-8)
    sd = np.sqrt(np.diag(phi))
    sigma = big @ phi @ big.T + np.diag(THETA)
    paths = np.array([A * sd[0] / sd[1], C * sd[0] / sd[2], B * sd[1] / sd[2]])
    got = exact.standard_paths()
    assert got["target"].tolist() == ["B", "C", "C"]
    np.testing.assert_allclose(got["estimate"], paths, atol=1e-7)
    np.testing.assert_allclose(exact.corr, phi / np.outer(sd, sd), atol=1e-7)
    loadings = big.sum(axis=1) * np.repeat(sd, 3) / np.sqrt(np.diag(sigma))
    np.testing.assert_allclose(exact.loadings, loadings, atol=1e-7)
    np.testing.assert_allclose(
        exact.r_squared[1:], [1 - 0.8 / phi[1, 1], 1 - 0.5 / phi[2, 2]]
    )


def test_weights_are_loadings_over_residual_variances(exact):
    _, big, phi = population()
    w = exact.raw_weights()
    for k in range(3):
        block = slice(3 * k, 3 * k + 3)
        lam, theta = big[block, k], np.array(THETA[block])
        np.testing.assert_allclose(
            w[block] / w[block][0], lam / theta * theta[0], rtol=1e-6
        )
        S = phi[k, k] * np.outer(lam, lam) + np.diag(theta)
        assert w[block] @ S @ w[block] == pytest.approx(1, abs=1e-7)
        share = (w[block] @ lam) ** 2 * phi[k, k]
        assert exact.rho[k] == pytest.approx(share, abs=1e-7)


def test_omega_and_ave_of_an_exact_population(exact):
    _, big, phi = population()
    found = sat.assess(exact)
    for k, name in enumerate(LAMBDA):
        lam, theta = big[3 * k : 3 * k + 3, k], np.array(THETA[3 * k : 3 * k + 3])
        true = lam.sum() ** 2 * phi[k, k]
        omega = rows(found, term="omega", construct=name)["estimate"].item()
        assert omega == pytest.approx(true / (true + theta.sum()), abs=1e-7)
        standard = lam**2 * phi[k, k] / (lam**2 * phi[k, k] + theta)
        ave = rows(found, term="ave", construct=name)["estimate"].item()
        assert ave == pytest.approx(standard.mean(), abs=1e-7)
    assert rows(found, term="chi2")["estimate"].item() == pytest.approx(0, abs=1e-7)
    assert rows(found, term="rho_a")["estimate"].isna().all()
    assert found.reported()["variant"].isin(["f2_fixed"]).any()


def test_effects_have_the_errors_of_the_delta_method(exact):
    found = sat.effects(exact)
    names = exact.table.names()
    at = [names.index(name) for name in ("B ~ A", "C ~ B", "C ~ A")]
    V = exact.vcov[np.ix_(at, at)]
    gradient = np.array([B, A, 0.0])
    row = rows(found, term="raw_indirect").iloc[0]
    assert row["estimate"] == pytest.approx(A * B, abs=1e-7)
    assert row["std_error"] == pytest.approx(np.sqrt(gradient @ V @ gradient), rel=1e-6)
    gradient[2] = 1.0
    row = rows(found, term="raw_total", source="A", target="C").iloc[0]
    assert row["std_error"] == pytest.approx(np.sqrt(gradient @ V @ gradient), rel=1e-6)
    chain = rows(found, term="raw_specific_indirect").iloc[0]
    assert chain["via"] == "A → B → C"
    assert chain["estimate"] == pytest.approx(A * B, abs=1e-7)
    standard = exact.standardized().query("op == '~'").set_index(["rhs", "lhs"])
    for _, row in rows(found, term="direct").iterrows():
        other = standard.loc[(row["source"], row["target"])]
        assert row["estimate"] == pytest.approx(other["estimate"], abs=1e-9)
        assert row["std_error"] == pytest.approx(other["std_error"], rel=1e-6)


def test_draws_are_the_fits_of_resamples(exact, answers):
    fit = sat.sem(MODEL, answers)
    boot = sat.bootstrap(fit, answers, n_draws=60, rng=3)
    assert boot.n_failed == 0
    own = boot.table.where(term="parameter")
    np.testing.assert_allclose(own["estimate"], fit.theta, atol=1e-7)
    assert tuple(own["name"]) == fit.table.names()
    again = sat.bootstrap(
        fit,
        answers,
        n_draws=60,
        rng=3,
        statistic=lambda fits: fits.path_matrix[:, 0, 2],
    )
    drawn = again.table["term"] == "statistic"
    path = (again.table["term"] == "path") & (again.table["target"] == "C")
    path &= again.table["source"] == "A"
    np.testing.assert_allclose(again.draws[:, drawn], again.draws[:, path], atol=1e-6)


def test_the_six_factors_of_mobile_converge_in_nearly_every_draw(mobile):
    ecsi = sat.models.load("ecsi")
    blocks = {c.name: c.indicators for c in ecsi.constructs if len(c.indicators) > 1}
    model = sat.StructuralModel.from_blocks("six", blocks, {}, scale=(1, 10))
    with pytest.warns(InadmissibleWarning):
        fit = sat.sem(model, mobile)
    boot = sat.bootstrap(fit, n_draws=300, rng=1)
    assert boot.n_failed <= 3
    assert len(boot.draws) >= 297
    same = sat.bootstrap(fit, n_draws=300, rng=1)
    np.testing.assert_array_equal(boot.draws, same.draws)


def test_an_index_of_factor_scores(answers):
    fit = sat.sem(MODEL, answers)
    got = sat.index(fit, answers, by="shop", construct="C").to_frame()
    w = fit.raw_weights()[6:]
    X = answers.select(MODEL.indicators[6:]).to_numpy().reshape(3, 100, 3)
    want = 10 * (X.mean(axis=1) @ w) / w.sum()
    np.testing.assert_allclose(got["estimate"], want, rtol=1e-9)
    equal = sat.index(fit, answers, by="shop", construct="C", metric="equal").to_frame()
    np.testing.assert_allclose(equal["estimate"], 10 * X.mean(axis=(1, 2)), rtol=1e-9)
    drawn = sat.index(fit, answers, by="shop", construct="C", n_draws=40, rng=1)
    assert (drawn.to_frame()["std_error"] > 0).all()
    with pytest.raises(OptionError, match="chooses weights of a path model") as caught:
        sat.index(fit, answers, metric="raw")
    assert caught.value.code == "metric-of-factors"
    with pytest.raises(OptionError, match="is not an option"):
        sat.index(sat.pls(MODEL, answers), answers, metric="factor")
    batch = sat.sem(MODEL, answers, by="shop")
    each = sat.index(batch, answers, by="shop", construct="C").to_frame()
    alone = sat.sem(MODEL, answers.filter(pl.col("shop") == "y").drop("shop"))
    other = sat.index(alone, construct="C").to_frame()
    assert each["estimate"][1] == pytest.approx(other["estimate"][0], abs=1e-6)
    np.testing.assert_allclose(batch.group(1).theta, alone.theta, atol=1e-6)
    np.testing.assert_allclose(batch.take([2, 1]).theta, batch.theta[[2, 1]])


def test_scores_by_regression_and_bartlett(answers):
    fit = sat.sem(MODEL, answers)
    M = fit.matrices
    X = answers.select(MODEL.indicators).to_numpy()
    D = X - X.mean(axis=0)
    scores = fit.scores(answers)
    want = D @ np.linalg.solve(M.Sigma[0], M.Lambda[0] @ M.Phi[0])
    np.testing.assert_allclose(scores.to_numpy(), want, atol=1e-9)
    weight = M.Lambda[0].T / np.diag(M.Theta[0])
    want = D @ np.linalg.solve(weight @ M.Lambda[0], weight).T
    bartlett = fit.scores(answers, method="bartlett")
    np.testing.assert_allclose(bartlett.to_numpy(), want, atol=1e-8)
    holes = X.copy()
    holes[0, 0], holes[1, :3], holes[2] = np.nan, np.nan, np.nan
    frame = pl.DataFrame(holes, schema=list(MODEL.indicators), nan_to_null=True)
    some = fit.scores(frame).to_numpy()
    keep = np.arange(1, 9)
    S = M.Sigma[0][np.ix_(keep, keep)]
    c = (M.Lambda[0] @ M.Phi[0])[keep]
    np.testing.assert_allclose(some[0], D[0, keep] @ np.linalg.solve(S, c), atol=1e-9)
    assert np.isfinite(some[1]).all()
    assert np.isnan(some[2]).all()
    assert np.isnan(fit.scores(frame, method="bartlett").to_numpy()[1, 0])
    with pytest.raises(OptionError, match="did you mean 'bartlett'"):
        fit.scores(answers, method="bartlet")


def test_frames_of_any_library_make_one_fit(answers):
    made = [
        sat.sem(MODEL, f) for f in (answers, answers.to_pandas(), answers.to_arrow())
    ]
    assert isinstance(answers.to_arrow(), pa.Table)
    for fit in made[1:]:
        np.testing.assert_array_equal(fit.theta, made[0].theta)
    indices = [sat.index(made[0], f).to_frame() for f in (answers, answers.to_pandas())]
    assert indices[0].equals(indices[1])


def test_a_fit_comes_back_from_json_and_goes_on(answers, tmp_path):
    fit = sat.sem(MODEL, answers, by="shop")
    fit.save_json(tmp_path / "fit.json")
    back = sat.read_result(tmp_path / "fit.json")
    assert sat.effects(back).to_frame().equals(sat.effects(fit).to_frame())
    assert sat.assess(back).to_frame().equals(sat.assess(fit).to_frame())


def test_pictures_reports_and_drivers(answers):
    fit = sat.sem(MODEL, answers)
    boot = sat.bootstrap(fit, answers, n_draws=50, rng=1)
    drawn = sat.plot.paths(fit, boot)
    texts = {t.get_text() for t in drawn.texts if t.get_gid() == "coefficient"}
    paths = fit.standard_paths()["estimate"]
    assert texts == {f"{value:.2f}" for value in paths}
    page = sat.report("x", [fit, boot, sat.assess(fit)]).to_html()
    assert "covariance structure model of factors, ML" in page
    moved = sat.drivers.importance_performance(fit, answers, n_draws=30, rng=1)
    got = rows(moved, level="construct", term="importance", construct="B")["estimate"]
    w = fit.raw_weights()
    span = w[3:6].sum() / np.sqrt(fit.rho[1]), w[6:].sum() / np.sqrt(fit.rho[2])
    assert got.item() == pytest.approx(fit.path_matrix[1, 2] * span[0] / span[1])


def test_instability_is_said_aloud(mobile, answers):
    fit = sat.sem("ecsi", mobile)
    said = fit.instability()
    assert len(said) == 3
    assert "Image and Expectation (0.99)" in said[0]
    assert "Expectation → Value" in said[1]
    assert "Quality (1.0 %)" in said[2]
    assert all("rule of thumb" in sentence for sentence in said)
    text = str(fit.summary())
    assert all(sentence[:40] in text for sentence in said)
    assert sat.sem(MODEL, answers).instability() == ()


def test_what_a_factor_fit_cannot_do_is_said(answers):
    fit = sat.sem(MODEL, answers, by="shop")
    for act in (
        lambda: fit.scores(answers),
        lambda: sat.plot.paths(fit),
        lambda: sat.bootstrap(fit, answers, n_draws=10),
    ):
        with pytest.raises(OptionError, match="batch of groups"):
            act()
    with pytest.raises(OptionError, match="model and data are swapped"):
        sat.sem(answers, MODEL)
    one = sat.sem(MODEL, answers)
    with pytest.raises(DataError, match="not the data of the fit"):
        sat.bootstrap(one, answers.head(100), n_draws=10)


def test_ordered_answers_have_an_index_and_no_draws():
    air = sat.datasets.load("airline_waves")
    blocks = {"Q": ["PERQ1", "PERQ2", "PERQ3"], "S": ["CUSA1", "CUSA2", "CUSA3"]}
    model = sat.StructuralModel.from_blocks("q", blocks, {"Q": ["S"]}, scale=(1, 10))
    fit = sat.sem(model, air, sat.SemOptions(estimator="DWLS"), ordinal=True)
    w = fit.weights[3:] / fit.moments.sd[3:]
    want = 100 * ((fit.moments.mean[3:] - 1) @ w) / (9 * w.sum())
    found = sat.index(fit, construct="S").to_frame()["estimate"].item()
    assert found == pytest.approx(want)
    for act in (lambda: fit.scores(air), lambda: sat.bootstrap(fit, air, n_draws=10)):
        with pytest.raises(OptionError, match="ordered answers") as caught:
            act()
        assert caught.value.code == "ordered-answers"
