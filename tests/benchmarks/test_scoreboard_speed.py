"""What the scoreboard of an economy costs: 400 companies, 8 waves, 800,000 answers."""

from __future__ import annotations

import pytest

import satmetrics as sat
from satmetrics.simulate import simulate_economy

WORK = "800,000 × 24 answers, 400 companies, 8 waves: "


@pytest.fixture(scope="module")
def economy():
    return simulate_economy(rng=1)


@pytest.fixture(scope="module")
def answers(economy):
    return economy.answers(rng=2)


def board(answers, economy, **asked):
    members = economy.members_frame()
    return sat.indices.scoreboard(
        "ecsi", answers, members, unit="company", wave="wave", rng=1, **asked
    )


def test_scoreboard(timed, economy, answers):
    """All levels, changes and ranks; weights per industry taken as fixed."""
    call = lambda: board(answers, economy)  # noqa: E731
    found = timed(WORK + "scoreboard", "satmetrics", call, rounds=2)
    assert len(found.table()) == (400 + 40 + 10 + 1) * 8


def test_scoreboard_with_draws(timed, economy, answers):
    """The same with 300 bootstrap draws, weights estimated anew."""
    call = lambda: board(answers, economy, n_draws=300)  # noqa: E731
    timed(WORK + "scoreboard, 300 draws", "satmetrics", call, rounds=1)


def test_ranks_of_all_companies(timed, economy, answers):
    """Sets of ranks of 400 companies from 79,800 differences."""
    figures = board(answers, economy).index
    call = lambda: sat.indices.ranking(figures, rng=1)  # noqa: E731
    timed("ranks of 400 companies", "satmetrics", call, rounds=2)
