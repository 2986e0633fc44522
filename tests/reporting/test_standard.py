"""Which analyses a survey allows, and what is said of the rest."""

from __future__ import annotations

import pytest

import satmetrics as sat
from satmetrics.errors import DataError, SpecificationError
from satmetrics.reporting.asked import item_specs, load_instrument, load_model
from satmetrics.reporting.demo import demo_report, found
from satmetrics.reporting.first_page import first_page
from satmetrics.reporting.parts import parts_of
from satmetrics.reporting.standard import standard_results
from satmetrics.simulate import GapPopulation, simulate_servqual


@pytest.fixture(scope="module")
def ecsi():
    return sat.models.load("ecsi")


def kinds(done):
    return [type(result).__name__ for result in done.results]


def test_everything_roles_allow(airlines, ecsi):
    done = standard_results(airlines, ecsi, n_draws=100, rng=1)
    assert kinds(done) == [
        "PlsFit",
        "IndexResult",
        "ChangeResult",
        "IndexResult",
        "ChangeResult",
        "PriorityResult",
        "BootstrapResult",
        "Assessment",
    ]
    assert [
        r.by for r in done.results if hasattr(r, "metric") and hasattr(r, "by")
    ] == [
        ("wave",),
        ("company", "wave"),
    ]
    assert done.skipped == ()
    assert done.labels["Quality"] == "Perceived quality"


def test_numbers_are_those_of_the_functions(airlines, ecsi, fit):
    done = standard_results(airlines, ecsi, n_draws=100, rng=1)
    alone = sat.bootstrap(fit, airlines, n_draws=100, rng=1)
    boot = next(r for r in done.results if type(r) is type(alone))
    assert boot.to_frame().equals(alone.to_frame())


def test_no_roles_no_groups(airlines, ecsi):
    survey = sat.Survey(airlines.frame, scale=(1, 10))
    done = standard_results(survey, ecsi, n_draws=100, rng=1)
    assert "ChangeResult" not in kinds(done)
    assert kinds(done).count("IndexResult") == 1


def test_a_single_wave_has_no_change_and_says_so(airlines, ecsi):
    frame = airlines.frame.query("wave == '2025-1'")
    survey = sat.Survey(frame, wave="wave", unit="company", scale=(1, 10))
    done = standard_results(survey, ecsi, n_draws=100, rng=1)
    assert "ChangeResult" not in kinds(done)
    assert sum("one wave only" in text for text in done.skipped) == 2
    notes = [n for r in done.results for n in r.context.notes]
    assert any("one wave only" in note for note in notes), "the report says it too"


def test_small_groups_are_named(airlines, ecsi):
    frame = airlines.frame
    tiny = (frame["company"] == "Cormorant") & (frame["respondent"] % 40 > 0)
    survey = sat.Survey(frame[~tiny], unit="company", scale=(1, 10))
    done = standard_results(survey, ecsi, n_draws=100, rng=1)
    small = [n for r in done.results for n in r.context.notes if "fewer than 30" in n]
    assert "Cormorant (n = " in small[0]
    assert "Alder Air" not in small[0]


def test_gaps_and_gaps_by_unit(bank):
    done = standard_results(bank)
    found_kinds = ["GapResult", "GapResult", "ServqualStudy", "ResponseQuality"]
    assert kinds(done) == [*found_kinds, "GapPsychometrics"]
    assert done.results[1].by == ("branch",)
    variants = set(done.results[0].rows("overall")["variant"])
    assert any("points" in v for v in variants), "importance points are used"


def test_missing_pairs_are_counted(bank):
    frame = bank.frame.drop(columns=["e_tan1"])
    survey = sat.Survey(frame, scale=(1, 7))
    spec = sat.instruments.load("servqual")
    done = standard_results(survey, instrument=spec)
    assert len(done.results[0].rows("item")) == 21
    assert done.skipped == ("servqual: 1 of 22 pairs have no columns",)


def test_one_part_missing_does_not_spoil_the_other(bank, ecsi):
    done = standard_results(bank, ecsi)
    assert kinds(done)[0] == "GapResult"
    assert "24 of 24 items have no column" in done.skipped[0]


def test_nothing_possible_names_the_cure(bank, ecsi):
    survey = sat.Survey(bank.frame, scale=(1, 7))
    with pytest.raises(DataError, match=r"items have no column.*study\.toml"):
        standard_results(survey, ecsi)
    with pytest.raises(DataError, match="neither a model nor an instrument"):
        standard_results(survey)
    without = sat.instruments.load("gap_antecedents")
    with pytest.raises(DataError, match="does not ask what customers expect"):
        standard_results(survey, instrument=without)
    with pytest.raises(DataError, match="nothing can be computed") as caught:
        standard_results(survey, ecsi, without)
    assert len(caught.value.value) == 2


def test_an_instrument_without_expectations_names_what_can_be_done(airlines, ecsi):
    without = sat.instruments.load("gap_antecedents")
    with pytest.raises(DataError, match=r"such as servqual; an index needs a model"):
        standard_results(airlines, instrument=without)
    done = standard_results(airlines, ecsi, without, n_draws=100, rng=1)
    assert "PlsFit" in kinds(done)
    assert "does not ask what customers expect" in done.skipped[0]


def test_performance_of_an_instrument_without_expectations(bank, airlines):
    spec = sat.instruments.load("servperf")
    done = standard_results(bank, instrument=spec)
    assert kinds(done) == ["PerformanceResult", "PerformanceResult", "ResponseQuality"]
    assert done.results[1].by == ("branch",)
    page = first_page(parts_of(done.results, {})[0])
    row = done.results[0].rows("overall")
    assert page.label == "Service performance"
    assert page.big == f"{row['estimate_100'][0]:.1f}"
    with pytest.raises(DataError, match="columns not found"):
        standard_results(airlines, instrument=spec)


def test_zones_of_an_instrument_that_asks_for_them():
    names = ("tangibles", "reliability", "responsiveness", "assurance", "empathy")
    population = GapPopulation(
        expectation=dict.fromkeys(names, 8.0),
        perception=dict.fromkeys(names, 7.0),
        minimum=dict.fromkeys(names, 6.0),
        instrument="servqual_1994",
    )
    frame = simulate_servqual(population, 400, rng=1)
    done = standard_results(sat.Survey(frame, "servqual_1994"))
    assert kinds(done) == ["PerformanceResult", "ZoneResult", "ResponseQuality"]
    assert done.skipped == ()


class TestNames:
    def test_catalogue_and_files(self, tmp_path, ecsi):
        path = tmp_path / "own.toml"
        path.write_text(ecsi.to_toml(), encoding="utf-8")
        assert load_model("ecsi").name == "ecsi"
        assert load_model(str(path)).name == "ecsi"
        assert load_model("own.toml", tmp_path).name == "ecsi"
        spec = tmp_path / "spec.toml"
        spec.write_text(load_instrument("servqual").to_toml(), encoding="utf-8")
        assert load_instrument("spec.toml", tmp_path).id == "servqual"

    def test_absent_file(self, tmp_path):
        with pytest.raises(SpecificationError, match="no file"):
            load_model("none.toml", tmp_path)

    def test_item_specs(self, ecsi):
        specs = item_specs(ecsi, sat.instruments.load("servqual"))
        assert [s.id for s in specs[:24]] == list(ecsi.indicators)
        assert specs[0].label.zh == "值得信赖"
        assert (specs[0].scale.minimum, specs[0].scale.maximum) == (1, 10)
        ids = [s.id for s in specs]
        assert "e_tan1" in ids
        assert "p_tan1" in ids
        assert len(set(ids)) == len(ids)


def test_demo_shows_a_real_and_two_simulated_surveys():
    made = demo_report(n_draws=100)
    words = " ".join(found(made))
    assert "airline_waves [SIMULATED]" in words
    assert "bank_servqual [SIMULATED]" in words
    assert "ecsi_mobile [REAL]" in words
    assert words.count("first priority") == 3
