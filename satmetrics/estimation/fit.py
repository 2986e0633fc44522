"""What `pls` returns: a frozen fit that keeps specification, moments and solution."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from satmetrics._checks import one_of
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation import _structure
from satmetrics.estimation.door import oriented
from satmetrics.estimation.options import METRICS, Metric, PlsOptions
from satmetrics.estimation.staged import Staged, below, item_ends, of_items
from satmetrics.estimation.structural import StructuralFit
from satmetrics.inference.protocol import Sampling, Statistics
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

FORMS = {
    ("A", "composite"): "mode A composite (SmartPLS: reflective)",
    ("B", "composite"): "mode B composite (SmartPLS: formative)",
    ("sum", "composite"): "sum score: equal weights, not estimated",
    ("A", "factor"): "factor: consistent PLS, corrected by rho_A "
    "(seminr: reflective; SmartPLS: consistent PLS)",
}

_BY_GROUP = (
    *("weights", "loadings", "cross", "corr", "score_corr", "rho", "path_matrix"),
    *("r_squared", "iterations", "converged", "admissible"),
)
"""Fields of a fit with a value per group."""


@dataclass(frozen=True, eq=False, repr=False)
class PlsFit(StructuralFit):
    """A PLS path model, estimated; with ``by=`` one fit per group along a first axis.

    Attributes
    ----------
    model, options, moments : what was fitted, how, and to what. No answers are kept.
    weights : (…, p) of the answers in the metric of the fit (standardised items, or
        answers as given with ``metric="raw"``); every composite has variance 1.
    loadings : (…, p) correlations of indicators with their construct.
    cross : (…, p, q) correlations of indicators with every construct.
    corr : (…, q, q) construct correlations, freed of attenuation between factors.
    score_corr : (…, q, q) correlations of the composites themselves.
    rho : (…, q) the rho_A by which factors were corrected; 1 for composites.
    path_matrix : (…, q, q) coefficients at [source, target].
    r_squared : (…, q), NaN for exogenous constructs.
    iterations : (…)
    converged, admissible : (…)
    reasons : per group why a fit failed or is inadmissible; empty where it is sound.
    ends : (2, p) minimum and maximum of each indicator's scale, NaN where not known.
    sampling : how answers became moments.
    staged : of a model with higher-order constructs or interactions: `model` and
        `moments` are those of the last stage, and this says how they follow from the
        data. None where one stage is all.
    """

    model: StructuralModel
    options: PlsOptions
    moments: Moments
    weights: FloatArray
    loadings: FloatArray
    cross: FloatArray
    corr: FloatArray
    score_corr: FloatArray
    rho: FloatArray
    path_matrix: FloatArray
    r_squared: FloatArray
    iterations: Any
    converged: Any
    admissible: Any
    reasons: tuple[str, ...]
    ends: FloatArray
    sampling: Sampling = field(default_factory=Sampling)
    staged: Staged | None = None

    method: ClassVar[str] = "pls"

    @property
    def source(self) -> Moments:
        """Moments of the data's columns, from which all else is computed."""
        return self.moments if self.staged is None else self.staged.source

    @property
    def spec(self) -> StructuralModel:
        """The model as it was specified; `model` is the plain one of the last stage."""
        return self.model if self.staged is None else self.staged.spec

    @property
    def columns(self) -> tuple[str, ...]:
        """Per indicator the column of the data that it is; "" where it is made."""
        return self.model.indicators if self.staged is None else self.staged.columns

    @property
    def earlier(self) -> tuple[PlsFit, ...]:
        """Fits of the stages before the last, first to last."""
        return () if self.staged is None else self.staged.earlier

    @property
    def index_metric(self) -> str:
        """Which weights an index has where none are asked for: those of the fit."""
        return self.options.metric

    def estimator_words(self) -> str:
        """Return how the numbers were estimated, for people."""
        modes = sorted({c.mode for c in self.model.constructs})
        words = {"A": "reflective", "B": "formative"}
        said = " and ".join(f"mode {m} (SmartPLS: {words[m]})" for m in modes)
        how = self.options
        return (
            f"partial least squares path modelling, composites in {said}; inner scheme "
            f"{how.scheme}, metric {how.metric}, tolerance {how.tol:g}, "
            f"{int(np.max(self.iterations))} iterations"
        )

    @property
    def title(self) -> str:
        """What was fitted."""
        return f"PLS path model {self.model.name}"

    def group(self, which: int) -> PlsFit:
        """Return one group of a batch as a single fit."""
        return dataclasses.replace(
            self,
            moments=self.moments.group(which),
            reasons=(self.reasons[which],),
            staged=None if self.staged is None else self.staged.group(which),
            **{name: getattr(self, name)[which] for name in _BY_GROUP},
        )

    def take(self, rows: Sequence[int] | IntArray) -> PlsFit:
        """Return the given groups of a batch, as a batch; one may come twice."""
        at = np.asarray(rows, dtype=np.int64)
        return dataclasses.replace(
            self,
            moments=self.moments.take(at),
            reasons=tuple(self.reasons[i] for i in at),
            staged=None if self.staged is None else self.staged.take(at),
            **{name: getattr(self, name)[at] for name in _BY_GROUP},
        )

    def measurement_table(self) -> Table:
        """Return `measurement` as a table."""
        stages = [(self, name) for name in self.model.names]
        stages += [(self.earlier[k], name) for k, name in below(self)]
        labels: dict[str, list[str]] = {"construct": [], "indicator": [], "mode": []}
        weights, loadings = [], []
        for stage, name in stages:
            construct = stage.model.construct(name)
            block = stage.model.owner() == stage.model.names.index(name)
            for item in construct.indicators:
                labels["construct"].append(name)
                labels["indicator"].append(item)
                labels["mode"].append(construct.mode)
            weights.append(stage.weights[..., block])
            loadings.append(stage.loadings[..., block])
        values = {"weight": weights, "loading": loadings}
        return self.tidy(
            labels, {word: np.concatenate(v, axis=-1) for word, v in values.items()}
        )

    def implied(self) -> pd.DataFrame:
        """Return the indicators' correlations that the estimated model implies.

        Blocks of a composite are free, those of a factor are ``λ_i λ_j``; between
        blocks ``λ_i ρ_jk λ_j`` with the construct correlations of the structural model,
        whose variances are those of ``options.disturbance``. Reversed indicators are
        turned, as loadings are.
        """
        return self.square(self.implied_matrix(), self.model.indicators, "indicator")

    def implied_matrix(
        self, *, saturated: bool = False, R: FloatArray | None = None
    ) -> FloatArray:
        """Return `implied` as an array (…, p, p).

        Parameters
        ----------
        saturated : leave construct correlations free.
        R : correlations of the turned indicators, where they are at hand.
        """
        factor = np.array([c.kind == "factor" for c in self.model.constructs])
        rho = self.corr
        if not saturated:
            rho = _structure.implied_construct_corr(
                self.corr,
                self.path_matrix,
                self.model.adjacency(),
                np.array([self.model.names.index(n) for n in self.model.order]),
                unit=self.options.disturbance == "unit",
            )
        if R is None:
            R = cov_to_corr(oriented(self.model, self.moments, self.ends).cov)
        return _structure.implied(R, self.loadings, rho, self.model.owner(), factor)

    def status_table(self) -> Table:
        """Return `status` as a table."""
        columns: dict[str, object] = {
            "n": np.atleast_1d(self.moments.n),
            "converged": np.atleast_1d(self.converged),
            "iterations": np.atleast_1d(self.iterations),
            "admissible": np.atleast_1d(self.admissible),
            "reason": list(self.reasons),
        }
        if self._weighted():
            columns["n_eff"] = np.atleast_1d(self.moments.n_eff)
        if self.keys is None:
            return Table.of(columns)
        return self.keys.extended(columns, keys=self.keys.names)

    def in_metric(self, metric: str) -> PlsFit:
        """Return the fit, estimated again on its own moments for another metric."""
        one_of("metric", metric, METRICS)
        if metric == self.options.metric:
            return self
        options = dataclasses.replace(self.options, metric=cast("Metric", metric))
        return dataclasses.replace(self, options=options).refit(self.source)

    def raw_weights(self) -> FloatArray:
        """Return weights (…, p) of the answers as given.

        Standardised weights are divided by the item's standard deviation, which has
        the divisor of the options.
        """
        if self.options.metric == "raw":
            return self.weights
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = np.asarray(self.weights / self.moments.sd)
            if self.options.divisor == "n":
                n = np.asarray(self.moments.n_eff, dtype=np.float64)[..., None]
                weights = weights * np.sqrt(n / (n - 1))
        return weights

    def scores(self, data: object) -> pd.DataFrame:
        """Return construct scores of respondents, old or new; see `sat.scores`."""
        from satmetrics.estimation.scores import scores

        return scores(self, data)

    def refit(self, moments: Moments) -> PlsFit:
        """Fit the same model with the same options to other moments.

        A batch gives a batch; failures are rows of its `status`.
        """
        from satmetrics.estimation.pls import fit_moments

        return fit_moments(
            self.spec,
            moments.select(self.source.names),
            self.options,
            ends=item_ends(self),
            sampling=self.sampling,
        )

    def indicator_ends(self, ends: FloatArray) -> FloatArray:
        """Return the scale ends (2, p) of the indicators from those of the columns."""
        return of_items(self, ends)

    def indicator_moments(self, source: Moments) -> Moments:
        """Return the moments of the model's indicators from those of data's columns.

        The indicators are made with the weights of this fit, so that groups or waves
        differ by their answers alone.
        """
        if self.staged is None:
            return source.select(self.model.indicators)
        made = self.staged
        chosen = source.select(self.source.names)
        if made.columns == self.model.indicators:
            return chosen.select(made.columns)
        return chosen.linear(made.matrix, self.model.indicators, made.offset)

    def labels(self) -> Table:
        """Return what each of the `statistics` is, for inference."""
        from satmetrics.estimation.statistics import labels

        return labels(self)

    def statistics(self, moments: Moments) -> Statistics:
        """Return all numbers of the fit for a batch of moments, for inference."""
        from satmetrics.estimation.statistics import statistics

        return statistics(self, moments)

    def to_frame(self) -> pd.DataFrame:
        """Return paths, weights, loadings and R², one row each, under ``term``."""
        return self.table().to_frame()

    def table(self) -> Table:
        """Return `to_frame` as a table."""
        measured = self.measurement_table().drop("mode")
        parts = [_term(self.path_table(), "path")]
        for term in ("weight", "loading"):
            other = "loading" if term == "weight" else "weight"
            rows = measured.drop(other)
            renamed = tuple("estimate" if n == term else n for n in rows.names)
            parts.append(_term(Table(renamed, rows.columns), term))
        parts.append(_term(self.r2_table(), "r2"))
        return stack(parts, keys=self.key_names)

    def summary(self) -> Summary:
        """Return paths, measurement, R² and status."""
        keys = {k: k for k in self.key_names}
        paths = {**keys, "source": "source", "target": "target", "estimate": "path"}
        words = {**keys, "construct": "construct", "indicator": "indicator"}
        blocks = words | {"mode": "mode", "weight": "weight", "loading": "loading"}
        facts = (
            *self.context.facts(),
            ("n", f"{int(np.sum(self.moments.n)):,}"),
            *((("effective n", f"{self._n_eff():,.0f}"),) if self._weighted() else ()),
            ("scheme", self.options.scheme),
            ("metric", self.options.metric),
            ("iterations", str(int(np.max(self.iterations)))),
        )
        sections = (
            section("Paths", self.path_table(), paths, max_rows=24),
            section("Measurement", self.measurement_table(), blocks, max_rows=40),
            section(
                "R²",
                self.r2_table(),
                {**keys, "construct": "construct", "estimate": "R²"},
            ),
        )
        blocks_said = {(c.mode, c.kind) for c in self.model.constructs}
        notes = (
            *(words for form, words in FORMS.items() if form in blocks_said),
            *self.spec.sentences(),
            *(reason for reason in self.reasons[:5] if reason),
            *self.context.sentences(),
        )
        return Summary(self.title, facts, sections, notes)

    def _weighted(self) -> bool:
        return bool(
            np.any(np.asarray(self.moments.n_eff) != np.asarray(self.moments.n))
        )

    def _n_eff(self) -> float:
        """Kish's effective number of respondents, summed over groups."""
        return float(np.sum(np.nan_to_num(self.moments.n_eff)))


def _term(table: Table, term: str) -> Table:
    return table.extended({"term": [term] * len(table)})
