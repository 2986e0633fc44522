"""What every structural fit has, whatever estimated it: a path model or factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context, Result
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from satmetrics.estimation.fitted import Fitted
else:
    Fitted = object

FIT = "pass what sat.pls(model, data) or sat.sem(model, data) returned"
"""What to do where something else came than a fit."""


class StructuralFit(Result, Fitted):
    """A structural fit, whatever estimated it; with ``by=`` one per group.

    Functions of fits (assess, effects, index, bootstrap, drivers, plots, reports) ask
    for what is here and in `Fitted`, and nothing else. The latter is what an estimator
    has to say; type checkers see to it that each does.
    """

    method: ClassVar[str] = ""
    """Which estimator: "pls" or "sem"."""
    keeps_inadmissible = False
    """Whether a bootstrap keeps solutions outside the possible ones by default."""

    @property
    def context(self) -> Context:
        """Origin of the data and what was left out."""
        return self.moments.context

    @property
    def batched(self) -> bool:
        """Whether the fit holds a batch of groups."""
        return bool(self.moments.batch_shape)

    @property
    def keys(self) -> Table | None:
        """Keys of the groups, or None for a single fit."""
        return self.moments.keys if self.batched else None

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the key columns of a batch."""
        return self.keys.names if self.keys is not None else ()

    def require_single(self, verb: str) -> None:
        """Raise unless the fit is of one group; `verb` says what was to be done."""
        if self.batched:
            raise OptionError(
                "this fit holds a batch of groups",
                code="batched-fit",
                remedy=f"{verb} one group at a time: fit.group(0)",
            )

    def asked(self) -> BoolArray:
        """Return (p,), True where an indicator is a column of the data."""
        return np.array([column != "" for column in self.columns], dtype=np.bool_)

    def paths(self) -> pd.DataFrame:
        """Return source, target and estimate of every path."""
        return self.path_table().to_frame()

    def path_table(self) -> Table:
        """Return `paths` as a table."""
        return self.standard_paths()

    def standard_paths(self) -> Table:
        """Return standardised paths: source, target, estimate."""
        at = {name: i for i, name in enumerate(self.model.nodes)}
        rows = [at[p.source] for p in self.model.paths]
        cols = [at[p.target] for p in self.model.paths]
        labels = {
            "source": [p.source for p in self.model.paths],
            "target": [p.target for p in self.model.paths],
        }
        return self.tidy(labels, {"estimate": self.path_matrix[..., rows, cols]})

    def measurement(self) -> pd.DataFrame:
        """Return construct, indicator, weight and loading; lower orders come last."""
        return self.measurement_table().to_frame()

    def r2(self) -> pd.DataFrame:
        """Return construct and R² of every endogenous construct."""
        return self.r2_table().to_frame()

    def r2_table(self) -> Table:
        """Return `r2` as a table."""
        inner = np.flatnonzero(self.model.adjacency().any(axis=0))
        labels = {"construct": [self.model.nodes[k] for k in inner]}
        return self.tidy(labels, {"estimate": self.r_squared[..., inner]})

    def construct_cov(self) -> pd.DataFrame:
        """Return correlations of the constructs (their variances are 1)."""
        return self.square(self.corr, self.model.nodes, "construct")

    def implied(self) -> pd.DataFrame:
        """Return the indicators' correlations that the estimated model implies."""
        return self.square(self.implied_matrix(), self.model.indicators, "indicator")

    def status(self) -> pd.DataFrame:
        """Return converged, iterations, admissible and reason, a row per group."""
        return self.status_table().to_frame()

    def tidy(
        self,
        labels: Mapping[str, Sequence[str] | AnyArray],
        values: Mapping[str, FloatArray],
    ) -> Table:
        """Combine labels of k rows with values (…, k), a batch below one another."""
        if self.keys is None:
            return Table.of({**labels, **values})
        groups, k = len(self.keys), len(next(iter(labels.values())))
        columns: dict[str, AnyArray | list[str]] = {
            name: np.repeat(self.keys[name], k) for name in self.keys.names
        }
        columns |= {name: list(label) * groups for name, label in labels.items()}
        columns |= {name: np.ravel(value) for name, value in values.items()}
        return Table.of(columns, keys=self.keys.names)

    def square(
        self, values: FloatArray, names: tuple[str, ...], word: str
    ) -> pd.DataFrame:
        """Return square matrices (…, k, k) with their names, as a frame."""
        columns = {name: values[..., j] for j, name in enumerate(names)}
        return self.tidy({word: names}, columns).to_frame()
