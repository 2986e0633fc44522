"""What a resample is asked for: a fit's own numbers, chains of paths, a statistic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from satmetrics._frames import Table, stack
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.inference._chains import LIMIT, Chains
from satmetrics.inference.protocol import Refittable, Statistics
from satmetrics.moment.moments import Moments

Statistic = Callable[[Any], Any]
"""A function of a batch of fits that returns (B,), (B, k) or name → either."""


@dataclass(frozen=True, eq=False)
class Measures:
    """The numbers of a fit that are resampled, and how to compute them.

    Attributes
    ----------
    fit : the fit.
    statistic : the user's function of a batch of fits, or None.
    own : the numbers of the fit itself, a batch of one.
    labels : a row per number, with ``test``.
    paths : positions of the paths among the fit's own numbers.
    chains : the chains whose products are specific indirect effects.
    """

    fit: Refittable
    statistic: Statistic | None
    own: Statistics
    labels: Table
    paths: IntArray
    chains: Chains

    @classmethod
    def of(cls, fit: Refittable, statistic: Statistic | None = None) -> Measures:
        """Find the chains, and try the statistic on the fit.

        Raises
        ------
        OptionError
            If the statistic does not return what it should.
        """
        labels = fit.labels()
        paths, chains = _chains(labels)
        point = as_batch(fit.source)
        more = _asked(statistic, fit, point)
        parts = [labels, chain_table(labels.take(paths), chains)]
        if more:
            names = [name for name, _ in more]
            parts.append(_rows("statistic", "zero", {"name": names}))
        return cls(
            fit=fit,
            statistic=statistic,
            own=_joined(fit.statistics(point), paths, chains, more),
            labels=stack(parts),
            paths=paths,
            chains=chains,
        )

    def __call__(self, moments: Moments) -> Statistics:
        """Return all numbers for a batch of moments."""
        more = _asked(self.statistic, self.fit, moments)
        return _joined(self.fit.statistics(moments), self.paths, self.chains, more)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not among the numbers."""
        return chain_notes(self.chains)


def chain_notes(chains: Chains) -> tuple[str, ...]:
    """Return a sentence on chains that are not listed, if there are any."""
    if not chains.left_out:
        return ()
    longest = len(chains.steps) + 1
    return (
        f"{chains.left_out:,} specific indirect effects along more than {longest} "
        f"paths are not listed (at most {LIMIT} are); the total indirect effects hold "
        "them",
    )


def require_single(function: str, fit: Any) -> None:
    """Raise unless `fit` is a fit of one group."""
    if not hasattr(fit, "statistics"):
        raise OptionError(
            f"{function}() needs a fit, got {type(fit).__name__}",
            code="not-a-fit",
            remedy="pass what sat.pls(model, data) or sat.sem(model, data) returned, "
            "then the data",
        )
    if fit.source.batch_shape:
        raise OptionError(
            "this fit holds a batch of groups",
            code="batched-fit",
            remedy=f"{function} one group at a time: fit.group(0)",
        )


def as_batch(moments: Moments) -> Moments:
    """Return the moments of one group as a batch of one."""
    return Moments(
        names=moments.names,
        n=np.atleast_1d(moments.n),
        mean=moments.mean[None],
        cov=moments.cov[None],
        n_eff=np.atleast_1d(moments.n_eff),
        weight_sum=np.atleast_1d(moments.weight_sum),
        kind=moments.kind,
        context=moments.context,
    )


def chain_table(paths: Table, chains: Chains) -> Table:
    """Return a row per chain: source, target, and all it goes through as ``via``."""
    routes = []
    for edges in chains.edges:
        stops = [paths["source"][edges[0]], *(paths["target"][e] for e in edges)]
        routes.append([str(stop) for stop in stops])
    return _rows(
        "specific_indirect",
        "zero",
        {
            "source": [route[0] for route in routes],
            "target": [route[-1] for route in routes],
            "via": [" → ".join(route) for route in routes],
        },
    )


def _rows(term: str, test: str, columns: Mapping[str, list[str]]) -> Table:
    k = len(next(iter(columns.values())))
    return Table.of({**columns, "term": [term] * k, "test": [test] * k})


def _chains(labels: Table) -> tuple[IntArray, Chains]:
    paths = np.flatnonzero(labels["term"] == "path")
    ends = [labels[word][paths].tolist() for word in ("source", "target")]
    at = {name: i for i, name in enumerate(dict.fromkeys(ends[0] + ends[1]))}
    source, target = (np.array([at[n] for n in end], dtype=np.int64) for end in ends)
    return paths, Chains.of(source, target)


def _joined(
    found: Statistics,
    paths: IntArray,
    chains: Chains,
    more: list[tuple[str, FloatArray]],
) -> Statistics:
    rows = found.values.T  # numbers first: a fit's draws stand together in memory
    parts = [rows, chains.products(rows[paths]), *(v[None] for _, v in more)]
    values = np.concatenate(parts).T
    return Statistics(values, found.ok, found.admissible, found.reasons)


def _asked(
    statistic: Statistic | None, fit: Refittable, moments: Moments
) -> list[tuple[str, FloatArray]]:
    """Return the statistic's numbers as named columns (B,), or raise."""
    if statistic is None:
        return []
    if not callable(statistic):
        raise _wrong(f"a {type(statistic).__name__}, which cannot be called")
    B = len(moments.mean)
    given = statistic(fit.refit(moments))
    if isinstance(given, Mapping):
        pairs = [(str(name), value) for name, value in given.items()]
        if not pairs:
            raise _wrong("an empty mapping")
    else:
        pairs = [("statistic", given)]
    return [column for name, value in pairs for column in _columns(name, value, B)]


def _columns(name: str, value: object, B: int) -> list[tuple[str, FloatArray]]:
    array: AnyArray = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise _wrong(f"{type(value).__name__} values that are not numbers ({name})")
    if array.ndim not in (1, 2) or len(array) != B:
        raise _wrong(f"an array of shape {array.shape} for a batch of {B} ({name})")
    values = array.astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    if values.ndim == 1:
        return [(name, values)]
    return [(f"{name}[{j}]", values[:, j]) for j in range(values.shape[1])]


def _wrong(came: str) -> OptionError:
    return OptionError(
        f"statistic gave {came}",
        code="bad-statistic",
        column="statistic",
        value=came,
        remedy="it is a function of a batch of fits whose arrays have a leading axis "
        "of B draws, and returns (B,) or (B, k) numbers or a mapping of names to "
        "these; one path: lambda fit: fit.path_matrix[:, 0, 1]",
    )
