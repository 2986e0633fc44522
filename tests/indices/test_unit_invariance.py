"""Each unit against the rest: as MICOM of two groups, after Holm, and in a ranking."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import micom

TERMS = ("composition", "mean", "variance")
NUMBERS = ["estimate", "std_error", "p_value", "conf_low", "conf_high", "draws"]


def model(**more):
    return sat.StructuralModel.from_blocks(
        "small",
        {"X": ["x1", "x2", "x3"], "Y": ["y1", "y2"], "Z": ["z"]},
        {"X": ["Y"], "Y": ["Z"]},
        target="X",
        **more,
    )


def answers(rng, n, weights=(1.0, 1.0, 1.0), shift=0.0):
    """Return answers whose composite X has these weights: Y depends on nothing else."""
    x = rng.normal(size=(n, 3)) + 0.5 * rng.normal(size=(n, 1))
    y = x @ np.asarray(weights) + rng.normal(size=n)
    z = y + rng.normal(size=n)
    items = np.c_[x + shift, y[:, None] + 0.5 * rng.normal(size=(n, 2)), z]
    return pd.DataFrame(items, columns=["x1", "x2", "x3", "y1", "y2", "z"])


def units(rng, sizes, deviant=None, industries=None):
    """Return answers of units; the composite of one is made of other items."""
    parts = []
    for k, n in enumerate(sizes):
        weights = (2.0, 0.0, 0.2) if k == deviant else (1.0, 1.0, 1.0)
        part = answers(rng, n, weights, shift=0.3 * k).assign(company=f"c{k}")
        parts.append(part.assign(industry=industries[k] if industries else "all"))
    return pd.concat(parts, ignore_index=True)


def of_unit(found, company, term):
    frame = found.to_frame()
    rows = frame[(frame.company == company) & (frame.term == term)]
    return rows.set_index("construct")[NUMBERS]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    industries = ["banks", "banks", "banks", "cars", "cars", "hotels"]
    return units(rng, [60, 50, 40, 70, 60, 50], industries=industries)


@pytest.fixture(scope="module")
def found(frame):
    return sat.indices.unit_invariance(
        model(), frame, within="industry", n_draws=199, rng=5
    )


def test_a_unit_is_micom_of_it_and_the_rest(frame, found):
    banks = frame[frame.industry == "banks"]
    pair = banks.assign(g=np.where(banks.company == "c0", "a", "b"))
    alone = micom(model(), pair, "g", n_draws=199, rng=5).to_frame()
    for term in TERMS:
        expected = alone[alone.term == term].set_index("construct")[NUMBERS]
        pd.testing.assert_frame_equal(of_unit(found, "c0", term), expected)


@pytest.mark.parametrize("company", ["c1", "c3"])
def test_the_rest_is_that_of_the_industry(frame, found, company):
    industry = frame.loc[frame.company == company, "industry"].iloc[0]
    own = frame[frame.industry == industry]
    pair = own.assign(g=np.where(own.company == company, "a", "b"))
    alone = micom(model(), pair, "g", n_draws=2, rng=1).to_frame()
    for term in TERMS:
        expected = alone[alone.term == term].set_index("construct")["estimate"]
        pd.testing.assert_series_equal(
            of_unit(found, company, term)["estimate"], expected
        )
    sizes = found.units.to_frame().set_index("company").loc[company]
    assert sizes["n"] == (own.company == company).sum()
    assert sizes["n_rest"] == (own.company != company).sum()


def test_holm_runs_over_the_units_tested(found):
    steps = found.composition("X").to_frame()
    assert steps["p_value"].notna().tolist() == [True] * 5 + [False]
    p = steps["p_value"].dropna().to_numpy()
    order, running = np.argsort(p), 0.0
    for place, at in enumerate(order):
        running = max(running, min(1.0, (len(p) - place) * p[at]))
        assert steps["p_holm"].iloc[at] == pytest.approx(running)
    other = found.to_frame()
    assert other.loc[other.term != "composition", "p_holm"].isna().all()
    assert other.loc[other.term != "composition", "verdict"].eq("").all()


def test_a_single_item_is_made_alike_and_a_unit_alone_is_not_tested(found):
    single = found.composition("Z").to_frame().set_index("company")
    assert single["verdict"].tolist() == ["not rejected"] * 5 + [""]
    assert "c = 1" in single.loc["c0", "reason"]
    assert single["p_holm"].isna().all()
    status = found.units.to_frame().set_index("company")
    assert status.loc["c5", "status"] == "not tested"
    assert status.loc["c5", "reason"] == "no other unit to be compared with"
    assert status["status"].eq("tested").sum() == 5


@pytest.fixture(scope="module")
def deviating():
    frame = units(np.random.default_rng(11), [150] * 8, deviant=5)
    found = sat.indices.unit_invariance(model(), frame, n_draws=499, rng=1)
    return frame, found


def test_a_unit_made_of_other_items_is_found_and_no_other(deviating):
    _, found = deviating
    words = found.composition().to_frame().set_index("company")["verdict"]
    assert words.pop("c5") == "rejected"
    assert words.eq("not rejected").all()
    mean = found.table.where(term="mean", construct="X")
    assert mean["p_value"].min() < 0.01, "means differ, which is no fault"
    said = str(found)
    assert "units tested: 8 of 8" in said
    assert "only composition speaks against comparing" in said


def test_a_ranking_says_which_units_fail(deviating):
    frame, found = deviating
    fit = sat.pls(model(), frame)
    levels = sat.index(fit, frame, by="company", scale=(-12, 12))
    ranked = sat.indices.ranking(levels, rng=1, invariance=found)
    assert "composition rejected for 1 of 8 units: c5" in str(ranked)
    words = ranked.to_frame().set_index("company")["invariance"]
    assert words["c5"] == "rejected"
    assert words.drop("c5").eq("not rejected").all()
    plain = sat.indices.ranking(levels, rng=1)
    assert "measurement invariance: not checked" in str(plain)
    assert set(plain.table["invariance"]) == {"not checked"}
    more = pd.DataFrame(
        {"company": ["c5", "c1", "new"], "estimate": [3.0, 2, 1], "std_error": 1.0}
    )
    figures = sat.indices.ranking(more, rng=1, invariance=found)
    assert "rejected for 1 of 2 units: c5" in str(figures)
    assert "not tested: new" in str(figures)


def test_tests_of_others_are_refused(deviating, frame, found):
    _, whole = deviating
    figures = pd.DataFrame(
        {"shop": ["c5", "c1"], "company": "c1", "estimate": [3.0, 2], "std_error": 1.0}
    )
    with pytest.raises(errors.OptionError, match="by company, and shop is ranked"):
        sat.indices.ranking(figures, unit="shop", invariance=whole)
    with pytest.raises(errors.OptionError, match="unit_invariance"):
        sat.indices.ranking(figures, unit="shop", invariance=figures)
    named = figures.drop(columns="company").rename(columns={"shop": "company"})
    with pytest.raises(
        errors.OptionError, match=r"not tested for construct 'W'.* X, Y, Z"
    ):
        sat.indices.ranking(
            named.assign(construct="W"), construct="W", invariance=whole
        )
    twice = frame.assign(company="all of them")
    one_name = sat.indices.unit_invariance(
        model(), twice, within="industry", n_draws=99, rng=1
    )
    with pytest.raises(errors.OptionError, match="within='industry'"):
        sat.indices.ranking(named, invariance=one_name)


def test_waves_the_last_one_unless_asked():
    survey = sat.datasets.load("airline_waves")
    options = {"n_draws": 99, "rng": 1}
    last = sat.indices.unit_invariance("ecsi", survey, **options)
    first = sat.indices.unit_invariance("ecsi", survey, wave="2025-1", **options)
    table = survey.frame
    waves = table["wave"].unique()
    assert last.wave == ("wave", sorted(waves)[-1])
    assert first.wave == ("wave", "2025-1")
    one = table[table["wave"] == "2025-1"].assign(
        g=lambda t: np.where(t["company"] == "Alder Air", "a", "b")
    )
    weighted = sat.Survey(one, weight="weight")
    alone = micom("ecsi", weighted, "g", n_draws=2, rng=1).to_frame()
    expected = alone[alone.term == "composition"].set_index("construct")["estimate"]
    made = of_unit(first, "Alder Air", "composition")["estimate"]
    pd.testing.assert_series_equal(made, expected)
    levels = sat.index(sat.pls("ecsi", survey), survey, by=["company", "wave"])
    with pytest.raises(errors.OptionError, match="tested in wave '2025-1'"):
        sat.indices.ranking(levels, invariance=first)
    with pytest.raises(errors.OptionError, match=r"no wave '2025-9'.*2025-1"):
        sat.indices.unit_invariance("ecsi", survey, wave="2025-9")


def test_units_that_cannot_be_tested_do_not_fail_the_others():
    rng = np.random.default_rng(2)
    frame = units(rng, [60, 60, 9, 1, 40])
    frame.loc[frame.company == "c4", ["x1", "x2", "x3"]] = 1.0
    found = sat.indices.unit_invariance(model(), frame, n_draws=199, rng=1)
    status = found.units.to_frame().set_index("company")
    assert status["status"].tolist() == ["tested", "tested", *["not tested"] * 3]
    assert status.loc["c2", "reason"] == "fewer than 10 rows"
    assert status.loc["c3", "reason"] == "fewer than 10 rows"
    assert status.loc["c4", "reason"].startswith("c4: ")
    composition = found.composition().to_frame().set_index("company")
    assert composition["p_holm"].notna().tolist() == [True, True, False, False, False]
    assert composition.loc["c4", "reason"] == status.loc["c4", "reason"]
    assert "units tested: 2 of 5" in str(found)


def test_strata_that_are_units_are_a_reason():
    frame = units(np.random.default_rng(2), [40, 40])
    survey = sat.Survey(frame, unit="company", stratum="company")
    found = sat.indices.unit_invariance(model(), survey, n_draws=99, rng=1)
    assert all("every stratum lies in one group" in r for r in found.units["reason"])


def test_many_units_are_tested_on_request_only():
    frame = units(np.random.default_rng(4), [12] * 21)
    with pytest.raises(errors.OptionError, match=r"21 units.*most=21, or most=None"):
        sat.indices.unit_invariance(model(), frame)
    with pytest.raises(errors.OptionError, match="n_draws=419"):
        sat.indices.unit_invariance(model(), frame, most=None, n_draws=418)
    found = sat.indices.unit_invariance(model(), frame, most=21, n_draws=419, rng=1)
    assert len(found.units) == 21


def test_same_seed_same_numbers_and_progress(frame):
    seen = []
    one, two = (
        sat.indices.unit_invariance(
            model(),
            frame,
            unit="company",
            n_draws=150,
            rng=9,
            progress=lambda done, total: seen.append((done, total)),
        )
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    assert seen[-1] == (900, 900)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"unit": "compny"}, errors.DataError, "company"),
        ({"within": "sector"}, errors.DataError, "sector"),
        ({"wave": 2024}, errors.OptionError, "no column has the role wave"),
        ({"n_draws": 1}, errors.OptionError, "n_draws"),
        ({"most": 0}, errors.OptionError, "most"),
        ({"level": 5}, errors.OptionError, "level"),
    ],
)
def test_wrong_options(frame, options, kind, message):
    with pytest.raises(kind, match=message):
        sat.indices.unit_invariance(model(), frame, **options)


def test_wrong_data(frame):
    moments = sat.Moments.from_frame(frame, ["x1", "x2", "x3", "y1", "y2", "z"])
    with pytest.raises(errors.DataError, match="only moments"):
        sat.indices.unit_invariance(model(), moments)
    with pytest.raises(errors.OptionError, match="swapped"):
        sat.indices.unit_invariance(frame, model())
    with pytest.raises(errors.DataError, match="nothing to compare"):
        sat.indices.unit_invariance(model(), frame[frame.company == "c1"])


def test_ten_units_in_seconds():
    frame = units(np.random.default_rng(6), [200] * 10)
    start = time.process_time()
    sat.indices.unit_invariance(model(), frame, rng=1)
    assert time.process_time() - start < 10


@pytest.mark.slow
def test_rejects_one_family_in_twenty_at_most():
    """200 surveys of 4 units that measure alike, with means that differ."""
    rng, wrong = np.random.default_rng(7), 0
    for _ in range(200):
        frame = units(rng, [50, 60, 70, 80])
        found = sat.indices.unit_invariance(model(), frame, n_draws=159, rng=rng)
        wrong += "rejected" in found.composition("X")["verdict"]
    assert wrong / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
