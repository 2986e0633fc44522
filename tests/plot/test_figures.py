"""What the figures show, read from their artists."""

from __future__ import annotations

import dataclasses
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import satmetrics as sat
from satmetrics.errors import DataError, OptionError

DRAWN = {
    "gaps": lambda r, **k: sat.plot.gaps(r["found_gaps"], **k),
    "paths": lambda r, **k: sat.plot.paths(r["fit"], r["boot"], **k),
    "forest": lambda r, **k: sat.plot.forest(r["boot"], **k),
    "index": lambda r, **k: sat.plot.index(r["lines"], **k),
    "priorities": lambda r, **k: sat.plot.priorities(sat.priorities(r["fit"]), **k),
    "changes": lambda r, **k: sat.plot.changes(sat.changes(r["lines"]), **k),
    "scoreboard": lambda r, **k: sat.plot.scoreboard(r["lines"], **k),
    "ranking": lambda r, **k: sat.plot.ranking(
        sat.indices.ranking(r["lines"], rng=1), **k
    ),
    "control_chart": lambda r, **k: sat.plot.control_chart(
        sat.indices.control_chart(r["lines"], baseline=2), **k
    ),
    "over_waves": lambda r, **k: sat.plot.over_waves(r["lines"], **k),
}


@pytest.fixture(scope="session")
def results(fit, boot, lines, found_gaps):
    return {"fit": fit, "boot": boot, "lines": lines, "found_gaps": found_gaps}


def drawn(ax):
    """Return x and y of all estimates, as drawn."""
    marks = [line for line in ax.get_lines() if line.get_gid() == "estimate"]
    return (
        np.concatenate([np.asarray(m.get_xdata(), float) for m in marks]),
        np.concatenate([np.asarray(m.get_ydata(), float) for m in marks]),
    )


def labels_of(ax, axis="y"):
    return [t.get_text() for t in getattr(ax, f"get_{axis}ticklabels")()]


def test_every_function_of_the_namespace_is_tested_here():
    assert set(DRAWN) == set(sat.plot.__all__)


@pytest.mark.parametrize("name", DRAWN)
class TestEvery:
    def test_draws_on_the_axes_given_and_returns_them(self, name, results):
        figure = Figure(figsize=(7, 4), layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.subplots()
        assert DRAWN[name](results, ax=ax) is ax
        assert ax.has_data() or ax.patches
        figure.canvas.draw()

    def test_changes_no_setting(self, name, results):
        before = dict(mpl.rcParams)
        DRAWN[name](results).figure.canvas.draw()
        assert dict(mpl.rcParams) == before

    def test_leaves_no_figure_with_pyplot(self, name, results):
        from matplotlib import pyplot as plt

        for _ in range(3):
            DRAWN[name](results)
        assert plt.get_fignums() == []

    def test_says_where_the_data_come_from(self, name, results):
        ax = DRAWN[name](results)
        marks = [t.get_text() for t in ax.texts if t.get_gid() == "origin"]
        assert marks == ["SIMULATED"]

    def test_has_no_title(self, name, results):
        ax = DRAWN[name](results)
        titles = [ax.get_title(loc=place) for place in ("left", "center", "right")]
        assert titles == ["", "", ""]

    def test_refuses_what_it_cannot_draw(self, name, results):
        with pytest.raises(OptionError, match="needs"):
            getattr(sat.plot, name)("a text")

    def test_refuses_what_are_no_axes(self, name, results):
        with pytest.raises(OptionError, match="ax is a"):
            DRAWN[name](results, ax="figure")

    def test_reads_no_mathematics_into_labels(self, name, results):
        texts = DRAWN[name](results).findobj(Text)
        assert texts
        assert not any(text.get_parse_math() for text in texts)


def test_import_draws_in_no_matplotlib():
    import subprocess

    code = "import sys, satmetrics; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "name", ["gaps", "forest", "changes", "index", "scoreboard", "over_waves"]
)
def test_intervals_are_stated_on_an_axis(name, results):
    ax = DRAWN[name](results)
    assert "95 % " in ax.get_xlabel() + ax.get_ylabel()
    assert "intervals" in ax.get_xlabel() + ax.get_ylabel()


class TestGaps:
    def test_points_stand_at_the_gaps_the_largest_shortfall_on_top(
        self, found_gaps, bank
    ):
        ax = sat.plot.gaps(found_gaps, labels=bank.instrument)
        rows = found_gaps.rows("dimension").to_frame().sort_values("estimate")
        assert labels_of(ax) == [
            next(d.label.en for d in bank.instrument.dimensions if d.id == name)
            for name in rows["dimension"]
        ]
        x, y = drawn(ax)
        np.testing.assert_allclose(x[np.argsort(y)], rows["estimate"])
        low, high = ax.get_ylim()
        assert low > high, "the first row is on top"

    def test_zero_is_in_sight_and_named(self, found_gaps):
        ax = sat.plot.gaps(found_gaps)
        zero = [line for line in ax.get_lines() if line.get_gid() == "zero"]
        assert [float(x) for x in zero[0].get_xdata()] == [0.0, 0.0]
        assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]
        assert "short of expectations" in ax.get_xlabel()
        assert "scale points" in ax.get_xlabel()

    def test_marker_doubles_colour(self, found_gaps):
        ax = sat.plot.gaps(found_gaps)
        marks = [m for m in ax.get_lines() if m.get_gid() == "estimate"]
        assert {m.get_marker() for m in marks} == {"v"}, "all lie wholly below zero"

    def test_items(self, found_gaps):
        assert len(labels_of(sat.plot.gaps(found_gaps, level="item"))) == 22

    def test_groups_stand_beside_one_another(self, bank):
        ax = sat.plot.gaps(sat.gaps(bank, by="branch"))
        names = [t.get_text() for t in ax.get_legend().get_texts()]
        assert len(names) == 6
        assert "Harbour" in names
        x, y = drawn(ax)
        assert len(set(np.round(y, 6))) == len(x) == 30

    def test_printed_table(self):
        checked = sat.gap_table(sat.datasets.table("patient_servqual"))
        ax = sat.plot.gaps(checked)
        x, _ = drawn(ax)
        rows = checked.to_frame().query("level == 'dimension'")
        np.testing.assert_allclose(sorted(x), sorted(rows["estimate"]))
        assert [t.get_text() for t in ax.texts if t.get_gid()] == ["REAL"]

    def test_level_that_does_not_exist(self, found_gaps):
        with pytest.raises(OptionError, match="dimension"):
            sat.plot.gaps(found_gaps, level="dimensions")

    def test_level_without_rows(self):
        checked = sat.gap_table(sat.datasets.table("patient_servqual"))
        with pytest.raises(DataError, match="no gaps by item"):
            sat.plot.gaps(checked, level="item")


class TestPaths:
    @pytest.mark.parametrize("which", ["ecsi", "acsi"])
    def test_nothing_overlaps(self, which, fit, boot, acsi):
        ax = sat.plot.paths(*((fit, boot) if which == "ecsi" else acsi))
        canvas = ax.figure.canvas
        canvas.draw()
        renderer = canvas.get_renderer()
        kinds = ("coefficient", "label")
        texts = [t for t in ax.texts if t.get_gid() in kinds]
        boxes = [p for p in ax.patches if p.get_gid() == "construct"]
        spots = [t.get_window_extent(renderer) for t in texts]
        plates = [b.get_window_extent(renderer) for b in boxes]
        for i, one in enumerate(spots):
            assert not any(one.overlaps(two) for two in spots[:i])
            if texts[i].get_gid() == "coefficient":
                assert not any(one.overlaps(plate) for plate in plates)
        for i, one in enumerate(plates):
            assert not any(one.overlaps(two) for two in plates[:i])
        for spot, text in zip(spots, texts, strict=True):
            if text.get_gid() == "label":
                inside = [p for p in plates if p.x0 <= spot.x0 and spot.x1 <= p.x1]
                assert inside, text.get_text()

    def test_arrows_run_forward(self, fit):
        from satmetrics.plot._layout import place

        at = place(fit.model.adjacency())
        for path in fit.model.paths:
            names = fit.model.names
            a, z = at[names.index(path.source)], at[names.index(path.target)]
            assert z[0] >= a[0], f"{path.source} to {path.target}"

    def test_coefficients_and_labels(self, fit):
        ax = sat.plot.paths(fit)
        numbers = [t.get_text() for t in ax.texts if t.get_gid() == "coefficient"]
        assert numbers == [f"{v:.2f}" for v in fit.paths()["estimate"]]
        titles = [t.get_text() for t in ax.texts if t.get_gid() == "label"]
        assert "Perceived quality" in titles
        assert "Complaint\nhandling" in titles
        r2 = [t.get_text() for t in ax.texts if t.get_text().startswith("R²")]
        assert len(r2) == 6

    def test_width_grows_with_size(self, fit):
        ax = sat.plot.paths(fit)
        widths = [p.get_linewidth() for p in ax.patches if p.get_gid() == "path"]
        sizes = np.abs(fit.paths()["estimate"])
        assert list(np.argsort(widths)) == list(np.argsort(sizes))

    def test_what_is_unsure_is_dashed_and_said(self):
        mobile = sat.datasets.moments("ecsi_mobile")
        fitted = sat.pls("ecsi", mobile)
        boot = sat.bootstrap(fitted, mobile, n_draws=300, rng=1)
        ax = sat.plot.paths(fitted, boot)
        rows = boot.to_frame().query("term == 'path'")
        holds = ((rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)).tolist()
        assert any(holds)
        assert not all(holds)
        arrows = [p for p in ax.patches if p.get_gid() == "path"]
        assert [a.get_linestyle() != "-" for a in arrows] == holds
        said = " ".join(t.get_text() for t in ax.get_legend().get_texts())
        assert "interval holds zero" in said

    def test_unconfirmed_arrows_are_dotted_and_negative_ones_said(self, acsi):
        ax = sat.plot.paths(acsi[0])
        said = " ".join(t.get_text() for t in ax.get_legend().get_texts())
        assert "not confirmed" in said
        assert "negative" in said
        numbers = [t.get_text() for t in ax.texts if t.get_gid() == "coefficient"]
        assert any(n.startswith("−") for n in numbers), "a true minus sign"

    def test_unsure_and_unconfirmed_do_not_hide_each_other(self):
        mobile = sat.datasets.moments("ecsi_mobile")
        ecsi = sat.models.load("ecsi")
        mixed = tuple(
            dataclasses.replace(path, status="unverified" if k % 2 else "verified")
            for k, path in enumerate(ecsi.paths)
        )
        fitted = sat.pls(dataclasses.replace(ecsi, paths=mixed), mobile)
        boot = sat.bootstrap(fitted, mobile, n_draws=300, rng=1)
        rows = boot.to_frame().query("term == 'path'")
        holds = (rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)
        ax = sat.plot.paths(fitted, boot)
        seen: dict[tuple[bool, bool], set[str]] = {}
        arrows = [p for p in ax.patches if p.get_gid() == "path"]
        for arrow, open_, path in zip(arrows, holds, mixed, strict=True):
            kind = (bool(open_), path.status == "unverified")
            seen.setdefault(kind, set()).add(str(arrow.get_linestyle()))
        assert len(seen) == 4
        assert len(set.union(*seen.values())) == 4
        assert all(len(styles) == 1 for styles in seen.values())
        said = [t.get_text().split(":")[0] for t in ax.get_legend().get_texts()]
        assert said == ["dashed", "dotted", "dash-dotted"]

    def test_a_batch_names_its_cure(self, airlines):
        batch = sat.pls("ecsi", airlines, by="company")
        with pytest.raises(OptionError, match=r"fit\.group\(0\)"):
            sat.plot.paths(batch)

    def test_bootstrap_of_another_fit(self, fit):
        other = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
        boot = sat.bootstrap(other, n_draws=20, rng=1)
        with pytest.raises(DataError, match="another fit"):
            sat.plot.paths(fit, boot)


class TestForest:
    def test_rows_are_the_paths_in_order(self, boot, fit):
        ax = sat.plot.forest(boot, labels=fit.model)
        assert labels_of(ax)[0] == "Image → Expectations"
        x, y = drawn(ax)
        rows = boot.to_frame().query("term == 'path'")
        np.testing.assert_allclose(x[np.argsort(y)], rows["estimate"])

    def test_other_terms(self, boot):
        assert len(labels_of(sat.plot.forest(boot, term="r2"))) == 6
        assert "–" in labels_of(sat.plot.forest(boot, term="htmt"))[0]
        assert ": " in labels_of(sat.plot.forest(boot, term="weight"))[0]

    def test_unknown_term_is_named(self, boot):
        with pytest.raises(OptionError, match="did you mean 'path'"):
            sat.plot.forest(boot, term="paths")


class TestIndex:
    def test_a_line_per_unit_with_its_label(self, lines):
        ax = sat.plot.index(lines)
        assert labels_of(ax, "x") == ["2025-1", "2025-2", "2026-1"]
        frame = lines.to_frame().query("construct == 'Satisfaction'")
        for line in (m for m in ax.get_lines() if m.get_gid() == "estimate"):
            own = frame[frame["company"] == line.get_label()]
            np.testing.assert_allclose(line.get_ydata(), own["estimate"])
        said = [t.get_text() for t in ax.texts]
        assert set(frame["company"]) <= set(said)

    def test_direct_labels_do_not_overlap(self, lines):
        ax = sat.plot.index(lines)
        ax.figure.canvas.draw()
        renderer = ax.figure.canvas.get_renderer()
        spots = [
            t.get_window_extent(renderer) for t in ax.texts if t.get_gid() != "origin"
        ]
        for i, one in enumerate(spots):
            assert not any(one.overlaps(two) for two in spots[:i])
            assert one.x1 <= ax.get_window_extent(renderer).x1 + 1

    def test_styles_differ_without_colour(self, lines):
        ax = sat.plot.index(lines)
        marks = [m for m in ax.get_lines() if m.get_gid() == "estimate"]
        assert len({(m.get_marker(), m.get_linestyle()) for m in marks}) == len(marks)

    def test_groups_are_sorted(self, fit, airlines):
        ax = sat.plot.index(sat.index(fit, airlines, by="company"))
        x, y = drawn(ax)
        assert (np.diff(x[np.argsort(y)]) < 0).all()

    def test_constructs(self, fit):
        ax = sat.plot.index(sat.index(fit), labels=fit.model)
        assert labels_of(ax)[2] == "Perceived quality"

    def test_one_wave_line_is_not_magnified(self, fit, airlines):
        ax = sat.plot.index(sat.index(fit, airlines, by="wave"))
        assert np.ptp(ax.get_ylim()) >= 20

    def test_waves_under_another_name(self, lines, fit, airlines):
        ax = sat.plot.index(sat.index(fit, airlines, by=["wave", "company"]))
        assert labels_of(ax, "x")[0] == "2025-1"
        with pytest.raises(OptionError, match="over"):
            sat.plot.index(lines, over="period")

    @pytest.mark.parametrize("by", ["wave", ["company", "wave"]])
    def test_last_wave_without_an_index(self, fit, airlines, by):
        frame = airlines.frame
        frame.loc[frame["wave"] == "2026-1", "CUSA1"] = None
        first = (frame["company"] == "Alder Air") & (frame["wave"] != "2025-1")
        frame.loc[first, "CUSA1"] = None
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        with pytest.warns(sat.errors.MissingDataWarning):
            result = sat.index(fit, survey, by=by)
        ax = sat.plot.index(result)
        ax.figure.canvas.draw()
        assert labels_of(ax, "x") == ["2025-1", "2025-2", "2026-1"]
        if by != "wave":
            at = {t.get_text(): t.get_position()[0] for t in ax.texts}
            assert 0 < at.pop("Alder Air") < 1, "beside its last point"
            at = {name: x for name, x in at.items() if name in set(frame["company"])}
            assert at
            assert all(1 < x < 2 for x in at.values())

    def test_very_long_names_are_cut(self, fit, airlines):
        frame = airlines.frame
        for name in ("company", "wave"):
            frame[name] = frame[name].astype(str) + " " + 300 * "x"
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        found = sat.index(fit, survey, by=["company", "wave"])
        for ax in (sat.plot.index(found), sat.plot.changes(sat.changes(found))):
            ax.figure.canvas.draw()
            texts = [t.get_text() for t in ax.findobj(Text)]
            assert any("…" in text for text in texts)
            assert max(map(len, texts)) < 100

    def test_a_unit_without_an_index_has_no_label(self, fit, airlines):
        frame = airlines.frame
        frame.loc[frame["company"] == "Alder Air", "CUSA1"] = None
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        with pytest.warns(sat.errors.MissingDataWarning):
            result = sat.index(fit, survey, by=["company", "wave"])
        said = [t.get_text() for t in sat.plot.index(result).texts]
        assert "Alder Air" not in said
        assert "Cormorant" in said

    def test_no_index_at_all_is_an_error(self, lines):
        none = {"estimate": np.full(len(lines.table), np.nan)}
        table = lines.table.extended(none, keys=lines.table.names)
        result = dataclasses.replace(lines, table=table)
        with pytest.raises(DataError, match="no group has an index"):
            sat.plot.index(result)

    def test_many_units_are_dots_of_the_last_wave(self, fit, airlines):
        frame = airlines.frame
        frame["company"] = frame["company"] + (frame["respondent"] % 3).astype(str)
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        ax = sat.plot.index(sat.index(fit, survey, by=["company", "wave"]))
        assert len(labels_of(ax)) == 12
        assert ax.get_xlabel().startswith("2026-1: index, 0–100")


class TestPriorities:
    def test_points_and_axes(self, fit):
        ranked = sat.priorities(fit)
        ax = sat.plot.priorities(ranked, labels=fit.model)
        x, y = drawn(ax)
        np.testing.assert_allclose(x, ranked.table["effect"])
        np.testing.assert_allclose(y, ranked.table["performance"])
        assert "Satisfaction" in ax.get_xlabel()
        assert "index points" in ax.get_xlabel()

    @pytest.mark.parametrize("width", [3.7, 7.0])
    def test_labels_do_not_overlap(self, fit, width):
        figure = Figure(figsize=(width, 4), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        ax = sat.plot.priorities(
            sat.priorities(fit), labels=fit.model, ax=figure.subplots()
        )
        canvas.draw()
        named = {c.title() for c in fit.model.constructs}
        spots = [
            t.get_window_extent(canvas.get_renderer())
            for t in ax.texts
            if t.get_text() in named
        ]
        assert len(spots) == 4
        for i, one in enumerate(spots):
            assert not any(one.overlaps(two) for two in spots[:i])


class TestChanges:
    def test_rows_and_direction(self, lines):
        moved = sat.changes(lines)
        ax = sat.plot.changes(moved)
        rows = moved.to_frame().query("construct == 'Satisfaction'")
        x, y = drawn(ax)
        np.testing.assert_allclose(x[np.argsort(y)], rows["estimate"])
        assert labels_of(ax)[0] == "Alder Air, 2025-2 since 2025-1"
        assert "better →" in ax.get_xlabel()
        rising = [m for m in ax.get_lines() if m.get_marker() == "^"]
        clear = rows[rows["conf_low"] > 0]
        np.testing.assert_allclose(rising[0].get_xdata(), clear["estimate"])

    def test_unknown_construct(self, lines):
        with pytest.raises(DataError, match="Satisfaction"):
            sat.plot.changes(sat.changes(lines), construct="Joy")


def test_golden_pictures_are_not_blank(results):
    for draw in DRAWN.values():
        ax = draw(results)
        assert isinstance(ax, Axes)
        ax.figure.set_dpi(40)
        ax.figure.canvas.draw()
        pixels = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3]
        assert (pixels < 200).any(axis=2).mean() > 0.005
