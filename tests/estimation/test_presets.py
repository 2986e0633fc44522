"""Presets named after programs: what they set, and what they cannot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors

PROGRAMS = {
    "smartpls": ("SmartPLS 2.0.M3", "path", 1e-7),
    "seminr": ("seminr 2.3.4", "path", 1e-7),
    "csem": ("cSEM 0.6.1.9000", "path", 1e-5),
    "plspm": ("plspm 0.5.1", "centroid", 1e-3),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_preset_names_program_and_version(program):
    options = sat.PlsOptions.like(program)
    assert (options.profile, options.scheme, options.tol) == PROGRAMS[program]
    assert options.note
    assert sat.PlsOptions.like(program.upper()) == options


def test_own_options_imitate_nobody():
    assert sat.PlsOptions().profile == ""
    assert sat.PlsOptions().note == ""


@pytest.mark.parametrize("program", ["smartPLS4", "lavaan", 3])
def test_unknown_program_lists_those_there_are(program):
    with pytest.raises(errors.OptionError, match="'smartpls', 'seminr', 'csem'"):
        sat.PlsOptions.like(program)


@pytest.mark.parametrize("field", ["divisor", "htmt", "alpha", "f2", "disturbance"])
def test_unknown_choice_is_named(field):
    with pytest.raises(errors.OptionError, match=f"{field}='x' is not an option"):
        sat.PlsOptions(**{field: "x"})


def test_smartpls_preset_reproduces_smartpls(mobi, reference):
    known = reference("ecsi_smartpls")
    fit = sat.pls("ecsi", mobi, sat.PlsOptions.like("smartpls"))
    weights = fit.measurement().set_index("indicator")["weight"]
    np.testing.assert_allclose(
        weights[known["items"]], known["weights"]["path"], atol=2e-7, rtol=0
    )


def test_divisor_changes_scores_and_nothing_of_paths_or_index(mobi):
    one = sat.pls("ecsi", mobi)
    other = sat.pls("ecsi", mobi, sat.PlsOptions(divisor="n"))
    np.testing.assert_array_equal(one.path_matrix, other.path_matrix)
    ratio = np.sqrt(250 / 249)
    np.testing.assert_allclose(other.scores(mobi), one.scores(mobi) * ratio)
    first = sat.index(one, mobi).to_frame()["estimate"]
    second = sat.index(other, mobi).to_frame()["estimate"]
    np.testing.assert_allclose(first, second, rtol=1e-12)
    raw = [
        sat.pls("ecsi", mobi, sat.PlsOptions(metric="raw", divisor=d))
        for d in ("n-1", "n")
    ]
    np.testing.assert_allclose(raw[1].weights, raw[0].weights * ratio, rtol=1e-8)
    alphas = [sat.assess(f).to_frame().query("term == 'rho_a'") for f in raw]
    np.testing.assert_allclose(alphas[0]["estimate"], alphas[1]["estimate"], rtol=1e-8)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_preset_changes_no_type_and_comes_back_from_json(program, mobi):
    fit = sat.pls("ecsi", mobi, sat.PlsOptions.like(program))
    again = sat.read_result(fit.to_json())
    assert again.options == fit.options
    assert dataclasses.asdict(again.options)["profile"] == PROGRAMS[program][0]
    own = sat.assess(sat.pls("ecsi", mobi)).to_frame()
    like = sat.assess(fit).to_frame()
    assert list(like.columns) == list(own.columns)
    assert like["term"].tolist() == own["term"].tolist()


def test_terms_keep_their_meaning_and_reported_follows_the_program(mobi):
    own = sat.assess(sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-12)))
    options = dataclasses.replace(sat.PlsOptions.like("csem"), tol=1e-12)
    like = sat.assess(sat.pls("ecsi", mobi, options))
    for term in ("htmt", "alpha", "f2_refit"):
        mine = own.table.where(term=term)["estimate"]
        theirs = like.table.where(term=term)["estimate"]
        np.testing.assert_allclose(mine, theirs, atol=1e-9)
    variants = like.reported().groupby("term")["variant"].first()
    assert variants["htmt"] == "htmt_signed"
    assert variants["f2"] == "f2_fixed"
    assert variants["alpha"] == "alpha_standardized"
