"""Published series: figures as printed, none surer than its source."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import _published
from satmetrics.errors import OptionError

CASE = Path(__file__).parents[1] / "reference" / "index_series"
VALUES = tomllib.loads((CASE / "values.toml").read_text(encoding="utf-8"))


def figures(series, key="wave"):
    """Return key → estimate of a series, as plain numbers."""
    frame = series.current().to_frame()
    return dict(zip(frame[key], frame["estimate"].tolist(), strict=True))


@pytest.mark.parametrize("name", VALUES)
class TestEvery:
    def test_says_where_each_figure_comes_from_and_how_sure_it_is(self, name):
        series = sat.datasets.series(name)
        frame = series.to_frame()
        assert (frame["source"].str.len() > 5).all()
        assert set(frame["status"]) <= set(_published.STATUS)
        assert set(frame["term"]) <= set(series.units)
        assert series.context.origin == "real"
        missing = frame["estimate"].isna()
        assert (missing == (frame["status"] == "not measured")).all()
        assert frame["std_error"].isna().all()

    def test_has_one_current_figure_for_one_thing(self, name):
        frame = sat.datasets.series(name).current().to_frame()
        assert not frame.duplicated(["level", "name", "wave", "term"]).any()

    def test_prints_and_comes_back_from_json(self, name):
        series = sat.datasets.series(name)
        again = sat.read_result(series.to_json())
        assert str(again) == str(series)
        assert again.to_frame().equals(series.to_frame())
        assert "REAL" in str(series)
        assert "not an official service" in str(series)


def test_the_national_quarters_are_those_of_the_slide_in_the_order_recalled():
    case = VALUES["acsi_national"]
    series = sat.datasets.series("acsi_national").of(term="index")
    quarters = [f"{y}Q{q}" for y in range(1994, 1999) for q in range(1, 5)]
    begin = quarters.index(case["first"])
    expected = dict(zip(quarters[begin:], case["values"], strict=False))
    assert len(expected) == len(case["values"]) == 14
    assert figures(series) == expected | case["later"]
    frame = series.to_frame().set_index("wave")
    assert (frame.loc[list(expected), "status"] == "date recalled").all()
    assert frame.loc["2023Q4", "status"] == "verified"
    asked = sat.datasets.series("acsi_national").of(term="interviews")
    assert figures(asked) == {"2023": case["interviews_2023"]}


def test_sectors_and_nation_of_1997():
    case = dict(VALUES["acsi_1997"])
    series = sat.datasets.series("acsi_1997")
    assert figures(series.of("nation")) == {"1997": case.pop("nation")}
    assert figures(series.of("sector"), "name") == case
    assert set(series.of("industry").to_frame()["status"]) == {"weak"}


def test_durables_keep_what_was_not_measured_as_missing():
    case = VALUES["acsi_durables"]
    waves = ["base", *map(str, range(1995, 2005))]
    series = sat.datasets.series("acsi_durables")
    assert set(case) == set(series.table["name"])
    for name, printed in case.items():
        found = figures(series.of(name=name))
        assert list(found) == waves
        expected = [np.nan if v == "NM" else v for v in printed]
        np.testing.assert_array_equal(list(found.values()), expected)
    assert sum(row.count("NM") for row in case.values()) == 8
    cells = [c for part in series.summary().sections for row in part.rows for c in row]
    assert cells.count("NM") == 8


def test_the_sector_of_1997_agrees_between_two_sources():
    one = figures(sat.datasets.series("acsi_1997").of(name="durables"))
    two = figures(sat.datasets.series("acsi_durables").of("sector"))
    assert one["1997"] == two["1997"]


def test_hong_kong_keeps_the_figure_that_was_revised():
    case = VALUES["hkcsi"]
    series = sat.datasets.series("hkcsi")
    years = map(str, range(2001, 2007))
    expected = dict(zip(years, case["years"], strict=True))
    assert figures(series.of("nation")) == expected
    old = series.table.where(status="revised")
    assert old["estimate"].tolist() == [case["first_release_of_2005"]]
    assert old["wave"].tolist() == ["2005"]
    assert "was 69.5 in the release of 2006-01 and is 69.3" in str(series)
    assert figures(series.of("category"), "name") == case["category_2006"]
    assert figures(series.of("product"), "name") == case["product_2005"]


def test_korea_asks_about_250_per_company():
    case = VALUES["ncsi_korea_sizes"]
    series = sat.datasets.series("ncsi_korea_sizes")
    for term in ("industries", "companies", "interviews"):
        expected = dict(zip(case["waves"], case[term], strict=True))
        assert figures(series.of(term=term)) == expected
    ratio = np.divide(case["interviews"], case["companies"])
    assert np.round(ratio).tolist() == case["per_company"]
    own = series.of(term="interviews per company")
    assert list(figures(own).values()) == pytest.approx(ratio, abs=0.05)
    assert set(own.table["status"]) == {"computed"}


def test_singapore_and_turkey():
    sizes = sat.datasets.series("csisg_2008_sizes")
    assert figures(sizes, "term") == VALUES["csisg_2008_sizes"]
    turkey = sat.datasets.series("tmme")
    for term, expected in VALUES["tmme"].items():
        assert figures(turkey.of(term=term)) == expected


def test_a_wrong_name_is_answered():
    with pytest.raises(OptionError, match=r"answers: sat\.datasets\.load"):
        sat.datasets.series("airline_waves")
    with pytest.raises(OptionError, match=r"series: sat\.datasets\.series"):
        sat.datasets.table("hkcsi")
    with pytest.raises(OptionError, match="did you mean 'nation'"):
        sat.datasets.series("hkcsi").of("nations")
    with pytest.raises(OptionError, match="did you mean 'Apple'"):
        sat.datasets.series("acsi_durables").of(name=["HP", "Aple"])
