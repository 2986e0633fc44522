"""Colours, fonts and placing: rules that hold for every figure."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import satmetrics as sat
from satmetrics.errors import OptionError
from satmetrics.plot import _canvas, _labels, _layout


def luminance(colour):
    """Relative luminance, WCAG 2.1."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour, ground="white"):
    high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [*_canvas.SERIES, _canvas.VERMILLION, _canvas.BLUE])
def test_marks_stand_out_on_white(colour):
    assert contrast(colour) >= 3, "WCAG 2.1, 1.4.11"


@pytest.mark.parametrize("colour", [_canvas.INK, _canvas.QUIET])
def test_text_can_be_read_on_white(colour):
    assert contrast(colour) >= 4.5, "WCAG 2.1, 1.4.3"


def test_good_and_bad_differ_for_the_colour_blind():
    """Blue against vermillion: Viénot's deuteranope still tells them apart."""
    to_lms = np.array(
        [[17.8824, 43.5161, 4.1194], [3.4557, 27.1554, 3.8671], [0.03, 0.1843, 1.4671]]
    )
    seen = []
    for colour in (_canvas.BLUE, _canvas.VERMILLION):
        long, _, short = to_lms @ np.array(to_rgb(colour))
        medium = 0.494207 * long + 1.24827 * short
        seen.append(np.linalg.inv(to_lms) @ [long, medium, short])
    assert np.linalg.norm(seen[0] - seen[1]) > 0.4


def test_spread_keeps_order_and_distance():
    values = np.array([70.0, 60.0, 70.1, 69.9])
    placed = _canvas.spread(values, 1.0)
    assert (np.argsort(placed) == np.argsort(values, kind="stable")).all()
    assert np.diff(np.sort(placed)).min() >= 1.0 - 1e-9
    assert placed[1] == 60.0, "what has room stays where it is"
    assert abs(placed[[0, 2, 3]].mean() - 70.0) < 1e-9


@pytest.mark.parametrize(
    ("ends", "limits"), [((66, 70), (58, 78)), ((95, 99), (80, 100)), ((1, 3), (0, 20))]
)
def test_index_limits_stay_on_the_scale(ends, limits):
    assert _canvas.at_least(*ends, 20.0) == pytest.approx(limits)


class TestChinese:
    texts = {  # noqa: RUF012
        "Quality": "感知质量",
        "Image": "企业形象",
        "Expectation": "顾客期望",
        "Value": "感知价值",
        "Satisfaction": "顾客满意",
    }

    def test_a_font_that_has_the_glyphs_is_asked_for(self, fit, monkeypatch):
        monkeypatch.setattr(_labels, "cjk_family", lambda: "Some CJK Font")
        monkeypatch.setattr(_canvas, "cjk_family", lambda: "Some CJK Font")
        ax = sat.plot.priorities(sat.priorities(fit), labels=self.texts)
        chinese = [t for t in ax.texts if _labels.is_cjk(t.get_text())]
        assert len(chinese) == 4
        assert all(t.get_fontfamily()[-1] == "Some CJK Font" for t in chinese)

    def test_tick_labels_too(self, fit, monkeypatch):
        monkeypatch.setattr(_labels, "cjk_family", lambda: "Some CJK Font")
        monkeypatch.setattr(_canvas, "cjk_family", lambda: "Some CJK Font")
        ax = sat.plot.index(sat.index(fit), labels=self.texts)
        families = {t.get_text(): t.get_fontfamily() for t in ax.get_yticklabels()}
        assert families["感知质量"][-1] == "Some CJK Font"
        assert "Some CJK Font" not in families["Loyalty"]

    def test_no_boxes_where_no_font_is_found(self, fit, monkeypatch):
        monkeypatch.setattr(_labels, "cjk_family", lambda: None)
        monkeypatch.setattr(_canvas, "cjk_family", lambda: None)
        ax = sat.plot.priorities(sat.priorities(fit), labels=self.texts)
        ax.figure.canvas.draw()
        said = [t.get_text() for t in ax.texts]
        assert "Quality" in said
        assert not any(_labels.is_cjk(text) for text in said)
        assert any(_labels.NO_FONT in text for text in said)

    def test_chinese_names_without_a_font_are_numbered(self, monkeypatch):
        monkeypatch.setattr(_labels, "cjk_family", lambda: None)
        names = _labels.Names()
        assert [names("东方"), names("南方"), names("东方")] == [
            "no. 1",
            "no. 2",
            "no. 1",
        ]
        assert names.notes == [_labels.NO_FONT]

    @pytest.mark.skipif(_labels.cjk_family() is None, reason="no Chinese font here")
    def test_real_font_draws_without_a_warning(self, fit):
        sat.plot.paths(fit, labels=self.texts).figure.canvas.draw()


class TestLabels:
    def test_sources(self, fit, bank):
        assert _labels.texts_of(fit.model)["Quality"] == "Perceived quality"
        assert _labels.texts_of(fit.model)["IMAG1"] == "trustworthy"
        assert _labels.texts_of(bank.instrument)["tan1"]
        assert _labels.texts_of({"a": "b"}) == {"a": "b"}
        assert _labels.texts_of(None) == {}

    def test_anything_else_is_refused(self):
        with pytest.raises(OptionError, match="gives no labels"):
            _labels.texts_of(["a"])

    def test_dollar_signs_are_drawn_as_they_are(self, fit):
        ax = sat.plot.index(sat.index(fit), labels={"Value": "worth $5 or $x_{"})
        ax.figure.canvas.draw()
        assert "worth $5 or $x_{" in [t.get_text() for t in ax.get_yticklabels()]


class TestWhereFiguresLive:
    def test_a_notebook_shows_them(self, fit, monkeypatch):
        import sys
        from types import SimpleNamespace

        from matplotlib import pyplot as plt

        shell = SimpleNamespace(get_ipython=lambda: object())
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "IPython", shell)
            assert _canvas._shown_by_session()
        monkeypatch.setattr(_canvas, "_shown_by_session", lambda: True)
        ax = sat.plot.index(sat.index(fit))
        assert plt.get_fignums() == [ax.figure.number]
        plt.close(ax.figure)

    def test_a_script_keeps_none_alive(self, fit, monkeypatch):
        import sys

        from matplotlib import pyplot as plt

        monkeypatch.delitem(sys.modules, "IPython", raising=False)
        for _ in range(25):
            sat.plot.index(sat.index(fit))
        assert plt.get_fignums() == []


class TestLayout:
    def test_no_two_boxes_touch_in_any_catalogue_model(self):
        for name in sat.models.names():
            at = _layout.place(sat.models.load(name).adjacency())
            i, j = np.triu_indices(len(at), 1)
            apart = np.abs(at[i] - at[j])
            assert ((apart >= np.array(_layout.BOX)).any(axis=1)).all(), name

    def test_larger_models_stay_readable(self):
        rng = np.random.default_rng(5)
        adjacency = np.triu(rng.random((12, 12)) < 0.25, 1)
        adjacency[np.arange(11), np.arange(1, 12)] = True
        at = _layout.place(adjacency)
        i, j = np.triu_indices(12, 1)
        assert ((np.abs(at[i] - at[j]) >= np.array(_layout.BOX)).any(axis=1)).all()
        source, target = np.nonzero(adjacency)
        assert (at[target, 0] >= at[source, 0]).all()

    def test_depth_is_the_longest_chain(self):
        adjacency = np.zeros((4, 4), dtype=bool)
        adjacency[[0, 0, 1, 2], [1, 3, 2, 3]] = True
        assert _layout.depths(adjacency).tolist() == [0, 1, 2, 3]

    def test_the_same_model_is_placed_the_same(self, fit):
        one = _layout.place(fit.model.adjacency())
        _layout._search.cache_clear()
        np.testing.assert_array_equal(one, _layout.place(fit.model.adjacency()))
