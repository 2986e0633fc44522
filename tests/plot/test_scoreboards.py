"""Scoreboards and lines over waves, read from their artists."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import satmetrics as sat
from satmetrics._frames import Table
from satmetrics._published import PublishedSeries
from satmetrics._result import Context
from satmetrics.errors import DataError, OptionError

SERIES = ("acsi_national", "acsi_1997", "acsi_durables", "hkcsi", "tmme")
ENDS = ["conf_low", "conf_high"]
SIZES = ("ncsi_korea_sizes", "csisg_2008_sizes")


def names_of(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def marks(ax, gid="estimate"):
    return [line for line in ax.get_lines() if line.get_gid() == gid]


def points(ax):
    """Return row → figure drawn in it."""
    return {
        round(y): x
        for line in marks(ax)
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def asides(ax):
    """Return row → texts at its right, from left to right."""
    found = {}
    for text in ax.texts:
        if text.get_gid() != "origin":
            found.setdefault(round(float(text.xy[1]), 2), []).append(
                (text.xyann[0], text.get_text())
            )
    return {y: [t for _, t in sorted(own)] for y, own in found.items()}


def published(rows, units=None):
    level, name, wave, estimate = zip(*rows, strict=True)
    blank = [""] * len(rows)
    columns = {
        "level": level,
        "term": ["index"] * len(rows),
        "name": name,
        "wave": wave,
        "n": [np.nan] * len(rows),
        "estimate": np.array(estimate, float),
        "std_error": [np.nan] * len(rows),
        "release": blank,
        "status": ["verified"] * len(rows),
        "source": blank,
    }
    table = Table.of(columns, keys=("level", "term", "name", "wave"))
    return PublishedSeries(
        table, Context("real", "made"), units=units or {"index": "index, 0–100"}
    )


class TestScoreboardOfAnIndex:
    def test_units_of_the_last_wave_the_highest_on_top(self, lines):
        ax = sat.plot.scoreboard(lines)
        frame = lines.of().to_frame().query("wave == '2026-1'")
        frame = frame.sort_values("estimate", ascending=False)
        assert names_of(ax) == frame["company"].tolist()
        drawn = points(ax)
        np.testing.assert_allclose(
            [drawn[k] for k in range(len(frame))], frame["estimate"]
        )
        assert ax.get_xlabel().startswith("2026-1: index, 0–100, with 95 % intervals")

    def test_intervals_are_those_of_the_result(self, lines):
        ax = sat.plot.scoreboard(lines)
        frame = lines.of().to_frame().query("wave == '2026-1'")
        wanted = {
            tuple(np.round(r, 9)) for r in frame[["conf_low", "conf_high"]].values
        }
        drawn = {
            (round(part[0, 0], 9), round(part[1, 0], 9))
            for lines_ in ax.collections
            for part in lines_.get_segments()
        }
        assert wanted <= drawn

    def test_digits_and_changes_stand_beside_each_row(self, lines):
        ax = sat.plot.scoreboard(lines)
        frame = lines.of().to_frame().set_index(["company", "wave"])["estimate"]
        beside = asides(ax)
        for row, company in enumerate(names_of(ax)):
            now, before = frame[company, "2026-1"], frame[company, "2025-2"]
            moved = f"{now - before:+.1f}".replace("-", "−")
            assert beside[row] == [f"{now:.1f}", moved]
        assert ["since 2025-2"] in beside.values()

    def test_a_filled_triangle_means_an_interval_clear_of_zero(self, lines):
        ax = sat.plot.scoreboard(lines)
        moved = (
            sat.changes(lines)
            .to_frame()
            .query("construct == 'Satisfaction' and since == '2025-2'")
        )
        moved = moved.set_index("company")
        assert len(marks(ax, "change")) == len(moved)
        for mark in marks(ax, "change"):
            row = moved.loc[names_of(ax)[int(mark.get_ydata()[0])]]
            looks = "^" if row["conf_low"] > 0 else "v" if row["conf_high"] < 0 else "o"
            assert mark.get_marker() == looks
        assert {m.get_marker() for m in marks(ax, "change")} == {"^", "v", "o"}

    def test_another_wave_and_another_base(self, lines):
        ax = sat.plot.scoreboard(lines, wave="2026-1", since="2025-1")
        frame = lines.of().to_frame().set_index(["company", "wave"])["estimate"]
        top = names_of(ax)[0]
        moved = frame[top, "2026-1"] - frame[top, "2025-1"]
        assert asides(ax)[0][1] == f"{moved:+.1f}".replace("-", "−")
        first = sat.plot.scoreboard(lines, wave="2025-1")
        assert not marks(first, "change"), "nothing came before the first wave"

    def test_without_waves_there_are_no_changes(self, fit, airlines):
        ax = sat.plot.scoreboard(sat.index(fit, airlines, by="company"))
        assert len(names_of(ax)) == 4
        assert not marks(ax, "change")
        assert ax.get_xlabel() == "index, 0–100, with 95 % intervals"

    def test_another_construct(self, lines):
        ax = sat.plot.scoreboard(lines.of("Loyalty"))
        frame = lines.of("Loyalty").to_frame().query("wave == '2026-1'")
        assert max(points(ax).values()) == pytest.approx(frame["estimate"].max())

    def test_a_formula_has_its_own_ends(self, airlines):
        items = ["CUSA1", "CUSA2", "CUSA3"]
        found = sat.indices.formula_index("ukcsi", airlines, items=items, by="company")
        for draw in (sat.plot.scoreboard, sat.plot.index):
            assert draw(found).get_xlabel().startswith("index, 10–100, with")

    def test_a_unit_without_a_figure_keeps_its_row(self, lines):
        table = lines.table
        estimate = table["estimate"].copy()
        gone = (table["company"] == "Cormorant") & (table["wave"] == "2026-1")
        estimate[gone] = np.nan
        hidden = dataclasses.replace(
            lines, table=table.extended({"estimate": estimate}, keys=table.names)
        )
        ax = sat.plot.scoreboard(hidden)
        assert names_of(ax)[-1] == "Cormorant"
        assert asides(ax)[3] == ["–", "–"]
        assert 3 not in points(ax)

    def test_of_very_many_units_the_ends_are_shown_and_the_rest_counted(self, lines):
        ax = sat.plot.scoreboard(lines, most=3)
        whole = names_of(sat.plot.scoreboard(lines))
        assert names_of(ax) == [*whole[:2], "… 1 more …", whole[3]]
        with pytest.raises(OptionError, match="too small"):
            sat.plot.scoreboard(lines, most=1)

    def test_an_unknown_wave_is_named(self, lines):
        with pytest.raises(OptionError, match="did you mean '2026-1'"):
            sat.plot.scoreboard(lines, wave="2026-2 ")
        with pytest.raises(OptionError, match="since"):
            sat.plot.scoreboard(lines, since="1999")


class TestPublishedScoreboard:
    @pytest.mark.parametrize("name", [*SERIES, *SIZES])
    @pytest.mark.parametrize("width", [3.7, 7.0])
    def test_every_shipped_series_plots_and_nothing_overlaps(self, name, width):
        figure = Figure(figsize=(width, 5), layout="constrained")
        FigureCanvasAgg(figure)
        ax = sat.plot.scoreboard(sat.datasets.series(name), ax=figure.subplots())
        figure.canvas.draw()
        assert [t.get_text() for t in ax.texts if t.get_gid() == "origin"] == ["REAL"]
        assert "as published without intervals" in ax.get_xlabel()
        renderer = figure.canvas.get_renderer()
        spots = [t.get_window_extent(renderer) for t in ax.texts if t.get_text()]
        for i, one in enumerate(spots):
            assert not any(one.overlaps(two) for two in spots[:i])
        low, high = ax.get_xlim()
        assert all(low <= x <= high for x in points(ax).values())

    def test_dots_do_not_run_into_the_digits(self):
        figure = Figure(figsize=(7, 4), layout="constrained")
        FigureCanvasAgg(figure)
        series = sat.datasets.series("acsi_durables")
        ax = sat.plot.scoreboard(series, ax=figure.subplots())
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        left = min(
            t.get_window_extent(renderer).x0
            for t in ax.texts
            if t.get_gid() != "origin"
        )
        right = max(ax.transData.transform((x, 0))[0] for x in points(ax).values())
        assert right < left

    def test_levels_stand_apart_and_in_order(self):
        ax = sat.plot.scoreboard(sat.datasets.series("acsi_durables"))
        names = names_of(ax)
        assert [n for n in names if n.isupper() and n != "HP"] == [
            "SECTOR",
            "INDUSTRY",
            "COMPANY",
        ]
        assert names[names.index("COMPANY") + 1] == "Apple"

    def test_what_was_not_measured_says_so(self):
        series = sat.datasets.series("acsi_durables").of("company")
        ax = sat.plot.scoreboard(series, wave="1995")
        beside = asides(ax)
        told = {name: beside[k] for k, name in enumerate(names_of(ax))}
        assert told["Dell"] == ["NM", "–"]
        assert told["HP"] == ["80", "+2"], "whole figures stay whole"
        assert "NM: not measured" in ax.get_xlabel()

    def test_changes_without_errors_are_open(self):
        ax = sat.plot.scoreboard(sat.datasets.series("hkcsi").of("nation"))
        (mark,) = marks(ax, "change")
        assert (mark.get_marker(), mark.get_markerfacecolor()) == ("^", "white")
        assert asides(ax)[0] == ["70.1", "+0.8"], "from 69.3, the revised figure"
        assert "error is not known" in ax.get_xlabel()

    def test_names_absent_from_the_wave_are_counted(self):
        ax = sat.plot.scoreboard(sat.datasets.series("hkcsi"))
        assert "5 more have no figure of 2006" in ax.get_xlabel()

    def test_counts_are_no_index(self):
        korea = sat.datasets.series("ncsi_korea_sizes")
        ax = sat.plot.scoreboard(korea.of(term="interviews"))
        assert ax.get_xlim()[0] == 0
        assert asides(ax)[0] == ["87,947", "+10,798"]
        assert "interviews" in ax.get_xlabel()
        assert "0–100" not in ax.get_xlabel()

    def test_nothing_to_draw_is_an_error(self):
        series = published([("nation", "a", "2020", np.nan)])
        with pytest.raises(DataError, match="no figure"):
            sat.plot.scoreboard(series)

    def test_hostile_and_long_names(self):
        rows = [
            ("nation", "$x_{" + 90 * "y", "2020", 70.0),
            ("nation", "b", "2020", 60),
        ]
        ax = sat.plot.scoreboard(published(rows))
        ax.figure.canvas.draw()
        assert names_of(ax)[0].startswith("$x_{")
        assert max(map(len, names_of(ax))) < 40


class TestOverWaves:
    def test_a_line_per_unit_with_its_intervals(self, lines):
        ax = sat.plot.over_waves(lines)
        frame = lines.of().to_frame()
        assert len(marks(ax)) == 4
        for line in marks(ax):
            own = frame[frame["company"] == line.get_label()]
            np.testing.assert_allclose(line.get_ydata(), own["estimate"])
        bars = [p for c in ax.collections for p in c.get_segments()]
        assert len(bars) == 12
        assert ax.get_ylabel() == "index, 0–100, with 95 % intervals"

    def test_years_stand_in_time(self):
        korea = sat.datasets.series("ncsi_korea_sizes")
        ax = sat.plot.over_waves(korea.of(term="interviews per company"))
        (line,) = marks(ax)
        assert np.diff(line.get_xdata()).tolist() == [14, 5]
        assert ax.get_ylabel().startswith("interviews per company")

    def test_a_line_breaks_where_much_time_passed(self):
        ax = sat.plot.over_waves(sat.datasets.series("acsi_national"))
        (line,) = marks(ax)
        x, y = line.get_xdata(), line.get_ydata()
        assert np.isnan(x[14])
        assert np.isnan(y[14])
        assert x[15] - x[13] == pytest.approx(2023.75 - 1998.0)
        assert np.diff(x[:14]) == pytest.approx(np.full(13, 0.25))

    def test_tick_labels_do_not_touch(self):
        for name in ("acsi_national", "acsi_durables", "hkcsi"):
            ax = sat.plot.over_waves(sat.datasets.series(name))
            ax.figure.canvas.draw()
            renderer = ax.figure.canvas.get_renderer()
            spots = [t.get_window_extent(renderer) for t in ax.get_xticklabels()]
            assert len(spots) >= 2
            assert all(a.x1 < b.x0 for a, b in itertools.pairwise(spots))

    def test_mixed_periods_stand_in_a_row(self):
        rows = [("nation", "a", wave, 70.0) for wave in ("base", "1995", "1997")]
        (line,) = marks(sat.plot.over_waves(published(rows)))
        assert line.get_xdata().tolist() == [0, 1, 2]

    def test_chosen_units_in_colour_the_rest_in_grey(self):
        series = sat.datasets.series("acsi_durables").of("company")
        ax = sat.plot.over_waves(series, units=["Apple", "Dell"])
        assert {line.get_label() for line in marks(ax)} == {"Apple", "Dell"}
        assert len(marks(ax, "other")) == 4
        assert "4 more in grey" in ax.get_ylabel()
        with pytest.raises(OptionError, match="did you mean 'Apple'"):
            sat.plot.over_waves(series, units="Aple")

    def test_of_many_units_the_highest_are_in_colour(self):
        rows = [
            ("company", f"c{k:02d}", wave, 60.0 + k)
            for wave in ("2020", "2021")
            for k in range(12)
        ]
        ax = sat.plot.over_waves(published(rows))
        assert {m.get_label() for m in marks(ax)} == {f"c{k:02d}" for k in range(4, 12)}
        assert len(marks(ax, "other")) == 4
        with pytest.raises(OptionError, match="told apart"):
            sat.plot.over_waves(published(rows), units=[f"c{k:02d}" for k in range(9)])

    def test_no_waves_is_an_error(self, fit, airlines):
        with pytest.raises(OptionError, match="needs waves"):
            sat.plot.over_waves(sat.index(fit, airlines, by="company"))
        with pytest.raises(OptionError, match="has 1997 only"):
            sat.plot.over_waves(sat.datasets.series("acsi_1997"))

    def test_single_figures_are_grey_where_others_have_a_course(self):
        ax = sat.plot.over_waves(sat.datasets.series("hkcsi"))
        assert [m.get_label() for m in marks(ax)] == ["Hong Kong"]
        assert len(marks(ax, "other")) == 8


@pytest.fixture(scope="module")
def added(lines):
    """Four companies in two industries."""
    members = pd.DataFrame(
        {
            "company": sorted(set(lines.table["company"])),
            "industry": ["x", "y", "x", "y"],
            "revenue": [40, 20, 25, 15],
        }
    )
    levels = ["company", "industry"]
    return sat.indices.aggregate(
        lines, members, levels=levels, over="wave", top="airlines"
    )


class TestLevels:
    def test_levels_stand_from_the_top_down_with_their_figures(self, added):
        ax = sat.plot.scoreboard(added)
        names = names_of(ax)
        assert [n for n in names if n.isupper()] == ["AIRLINES", "INDUSTRY", "COMPANY"]
        frame = added.to_frame().query("wave == '2026-1' and construct=='Satisfaction'")
        wanted = frame.set_index("name")["estimate"]
        drawn = {names[k]: x for k, x in points(ax).items()}
        assert drawn == pytest.approx(wanted.to_dict())

    def test_changes_are_as_sure_as_those_of_the_result(self, added):
        ax = sat.plot.scoreboard(added)
        moved = added.changes().to_frame()
        moved = moved.query("wave == '2026-1' and construct == 'Satisfaction'")
        moved = moved.set_index("name")
        for mark in marks(ax, "change"):
            row = moved.loc[names_of(ax)[int(mark.get_ydata()[0])]]
            clear = "^" if row["conf_low"] > 0 else "v" if row["conf_high"] < 0 else "o"
            assert mark.get_marker() == clear

    def test_upper_levels_are_drawn_first(self, added):
        ax = sat.plot.over_waves(added)
        assert marks(ax)[0].get_label() == "airlines"
        assert len(marks(ax)) == 7

    def test_a_scoreboard_is_drawn_as_its_levels(self, airlines):
        companies = sorted(set(airlines.frame["company"]))
        members = pd.DataFrame({"company": companies, "revenue": 1.0})
        options = {"levels": ["company"], "within": "pooled", "invariance": False}
        whole = sat.indices.scoreboard("ecsi", airlines, members, **options, rng=1)
        alone = sat.indices.scoreboard("ecsi", airlines, rng=1, invariance=False)
        ax = sat.plot.scoreboard(whole)
        assert names_of(ax)[:2] == ["NATION", "nation"]
        assert len(marks(sat.plot.over_waves(whole))) == 5
        assert sorted(names_of(sat.plot.scoreboard(alone))) == companies

    def test_figures_without_errors_say_so(self):
        series = sat.datasets.series("acsi_1997")
        sectors = pd.DataFrame({"sector": series.of("sector").table["name"]})
        nation = sat.indices.aggregate(
            series, sectors, levels=["sector"], shares="equal"
        )
        ax = sat.plot.scoreboard(nation)
        assert "errors are not known" in ax.get_xlabel()
