"""Polychoric correlations: another program, exact populations, resamples, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _resample
from satmetrics.moment import _polychoric as kernel
from satmetrics.moment import polychoric
from satmetrics.moment.polychoric import OrdinalUnits
from satmetrics.moment.respondents import respondents

HS = [f"x{i}" for i in range(1, 10)]
CUTS = (np.array([-1.5, -0.4, 0.3, 1.1]), np.array([-0.8, 0.5, 2.0]))


def below(h: float, k: float, rho: float) -> float:
    """P(X ≤ h, Y ≤ k) by integrating the conditional distribution."""
    if np.isinf(h) or np.isinf(k):
        return float(stats.norm.cdf(min(h, k)))
    s = np.sqrt(1 - rho**2)

    def slice_(x):
        return stats.norm.pdf(x) * stats.norm.cdf((k - rho * x) / s)

    edge = k / rho if rho else 0.0
    points = [edge] if -9 < edge < h else None
    return integrate.quad(slice_, -10, h, epsabs=1e-14, points=points, limit=200)[0]


def population(rho: float, first=CUTS[0], second=CUTS[1]) -> np.ndarray:
    """Exact cell probabilities of two cut normal variables."""
    rows, columns = np.r_[-40, first, np.inf], np.r_[-40, second, np.inf]
    corners = np.array([[below(h, k, rho) for k in columns] for h in rows])
    return np.diff(np.diff(corners, axis=0), axis=1)


def as_frame(cells: np.ndarray, names: str = "ab") -> pd.DataFrame:
    """One row per cell of a table, weighted by its share of 1,000 answers."""
    index = np.array(list(np.ndindex(*cells.shape))) + 1
    frame = pd.DataFrame(index, columns=list(names)).astype(float)
    frame["w"] = 1000 * cells.ravel()
    return frame[frame["w"] > 0].reset_index(drop=True)


@pytest.fixture(scope="module")
def ordered() -> pd.DataFrame:
    """Holzinger and Swineford's tests, cut at their quartiles."""
    from semopy.examples import holzinger39

    X = holzinger39.get_data()[HS].to_numpy(dtype=float)
    codes = 1 + (X[:, None] > np.quantile(X, [0.25, 0.5, 0.75], axis=0)).sum(axis=1)
    return pd.DataFrame(codes, columns=HS)


def test_lavaan(ordered, reference):
    known = reference("hs_polychoric")
    m = sat.Moments.from_frame(ordered, ordinal=True)
    np.testing.assert_allclose(m.corr(), known["corr"], atol=2e-6)
    units = respondents(sat.Survey(ordered), tuple(HS), ordinal=tuple(HS))
    found = np.array([units.thresholds()[item] for item in HS])
    np.testing.assert_allclose(found, known["thresholds"], atol=1e-9)
    assert (m.kind, m.n) == ("polychoric", 301)


@pytest.mark.parametrize("rho", [-0.999, -0.9, -0.3, 0.0, 0.6, 0.93, 0.995])
def test_bivariate_normal_probabilities(rho, rng):
    h, k = rng.normal(scale=1.5, size=(2, 20))
    expected = [below(*pair, rho) for pair in zip(h, k, strict=True)]
    np.testing.assert_allclose(
        kernel.bivariate_normal(h, k, np.full(20, rho)), expected, atol=1e-12
    )


@pytest.mark.parametrize("rho", [-0.99, -0.7, 0.0, 0.2, 0.55, 0.9, 0.99])
def test_exact_population(rho):
    frame = as_frame(population(rho))
    m = sat.Moments.from_frame(frame, ["a", "b"], weights="w", ordinal=True)
    assert m.corr()[0, 1] == pytest.approx(rho, abs=1e-9)
    share = frame["w"] / frame["w"].sum()
    assert m.mean[0] == pytest.approx((share * frame["a"]).sum())


def test_two_by_two_at_the_medians_is_a_sine():
    """ρ = sin(2π(p₁₁ − ¼)) where both items are cut at their medians (Sheppard)."""
    for p11 in (0.05, 0.2, 0.25, 0.33, 0.45):
        cells = np.array([[p11, 0.5 - p11], [0.5 - p11, p11]])
        m = sat.Moments.from_frame(
            as_frame(cells), ["a", "b"], weights="w", ordinal=True
        )
        expected = np.sin(2 * np.pi * (p11 - 0.25))
        assert m.corr()[0, 1] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.4, 0.95])
def test_polyserial_exact_population(rho):
    """A continuous item at Gauss-Hermite points, an ordered one given it."""
    x, w = np.polynomial.hermite_e.hermegauss(100)
    w = w / w.sum()
    cuts = np.r_[-np.inf, CUTS[1], np.inf]
    s = np.sqrt(1 - rho**2)
    P = np.diff(stats.norm.cdf((cuts - rho * x[:, None]) / s), axis=1) * w[:, None]
    rows = [
        (x[i] * 3 + 10, j, 1e5 * P[i, j])
        for i, j in np.ndindex(*P.shape)
        if P[i, j] > 1e-14
    ]
    frame = pd.DataFrame(rows, columns=["x", "y", "w"])
    m = sat.Moments.from_frame(frame, ["x", "y"], weights="w", ordinal=["y"])
    assert m.corr()[0, 1] == pytest.approx(rho, abs=1e-6)
    assert m.mean[0] == pytest.approx(10, abs=1e-9)


def cut_factor_model(phi: float, loadings: np.ndarray) -> tuple[np.ndarray, list]:
    """Exact probabilities of all answer patterns of six items of two factors."""
    f, w = np.polynomial.hermite_e.hermegauss(48)
    w = w / w.sum()
    cuts = np.array([-np.inf, -0.6, 0.7, np.inf])
    one = f[:, None] * np.ones_like(f)
    two = phi * f[:, None] + np.sqrt(1 - phi**2) * f
    given = []
    for k, loading in enumerate(loadings):
        factor = one if k < 3 else two
        z = (cuts - loading * factor[..., None]) / np.sqrt(1 - loading**2)
        given.append(np.diff(stats.norm.cdf(z), axis=-1))
    patterns = list(itertools.product(range(3), repeat=6))
    weight = w[:, None] * w
    left = {
        a: weight * given[0][..., a[0]] * given[1][..., a[1]] * given[2][..., a[2]]
        for a in itertools.product(range(3), repeat=3)
    }
    right = {
        b: given[3][..., b[0]] * given[4][..., b[1]] * given[5][..., b[2]]
        for b in itertools.product(range(3), repeat=3)
    }
    cells = np.array([(left[p[:3]] * right[p[3:]]).sum() for p in patterns])
    return cells, patterns


def test_consistent_pls_recovers_a_cut_factor_model():
    """OrdPLSc on the exact population of ordered answers: its factors and loadings."""
    loadings = np.array([0.8, 0.7, 0.6, 0.75, 0.85, 0.65])
    cells, patterns = cut_factor_model(0.5, loadings)
    assert cells.sum() == pytest.approx(1, abs=1e-10)
    items = [f"i{k}" for k in range(6)]
    frame = pd.DataFrame(np.array(patterns) + 1.0, columns=items)
    frame["w"] = 5000 * cells
    model = sat.StructuralModel.from_blocks(
        "m",
        {"X": items[:3], "Y": items[3:]},
        {"X": "Y"},
        kinds={"X": "factor", "Y": "factor"},
    )
    options = sat.PlsOptions(tol=1e-12)
    fit = sat.pls(model, frame, options, weights="w", ordinal=True)
    np.testing.assert_allclose(fit.loadings, loadings, atol=1e-6)
    assert fit.paths()["estimate"].item() == pytest.approx(0.5, abs=1e-6)
    plain = sat.pls(model, frame, options, weights="w")
    assert abs(plain.loadings - loadings).max() > 0.03


def likelihood_rho(table: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Maximise a table's likelihood by a search, thresholds from given margins."""
    cuts = [
        stats.norm.ppf(np.cumsum(margin)[:-1] / margin.sum())
        for margin in (first, second)
    ]

    def minus(rho):
        P = population(rho, *cuts)
        return -(table * np.log(np.maximum(P, 1e-12))).sum()

    found = optimize.minimize_scalar(
        minus, bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-7}
    )
    return float(found.x)


def test_pairwise_uses_all_rows_that_answer_both(ordered, rng):
    frame = ordered[["x1", "x2", "x4"]].astype(float)
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    m = sat.Moments.from_frame(frame, missing="pairwise", ordinal=True)
    counts = [frame[c].value_counts().sort_index().to_numpy() for c in frame]
    table = pd.crosstab(frame["x1"], frame["x2"]).to_numpy()
    expected = likelihood_rho(table, counts[0], counts[1])
    assert m.corr()[0, 1] == pytest.approx(expected, abs=2e-6)
    assert m.pair_n[0, 1] == table.sum()
    assert m.n == frame.notna().any(axis=1).sum()
    complete = sat.Moments.from_frame(frame, ordinal=True)
    assert complete.n == frame.notna().all(axis=1).sum()


def test_an_empty_cell_of_two_by_two_gets_half_a_row():
    """Margins are kept; what remains is the likelihood's maximum at that table."""
    tables = np.array([[20.0, 10.0], [0.0, 30.0]])[:, :, None]
    adjusted = kernel.with_half(tables, np.ones(1))[..., 0]
    np.testing.assert_array_equal(adjusted, [[19.5, 10.5], [0.5, 29.5]])
    frame = as_frame(tables[..., 0] / 60).assign(w=lambda f: 60 * f["w"] / 1000)
    rows = frame.loc[np.repeat(frame.index, frame["w"].round().astype(int))]
    m = sat.Moments.from_frame(rows, ["a", "b"], ordinal=True)
    expected = likelihood_rho(adjusted, adjusted.sum(axis=1), adjusted.sum(axis=0))
    assert m.corr()[0, 1] == pytest.approx(expected, abs=1e-6)
    wide = np.zeros((3, 3, 1))
    wide[::2, ::2, 0] = tables[..., 0]
    np.testing.assert_array_equal(
        kernel.with_half(wide, np.ones(1))[::2, ::2, 0], adjusted
    )
    larger = np.array([[5.0, 3, 0], [2, 5, 1], [1, 2, 6]])[:, :, None]
    assert kernel.with_half(larger, np.ones(1)) is larger


def test_a_category_nobody_chose_is_no_category(ordered):
    pair = ordered[["x1", "x2"]]
    units = respondents(sat.Survey(pair), ("x1", "x2"), ordinal=("x1", "x2"))
    for gone in (1, 2, 4):
        keep = (pair["x1"] != gone).to_numpy()
        left = units.moments(keep[None].astype(float)).group(0)
        alone = sat.Moments.from_frame(pair[keep], ordinal=True)
        np.testing.assert_allclose(left.corr(), alone.corr(), atol=1e-9)


def test_only_the_order_of_the_answers_counts(ordered):
    m = sat.Moments.from_frame(ordered, ordinal=True)
    other = ordered.assign(x1=ordered["x1"] ** 3, x2=-ordered["x2"])
    found = sat.Moments.from_frame(other, ordinal=True).corr()
    sign = np.where(np.array(HS) == "x2", -1.0, 1.0)
    np.testing.assert_allclose(found, m.corr() * np.outer(sign, sign), atol=1e-9)


def test_whole_weights_equal_repeated_rows(ordered):
    frame = ordered[HS[:4]]
    times = np.arange(301) % 3 + 1
    weighted = sat.Moments.from_frame(
        frame.assign(w=times), HS[:4], weights="w", ordinal=True
    )
    repeated = sat.Moments.from_frame(
        frame.loc[np.repeat(np.arange(301), times)], ordinal=True
    )
    np.testing.assert_allclose(weighted.corr(), repeated.corr(), atol=1e-9)


def test_means_and_their_errors_are_those_of_the_answers(ordered):
    m = sat.Moments.from_frame(ordered, ordinal=True)
    plain = sat.Moments.from_frame(ordered)
    np.testing.assert_allclose(m.mean, plain.mean, rtol=1e-12)
    np.testing.assert_allclose(m.sd, plain.sd, rtol=1e-12)
    np.testing.assert_allclose(m.mean_cov, plain.mean_cov, rtol=1e-12)


def test_groups_are_estimated_by_themselves(ordered):
    frame = ordered[HS[:4]].assign(g=np.arange(301) % 2)
    batch = sat.Moments.from_frame(frame, HS[:4], by="g", ordinal=True)
    for g in (0, 1):
        alone = sat.Moments.from_frame(frame[frame["g"] == g], HS[:4], ordinal=True)
        np.testing.assert_allclose(batch.cov[g], alone.cov, atol=1e-9)
        np.testing.assert_allclose(batch.mean_cov[g], alone.mean_cov, atol=1e-12)


def mixed_model() -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "m", {"V": HS[:3], "T": HS[3:6], "S": HS[6:]}, {"V": ["T", "S"], "T": "S"}
    )


@pytest.mark.parametrize("missing", ["listwise", "pairwise"])
@pytest.mark.parametrize("items", [True, HS[:7]])
def test_draws_equal_refits_of_resampled_rows(ordered, missing, items):
    frame = ordered.astype(float)
    frame.iloc[5:20, 2] = np.nan
    options = sat.PlsOptions(tol=1e-12)
    fit = sat.pls(mixed_model(), frame, options, ordinal=items, missing=missing)
    boot = sat.bootstrap(fit, frame, n_draws=3, rng=11)
    rows = np.flatnonzero(frame.notna().all(axis=1)) if missing == "listwise" else None
    at = np.arange(301) if rows is None else rows
    counts = next(_resample.bootstrap_counts(len(at), 3, 11)).astype(int)
    paths = (boot.table["term"] == "path").nonzero()[0]
    for k in range(3):
        again = sat.pls(
            mixed_model(),
            frame.loc[np.repeat(at, counts[k])],
            options,
            ordinal=items,
            missing=missing,
        )
        np.testing.assert_allclose(
            boot.draws[k, paths], again.paths()["estimate"], atol=1e-7
        )


def test_draws_do_not_depend_on_chunks(ordered, monkeypatch):
    fit = sat.pls(mixed_model(), ordered, ordinal=True)
    one = sat.bootstrap(fit, ordered, n_draws=60, rng=3)
    monkeypatch.setattr(polychoric, "CELLS", 2**14)
    monkeypatch.setattr(polychoric, "TABLES", 2**10)
    fewer = sat.bootstrap(fit, ordered, n_draws=40, rng=3)
    np.testing.assert_allclose(one.draws[:40], fewer.draws, atol=1e-10)
    assert fit.sampling.ordinal == tuple(HS)


def test_index_is_of_observed_means(ordered):
    model = sat.StructuralModel.from_blocks(
        "m", {"V": HS[:3], "T": HS[3:6]}, {"V": "T"}, target="T", scale=(1, 4)
    )
    fit = sat.pls(model, ordered, ordinal=True)
    level = sat.index(fit, construct="T").to_frame()["estimate"].item()
    w = fit.raw_weights()[3:]
    mean = ordered[HS[3:6]].mean().to_numpy()
    assert level == pytest.approx(100 * (w @ (mean - 1)) / (3 * w.sum()), rel=1e-9)


def test_a_correlation_of_one_has_no_maximum(ordered):
    twin = ordered[["x1", "x2"]].assign(x3=ordered["x1"])
    with pytest.raises(errors.NotIdentifiedError, match="of x1 and x3 has no maximum"):
        sat.Moments.from_frame(twin, ordinal=True)
    constant = ordered[["x1", "x2"]].assign(x3=2)
    with pytest.raises(errors.NotIdentifiedError, match="zero variance: x3"):
        sat.Moments.from_frame(constant, ordinal=True)
    frame = twin.assign(g=np.arange(301) % 2)
    batch = sat.Moments.from_frame(frame, ["x1", "x3"], by="g", ordinal=True)
    assert all("no maximum" in reason for reason in batch.reasons)


def test_indefinite_correlations_are_reported_and_not_repaired():
    rng = np.random.default_rng(2)
    X = rng.integers(1, 3, size=(14, 6))
    frame = pd.DataFrame(X, columns=list("abcdef"))
    m = sat.Moments.from_frame(frame, ordinal=True)
    lowest = np.linalg.eigvalsh(m.corr())[0]
    assert lowest < -1e-6
    assert "not positive semi-definite" in str(m)


def test_wrong_input_is_named(ordered, rng):
    wide = ordered.assign(x1=rng.normal(size=301).round(2))
    with pytest.raises(errors.DataError, match="different answers") as caught:
        sat.Moments.from_frame(wide, ordinal=True)
    assert (caught.value.code, caught.value.column) == ("not-ordinal", "x1")
    sat.Moments.from_frame(wide, ordinal=HS[1:])
    with pytest.raises(errors.OptionError, match=r"ordinal=\['x1'\]"):
        sat.Moments.from_frame(ordered, ordinal="x1")
    with pytest.raises(errors.DataError, match="did you mean 'x1'"):
        sat.Moments.from_frame(ordered, ordinal=["x1", "x11"])
    for policy in ("em", "mean"):
        with pytest.raises(errors.OptionError, match="do not go together"):
            sat.Moments.from_frame(ordered, ordinal=True, missing=policy)
    with pytest.raises(errors.OptionError, match="acov=True"):
        sat.Moments.from_frame(ordered, ordinal=True, acov=True)
    model = mixed_model()
    with pytest.raises(errors.OptionError, match='metric="raw"'):
        sat.pls(model, ordered, sat.PlsOptions(metric="raw"), ordinal=True)
    with pytest.raises(errors.DataError, match="need answers"):
        sat.pls(model, sat.Moments.from_frame(ordered), ordinal=True)
    fit = sat.pls(model, ordered, ordinal=True)
    with pytest.raises(errors.DataError, match="pass the answers"):
        sat.bootstrap(fit, n_draws=10)
    with pytest.raises(errors.DataError, match="cannot be merged"):
        fit.moments.merge(fit.moments)


def test_moments_of_ordered_answers_are_accepted_as_data(ordered):
    m = sat.Moments.from_frame(ordered, ordinal=True)
    one = sat.pls(mixed_model(), m)
    other = sat.pls(mixed_model(), ordered, ordinal=True)
    np.testing.assert_allclose(one.path_matrix, other.path_matrix, atol=1e-12)


def test_stages_are_refused_by_name(ordered):
    model = sat.StructuralModel.from_blocks(
        "m",
        {"V": HS[:3], "T": HS[3:6], "S": HS[6:]},
        {"V": "S", "T": "S", "VxT": "S"},
        interactions={"VxT": ["V", "T"]},
    )
    with pytest.raises(errors.DataError, match="no scores to become") as caught:
        sat.pls(model, ordered, ordinal=True)
    assert (caught.value.code, caught.value.column) == ("polychoric-stages", "VxT")


def test_units_know_their_categories(ordered):
    units = OrdinalUnits(
        ("a", "b"),
        np.zeros(2),
        np.array([[1.0, 5], [3, np.nan], [1, 7], [2, 5]]),
        np.ones(4),
        ordinal=np.array([True, True]),
    )
    assert units.coded.levels == (3, 2)
    np.testing.assert_array_equal(units.coded.codes, [[0, 0], [2, -1], [0, 1], [1, 0]])
