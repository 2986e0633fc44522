"""Finite populations: variances times 1 - n/N, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

ITEMS = ["q1", "q2", "s1", "s2"]
MODEL = sat.StructuralModel.from_blocks(
    "m",
    {"Quality": ITEMS[:2], "Satisfaction": ITEMS[2:]},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
    scale=(1, 10),
)
SIZES = {"a": 40, "b": 60, "c": 100}


def answers():
    rng = np.random.default_rng(1)
    n = sum(SIZES.values())
    eta = rng.normal(size=(n, 1))
    latent = 6 + 1.5 * (eta + 0.7 * rng.normal(size=(n, 4)))
    frame = pd.DataFrame(latent.round().clip(1, 10), columns=ITEMS)
    company = np.repeat(list(SIZES), list(SIZES.values()))
    return frame.assign(company=company, wave=np.arange(n) % 2)


FRAME = answers()
FIT = sat.pls(MODEL, FRAME)
PLAIN = sat.index(FIT, FRAME, by="company").of().to_frame().set_index("company")


def ratio(population, data=FRAME, **how):
    """Variances beside those without a population, by company."""
    found = sat.index(FIT, data, by="company", population=population, **how).of()
    frame = found.to_frame().set_index("company")
    np.testing.assert_array_equal(frame["estimate"], PLAIN["estimate"])
    return (frame["std_error"] / PLAIN["std_error"]) ** 2


N = {"a": 50, "b": 600, "c": 100_000}


@pytest.mark.parametrize("how", ["number", "mapping", "column", "integers"])
def test_variances_shrink_by_what_was_asked(how):
    sizes = dict.fromkeys(N, 500) if how == "number" else N
    data, population = FRAME, sizes
    if how == "number":
        population = 500
    elif how in ("column", "integers"):
        values = FRAME["company"].map(N)
        data = FRAME.assign(N=values.astype(float) if how == "column" else values)
        population = "N"
    found = ratio(population, data)
    for name, n in SIZES.items():
        assert found[name] == pytest.approx(1 - n / sizes[name], rel=1e-9)


def test_all_were_asked():
    assert (ratio(SIZES) == 0).all()
    found = sat.index(FIT, FRAME, by="company", population=SIZES).of().to_frame()
    np.testing.assert_array_equal(found["conf_low"], found["estimate"])
    np.testing.assert_array_equal(found["conf_high"], found["estimate"])
    drawn = sat.index(
        FIT, FRAME, by="company", population=SIZES, n_draws=20, rng=1
    ).of()
    assert (drawn.table["std_error"] == 0).all()
    np.testing.assert_allclose(drawn.table["conf_low"], drawn.table["estimate"])


def test_no_groups_and_several_keys():
    whole = sat.index(FIT, FRAME, construct="Satisfaction").table["std_error"]
    part = sat.index(FIT, FRAME, construct="Satisfaction", population=800)
    assert part.table["std_error"][0] == pytest.approx(whole[0] * np.sqrt(0.75))
    assert "finite population" in str(part)
    found = sat.index(FIT, FRAME, by=["company", "wave"], population=N).of()
    plain = sat.index(FIT, FRAME, by=["company", "wave"]).of()
    share = (found.table["std_error"] / plain.table["std_error"]) ** 2
    expected = [1 - SIZES[c] / 2 / N[c] for c in found.table["company"]]
    np.testing.assert_allclose(share, expected)


def test_moments_alone():
    found = sat.index(FIT, population=800).table["std_error"]
    plain = sat.index(FIT).table["std_error"]
    np.testing.assert_allclose(found, plain * np.sqrt(0.75))


def test_labels_that_are_numbers():
    frame = FRAME.assign(company=FRAME["company"].map({"a": 1, "b": 2, "c": 3}))
    found = sat.index(FIT, frame, by="company", population={1: 80, 2: 120, 3: 200})
    plain = sat.index(FIT, frame, by="company")
    np.testing.assert_allclose(
        found.table["std_error"], plain.table["std_error"] * np.sqrt(0.5)
    )


def test_people_count_once():
    """Each customer answered twice: 20 of 40 people are half of them, not all."""
    frame = FRAME.assign(person=np.arange(len(FRAME)) // 2)
    survey = sat.Survey(frame, respondent="person", wave="wave", scale=(1, 10))
    plain = sat.index(FIT, survey, by="company").of()
    found = sat.index(FIT, survey, by="company", population=SIZES).of()
    np.testing.assert_allclose(
        found.table["std_error"], plain.table["std_error"] * np.sqrt(0.5)
    )


def check(match, population, data=FRAME, error=errors.DataError, **how):
    how = {"by": "company"} | how
    with pytest.raises(error, match=match) as caught:
        sat.index(FIT, data, population=population, **how)
    assert caught.value.column in ("population", "N", "M")
    assert caught.value.remedy
    return caught.value


def test_errors_say_what_is_wrong():
    found = check("population of c is 90, and 100 respondents", 90)
    assert found.value == 90
    check("population of b is 59", SIZES | {"b": 59})
    check("population of a is nan", SIZES | {"a": np.nan})
    check("no number for 'c'", {"a": 100, "b": 100})
    found = check("no number for 'c'", {"a": 100, "b": 100, "C": 200})
    assert "'C'" in str(found)
    varying = FRAME.assign(N=np.where(FRAME.index == 3, 600, 500))
    check("'N' is no one number within a group .500 to 600", "N", varying)
    check("'N' holds 'many'", "N", FRAME.assign(N="many"))
    check("there are no groups", N, by=None, error=errors.OptionError)
    check("only moments", "N", data=None, by=None, error=errors.OptionError)
    clusters = sat.Survey(
        FRAME.assign(site=np.arange(len(FRAME)) % 30), cluster="site", scale=(1, 10)
    )
    assert check("clusters", 1000, clusters, errors.OptionError).code == "clusters"
    with pytest.raises(errors.DataError, match="not found: 'M'"):
        sat.index(FIT, FRAME, by="company", population="M")


@pytest.mark.parametrize("wrong", [True, "500 people", [500], None, -5, 0, np.inf])
def test_what_is_no_number(wrong):
    if wrong is None or wrong == np.inf:
        assert (ratio(wrong) == 1).all()
    else:
        with pytest.raises(errors.SatmetricsError):
            sat.index(FIT, FRAME, by="company", population=wrong)
    with pytest.raises(errors.SatmetricsError) as caught:
        sat.index(FIT, FRAME, by="company", population=SIZES | {"a": "forty"})
    assert caught.value.value == "forty"
