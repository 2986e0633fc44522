"""The scoreboard: all levels from one call, broken units set aside, truth covered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.simulate import simulate_economy

LEVELS = ["company", "industry", "sector"]


@pytest.fixture(scope="module")
def economy():
    return simulate_economy(companies=12, industries=4, sectors=2, waves=3, rng=3)


@pytest.fixture(scope="module")
def answers(economy):
    return economy.answers(n=60, rng=4)


@pytest.fixture(scope="module")
def board(economy, answers):
    return sat.indices.scoreboard(
        "ecsi",
        answers,
        economy.members_frame(),
        unit="company",
        wave="wave",
        invariance=False,
        rng=1,
    )


def by_hand(economy, answers, fits):
    """Return the index of every company and wave, with weights per industry."""
    members = economy.members_frame().set_index("company")
    items = ["CUSA1", "CUSA2", "CUSA3"]
    rows = []
    for (company, wave), group in answers.groupby(["company", "wave"]):
        w = fits[members.loc[company, "industry"]]
        x = group[items].to_numpy(dtype=float)
        score = (x - 1) @ w / (9 * w.sum()) * 100
        rows.append((company, wave, score.mean(), score.std(ddof=1) / len(x) ** 0.5))
    return pd.DataFrame(rows, columns=["company", "wave", "index", "error"])


class TestNumbers:
    def test_companies_and_all_above_by_hand(self, economy, answers, board):
        members = economy.members_frame()
        joined = answers.merge(members, on="company")
        fits = {}
        for industry, group in joined.groupby("industry"):
            fit = sat.pls("ecsi", group[list(sat.models.load("ecsi").indicators)])
            fits[industry] = fit.raw_weights()[17:20]
        hand = by_hand(economy, answers, fits)
        found = board.to_frame()
        own = found[found["level"] == "company"].merge(
            hand, left_on=["name", "wave"], right_on=["company", "wave"]
        )
        assert len(own) == 36
        np.testing.assert_allclose(own["estimate"], own["index"], rtol=1e-10)
        np.testing.assert_allclose(own["std_error"], own["error"], rtol=1e-8)
        self.above(hand.merge(members, on="company"), found)

    def above(self, hand, found):
        """Compare industries, sectors and the nation with sums of the companies."""
        for wave, year in hand.groupby("wave"):
            sector, errors_, gdp = [], [], []
            for _, part in year.groupby("sector"):
                w = part["revenue"] / part["revenue"].sum()
                sector.append((w * part["index"]).sum())
                errors_.append(np.sqrt((w**2 * part["error"] ** 2).sum()))
                gdp.append(part["gdp"].iloc[0])
            share = np.array(gdp) / np.sum(gdp)
            rows = found[(found["wave"] == wave)].set_index(["level", "name"])
            np.testing.assert_allclose(rows.loc["sector", "estimate"], sector)
            nation = rows.loc[("nation", "nation")]
            assert nation["estimate"] == pytest.approx(share @ sector)
            error = np.sqrt(share**2 @ np.square(errors_))
            assert nation["std_error"] == pytest.approx(error)

    def test_changes_stand_beside_the_figures(self, board):
        frame = board.to_frame()
        nation = frame[frame["level"] == "nation"]
        assert np.isnan(nation["change"].iloc[0])
        np.testing.assert_allclose(
            nation["change"].iloc[1:], np.diff(nation["estimate"])
        )
        assert list(nation["since"]) == ["", "2001", "2002"]

    def test_weights_pooled_or_per_unit(self, economy, answers):
        members = economy.members_frame()
        common = {"unit": "company", "wave": "wave", "invariance": False, "rng": 1}
        pooled = sat.indices.scoreboard(
            "ecsi", answers, members, within="pooled", **common
        )
        survey = sat.Survey(answers, unit="company", wave="wave")
        fit = sat.pls("ecsi", survey)
        alone = sat.index(fit, survey, by=["company", "wave"]).of().to_frame()
        np.testing.assert_allclose(
            pooled.index.to_frame()["estimate"], alone["estimate"]
        )
        own = sat.indices.scoreboard(
            "ecsi", answers, members, within=["company", "wave"], **common
        )
        assert own.index.weighting == ("company", "wave")
        assert (
            own.index.to_frame()["estimate"] != pooled.index.to_frame()["estimate"]
        ).any()

    def test_without_members_there_are_units_only(self, airlines):
        board = sat.indices.scoreboard("ecsi", airlines, rng=1)
        assert set(board.to_frame()["level"]) == {"company"}
        assert board.aggregates is None
        assert board.invariance is not None
        assert "composition rejected for 0 of 4 units" in str(board)

    def test_level_is_that_of_every_part(self, economy, answers, board):
        narrow = sat.indices.scoreboard(
            "ecsi",
            answers,
            economy.members_frame(),
            unit="company",
            wave="wave",
            invariance=False,
            level=0.8,
            rng=1,
        ).to_frame()
        wide = board.to_frame()
        for low, high in (("conf_low", "conf_high"), ("change_low", "change_high")):
            ratio = (narrow[high] - narrow[low]) / (wide[high] - wide[low])
            np.testing.assert_allclose(ratio.dropna(), 1.2816 / 1.96, rtol=1e-3)

    def test_one_wave(self, airlines):
        frame = airlines.frame
        frame = frame[frame["wave"] == "2026-1"]
        board = sat.indices.scoreboard("ecsi", frame, unit="company", rng=1)
        assert board.changes is None
        assert "change" not in board.to_frame()


class TestInvariance:
    def test_checked_up_to_twenty_units_and_said_otherwise(self, economy, answers):
        members = economy.members_frame()
        asked = {"unit": "company", "wave": "wave", "rng": 1}
        checked = sat.indices.scoreboard("ecsi", answers, members, **asked)
        assert checked.invariance is not None
        larger = simulate_economy(companies=21, industries=3, sectors=1, waves=1, rng=1)
        board = sat.indices.scoreboard(
            "ecsi", larger.answers(n=30, rng=1), larger.members_frame(), **asked
        )
        assert board.invariance is None
        assert "not checked" in str(board)


class TestBrokenUnits:
    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            ("CUSA1", 98, "CUSA1 holds 98, off its scale 1–10"),
            ("IMAG2", np.inf, "IMAG2 holds inf"),
            ("PERQ1", "good grief", "PERQ1 holds 'good grief', which is no answer"),
        ],
    )
    def test_one_broken_company_does_not_stop_the_others(
        self, economy, answers, column, value, said
    ):
        broken = answers.astype({column: object})
        rows = broken.index[broken["company"] == "company 05"]
        broken.loc[rows[:3], column] = value
        board = self.run(broken, economy)
        status = board.status_frame().set_index("name")
        assert status.loc["company 05", "status"] == "set aside"
        assert said in status.loc["company 05", "reason"]
        assert (status.drop("company 05")["status"] == "measured").all()
        assert "180 rows left out" in str(board)
        whole = self.run(answers[answers["company"] != "company 05"], economy)
        pd.testing.assert_frame_equal(board.to_frame(), whole.to_frame())

    def test_units_with_long_numbers_are_told_apart(self, answers):
        long = answers["company"].str[-2:].astype(int) + 7_000_000
        broken = answers.assign(company=long)
        broken.loc[long.isin([7_000_003, 7_000_005]), "CUSA1"] = 11
        board = sat.indices.scoreboard(
            "ecsi", broken, unit="company", wave="wave", invariance=False, rng=1
        )
        status = board.status_frame().set_index("name")["status"]
        assert len(status) == long.nunique()
        away = status[status == "set aside"]
        assert sorted(away.index) == ["7000003", "7000005"]

    def test_in_a_survey_too(self, economy, answers):
        broken = answers.copy()
        broken.loc[broken["company"] == "company 05", "CUSA1"] = 11
        survey = sat.Survey(broken, unit="company", wave="wave")
        board = sat.indices.scoreboard(
            "ecsi", survey, economy.members_frame(), invariance=False, rng=1
        )
        states = dict(board.status_frame()[["name", "status"]].to_numpy())
        assert states["company 05"] == "set aside"

    def test_a_company_that_gave_no_answers(self, economy, answers):
        silent = answers.copy()
        silent.loc[silent["company"] == "company 02", "CUSA2"] = pd.NA
        silent = silent[silent["company"] != "company 07"]
        board = self.run(silent, economy)
        status = board.status_frame().set_index("name")
        assert status.loc["company 02", "status"] == "no figure"
        assert "CUSA2" in status.loc["company 02", "reason"]
        assert status.loc["company 07", "status"] == "no answers"
        frame = board.to_frame()
        assert frame[frame["level"] == "nation"]["estimate"].notna().all()

    def test_an_industry_whose_model_fails(self, economy, answers):
        members = economy.members_frame()
        alike = answers.copy()
        industry = members.loc[members["company"] == "company 01", "industry"].item()
        lost = members.loc[members["industry"] == industry, "company"]
        alike.loc[alike["company"].isin(lost), "CUSA1"] = 7
        board = self.run(alike, economy)
        status = board.status_frame().set_index("name")
        assert (status.loc[lost, "status"] == "no figure").all()
        assert "CUSA1" in status.loc["company 01", "reason"]
        assert (status.drop(lost)["status"] == "measured").all()

    def test_all_broken_raises(self, economy, answers):
        with pytest.raises(errors.DataError, match="CUSA1"):
            self.run(answers.assign(CUSA1=98), economy)

    def run(self, answers, economy):
        return sat.indices.scoreboard(
            "ecsi",
            answers,
            economy.members_frame(),
            unit="company",
            wave="wave",
            invariance=False,
            rng=1,
        )


class TestHidden:
    def test_small_companies_are_not_shown_anywhere(self, economy, answers):
        small = answers[(answers["company"] != "company 03") | (answers.index % 9 == 0)]
        board = sat.indices.scoreboard(
            "ecsi",
            small,
            economy.members_frame(),
            unit="company",
            wave="wave",
            min_n=20,
            invariance=False,
            rng=1,
        )
        frame = board.to_frame()
        own = frame[frame["name"] == "company 03"]
        assert own["estimate"].isna().all()
        assert own["reason"].str.contains("fewer than 20 answers").all()
        hidden = frame[(frame["level"] == "company") & frame["estimate"].isna()]
        members = economy.members_frame().set_index("company")["industry"]
        per = hidden.assign(industry=hidden["name"].map(members))
        assert (per.groupby(["industry", "wave"]).size() > 1).all()
        index = board.index.to_frame()
        assert index.loc[index["company"] == "company 03", "estimate"].isna().all()
        assert "company 03" not in str(board.ranking.to_frame().query("rank == rank"))
        text = board.to_json()
        assert np.isnan(board.index.errors().estimate).sum() == len(hidden)
        assert sat.read_result(text).status_frame().equals(board.status_frame())


class TestFaults:
    def test_nothing_names_the_units(self, answers):
        with pytest.raises(errors.OptionError, match="names the units"):
            sat.indices.scoreboard("ecsi", answers)

    def test_a_company_that_is_no_member(self, economy, answers):
        members = economy.members_frame().iloc[1:]
        with pytest.raises(errors.DataError, match="'company 01' is not in members"):
            sat.indices.scoreboard(
                "ecsi", answers, members, unit="company", wave="wave"
            )

    def test_levels_begin_with_the_units(self, economy, answers):
        with pytest.raises(errors.OptionError, match="begins with 'industry'"):
            sat.indices.scoreboard(
                "ecsi",
                answers,
                economy.members_frame(),
                levels=["industry", "sector"],
                unit="company",
            )

    def test_a_model_without_a_target(self, answers):
        spec = sat.StructuralModel.from_blocks(
            "m", {"Q": ["PERQ1", "PERQ2"], "S": ["CUSA1"]}, {"Q": "S"}, scale=(1, 10)
        )
        with pytest.raises(errors.OptionError, match="names no target"):
            sat.indices.scoreboard(spec, answers, unit="company")


def truth_of(economy, board):
    """Return true indices of companies and waves, weights as the board has them."""
    items = economy.population.truth().to_frame().query("level == 'item'")
    wide = items.pivot(index=["unit", "wave"], columns="indicator", values="estimate")
    names = list(sat.models.load("ecsi").indicators[17:20])
    at = {name: i for i, name in enumerate(board.fit.keys["industry"])}
    industry = economy.members_frame().set_index("company")["industry"]
    weights = board.fit.raw_weights()[:, 17:20]
    w = weights[[at[industry[unit]] for unit, _ in wide.index]]
    index = ((wide[names].to_numpy() - 1) * w).sum(axis=1) / (9 * w.sum(axis=1)) * 100
    return pd.DataFrame(
        {
            "company": wide.index.get_level_values(0),
            "wave": wide.index.get_level_values(1),
            "estimate": index,
            "std_error": 0.0,
        }
    )


@pytest.mark.slow
def test_a_simulated_economy_is_covered_at_every_level(capsys):
    """800,000 answers: the truth lies in 95 % of the intervals of each level.

    Truth: the true means of the items with the weights that were estimated, which is
    what errors with fixed weights speak of. One standard error of the share is 0.4
    points for 3,200 companies, 1.2 for 320 industries, 2.4 for 80 sectors; of five
    economies together less than half of that.
    """
    found = {}
    for seed in range(5):
        economy = simulate_economy(rng=seed)
        members = economy.members_frame()
        board = sat.indices.scoreboard(
            "ecsi",
            economy.answers(rng=100 + seed),
            members,
            unit="company",
            wave="wave",
            rng=1,
        )
        real = sat.indices.aggregate(truth_of(economy, board), members, over="wave")
        keys = ["level", "name", "wave"]
        both = board.to_frame().merge(
            real.to_frame()[[*keys, "estimate"]], on=keys, suffixes=("", "_true")
        )
        inside = both["conf_low"].le(both["estimate_true"])
        inside &= both["conf_high"].ge(both["estimate_true"])
        moved = both.groupby(["level", "name"])["estimate_true"].diff()
        changed = moved.between(both["change_low"], both["change_high"])
        for level in ("company", "industry", "sector", "nation"):
            here = both["level"] == level
            found.setdefault(level, []).extend(inside[here])
            known = here & moved.notna()
            found.setdefault(f"change, {level}", []).extend(changed[known])
    shares = {name: (np.mean(hits), len(hits)) for name, hits in found.items()}
    with capsys.disabled():
        for name, (share, n) in shares.items():
            print(f"\n{name}: {100 * share:.1f} % of {n:,}", end="")  # noqa: T201
    for name, (share, n) in shares.items():
        assert abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n), name
