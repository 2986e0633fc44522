"""One stage against another, or against the maximum, with the error of its sources."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.gap.five import _two_samples as kernel
from satmetrics.gap.five.sources import ONE, Source
from satmetrics.gap.five.stages import Stage
from satmetrics.inference._tests import t_test

FEW = 10
"""Fewer people than this in a group are few: their test is a permutation test."""


@dataclass(frozen=True, eq=False)
class Cells:
    """One gap by group (G) and score (L): items, dimensions, overall; each (G, L).

    Attributes
    ----------
    gap, sources, form : the number of the gap, what is compared, how it was measured.
    asked : (L,) where there is something to compare.
    n : people (or cases) of the smaller source.
    estimate : later − earlier, or the share that is not covered, met or kept.
    later, earlier : what was compared; n_later, n_earlier : behind each.
    std_error, statistic, p_value, conf_low, conf_high, df : of the estimate.
    method, reason : how it was tested, why something is absent.
    """

    gap: int
    sources: str
    form: str
    asked: BoolArray
    n: IntArray
    estimate: FloatArray
    later: FloatArray
    earlier: FloatArray
    n_later: IntArray
    n_earlier: IntArray
    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    df: FloatArray
    method: AnyArray
    reason: AnyArray


@dataclass(frozen=True)
class Testing:
    """How to test: confidence level, threshold of few people, permutations."""

    level: float
    few: int
    n_draws: int


def against_maximum(gap: int, later: Stage, maximum: float, testing: Testing) -> Cells:
    """Compare a stage with the highest answer of its scale, by a one-sample t test."""
    stats, source = later.means, later.source
    variance = _variance(stats.std_error, stats.n, source)
    top = np.where(stats.n > 0, maximum, np.nan)
    return _tested(
        *(gap, f"{source.word} − maximum", later.asked),
        means=(stats.mean, top),
        sizes=(stats.n, stats.n),
        error=(np.sqrt(variance), stats.df),
        testing=testing,
        method=_method("one-sample t", (source,), stats.n.shape),
        reason=_reasons((source,), (stats.n,)),
    )


def paired(gap: int, later: Stage, earlier: Stage, testing: Testing) -> Cells:
    """Compare two stages of the same respondents, by a paired t test."""
    source = later.source
    differences = later.minus(earlier)
    stats = source.means(differences)
    variance = _variance(stats.std_error, stats.n, source)
    seen = [np.isfinite(d) for d in differences]
    first = source.means(
        [np.where(s, c, np.nan) for s, c in zip(seen, earlier.columns, strict=True)]
    )
    return _tested(
        *(gap, f"{source.word} ({later.name} − {earlier.name})"),
        later.asked & earlier.asked,
        means=(first.mean + stats.mean, first.mean),
        sizes=(stats.n, stats.n),
        error=(np.sqrt(variance), stats.df),
        testing=testing,
        method=_method("paired t", (source,), stats.n.shape),
        reason=_reasons((source,), (stats.n,)),
    )


def independent(
    gap: int,
    later: Stage,
    earlier: Stage,
    testing: Testing,
    rng: np.random.Generator,
) -> Cells:
    """Compare two sources by Welch's t test, or by permutation where they are few."""
    a, b = later.means, earlier.means
    sources = later.source, earlier.source
    v1, v2 = (
        _variance(stats.std_error, stats.n, source)
        for stats, source in zip((a, b), sources, strict=True)
    )
    cells = _tested(
        *(gap, f"{sources[0].word} − {sources[1].word}", later.asked & earlier.asked),
        means=(a.mean, b.mean),
        sizes=(a.n, b.n),
        error=kernel.welch(v1, a.df, v2, b.df),
        testing=testing,
        method=_method("Welch t", sources, a.n.shape),
        reason=_reasons(sources, (a.n, b.n)),
    )
    return _permuted(cells, later, earlier, testing, rng)


def compared(
    gap: int,
    later: Stage,
    earlier: Stage,
    testing: Testing,
    rng: np.random.Generator,
) -> Cells:
    """Compare two stages as their sources allow."""
    if later.source is earlier.source:
        return paired(gap, later, earlier, testing)
    return independent(gap, later, earlier, testing, rng)


def _variance(std_error: FloatArray, n: IntArray, source: Source) -> FloatArray:
    """Return the variance of means; of a census 0, also where one answered."""
    left = source.left(n)
    with np.errstate(invalid="ignore"):
        return np.where((left == 0) & (n > 0), 0.0, std_error**2 * left)


def _tested(
    gap: int,
    sources: str,
    asked: BoolArray,
    *,
    means: tuple[FloatArray, FloatArray],
    sizes: tuple[IntArray, IntArray],
    error: tuple[FloatArray, FloatArray],
    testing: Testing,
    method: AnyArray,
    reason: AnyArray,
) -> Cells:
    estimate = means[0] - means[1]
    std_error, df = error
    test = t_test(estimate, std_error, df, testing.level)
    exact = std_error == 0
    nothing = "nothing varies, or all answered: no sampling error and no test"
    return Cells(
        *(gap, sources, "ratings", asked, np.minimum(*sizes), estimate, *means, *sizes),
        std_error,
        test.statistic,
        test.p_value,
        np.where(exact, estimate, test.conf_low),
        np.where(exact, estimate, test.conf_high),
        np.where(exact, np.nan, df),
        method,
        np.where((reason == "") & exact, nothing, reason),
    )


def _method(test: str, sources: tuple[Source, ...], shape: tuple[int, ...]) -> AnyArray:
    found = np.full(shape, test, dtype=object)
    for source in sources:
        found[source.population == 0] += f", census of {source.word}"
        part = np.isfinite(source.population) & (source.population > 0)
        found[part] += f", finite population of {source.word}"
    return found


def _reasons(sources: tuple[Source, ...], sizes: tuple[IntArray, ...]) -> AnyArray:
    """Say why an estimate or its error is absent."""
    found = np.full(sizes[0].shape, "", dtype=object)
    for source, n in zip(sources, sizes, strict=True):
        lone = (n == 1) & (source.population > 0)[:, None] & (found == "")
        found[lone] = (
            f"one {ONE[source.word]}: no error of their own, unless census= says that "
            "there are no others"
        )
    for source, n in zip(sources, sizes, strict=True):
        here = np.broadcast_to((source.sizes > 0)[:, None], n.shape)
        found[(n == 0) & here] = f"no usable answer of {source.word}"
        found[(n == 0) & ~here] = f"no {source.word} here"
    return found


def _permuted(
    cells: Cells,
    later: Stage,
    earlier: Stage,
    testing: Testing,
    rng: np.random.Generator,
) -> Cells:
    """Replace the p-values of the cells with few people by permutation tests."""
    sources = later.source, earlier.source
    children = rng.spawn(len(cells.n))
    few = cells.asked & (cells.n >= 2) & (cells.n < testing.few)
    few &= np.isfinite(cells.statistic)
    few &= ~np.logical_or(*(np.isfinite(s.population) for s in sources))[:, None]
    if not few.any():
        return cells
    if not (sources[0].plain and sources[1].plain):
        note = ", few people but clusters or strata: not permuted"
        method = np.where(few, cells.method + note, cells.method)
        return replace(cells, method=method)
    p, method = cells.p_value.copy(), cells.method.copy()
    for g in map(int, np.flatnonzero(few.any(axis=1))):
        columns = np.flatnonzero(few[g])
        p[g, columns], method[g, columns] = _group_test(
            later, earlier, g, columns, testing, children[g]
        )
    return replace(cells, p_value=p, method=method)


def _group_test(
    later: Stage,
    earlier: Stage,
    group: int,
    columns: IntArray,
    testing: Testing,
    rng: np.random.Generator,
) -> tuple[FloatArray, AnyArray]:
    """Permute within one group; columns answered by the same people go together."""
    rows = [s.source.members(group) for s in (later, earlier)]
    X = [
        np.column_stack([s.columns[j][r] for j in columns])
        for s, r in zip((later, earlier), rows, strict=True)
    ]
    w = [s.source.weights(r) for s, r in zip((later, earlier), rows, strict=True)]
    seen = np.isfinite(np.vstack(X))
    patterns, of_column = np.unique(seen, axis=1, return_inverse=True)
    p = np.empty(len(columns))
    method = np.empty(len(columns), dtype=object)
    for k, pattern in enumerate(patterns.T):
        at = np.flatnonzero(of_column.ravel() == k)
        parts = np.split(pattern, [len(rows[0])])
        samples = [(x[s][:, at], v[s]) for x, v, s in zip(X, w, parts, strict=True)]
        samples.sort(key=lambda sample: len(sample[1]))
        done = kernel.permutation_test(
            np.vstack([sample[0] for sample in samples]),
            np.concatenate([sample[1] for sample in samples]),
            len(samples[0][1]),
            testing.n_draws,
            rng,
        )
        p[at] = done.p
        which = "all " if done.every else ""
        method[at] = [
            f"permutation, studentised ({which}{B:,}); Welch limits" for B in done.draws
        ]
    return p, method
