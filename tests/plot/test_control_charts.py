"""Control charts, read from their artists."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.errors import OptionError


@pytest.fixture(scope="module")
def followed():
    """Eight units over ten waves; unit 3 rises by a point of the scale in wave 7."""
    rng = np.random.default_rng(3)
    parts = []
    for unit in range(8):
        for wave in range(10):
            rise = 1.0 if unit == 3 and wave >= 6 else 0.0
            base = rng.normal(7 + rise, 1.5, (60, 1))
            noise = rng.normal(0, 1, (60, 4))
            answers = np.clip(np.round(base + noise), 1, 10)
            part = pd.DataFrame(answers, columns=["q1", "q2", "s1", "s2"])
            parts.append(part.assign(unit=f"Unit {unit}", wave=str(2015 + wave)))
    survey = sat.Survey(
        pd.concat(parts, ignore_index=True), unit="unit", wave="wave", scale=(1, 10)
    )
    blocks = {"Q": ["q1", "q2"], "S": ["s1", "s2"]}
    model = sat.StructuralModel.from_blocks(
        "m", blocks, {"Q": ["S"]}, target="S", scale=(1, 10)
    )
    return sat.index(sat.pls(model, survey), survey, by=["unit", "wave"])


@pytest.fixture(scope="module")
def chart(followed):
    return sat.indices.control_chart(followed, baseline=5)


def marks(ax, gid):
    found = [line for line in ax.get_lines() if line.get_gid() == gid]
    return np.concatenate([line.get_ydata() for line in found]) if found else []


def test_every_point_is_drawn_once_as_what_it_is(chart):
    ax = sat.plot.control_chart(chart, units=["Unit 3"])
    rows = chart.to_frame().query("unit == 'Unit 3'")
    signals = rows[rows["signal"]]
    assert len(signals) >= 3, "the rise is seen"
    early = rows[rows["baseline"] & ~rows["signal"]]
    late = rows[~rows["baseline"] & ~rows["signal"]]
    np.testing.assert_allclose(marks(ax, "signal"), signals["statistic"])
    np.testing.assert_allclose(marks(ax, "baseline"), early["statistic"])
    np.testing.assert_allclose(marks(ax, "estimate"), late["statistic"])


def test_limits_are_steps_of_each_wave(chart):
    from matplotlib.patches import StepPatch

    ax = sat.plot.control_chart(chart, units="Unit 0")
    rows = chart.to_frame().query("unit == 'Unit 0'")
    steps = [p.get_data().values for p in ax.patches if isinstance(p, StepPatch)]
    for name in ("limit_low", "limit_high", "centre"):
        assert any(np.array_equal(own, rows[name]) for own in steps), name


def test_charts_stand_side_by_side_and_do_not_touch(chart):
    ax = sat.plot.control_chart(chart, units=["Unit 0", "Unit 1"])
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    for texts in (ax.get_xticklabels(), [t for t in ax.texts if t.get_gid() is None]):
        spots = [t.get_window_extent(renderer) for t in texts if t.get_text()]
        for i, one in enumerate(spots):
            assert not any(one.overlaps(two) for two in spots[:i])


def test_of_many_units_those_with_most_signals_are_shown(chart):
    ax = sat.plot.control_chart(chart)
    titles = [t.get_text() for t in ax.texts if t.get_gid() is None]
    assert len(titles) == 6
    assert titles[0] == "Unit 3"
    assert "2 more units" in ax.get_xlabel()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("shewhart", "index, 0–100; band: limits at 3 sigma"),
        ("ewma", "EWMA of the index, 0–100; band: limits at 3 sigma"),
        ("cusum", "CUSUM, sigma; band: decision limit 5 sigma"),
    ],
)
def test_the_axis_says_what_is_drawn(followed, method, words):
    chart = sat.indices.control_chart(followed, method=method, baseline=5)
    ax = sat.plot.control_chart(chart)
    ax.figure.canvas.draw()
    assert ax.get_ylabel() == words
    low, high = ax.get_ylim()
    every = chart.table["statistic"]
    assert low < np.nanmin(every)
    assert np.nanmax(every) < high


def test_a_unit_that_does_not_exist_is_named(chart):
    with pytest.raises(OptionError, match="did you mean 'Unit 3'"):
        sat.plot.control_chart(chart, units="Unit3")
