"""Effects of factors on factors, in two units, with errors by the delta method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _structure
from satmetrics.estimation._sem_structural import jacobian
from satmetrics.estimation.sem_standard import with_tests
from satmetrics.estimation.sem_structure import numbers_at, require_one_group
from satmetrics.estimation.statistics import reachable
from satmetrics.inference._chains import Chains
from satmetrics.inference.measures import chain_table

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit
    from satmetrics.models.model import StructuralModel

NOTE = (
    "terms beginning with raw_ are in the units of the factors; errors by the delta "
    "method, from those of the parameters"
)
CELLS = 2**22
"""Numbers of working memory: groups of a batch are taken in portions."""


@dataclass(frozen=True, eq=False)
class Effected:
    """Which effects a model has, and how they follow from its paths.

    Attributes
    ----------
    source, target : (E,) positions of each path's ends.
    direct, linked, total : positions of pairs (i, j) with a path, with a chain of
        paths, with either.
    chains : the chains of paths.
    labels : source, target, via and term of every effect.
    """

    source: IntArray
    target: IntArray
    direct: tuple[IntArray, IntArray]
    linked: tuple[IntArray, IntArray]
    total: tuple[IntArray, IntArray]
    chains: Chains
    labels: dict[str, list[str]]

    @classmethod
    def of(cls, model: StructuralModel) -> Effected:
        """List the effects of a model."""
        names, paths, adjacency = model.nodes, model.paths, model.adjacency()
        source = np.array([names.index(p.source) for p in paths], dtype=np.int64)
        target = np.array([names.index(p.target) for p in paths], dtype=np.int64)
        reached = reachable(adjacency)
        pairs = [_pairs(a) for a in (adjacency, reached, adjacency | reached)]
        chains = Chains.of(source, target)
        ends = {
            "source": [p.source for p in paths],
            "target": [p.target for p in paths],
        }
        via = chain_table(Table.of(ends), chains)
        labels: dict[str, list[str]] = {
            "source": [names[i] for pair in pairs for i in pair[0]],
            "target": [names[j] for pair in pairs for j in pair[1]],
            "via": [""] * sum(len(pair[0]) for pair in pairs),
        }
        for word in labels:
            labels[word] += via[word].tolist()
        kinds = zip(("direct", "indirect", "total"), pairs, strict=True)
        terms = [term for term, pair in kinds for _ in pair[0]]
        labels["term"] = terms + via["term"].tolist()
        direct, linked, total = pairs
        return cls(source, target, direct, linked, total, chains, labels)

    def values(self, paths: FloatArray) -> FloatArray:
        """Return all effects (b, k) of coefficients (b, m, m) at [source, target]."""
        total = _structure.total_effects(paths)
        along = self.chains.products(paths[:, self.source, self.target].T).T
        kinds = (
            (paths, self.direct),
            (total - paths, self.linked),
            (total, self.total),
        )
        return np.concatenate([*(v[:, i, j] for v, (i, j) in kinds), along], axis=1)


def _pairs(held: BoolArray) -> tuple[IntArray, IntArray]:
    i, j = np.nonzero(held)
    return i.astype(np.int64), j.astype(np.int64)


def effect_table(fit: SemFit, level: float) -> tuple[Table, Chains]:
    """Return standardised and raw effects with errors and tests, and their chains.

    Raises
    ------
    OptionError
        If the fit is one model of several groups.
    """
    require_one_group(fit.table)
    made = Effected.of(fit.model)
    values, error = (fit.own(v) for v in _with_errors(fit, made))
    raw = [f"raw_{term}" for term in made.labels["term"]]
    labels = {word: 2 * said for word, said in made.labels.items()}
    labels["term"] = made.labels["term"] + raw
    return fit.tidy(labels, with_tests(values, error, level)), made.chains


def _with_errors(fit: SemFit, made: Effected) -> tuple[FloatArray, FloatArray]:
    """Return effects and their errors (b, 2 k), standardised and then raw."""
    layout = fit.table.layout.groups[0]

    def effects_at(theta: FloatArray) -> FloatArray:
        found = numbers_at(fit.model, fit.table, layout.matrices(theta))
        both = (found.paths, found.raw_paths)
        return np.concatenate([made.values(paths) for paths in both], axis=1)

    theta, vcov = (x if fit.batched else x[None] for x in (fit.theta, fit.vcov))
    lost = np.asarray(np.isnan(theta).any(axis=1))
    at = np.where(lost[:, None], 1.0, theta)
    variance = np.nan_to_num(np.diagonal(vcov, axis1=1, axis2=2))
    scale = np.maximum(np.abs(at), np.sqrt(np.maximum(variance, 0.0)))
    scale = np.where(scale > 0, scale, 1.0)
    size = max(CELLS // max(2 * at.shape[1] * len(fit.table.observed) ** 2, 1), 1)
    values, errors = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for a in range(0, len(at), size):
            part = slice(a, a + size)
            J = jacobian(effects_at, at[part], scale[part])
            values.append(effects_at(at[part]))
            errors.append(np.sqrt(np.einsum("bkt,btu,bku->bk", J, vcov[part], J)))
    value, error = np.concatenate(values), np.concatenate(errors)
    value[lost], error[lost] = np.nan, np.nan
    return value, error
