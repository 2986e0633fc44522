"""Moments: invariants, weights, missing answers, merging, batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.contributions import contributions


@pytest.fixture
def frame(rng):
    X = rng.multivariate_normal([5, 6, 7], np.eye(3) + 0.5, size=80)
    return pd.DataFrame(X, columns=["a", "b", "c"])


def same(one, other, tol=1e-10):
    np.testing.assert_allclose(one.mean, other.mean, atol=tol)
    np.testing.assert_allclose(one.cov, other.cov, atol=tol)
    np.testing.assert_allclose(one.n, other.n)
    np.testing.assert_allclose(one.n_eff, other.n_eff, rtol=1e-8)


def test_equal_numpy(frame):
    m = sat.Moments.from_frame(frame)
    np.testing.assert_allclose(m.mean, frame.mean())
    np.testing.assert_allclose(m.cov, np.cov(frame.T))
    np.testing.assert_allclose(m.corr(), np.corrcoef(frame.T))
    assert m.n == m.n_eff == m.weight_sum == 80


def test_a_large_offset_does_not_cancel(frame):
    far = frame + 1e8
    shifted = sat.Moments.from_frame(far)
    np.testing.assert_allclose(shifted.cov, np.cov(far.T), rtol=1e-6)


def test_weights_equal_numpy_and_repeated_rows(frame, rng):
    w = rng.integers(1, 5, size=80)
    m = sat.Moments.from_frame(frame.assign(w=w), ["a", "b", "c"], weights="w")
    expected = np.cov(frame.T, aweights=w, ddof=1)
    np.testing.assert_allclose(m.mean, np.average(frame, axis=0, weights=w))
    np.testing.assert_allclose(m.cov, expected)
    assert m.n_eff == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_batch_equals_single_groups(frame):
    groups = frame.assign(g=np.arange(80) % 4)
    batch = sat.Moments.from_frame(groups, ["a", "b", "c"], by="g")
    assert batch.mean.shape == (4, 3)
    for g in range(4):
        same(batch.group(g), sat.Moments.from_frame(frame[np.arange(80) % 4 == g]))


def test_merge_and_subtract(frame):
    one = sat.Moments.from_frame(frame[:30])
    other = sat.Moments.from_frame(frame[30:])
    both = sat.Moments.from_frame(frame)
    same(one.merge(other), both)
    same(both.subtract(other), one)
    with pytest.raises(errors.DataError, match="nobody"):
        one.subtract(one)
    with pytest.raises(errors.DataError, match="not among those"):
        one.subtract(both)


def test_merge_weighted(frame, rng):
    data = frame.assign(w=rng.uniform(0.5, 2, size=80))

    def build(part):
        return sat.Moments.from_frame(part, ["a", "b", "c"], weights="w")

    same(build(data[:30]).merge(build(data[30:])), build(data))


def test_merge_refuses_what_is_not_a_sum(frame):
    table = sat.Moments.from_table(
        [1, 2, 3], [1, 1, 1], np.eye(3), n=10, names=["a", "b", "c"]
    )
    with pytest.raises(errors.DataError, match="table moments cannot"):
        sat.Moments.from_frame(frame).merge(table)
    holes = frame.mask(np.eye(80, 3, dtype=bool))
    pairs = sat.Moments.from_frame(holes, missing="pairwise")
    with pytest.raises(errors.DataError, match="pairwise moments cannot"):
        pairs.merge(pairs)


def test_linear_map(frame):
    A = np.array([[1.0, -1, 0], [1 / 3, 1 / 3, 1 / 3]])
    mapped = sat.Moments.from_frame(frame).linear(A, ["gap", "mean"])
    rows = pd.DataFrame(frame.to_numpy() @ A.T, columns=["gap", "mean"])
    same(mapped, sat.Moments.from_frame(rows))


def test_select_keeps_entries_together(frame):
    m = sat.Moments.from_frame(frame, acov=True)
    part = m.select(["c", "a"])
    direct = sat.Moments.from_frame(frame[["c", "a"]], acov=True)
    same(part, direct)
    np.testing.assert_allclose(part.acov, direct.acov, atol=1e-12)
    with pytest.raises(errors.DataError, match="did you mean 'a'"):
        m.select(["A"])


def test_acov_of_means_and_variances(rng):
    x = rng.normal(size=(4000, 1)) * 2
    m = sat.Moments.from_frame(pd.DataFrame(x, columns=["x"]), acov=True)
    assert m.acov[0, 0] == pytest.approx(m.cov[0, 0] / m.n, rel=1e-9)
    # Var(s²) = 2σ⁴/n for normal data; sampling error of a fourth moment
    assert m.acov[1, 1] == pytest.approx(2 * 16 / 4000, rel=0.2)


def test_listwise_counts_pairwise_uses(frame):
    holes = frame.copy()
    holes.loc[:9, "a"] = np.nan
    holes.loc[70:, "b"] = np.nan
    with pytest.warns(errors.MissingDataWarning, match="20 of 80"):
        listwise = sat.Moments.from_frame(holes)
    assert listwise.n == 60
    assert sum(e.n for e in listwise.context.exclusions if e.what == "rows") == 20
    pairs = sat.Moments.from_frame(holes, missing="pairwise")
    np.testing.assert_allclose(pairs.cov, holes.cov())
    np.testing.assert_allclose(pairs.mean, holes.mean())
    assert pairs.pair_n[0, 1] == 60
    assert pairs.pair_n[0, 0] == 70
    with pytest.raises(errors.DataError):
        sat.Moments.from_frame(holes, missing="error")
    with pytest.raises(errors.OptionError, match="did you mean 'listwise'"):
        sat.Moments.from_frame(holes, missing="listwize")


def test_indefinite_pairwise_matrix_is_reported():
    nan = np.nan
    rows = [[1, 1, nan], [2, 2, nan], [3, 3, nan]]
    rows += [[1, nan, 1], [2, nan, 2], [3, nan, 3]]
    rows += [[nan, 1, 3], [nan, 2, 2], [nan, 3, 1]]
    m = sat.Moments.from_frame(
        pd.DataFrame(rows, columns=list("abc")), missing="pairwise"
    )
    assert np.linalg.eigvalsh(m.cov)[0] < -0.1
    assert any("not positive semi-definite" in note for note in m.context.notes)


def test_table_without_correlations():
    m = sat.Moments.from_table([1, 2], [1, 1], n=30)
    with pytest.raises(errors.MissingMomentsError, match="corr="):
        m.corr()
    with pytest.raises(errors.MissingMomentsError):
        m.linear(np.ones((1, 2)), ["s"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sd": [1]}, "2 means and 1 standard"),
        ({"sd": [1, -1]}, "not negative"),
        ({"n": 1}, "n=1"),
        ({"corr": [[1, 0.5], [0.4, 1]]}, "symmetric"),
        ({"corr": [[1, 1.5], [1.5, 1]]}, "outside"),
        ({"corr": [[4, 0.5], [0.5, 9]]}, "ones on the diagonal"),
    ],
)
def test_table_faults_are_named(change, message):
    good = {"mean": [1, 2], "sd": [1, 1], "corr": [[1, 0.5], [0.5, 1]], "n": 30}
    with pytest.raises(errors.DataError, match=message):
        sat.Moments.from_table(**{**good, **change})


def test_contributions_add_up_to_moments(frame, rng):
    data = frame.assign(w=rng.uniform(0.5, 2, size=80))
    survey = sat.Survey(data, weight="w")
    units = contributions(survey, ("a", "b", "c"))
    same(units.moments(), sat.Moments.from_frame(survey, ["a", "b", "c"]))
    counts = rng.multinomial(80, np.full(80, 1 / 80), size=3)
    batch = units.moments(counts)
    for k in range(3):
        rows = data.loc[data.index.repeat(counts[k])]
        again = sat.Moments.from_frame(rows, ["a", "b", "c"], weights="w")
        np.testing.assert_allclose(batch.mean[k], again.mean, atol=1e-10)
        np.testing.assert_allclose(batch.cov[k], again.cov, atol=1e-10)


def test_frames_agree(frame):
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    base = sat.Moments.from_frame(frame)
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        m = sat.Moments.from_frame(other)
        assert np.array_equal(m.cov, base.cov)
        assert np.array_equal(m.mean, base.mean)


def test_arrays_cannot_be_changed(frame):
    m = sat.Moments.from_frame(frame)
    with pytest.raises(ValueError, match="read-only"):
        m.mean[0] = 1


def test_items_that_nobody_answered_together_are_named(mobi):
    holes = mobi.astype(float)
    holes.loc[:124, "IMAG1"] = np.nan
    holes.loc[125:, "CUSA1"] = np.nan
    with pytest.raises(errors.DataError, match="both IMAG1 and CUSA1"):
        sat.pls("ecsi", holes, missing="pairwise")


ITEMS = ["a", "b", "c"]


def test_batches_merge_by_key(frame):
    data = frame.assign(g=np.repeat(["u", "v", "w", "x"], 20))
    one = sat.Moments.from_frame(data[data["g"] != "w"], ITEMS, by="g")
    other = sat.Moments.from_frame(data[data["g"] != "u"], ITEMS, by="g")
    both = one.merge(other)
    assert list(both.keys["g"]) == ["u", "v", "x", "w"]
    assert list(both.n) == [20, 40, 40, 20]
    direct = sat.Moments.from_frame(data[data["g"] == "w"], ITEMS)
    same(both.group(3), direct)
    twice = pd.concat([data[data["g"] == "v"]] * 2)
    same(both.group(1), sat.Moments.from_frame(twice, ITEMS))
    with pytest.raises(errors.DataError, match="not among those"):
        one.subtract(other)


def test_an_empty_group_adds_nothing(frame):
    data = frame.assign(g=np.repeat(["u", "v"], 40))
    holes = data.copy()
    holes.loc[holes["g"] == "v", "a"] = np.nan
    with pytest.warns(errors.MissingDataWarning):
        empty = sat.Moments.from_frame(holes, ITEMS, by="g")
    whole = sat.Moments.from_frame(data, ITEMS, by="g")
    for merged in (empty.merge(whole), whole.merge(empty)):
        same(merged.group(1), whole.group(1))
        assert merged.reasons == ("", "")


def test_merging_weighted_moments_says_that_errors_are_not_known(frame, rng):
    data = frame.assign(w=rng.uniform(0.5, 2, size=80))
    parts = [
        sat.Moments.from_frame(d, ITEMS, weights="w") for d in (data[:30], data[30:])
    ]
    merged = parts[0].merge(parts[1])
    assert np.isnan(merged.mean_cov).all()
    assert any("not known" in note for note in merged.context.notes)
    assert merged.context.n_rows == 80
    plain = sat.Moments.from_frame(frame[:30]).merge(sat.Moments.from_frame(frame[30:]))
    np.testing.assert_allclose(plain.mean_cov, np.cov(frame.T) / 80)


def test_subtracting_strangers_is_named(frame):
    some = sat.Moments.from_frame(frame[:30])
    with pytest.raises(errors.DataError, match="not among those"):
        some.subtract(sat.Moments.from_frame(frame[60:] * 5))


def test_constant_items_are_exactly_constant_in_every_group():
    """A sum about a common shift would leave ±1e-16 and spoil the batch."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.integers(1, 11, size=(200, 3)).astype(float) * rng.choice(
            [1, 0.1, 1e-8]
        )
        data = pd.DataFrame(X, columns=ITEMS).assign(g=np.repeat(["x", "y"], 100))
        data.loc[data["g"] == "y", "a"] = X[0, 0]
        data["w"] = rng.uniform(0.2, 3, size=200)
        for weights in (None, "w"):
            for missing in ("listwise", "pairwise"):
                m = sat.Moments.from_frame(
                    data, ITEMS, by="g", weights=weights, missing=missing
                )
                assert m.cov[1, 0, 0] == 0
                assert (np.diagonal(m.cov[0]) > 0).all()


def test_a_distant_group_keeps_its_precision(frame):
    data = pd.concat([frame, frame + 1e8], ignore_index=True)
    data["g"] = np.repeat(["near", "far"], 80)
    m = sat.Moments.from_frame(data, ITEMS, by="g")
    np.testing.assert_allclose(m.cov[0], m.cov[1], rtol=1e-6)


def test_weighted_pairwise_errors_are_linearised(frame, rng):
    data = frame.assign(w=rng.uniform(0.2, 3, size=80))
    complete = sat.Moments.from_frame(data, ITEMS, weights="w")
    pairs = sat.Moments.from_frame(data, ITEMS, weights="w", missing="pairwise")
    np.testing.assert_allclose(pairs.mean_cov, complete.mean_cov)
    holes = data.copy()
    holes.loc[rng.random(80) < 0.3, "b"] = np.nan
    m = sat.Moments.from_frame(holes, ITEMS, weights="w", missing="pairwise")
    seen = holes["b"].notna()
    alone = sat.Moments.from_frame(holes[seen], ["b"], weights="w")
    assert m.mean_cov[1, 1] == pytest.approx(alone.mean_cov[0, 0])


def test_means_are_filled_within_groups_and_said_to_count(frame):
    data = frame.assign(g=np.repeat(["u", "v"], 40))
    data.loc[::7, "b"] = np.nan
    batch = sat.Moments.from_frame(data, ITEMS, by="g", missing="mean")
    for k, g in enumerate("uv"):
        one = sat.Moments.from_frame(data[data["g"] == g], ITEMS, missing="mean")
        same(batch.group(k), one)
        assert one.mean[1] == pytest.approx(data.loc[data["g"] == g, "b"].mean())
    assert any("filled" in note for note in batch.context.notes)


def test_acov_knows_its_limits(frame):
    with pytest.raises(errors.OptionError, match="listwise"):
        sat.Moments.from_frame(frame, missing="pairwise", acov=True)
    lone = frame[:3].assign(g=["x", "x", "y"])
    m = sat.Moments.from_frame(lone, ITEMS, by="g", acov=True)
    assert np.isnan(m.acov[1]).all()
    assert np.isfinite(m.acov[0]).all()


def test_sums_made_in_chunks_equal_the_one_product(frame, rng):
    w = rng.uniform(0.5, 2, size=80)
    Z = frame.to_numpy()
    counts = rng.multinomial(80, np.full(80, 1 / 80), size=5).astype(float)
    expected = counts @ kernel.contributions(Z, w)
    for cells in (1, 100, 10**6):
        found = kernel.resampled_sums(Z, w, counts, cells)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_groups_without_a_label_are_an_error(frame):
    with pytest.raises(errors.DataError, match="no row has a value of g"):
        sat.Moments.from_frame(frame.assign(g=None), ITEMS, by="g")
