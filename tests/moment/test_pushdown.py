"""Lazy frames give what the same answers in memory give, without being read."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import duckdb
import narwhals
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

import satmetrics as sat
from satmetrics.errors import DataError, MissingDataWarning, OptionError
from satmetrics.moment import _sum_query
from satmetrics.moment.pushdown import lazy_shards, lazy_units
from satmetrics.survey._lazy import is_lazy, open_lazy

ITEMS = [f"q{k}" for k in range(6)]
ARRAYS = ("n", "mean", "cov", "n_eff", "weight_sum", "taylor")


def answers(n: int = 3000, *, gaps: bool = True, seed: int = 1) -> pl.DataFrame:
    """Return ratings with gaps, groups without a label, weights of zero and none."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(n)
    frame = pl.DataFrame(
        {
            name: np.clip(np.rint(6 + 1.2 * common + rng.standard_normal(n)), 1, 10)
            for name in ITEMS
        }
    ).with_columns(
        pl.col("q2").cast(pl.Int8),
        pl.Series("unit", rng.choice(["B", "A ", "A", "C10", "C2"], n)),
        pl.Series("wave", rng.integers(2024, 2027, n)),
        pl.Series("w", rng.uniform(0.2, 2, n)),
    )
    if not gaps:
        return frame
    lost = {"q1": 0.1, "unit": 0.05, "w": 0.01}
    frame = frame.with_columns(
        pl.when(pl.Series(rng.random(n) < share))
        .then(None)
        .otherwise(pl.col(name))
        .alias(name)
        for name, share in lost.items()
    )
    nan = pl.when(pl.Series(rng.random(n) < 0.02)).then(float("nan"))
    zero = pl.when(pl.Series(rng.random(n) < 0.02)).then(0.0)
    return frame.with_columns(
        nan.otherwise(pl.col("q0")).alias("q0"), zero.otherwise(pl.col("w")).alias("w")
    )


def as_duckdb(frame: pl.DataFrame) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(frame.to_arrow())


LAZY = {
    "polars": pl.DataFrame.lazy,
    "duckdb": as_duckdb,
    "narwhals": lambda frame: narwhals.from_native(frame.lazy()),
    "narwhals v2": lambda frame: nw.from_native(as_duckdb(frame)),
}
ENGINES = ("polars", "duckdb")


def model(items=ITEMS) -> sat.StructuralModel:
    half = len(items) // 2
    return sat.StructuralModel.from_blocks(
        "two",
        {"Quality": items[:half], "Satisfaction": items[half:]},
        {"Quality": ["Satisfaction"]},
        target="Satisfaction",
        scale=(1, 10),
    )


def assert_same(eager: sat.Moments, lazy: sat.Moments) -> None:
    for name in ARRAYS:
        one, other = getattr(eager, name), getattr(lazy, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-12)
    assert lazy.names == eager.names
    assert lazy.kind == "sample"
    assert lazy.reasons == eager.reasons
    assert lazy.context.n_rows == eager.context.n_rows
    assert lazy.context.exclusions == eager.context.exclusions
    assert (lazy.keys is None) == (eager.keys is None)
    if eager.keys is not None:
        pd.testing.assert_frame_equal(lazy.keys.to_frame(), eager.keys.to_frame())


@pytest.mark.filterwarnings("ignore::satmetrics.errors.MissingDataWarning")
@pytest.mark.parametrize("kind", LAZY)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("by", [None, "unit", ["wave", "unit"], ["q1"]])
def test_moments_are_those_of_the_answers_in_memory(kind, weights, by):
    frame = answers()
    eager = sat.Moments.from_frame(frame, ITEMS, by=by, weights=weights)
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS, by=by, weights=weights)
    assert_same(eager, lazy)


@pytest.mark.parametrize("kind", ENGINES)
def test_moments_agree_with_numpy_on_rows(kind):
    frame = answers(500, gaps=False)
    X = frame.select(ITEMS).to_numpy()
    w = frame["w"].to_numpy()
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS, weights="w")
    mean = np.average(X, axis=0, weights=w)
    np.testing.assert_allclose(lazy.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(lazy.cov, np.cov(X.T, aweights=w), rtol=1e-11)
    e = (X - mean) * w[:, None]
    taylor = 500 / 499 * e.T @ e / w.sum() ** 2
    np.testing.assert_allclose(lazy.mean_cov, taylor, rtol=1e-10)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_large_mean_does_not_cancel(kind):
    frame = answers(400, gaps=False).select(pl.col(ITEMS) + 1e7 + 1 / 3)
    eager = sat.Moments.from_frame(frame, ITEMS)
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS)
    np.testing.assert_allclose(lazy.cov, eager.cov, rtol=1e-9)
    np.testing.assert_allclose(lazy.mean, eager.mean, rtol=1e-15)


@pytest.mark.parametrize("kind", ENGINES)
def test_constant_items_have_a_variance_of_exactly_zero(kind):
    frame = answers(200, gaps=False).with_columns(q1=pl.lit(7.3), q0=pl.lit(1e8 + 0.1))
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS)
    assert (lazy.cov[[0, 1]] == 0).all()
    assert lazy.cov[2, 2] > 0


@pytest.mark.parametrize("kind", ENGINES)
def test_groups_without_complete_rows_stay_and_say_why(kind):
    frame = answers(300, gaps=False)
    gone = pl.when(pl.col("wave") == 2025).then(None).otherwise(pl.col("q3"))
    frame = frame.with_columns(q3=gone)
    with pytest.warns(MissingDataWarning, match="rows have a missing answer"):
        lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS, by="wave")
    with pytest.warns(MissingDataWarning):
        eager = sat.Moments.from_frame(frame, ITEMS, by="wave")
    assert lazy.reasons == ("", "no answers to q3", "")
    assert_same(eager, lazy)


@pytest.mark.parametrize("kind", ENGINES)
def test_dates_and_categories_are_keys(kind):
    frame = answers(300, gaps=False).with_columns(
        day=pl.date(pl.col("wave"), 3, 1),
        kind=pl.Series(["x", "z", "y"] * 100, dtype=pl.Categorical),
    )
    if kind == "duckdb":
        frame = frame.with_columns(pl.col("kind").cast(pl.String))
    by = ["day", "kind"]
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS, by=by)
    assert_same(sat.Moments.from_frame(frame, ITEMS, by=by), lazy)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_query_of_many_columns_is_run_in_parts(kind, monkeypatch):
    monkeypatch.setattr(_sum_query, "POLARS_PART", 5)
    monkeypatch.setattr(_sum_query, "DUCKDB_PART", 7)
    frame = answers(gaps=False)
    lazy = sat.Moments.from_frame(LAZY[kind](frame), ITEMS, by="unit", weights="w")
    eager = sat.Moments.from_frame(frame, ITEMS, by="unit", weights="w")
    assert_same(eager, lazy)


@pytest.mark.parametrize("kind", LAZY)
def test_fits_and_indices_are_those_of_the_answers_in_memory(kind):
    frame = answers(gaps=False)
    lazy = LAZY[kind](frame)
    for by, weights in ((None, None), ("unit", "w")):
        one = sat.pls(model(), frame, by=by, weights=weights)
        two = sat.pls(model(), lazy, by=by, weights=weights)
        for table in ("paths", "measurement", "r2"):
            left, right = getattr(one, table)(), getattr(two, table)()
            pd.testing.assert_frame_equal(left, right, rtol=1e-9, check_exact=False)
    fit = sat.pls(model(), lazy, weights="w")
    eager = sat.index(fit, frame, by="wave").to_frame()
    pushed = sat.index(fit, lazy, by="wave").to_frame()
    pd.testing.assert_frame_equal(eager, pushed, rtol=1e-9, check_exact=False)


@pytest.mark.parametrize("kind", ENGINES)
def test_reversed_indicators_turn(kind):
    frame = answers(gaps=False).with_columns(q5=11 - pl.col("q5"))
    bad = sat.Construct("Satisfaction", tuple(ITEMS[3:]), reverse=("q5",))
    good = sat.Construct("Quality", tuple(ITEMS[:3]))
    turned = sat.StructuralModel(
        "two", (good, bad), (sat.Path("Quality", "Satisfaction"),), scale=(1, 10)
    )
    one, two = sat.pls(turned, frame), sat.pls(turned, LAZY[kind](frame))
    np.testing.assert_allclose(two.loadings, one.loadings, rtol=1e-9)
    assert (two.loadings > 0.5).all()


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("weights", [None, "w"])
def test_shards_add_up_to_the_whole(kind, weights):
    frame = answers(20_500, gaps=False)
    whole = sat.Moments.from_frame(frame, ITEMS, weights=weights)
    shards = lazy_units(LAZY[kind](frame), whole, weights)
    assert shards.kind == "shards"
    assert shards.n_units == 1000
    assert shards.sums[:, 0].sum() == 20_500
    together = shards.moments()
    for name in ("n", "mean", "cov", "n_eff", "weight_sum"):
        one, other = getattr(whole, name), getattr(together, name)
        np.testing.assert_allclose(other, one, rtol=1e-10)


def test_both_engines_make_the_same_shards_of_the_rows_a_plain_hash_gives():
    frame = answers(5000, gaps=False)
    whole = sat.Moments.from_frame(frame, ITEMS)
    made = [
        lazy_shards(open_lazy(LAZY[k](frame)), whole, None, n_shards=250, seed=3)
        for k in ENGINES
    ]
    np.testing.assert_array_equal(made[0].sums, made[1].sums)
    X = frame.select(ITEMS).to_numpy() - made[0].shift

    shard = [pow(row + 3, 5, 2**31 - 1) % 250 for row in range(5000)]
    sums = np.zeros((250, len(ITEMS)))
    np.add.at(sums, shard, X)
    np.testing.assert_allclose(made[0].sums[:, 3 : 3 + len(ITEMS)], sums, atol=1e-9)
    other = lazy_shards(open_lazy(frame.lazy()), whole, None, n_shards=250, seed=4)
    assert (other.sums[:, 0] != made[0].sums[:, 0]).any()


def test_shards_are_of_nearly_equal_size_whatever_the_order():
    """Rows in every 2nd, 10th, 1,000th place are spread over shards as by chance."""
    rows = pl.LazyFrame({"row": np.arange(1, 200_001)})
    shard = _sum_query.shard_of(nw.col("row"), 1, 1000).alias("s")
    found = nw.from_native(rows).select(shard).collect()["s"].to_numpy()
    for step in (1, 2, 10, 1000):
        counts = np.bincount(found[::step], minlength=1000)
        expected = counts.mean()
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi2 - 999) < 5 * np.sqrt(2 * 999), step
    for lag in (1, 2, 7, 1000):
        together = float((found[lag:] == found[:-lag]).mean())
        assert abs(together - 0.001) < 5 * np.sqrt(0.001 / 200_000), lag


@pytest.mark.parametrize("kind", ENGINES)
def test_bootstrap_draws_shards_and_says_how_noisy_they_are(kind):
    frame = answers(24_000, gaps=False)
    lazy = LAZY[kind](frame)
    fit = sat.pls(model(), lazy)
    boot = sat.bootstrap(fit, lazy, n_draws=400, rng=1)
    assert boot.resampled == "shards"
    assert "1,000 shards of 24 respondents" in str(boot.summary())
    assert "2.2 %" in str(boot.summary())
    again = sat.bootstrap(fit, lazy, n_draws=400, rng=1)
    np.testing.assert_allclose(again.draws, boot.draws, rtol=1e-10)
    rows = sat.bootstrap(fit, frame, n_draws=400, rng=1, units="respondents")
    paths = boot.to_frame().query("term == 'path'")["std_error"].to_numpy()
    known = rows.to_frame().query("term == 'path'")["std_error"].to_numpy()
    np.testing.assert_allclose(paths, known, rtol=0.2)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.filterwarnings("ignore::satmetrics.errors.MissingDataWarning")
def test_few_rows_are_fetched_and_drawn_as_respondents(kind, weights):
    frame = answers(1500)
    lazy = LAZY[kind](frame)
    fit = sat.pls(model(), lazy, weights=weights)
    boot = sat.bootstrap(fit, lazy, n_draws=100, rng=1)
    eager = sat.bootstrap(fit, frame, n_draws=100, rng=1)
    assert boot.resampled == "respondents"
    assert "are few and were fetched" in str(boot.summary())
    np.testing.assert_allclose(boot.draws, eager.draws, rtol=1e-8)


def test_the_choice_of_units():
    frame = answers(4500, gaps=False)
    fit = sat.pls(model(), frame.lazy())
    forced = sat.bootstrap(fit, frame.lazy(), n_draws=50, rng=1, units="shards")
    assert "225 shards of 20 respondents" in str(forced.summary())
    few = answers(3000, gaps=False)
    with pytest.raises(DataError, match="too few for shards"):
        sat.bootstrap(sat.pls(model(), few), few.lazy(), units="shards")
    many = answers(20_000, gaps=False)
    with pytest.raises(OptionError, match=r"needs the rows.*collect\(\)"):
        sat.bootstrap(sat.pls(model(), many), many.lazy(), units="respondents")


@pytest.mark.parametrize("n", [3000, 21_000])
def test_other_data_than_were_fitted_are_refused(n):
    frame = answers(n, gaps=False)
    fit = sat.pls(model(), frame.lazy())
    with pytest.raises(DataError, match="not the data of the fit"):
        sat.bootstrap(fit, frame.lazy().head(n - 500), n_draws=50)
    with pytest.raises(DataError, match="not the data of the fit"):
        sat.bootstrap(fit, answers(n, gaps=False, seed=2).lazy(), n_draws=50)


def test_rows_that_change_from_run_to_run_are_noticed(monkeypatch):
    monkeypatch.setattr(_sum_query, "POLARS_PART", 10)
    drawn = iter(range(100))

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1.0, shuffle=True, seed=next(drawn))

    frame = answers(20_000, gaps=False)
    whole = sat.Moments.from_frame(frame, ITEMS)
    with pytest.raises(DataError, match="another order, each time") as caught:
        lazy_units(frame.lazy().map_batches(shuffled), whole, None)
    assert caught.value.code == "unstable-rows"
    assert "sort it" in caught.value.remedy


def test_what_is_lazy():
    frame = answers(10)
    assert all(is_lazy(make(frame)) for make in LAZY.values())
    assert not is_lazy(frame)
    assert not is_lazy(frame.to_pandas())
    assert not is_lazy(sat.datasets.load("airline_waves"))


SCRIPT = """
    import resource, sys
    import numpy, pandas, polars, pyarrow, duckdb
    import satmetrics as sat
    path, engine = sys.argv[1:]
    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    items = [f"q{k}" for k in range(8)]
    small = polars.LazyFrame({i: [1.0, 2.0, 3.0, 5.0] for i in items})
    sat.Moments.from_frame(small, items)
    before = peak()
    if engine == "polars":
        lazy = polars.scan_parquet(path)
    else:
        lazy = duckdb.connect().read_parquet(path)
    moments = sat.Moments.from_frame(lazy, items, by="unit")
    print(int(moments.n.sum()), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_is_summed_in_less_memory_than_it_would_fill(engine, tmp_path):
    n = 6_000_000
    rng = np.random.default_rng(1)
    path = tmp_path / "big.parquet"
    columns = {f"q{k}": rng.integers(1, 11, n).astype(float) for k in range(8)}
    columns["unit"] = np.arange(n) % 5
    pl.DataFrame(columns).write_parquet(path, row_group_size=100_000)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path), engine],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, grown = done.stdout.split()[-2:]  # DuckDB draws a progress bar before
    in_memory = n * 9 * 8 / 2**20
    assert int(rows) == n
    assert float(grown) < 0.6 * in_memory
