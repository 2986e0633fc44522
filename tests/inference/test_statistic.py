"""Statistics of one's own, chains of paths, and solutions that are not possible."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference._chains import Chains


@pytest.fixture(scope="module")
def ecsi(mobi):
    return sat.pls("ecsi", mobi)


def path(fits, source: str, target: str):
    names = fits.model.names
    return fits.path_matrix[:, names.index(source), names.index(target)]


class TestStatistic:
    def test_one_number_is_what_the_draws_say(self, ecsi, mobi):
        boot = sat.bootstrap(
            ecsi,
            mobi,
            n_draws=150,
            rng=2,
            statistic=lambda f: (
                path(f, "Quality", "Satisfaction") - path(f, "Value", "Satisfaction")
            ),
        )
        table = boot.table
        into = (table["term"] == "path") & (table["target"] == "Satisfaction")
        first = np.flatnonzero(into & (table["source"] == "Quality"))[0]
        second = np.flatnonzero(into & (table["source"] == "Value"))[0]
        at = np.flatnonzero(table["term"] == "statistic")
        assert list(table["name"][at]) == ["statistic"]
        difference = boot.draws[:, first] - boot.draws[:, second]
        np.testing.assert_allclose(boot.draws[:, at[0]], difference, atol=1e-12)
        row = boot.to_frame().loc[at[0]]
        assert row["estimate"] == pytest.approx(
            table["estimate"][first] - table["estimate"][second]
        )
        assert row["std_error"] == pytest.approx(difference.std(ddof=1))
        assert row["conf_low"] == pytest.approx(np.quantile(difference, 0.025))
        assert "statistic" in str(boot)

    def test_several_numbers_and_names(self, ecsi, mobi):
        boot = sat.bootstrap(
            ecsi,
            mobi,
            n_draws=60,
            rng=2,
            statistic=lambda f: {"r2": f.r_squared[:, 1:3], "one": f.rho[:, 0]},
        )
        rows = boot.to_frame().query("term == 'statistic'")
        assert list(rows["name"]) == ["r2[0]", "r2[1]", "one"]
        own = boot.to_frame().query("term == 'r2'")["estimate"].iloc[:2]
        np.testing.assert_allclose(rows["estimate"].iloc[:2], own)

    def test_every_kind_of_interval(self):
        rng = np.random.default_rng(1)
        x = rng.normal(size=(50, 1)) + rng.normal(size=(50, 3))
        data = pd.DataFrame(x, columns=["a", "b", "c"])
        model = sat.StructuralModel.from_blocks(
            "m", {"X": ["a", "b"], "Y": ["c"]}, {"X": "Y"}
        )
        fit = sat.pls(model, data)
        for kind in ("bca", "studentized"):
            boot = sat.bootstrap(
                fit,
                data,
                n_draws=40,
                rng=1,
                interval=kind,
                statistic=lambda f: f.path_matrix[:, 0, 1],
            )
            frame = boot.to_frame()
            ours = frame.query("term == 'statistic'").iloc[0]
            same = frame.query("term == 'path'").iloc[0]
            for word in ("conf_low", "conf_high", "p_value"):
                assert ours[word] == pytest.approx(same[word], rel=1e-6)
        left = sat.assessment.jackknife(
            fit, data, statistic=lambda f: f.path_matrix[:, 0, 1]
        ).to_frame()
        ours = left.query("term == 'statistic'")["std_error"].item()
        assert ours == pytest.approx(left.query("term == 'path'")["std_error"].item())

    def test_undefined_values_are_counted(self, ecsi, mobi):
        def sometimes(f):
            value = path(f, "Image", "Loyalty")
            return np.where(value > 0.15, value, np.nan)

        boot = sat.bootstrap(ecsi, mobi, n_draws=200, rng=2, statistic=sometimes)
        row = boot.to_frame().query("term == 'statistic'").iloc[0]
        assert 0 < row["draws"] < 200
        assert "1 numbers are undefined in some draws" in str(boot)

    @pytest.mark.parametrize(
        ("wrong", "came"),
        [
            (lambda f: 1.0, r"shape \(\) for a batch of 1"),
            (lambda f: f.path_matrix, r"shape \(1, 7, 7\)"),
            (lambda f: f.r_squared[0, 1:4], r"shape \(3,\)"),
            (lambda f: ["a"], "not numbers"),
            (lambda f: None, "not numbers"),
            (lambda f: {}, "empty mapping"),
            (lambda f: {"x": f.corr}, r"\(x\)"),
            ("mean", "give a function"),
        ],
    )
    def test_what_came_and_what_is_wanted(self, ecsi, mobi, wrong, came):
        with pytest.raises(errors.OptionError, match=came) as caught:
            sat.bootstrap(ecsi, mobi, n_draws=20, statistic=wrong)
        assert "leading axis" in str(caught.value)


class TestChains:
    def test_every_chain_of_a_graph(self):
        """Against all orderings of all subsets of its nodes."""
        edges = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (0, 4)]
        source, target = np.array(edges).T
        chains = Chains.of(source, target)
        known = {
            nodes
            for size in range(3, 6)
            for nodes in itertools.permutations(range(5), size)
            if all(pair in edges for pair in itertools.pairwise(nodes))
        }
        found = [(edges[c[0]][0], *(edges[e][1] for e in c)) for c in chains.edges]
        assert set(found) == known
        assert len(found) == len(known)
        assert [len(c) for c in chains.edges] == sorted(map(len, chains.edges))
        values = np.random.default_rng(1).normal(size=(len(edges), 4))
        expected = [np.prod(values[list(c)], axis=0) for c in chains.edges]
        np.testing.assert_allclose(chains.products(values), expected)

    def test_no_paths_and_single_paths(self):
        none = np.array([], dtype=np.int64)
        assert Chains.of(none, none).edges == ()
        one = Chains.of(np.array([0]), np.array([1]))
        assert one.edges == ()
        assert one.products(np.ones((1, 3))).shape == (0, 3)

    def test_long_chains_are_left_out_and_counted(self):
        """A complete graph of 12 constructs has 4,017 chains of two or more paths."""
        pairs = list(itertools.combinations(range(12), 2))
        source, target = np.array(pairs).T
        chains = Chains.of(source, target)
        assert len(chains.edges) == 0
        assert chains.left_out == 2**12 - 1 - 12 - len(pairs)
        more = Chains.of(source, target, limit=300)
        assert len(more.edges) == 220
        assert more.left_out == chains.left_out - 220

    def test_the_indirect_effect_is_the_sum_of_the_specific_ones(self, ecsi, mobi):
        boot = sat.bootstrap(ecsi, mobi, n_draws=50, rng=1)
        table = boot.table
        for row in table.where(term="indirect").rows():
            same = (table["source"] == row["source"]) & (
                table["target"] == row["target"]
            )
            specific = same & (table["term"] == "specific_indirect")
            whole = same & (table["term"] == "indirect")
            np.testing.assert_allclose(
                boot.draws[:, specific].sum(axis=1),
                boot.draws[:, whole][:, 0],
                atol=1e-12,
            )
        frame = sat.effects(ecsi).to_frame()
        own = frame[frame["term"] == "specific_indirect"].set_index("via")["estimate"]
        ours = boot.to_frame().query("term == 'specific_indirect'").set_index("via")
        pd.testing.assert_series_equal(own, ours["estimate"])
        assert "Image → Expectation → Quality → Value → Satisfaction" in own.index

    def test_effects_of_a_batch(self, mobi):
        data = mobi.assign(g=np.where(np.arange(250) < 125, "a", "b"))
        batch = sat.effects(sat.pls("ecsi", data, by="g")).to_frame()
        for g, rows in data.groupby("g"):
            one = sat.effects(sat.pls("ecsi", rows)).to_frame()
            ours = batch[batch["g"] == g].reset_index(drop=True)
            np.testing.assert_allclose(ours["estimate"], one["estimate"], atol=1e-8)
            assert list(ours["via"]) == list(one["via"])

    def test_a_model_of_many_chains_says_how_many(self):
        rng = np.random.default_rng(1)
        q = 9
        data = pd.DataFrame(
            rng.normal(size=(80, 1)) + rng.normal(size=(80, q)),
            columns=[f"x{k}" for k in range(q)],
        )
        model = sat.StructuralModel.from_blocks(
            "m",
            {f"C{k}": [f"x{k}"] for k in range(q)},
            {f"C{k}": [f"C{j}" for j in range(k + 1, q)] for k in range(q - 1)},
        )
        fit = sat.pls(model, data)
        # Chains of 3, 4 … constructs of 9: 84, 126, …; the third step passes 200.
        listed, others = 84, 2**9 - 1 - 9 - 36 - 84
        note = f"{others} specific indirect effects along more than 2 paths"
        found = sat.effects(fit)
        assert (found.table["term"] == "specific_indirect").sum() == listed
        assert note in str(found)
        boot = sat.bootstrap(fit, data, n_draws=20, rng=1)
        assert (boot.table["term"] == "specific_indirect").sum() == listed
        assert note in str(boot)


@pytest.fixture(scope="module")
def plsc(mobi):
    """Consistent PLS of all constructs of the mobile data: not admissible."""
    ecsi = sat.models.load("ecsi")
    many = [c.name for c in ecsi.constructs if len(c.indicators) > 1]
    model = sat.StructuralModel.from_blocks(
        "plsc",
        {c.name: list(c.indicators) for c in ecsi.constructs},
        {n: [p.target for p in ecsi.paths if p.source == n] for n in ecsi.names[:-1]},
        kinds=dict.fromkeys(many, "factor"),
    )
    with pytest.warns(errors.InadmissibleWarning):
        return sat.pls(model, mobi)


class TestInadmissible:
    def test_draws_are_failures_unless_kept(self, plsc, mobi):
        kept = sat.bootstrap(plsc, mobi, n_draws=200, rng=1, inadmissible="keep")
        strict = sat.bootstrap(plsc, mobi, n_draws=200, rng=1)
        outside = [n for why, n in strict.failures if why.startswith("inadmissible")]
        assert sum(outside) > 0
        assert len(strict.draws) == 200 - strict.n_failed
        assert kept.n_failed == strict.n_failed - sum(outside)
        assert len(kept.draws) == 200 - kept.n_failed
        said = [r for r in kept.remarks if "are kept though inadmissible" in r]
        assert sum(int(r.split()[0]) for r in said) == sum(outside)
        inside = np.isin(kept.draws[:, 0], strict.draws[:, 0])
        assert inside.sum() == len(strict.draws)

    def test_an_inadmissible_fit_is_said_to_be_one(self, plsc, mobi):
        for rule in ("keep", "fail"):
            boot = sat.bootstrap(plsc, mobi, n_draws=60, rng=1, inadmissible=rule)
            assert "the fit itself is inadmissible" in str(boot)

    def test_no_draw_left(self, plsc, mobi):
        """Two constructs measured alike: their corrected correlation is above 1."""
        rng = np.random.default_rng(1)
        common = rng.normal(size=(400, 1))
        data = pd.DataFrame(
            common + rng.normal(size=(400, 4)), columns=["a", "b", "c", "d"]
        )
        data["c"] += 0.8 * data["a"]
        data["d"] += 0.8 * data["b"]
        model = sat.StructuralModel.from_blocks(
            "m",
            {"X": ["a", "b"], "Y": ["c", "d"]},
            {"X": "Y"},
            kinds={"X": "factor", "Y": "factor"},
        )
        with pytest.warns(errors.InadmissibleWarning):
            fit = sat.pls(model, data)
        with pytest.raises(errors.ConvergenceError, match="inadmissible") as caught:
            sat.bootstrap(fit, data, n_draws=30, rng=1)
        assert 'inadmissible="keep"' in str(caught.value)
        assert len(
            sat.bootstrap(fit, data, n_draws=30, rng=1, inadmissible="keep").draws
        )

    def test_unknown_rule(self, ecsi, mobi):
        with pytest.raises(errors.OptionError, match="'fail', 'keep'"):
            sat.bootstrap(ecsi, mobi, n_draws=10, inadmissible="drop")
