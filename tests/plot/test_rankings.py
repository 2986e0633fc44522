"""Ranks and the ranks that may be true, read from their artists."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.errors import DataError, OptionError


def names_of(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def economy():
    """Published figures of 24 companies in three industries, one without a figure."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "industry": np.repeat(["banks", "airlines", "retail"], 8),
            "company": [f"company {i:02d}" for i in range(24)],
            "estimate": rng.normal(72, 4, 24),
            "std_error": rng.uniform(0.7, 1.3, 24),
        }
    )
    frame.loc[5, "estimate"] = np.nan
    return frame


@pytest.fixture(scope="module")
def ranked():
    return sat.indices.ranking(economy(), rng=1)


@pytest.fixture(scope="module")
def within():
    return sat.indices.ranking(economy(), within="industry", rng=1)


def dots(ax):
    """Return row → rank and marker."""
    return {
        round(y): (x, line.get_marker())
        for line in ax.get_lines()
        if line.get_gid() == "estimate"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def bars(ax, width):
    """Return row → ends of the lines of a width."""
    return {
        round(segment[0, 1]): tuple(segment[:, 0])
        for part in ax.collections
        if part.get_linewidth()[0] == width
        for segment in part.get_segments()
        if len(segment)
    }


def beside(ax):
    """Return row → texts at its right, from left to right."""
    found = {}
    for text in ax.texts:
        if text.get_gid() != "origin":
            pair = (text.xyann[0], text.get_text())
            found.setdefault(round(float(text.xy[1]), 2), []).append(pair)
    return {y: [t for _, t in sorted(own)] for y, own in found.items()}


def test_rows_in_order_with_both_sets_of_ranks(ranked):
    ax = sat.plot.ranking(ranked)
    frame = ranked.to_frame()
    assert names_of(ax) == frame["company"].tolist()
    thin, thick, seen = bars(ax, 1.4), bars(ax, 4.5), dots(ax)
    for row, own in enumerate(frame.itertuples()):
        if np.isnan(own.rank):
            assert row not in seen
            continue
        assert seen[row] == (own.rank, "D" if own.best else "o")
        assert thin[row] == (own.rank_low, own.rank_high)
        assert thick[row] == (own.own_low, own.own_high)
    assert {mark for _, mark in seen.values()} == {"D", "o"}


def test_figures_and_letters_stand_beside_the_rows(ranked):
    told = beside(sat.plot.ranking(ranked))
    for row, own in enumerate(ranked.to_frame().itertuples()):
        if np.isnan(own.estimate):
            assert told[row][0] == "–"
        else:
            assert told[row] == [f"{own.estimate:.1f}", own.letters]


def test_the_scale_is_of_whole_ranks_and_says_what_the_lines_are(ranked):
    ax = sat.plot.ranking(ranked)
    assert all(t.get_text().isdigit() for t in ax.get_xticklabels())
    for words in ("95 %", "thin", "thick", "share a letter", "1 without a figure"):
        assert words in ax.get_xlabel()


def test_groups_stand_apart_each_from_rank_one(within):
    ax = sat.plot.ranking(within, most=4)
    names = names_of(ax)
    heads = [name for name in names if name.isupper()]
    assert sorted(heads) == ["AIRLINES", "BANKS", "RETAIL"]
    seen = dots(ax)
    assert all(seen[names.index(head) + 1][0] == 1 for head in heads)
    assert names.count("… 4 more …") == 3


def test_headings_of_columns_do_not_overlap(lines):
    ax = sat.plot.ranking(sat.indices.ranking(lines, rng=1))
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    spots = [t.get_window_extent(renderer) for t in ax.texts if t.get_text()]
    for i, one in enumerate(spots):
        assert not any(one.overlaps(two) for two in spots[:i])
    label = ax.xaxis.label.get_window_extent(renderer)
    assert label.x0 >= 0
    assert label.x1 <= ax.figure.bbox.x1


def test_no_rank_at_all_is_an_error():
    frame = economy().assign(estimate=np.nan)
    with pytest.raises((DataError, OptionError)):
        sat.plot.ranking(sat.indices.ranking(frame, rng=1))


def test_few_rows_are_refused(ranked):
    with pytest.raises(OptionError, match="too small"):
        sat.plot.ranking(ranked, most=1)
