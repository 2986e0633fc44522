"""Simple slopes against regressions on rows, and their errors against draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.models import HigherOrder, Interaction

APPROACHES = ("two-stage", "product", "orthogonal")
TIGHT = sat.PlsOptions(tol=1e-13, max_iter=3000)


def standardized(frame):
    return (frame - frame.mean()) / frame.std()


def one_item(approach):
    """Return a model of single items, whose scores are the items."""
    names = ("x", "m", "k", "y")
    return sat.StructuralModel.from_blocks(
        "one item each",
        {name.upper(): [name] for name in names},
        dict.fromkeys(["X", "M", "K", "XM", "XX"], "Y"),
        interactions=[
            Interaction("XM", ("X", "M"), approach),
            Interaction("XX", ("X", "X"), approach),
        ],
    )


@pytest.fixture(scope="module")
def curved():
    rng = np.random.default_rng(7)
    x, m, k, e = rng.standard_normal((4, 400))
    m = 0.5 * x + m + 0.2 * m**2
    y = 0.4 * x + 0.3 * m + 0.2 * k + 0.25 * x * m - 0.15 * x**2 + e
    return pd.DataFrame({"x": x + 5, "m": m * 3, "k": k, "y": y})


@pytest.fixture(scope="module")
def regression(curved):
    z = standardized(curved)
    X = np.column_stack([np.ones(len(z)), z.x, z.m, z.k, z.x * z.m, z.x**2])
    beta, *_ = np.linalg.lstsq(X, z.y.to_numpy(), rcond=None)
    return dict(zip(("1", "x", "m", "k", "xm", "xx"), beta, strict=True))


@pytest.mark.parametrize("approach", APPROACHES)
def test_of_single_items_they_are_those_of_the_regression(approach, curved, regression):
    fit = sat.pls(one_item(approach), curved, TIGHT)
    found = sat.assessment.simple_slopes(fit, at=(-2, 0, 1)).to_frame()
    b = regression
    close = {"atol": 1e-9, "rtol": 0}
    slopes = found.query("term == 'slope'")
    joint = slopes.query("interaction == 'XM'")
    assert list(joint["at"]) == [-2, 0, 1]
    np.testing.assert_allclose(
        joint["estimate"], b["x"] + b["xm"] * joint["at"], **close
    )
    own = slopes.query("interaction == 'XX'")
    np.testing.assert_allclose(
        own["estimate"], b["x"] + 2 * b["xx"] * own["at"], **close
    )
    moderation = found.query("term == 'moderation'")["estimate"]
    np.testing.assert_allclose(moderation, [b["xm"], b["xx"]], **close)
    other = sat.assessment.simple_slopes(fit, "XM", predictor="M", at=[1.5]).to_frame()
    assert list(other["source"].unique()) == ["M"]
    np.testing.assert_allclose(other["estimate"][0], b["m"] + 1.5 * b["xm"], **close)


def test_f2_is_the_loss_of_variance_explained(curved):
    fit = sat.pls(one_item("two-stage"), curved, TIGHT)
    found = sat.assessment.simple_slopes(fit).to_frame().query("term == 'f2_fixed'")
    z = standardized(curved)
    full = np.column_stack([np.ones(len(z)), z.x, z.m, z.k, z.x * z.m, z.x**2])

    def r2(X):
        fitted = X @ np.linalg.lstsq(X, z.y.to_numpy(), rcond=None)[0]
        return 1 - ((z.y - fitted) ** 2).sum() / (len(z) - 1)

    for column, value in zip((4, 5), found["estimate"], strict=True):
        less = r2(np.delete(full, column, axis=1))
        known = (r2(full) - less) / (1 - r2(full))
        np.testing.assert_allclose(value, known, rtol=1e-9)


def mobi_model(approach):
    blocks = {
        "Image": [f"IMAG{i}" for i in range(1, 6)],
        "Value": ["PERV1", "PERV2"],
        "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
        "Loyalty": ["CUSL1", "CUSL3"],
    }
    both = ["Satisfaction", "Loyalty"]
    paths = {"Image": both, "Value": both, "Both": both}
    return sat.StructuralModel.from_blocks(
        "moderated",
        blocks,
        {**paths, "Satisfaction": "Loyalty"},
        interactions=[Interaction("Both", ("Image", "Value"), approach)],
    )


def test_slope_analysis_of_seminr_live(mobi):
    """The lines its figure draws have these slopes."""
    seminr = pytest.importorskip("seminr")
    datasets = pytest.importorskip("seminr.datasets")
    model = mobi_model("two-stage")
    parts = [seminr.composite(c.name, list(c.indicators)) for c in model.constructs]
    made = seminr.interaction_term("Image", "Value", seminr.two_stage)
    edges = [
        seminr.paths(p.source.replace("Both", "Image*Value"), p.target)
        for p in model.paths
    ]
    theirs = seminr.estimate_pls(
        datasets.load_mobi(),
        seminr.constructs(*parts, made),
        seminr.relationships(*edges),
    )
    figure = seminr.slope_analysis(theirs, dv="Loyalty", moderator="Value", iv="Image")
    known = []
    for line in figure.axes[0].lines:
        x, y = line.get_data()
        known.append((y[-1] - y[0]) / (x[-1] - x[0]))
    found = sat.assessment.simple_slopes(sat.pls(model, mobi, TIGHT)).to_frame()
    mine = found.query("target == 'Loyalty' and term == 'slope'")["estimate"]
    np.testing.assert_allclose(mine, known, atol=1e-6)


@pytest.mark.parametrize("approach", ["product", "orthogonal"])
def test_composites_of_products_count_by_their_projection(approach, mobi):
    fit = sat.pls(mobi_model(approach), mobi, TIGHT)
    s = fit.scores(mobi)
    X = np.column_stack([np.ones(len(s)), s.Image, s.Value, s.Image * s.Value])
    a = np.linalg.lstsq(X, s["Both"].to_numpy(), rcond=None)[0]
    paths = fit.paths().set_index(["source", "target"])["estimate"]
    found = sat.assessment.simple_slopes(fit, "Both", at=[0.7]).to_frame()
    for target in ("Satisfaction", "Loyalty"):
        b, p = paths["Image", target], paths["Both", target]
        rows = found[found["target"] == target].set_index("term")["estimate"]
        known = [b + p * (a[1] + 0.7 * a[3]), p * a[3]]
        np.testing.assert_allclose(rows[["slope", "moderation"]], known, atol=1e-9)


@pytest.mark.parametrize("approach", APPROACHES)
def test_turning_the_composite_turns_nothing(approach, mobi):
    """Slopes do not depend on the sign a composite of products happens to have."""
    model = mobi_model(approach)
    some = [
        sat.assessment.simple_slopes(
            sat.pls(model, mobi, sat.PlsOptions(tol=1e-13, max_iter=3000, sign=sign))
        ).to_frame()["estimate"]
        for sign in ("sum", "dominant")
    ]
    np.testing.assert_allclose(*some, atol=1e-9)


def test_errors_and_boundaries_are_those_of_the_draws(curved):
    fit = sat.pls(one_item("two-stage"), curved, TIGHT)
    boot = sat.bootstrap(fit, curved, n_draws=400, rng=3)
    found = sat.assessment.simple_slopes(fit, "XM", boot=boot, level=0.9)
    frame = found.to_frame()
    labels = fit.labels().to_frame()
    at = labels.query("term == 'slope' and source == 'X'").index[0]
    on = labels.query("term == 'moderation' and source == 'XM'").index[0]
    slopes = frame.query("term == 'slope'").reset_index(drop=True)
    for row, m in enumerate((-1, 0, 1)):
        drawn = boot.draws[:, at] + m * boot.draws[:, on]
        known = [drawn.std(ddof=1), *np.quantile(drawn, [0.05, 0.95])]
        values = slopes.loc[row, ["std_error", "conf_low", "conf_high"]]
        np.testing.assert_allclose(values.to_numpy(dtype=float), known, rtol=1e-9)
    V = np.cov(boot.draws[:, [at, on]].T)
    edges = frame.query("term == 'boundary'")
    assert len(edges) == 2
    for m, slope in zip(edges["at"], edges["estimate"], strict=True):
        error = np.sqrt(V[0, 0] + 2 * m * V[0, 1] + m * m * V[1, 1])
        np.testing.assert_allclose(abs(slope) / error, 1.6448536269514722, rtol=1e-9)
    assert "Region of significance" in str(found)
    assert found.to_frame().columns.tolist()[:3] == ["source", "target", "term"]


def test_groups_have_slopes_of_their_own(mobi):
    half = np.where(np.arange(len(mobi)) < 120, "a", "b")
    model = mobi_model("product")
    fits = sat.pls(model, mobi.assign(g=half), TIGHT, by="g")
    found = sat.assessment.simple_slopes(fits).to_frame()
    for g in "ab":
        rows = mobi[half == g].reset_index(drop=True)
        known = sat.assessment.simple_slopes(sat.pls(model, rows, TIGHT)).to_frame()
        mine = found[found["g"] == g]
        np.testing.assert_allclose(mine["estimate"], known["estimate"], atol=1e-8)
        assert set(mine["n"]) == {len(rows)}
    assert "no standard errors" in str(sat.assessment.simple_slopes(fits))


def test_a_moderated_second_order_construct(mobi):
    model = sat.StructuralModel.from_blocks(
        "both",
        {
            "Image": ["IMAG1", "IMAG2", "IMAG4"],
            "Value": ["PERV1", "PERV2"],
            "Quality": ["PERQ1", "PERQ2", "PERQ3"],
            "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
        },
        dict.fromkeys(["Image", "Offer", "IO"], "Satisfaction"),
        higher=[HigherOrder("Offer", ("Value", "Quality"), mode="B")],
        interactions={"IO": ("Image", "Offer")},
    )
    fit = sat.pls(model, mobi)
    found = sat.assessment.simple_slopes(fit, predictor="Offer").to_frame()
    assert set(found["moderator"]) == {"Image"}


def test_wrong_input_is_named(mobi, fit):
    own = sat.pls(mobi_model("two-stage"), mobi)
    for call, message in (
        (lambda: sat.assessment.simple_slopes(fit), "no interaction"),
        (lambda: sat.assessment.simple_slopes(own, "Boths"), "did you mean 'Both'"),
        (lambda: sat.assessment.simple_slopes(own, predictor="Q"), "no factor"),
        (lambda: sat.assessment.simple_slopes(own, at=[np.nan]), "values of the mod"),
        (lambda: sat.assessment.simple_slopes(own, level=95), "confidence level"),
        (lambda: sat.assessment.simple_slopes(own, boot=own), "needs a bootstrap"),
        (lambda: sat.assessment.simple_slopes(mobi), "needs a fit"),
    ):
        with pytest.raises(errors.OptionError, match=message):
            call()
    other = sat.pls(mobi_model("product"), mobi)
    boot = sat.bootstrap(other, mobi, n_draws=10, rng=1)
    with pytest.raises(errors.OptionError, match="another fit"):
        sat.assessment.simple_slopes(own, boot=boot)
