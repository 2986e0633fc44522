"""Rankings, metrics and published series in a report."""

from __future__ import annotations

import pandas as pd
import pytest

import satmetrics as sat


@pytest.fixture(scope="module")
def told(by_both, airlines, fit):
    companies = sorted(set(by_both.table["company"]))
    members = pd.DataFrame({"company": companies, "revenue": 1.0})
    levels = sat.indices.aggregate(
        by_both, members, levels=["company"], over="wave", top="airlines"
    )
    return sat.report(
        "Scoreboard",
        [
            sat.datasets.series("acsi_national"),
            fit,
            sat.drivers.impact(fit, airlines, points=5, n_draws=0),
            sat.metrics.top_box(airlines, ["CUSA1"], top=2, by="company"),
            sat.indices.ranking(by_both, rng=1),
            levels,
            levels.contributions(),
            by_both,
        ],
    )


def order(frame, data):
    return list(dict.fromkeys(frame.query("data == @data")["chapter"]))


def test_scoreboards_stand_between_the_index_and_its_drivers(told):
    frame = told.contents().to_frame()
    found = order(frame, "airline_waves")
    chapters = (
        *("The index", "Figures added up", "What each member gave to the change"),
        *("Ranking", "Top box, by company"),
    )
    places = [found.index(chapter) for chapter in chapters]
    assert places == sorted(places)
    assert places[-1] < found.index("What drives it")
    moved = "Impact in ecsi"
    assert found.index("What drives it") < found.index(moved)
    assert found.index(moved) < found.index("Quality of measurement")


def test_each_is_there_with_its_figure_and_its_table(told):
    frame = told.contents().to_frame()
    ranked = frame.query("chapter == 'Ranking'")
    assert ranked["kind"].tolist()[0] == "figure"
    added = frame.query("chapter == 'Figures added up'")
    assert added["kind"].tolist()[:2] == ["figure", "figure"]
    assert "table" in ranked["kind"].tolist()
    series = frame.query("data == 'acsi_national'")
    assert series["kind"].tolist().count("figure") == 2
    assert set(series["origin"]) == {"REAL"}


def test_published_figures_are_told_with_their_doubts(told):
    html = told.to_html()
    assert "date recalled (14 figures)" in html
    assert "not an official service" in html
    assert html.count("<img") >= 5


def test_a_report_of_published_figures_alone_has_a_first_page():
    html = sat.report("x", [sat.datasets.series("hkcsi")]).to_html()
    first = html.split("</section>")[0]
    assert "Hong Kong, 2006" in first
    assert "70.1" in first
    assert "published without a margin of error" in first


def test_what_cannot_be_drawn_is_told_without_a_figure():
    sizes = sat.datasets.series("csisg_2008_sizes")
    frame = sat.report("x", [sizes]).contents()
    assert frame["kind"].tolist().count("figure") == 1, "one year has no course"
