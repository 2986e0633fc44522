"""Differences between pairs of groups, by permutation or from bootstrap draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment import _groups as kernel
from satmetrics.assessment.grouping import Divided, Tally
from satmetrics.inference import _intervals
from satmetrics.inference.permutation import Grouped
from satmetrics.inference.source import Source

Pair = tuple[int, int]
FEWEST = 2
"""Draws without which nothing is tested."""


@dataclass(frozen=True)
class Task:
    """What to test, and how often to draw.

    Attributes
    ----------
    divided : the groups and their fits.
    values : (G, k) numbers of the fits.
    n_draws : permutations of each pair, or resamples of each group.
    level : of the intervals.
    """

    divided: Divided
    values: FloatArray
    n_draws: int
    level: float

    @property
    def pairs(self) -> list[Pair]:
        """Pairs of groups that both have a fit."""
        sound = self.divided.sound
        return [(a, b) for a, b in self.divided.pairs if sound[a] and sound[b]]

    @property
    def omnibus(self) -> bool:
        """Whether there are more groups with a fit than one pair."""
        return len(self.pairs) > 1

    def steps(self, method: str) -> int:
        """Return how many draws will be made in all."""
        if method == "permutation":
            return self.n_draws * (len(self.pairs) + self.omnibus)
        return self.n_draws * int(self.divided.sound.sum())


def by_permutation(
    task: Task, rng: np.random.Generator, tally: Tally
) -> tuple[dict[Pair, kernel.Tested], kernel.Tested | None]:
    """Test each pair among its own respondents, and all groups together.

    Returns
    -------
    A test per pair that could be tested, and the omnibus test of more groups than two.
    """
    task.divided.groups.check_exchange()
    found = {}
    *children, last = rng.spawn(len(task.pairs) + 1)
    for (a, b), child in zip(task.pairs, children, strict=True):
        parts = _permuted(task, (a, b), child, tally)
        null = _stacked(task, (part[:, 0] - part[:, 1] for part in parts))
        if len(null) >= FEWEST:
            difference = task.values[a] - task.values[b]
            found[a, b] = kernel.permutation(difference, null, task.level)
    if not task.omnibus:
        return found, None
    sound = tuple(np.flatnonzero(task.divided.sound).tolist())
    null = _stacked(task, map(kernel.spread, _permuted(task, sound, last, tally)))
    if len(null) < FEWEST:
        return found, None
    spread = kernel.spread(task.values[list(sound)])
    return found, kernel.omnibus(spread, null, task.level)


def _permuted(
    task: Task, which: tuple[int, ...], rng: np.random.Generator, tally: Tally
) -> Iterator[FloatArray]:
    """Yield the groups' numbers (b, G, k) in the permutations that could be fitted."""
    groups, G = task.divided.groups.subset(which), len(which)
    for moments in groups.permuted(task.n_draws, rng):
        found = task.divided.fits.statistics(moments)
        ok = tally.judge(found, G, keep=task.divided.keep)
        yield found.values.reshape(len(ok), G, -1)[ok]


def _stacked(task: Task, parts: Iterable[FloatArray]) -> FloatArray:
    return np.concatenate([np.empty((0, task.values.shape[1])), *parts])


def from_bootstrap(
    task: Task, method: str, rng: np.random.Generator, tally: Tally
) -> dict[Pair, kernel.Tested]:
    """Test each pair from bootstrap draws of either group."""
    divided = task.divided
    divided.groups.check_variance()
    children = rng.spawn(divided.groups.n_groups)
    draws = {
        g: _stacked(task, _resampled(task, g, children[g], tally))
        for g in np.flatnonzero(divided.sound).tolist()
    }
    n = _independent(divided)
    return {
        (a, b): _compared(task, method, (a, b), draws, n)
        for a, b in task.pairs
        if min(len(draws[a]), len(draws[b])) >= FEWEST
    }


def _independent(divided: Divided) -> FloatArray:
    """Return (G,) what a group's standard error rests on: clusters, or effective n."""
    groups = divided.groups
    if groups.units.kind == "clusters":
        return np.bincount(groups.codes, minlength=groups.n_groups).astype(np.float64)
    return np.asarray(divided.fits.moments.n_eff, dtype=np.float64)


def _resampled(
    task: Task, g: int, rng: np.random.Generator, tally: Tally
) -> Iterator[FloatArray]:
    one: Grouped = task.divided.groups.subset((g,))
    for drawn in Source(one.pooled(), one.units).batches(task.n_draws, rng):
        found = task.divided.fits.statistics(drawn.moments)
        ok = tally.judge(found, 1, keep=task.divided.keep)
        yield found.values[ok]


_T: Mapping[str, Callable[..., kernel.Tested]] = {
    "parametric": kernel.pooled_t,
    "welch": kernel.welch_t,
}


def _compared(
    task: Task, method: str, pair: Pair, draws: Mapping[int, FloatArray], n: FloatArray
) -> kernel.Tested:
    a, b = pair
    difference = task.values[a] - task.values[b]
    if method == "henseler":
        return kernel.henseler(draws[a], draws[b], task.level)
    _, sd_a, n_a = _intervals.moments(draws[a])
    _, sd_b, n_b = _intervals.moments(draws[b])
    se, defined = np.stack([sd_a, sd_b]), np.minimum(n_a, n_b)
    return _T[method](difference, se, n[[a, b]], defined, task.level)
