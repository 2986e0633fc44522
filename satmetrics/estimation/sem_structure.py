"""A covariance structure model as a structural fit: what functions of fits ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_structural import FactorNumbers, factor_numbers
from satmetrics.estimation.sem_table import ParameterTable
from satmetrics.estimation.structural import StructuralFit
from satmetrics.inference.protocol import Statistics
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

    from satmetrics.estimation.sem_fit import SemFit
    from satmetrics.estimation.sem_ordinal import OrdinalPart

WHOLE = ("model", "table", "options", "moments", "reasons", "ends", "sampling")
"""Fields of a fit that hold no value per group, or are sliced by a way of their own."""


class SemStructure(StructuralFit):
    """The part of a `SemFit` that it shares with every structural fit.

    Numbers are standardised: those of constructs and indicators of variance 1, both as
    the model implies them. `raw_weights` make the composite that stands for a factor
    in an index: the regression of the factor on its own indicators.
    """

    method: ClassVar[str] = "sem"
    keeps_inadmissible = True
    staged = None
    earlier: ClassVar[tuple[Any, ...]] = ()
    index_metric = "factor"

    if TYPE_CHECKING:
        table: ParameterTable
        theta: FloatArray
        ordinal: OrdinalPart | None

        @property
        def matrices(self) -> kernel.Matrices:
            """The matrices of the model."""

    @cached_property
    def numbers(self) -> FactorNumbers:
        """Standardised numbers, a batch of one for one fit; NaN where it failed."""
        found = numbers_at(self.model, self.table, self.matrices)
        failed = np.isnan(np.atleast_2d(self.theta)).any(axis=1)
        if not failed.any():
            return found
        blank = {
            f.name: np.array(getattr(found, f.name)) for f in dataclasses.fields(found)
        }
        for values in blank.values():
            values[failed] = np.nan
        return FactorNumbers(**blank)

    def own(self, values: FloatArray) -> FloatArray:
        """Return values (b, …) as the fit has them: of one fit without that axis."""
        return values if self.batched else np.asarray(values[0])

    @property
    def columns(self) -> tuple[str, ...]:
        """Per indicator the column of the data that it is."""
        return self.model.indicators

    @property
    def path_matrix(self) -> FloatArray:
        """Standardised coefficients (…, m, m) at [source, target]."""
        return self.own(self.numbers.paths)

    @property
    def corr(self) -> FloatArray:
        """Correlations of the constructs (…, m, m), as implied."""
        return self.own(self.numbers.corr)

    @property
    def loadings(self) -> FloatArray:
        """Standardised loadings (…, p): correlations with the construct, as implied."""
        return self.own(self.numbers.loadings)

    @property
    def cross(self) -> FloatArray:
        """Correlations (…, p, q) of indicators with every construct, as implied."""
        return self.own(self.numbers.cross)

    @property
    def rho(self) -> FloatArray:
        """Squared correlations (…, q) of weighted indicators with their factor."""
        return self.own(self.numbers.rho)

    @property
    def r_squared(self) -> FloatArray:
        """R² (…, m), NaN where nothing leads to a construct."""
        return self.own(self.numbers.r_squared)

    @property
    def weights(self) -> FloatArray:
        """Factor score weights (…, p) of standardised indicators; see `raw_weights`."""
        return self.own(self.numbers.weights * self.numbers.sd)

    def raw_weights(self) -> FloatArray:
        """Return factor score weights (…, p) of the answers as given.

        ``w ∝ Σ_jj⁻¹ cov(x_j, η_j)``, the regression of each factor on its own
        indicators; composites have variance 1. Of ordered answers, whose correlations
        are of normal variables behind them, weights are of the answers standardised.
        """
        if self.ordinal is None:
            return self.own(self.numbers.weights)
        return np.asarray(self.weights / self.moments.sd)

    def in_metric(self, metric: str) -> Self:
        """Return the fit; factor scores do not depend on the units of answers."""
        if metric != self.index_metric:
            raise OptionError(
                f"metric={metric!r} chooses weights of a path model, and the fit is of "
                "factors, whose scores do not depend on the units of answers",
                code="metric-of-factors",
                column="metric",
                value=metric,
                remedy='metric=None or "factor" takes factor score weights, "equal" '
                "equal ones",
            )
        return self

    def group(self, which: int) -> Self:
        """Return one group of a batch as a single fit."""
        moments = self.moments.group(which)
        return self._at(which, moments, (self.reasons[which],))

    def take(self, rows: Sequence[int] | IntArray) -> Self:
        """Return the given groups of a batch, as a batch; one may come twice."""
        at = np.asarray(rows, dtype=np.int64)
        reasons = tuple(self.reasons[i] for i in at)
        return self._at(at, self.moments.take(at), reasons)

    def _at(
        self, where: int | IntArray, moments: Moments, reasons: tuple[str, ...]
    ) -> Self:
        made: dict[str, Any] = {}
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.name in WHOLE:
                continue
            if isinstance(value, np.ndarray):
                made[f.name] = value[where]
            elif isinstance(value, Record):
                made[f.name] = value.take(where)  # type: ignore[attr-defined]
        return dataclasses.replace(  # type: ignore[type-var]
            self, moments=moments, reasons=reasons, **made
        )

    def indicator_ends(self, ends: FloatArray) -> FloatArray:
        """Return the scale ends (2, p) of the indicators."""
        return ends

    def indicator_moments(self, source: Moments) -> Moments:
        """Return the moments of the model's indicators."""
        return source.select(self.model.indicators)

    def implied_matrix(
        self,
        *,
        saturated: bool = False,  # noqa: ARG002 - of path models
        R: FloatArray | None = None,  # noqa: ARG002 - of path models
    ) -> FloatArray:
        """Return the correlations (…, p, p) that the model implies.

        Parameters
        ----------
        saturated, R : not used; that the constructs correlate freely is another model.
        """
        Sigma = self.matrices.Sigma
        sd = self.numbers.sd
        return self.own(Sigma / (sd[:, :, None] * sd[:, None, :]))

    def scores(self, data: object, method: str = "regression") -> pd.DataFrame:
        """Return factor scores of respondents; see `sem_scores.factor_scores`."""
        from satmetrics.estimation.sem_scores import factor_scores

        return factor_scores(self, data, method=method)

    def require_numbers(self, what: str) -> None:
        """Raise `OptionError` if the model is of variables behind ordered answers."""
        if self.ordinal is not None:
            raise OptionError(
                f"{what} of a model of ordered answers cannot be had from moments or "
                "sums of the answers, which are categories",
                code="ordered-answers",
                column="ordinal",
                remedy="take the answers for numbers: ordinal=False",
            )

    def instability(self) -> tuple[str, ...]:
        """Return a sentence on each thing that makes the solution unstable."""
        from satmetrics.estimation.sem_instability import instability

        return instability(cast("SemFit", self))

    def labels(self) -> Table:
        """Return what each of the `statistics` is, for inference."""
        from satmetrics.estimation.sem_statistics import labels

        return labels(cast("SemFit", self))

    def statistics(self, moments: Moments) -> Statistics:
        """Return all numbers of the fit for a batch of moments, for inference."""
        from satmetrics.estimation.sem_statistics import statistics

        return statistics(cast("SemFit", self), moments)


def numbers_at(
    model: StructuralModel, table: ParameterTable, M: kernel.Matrices
) -> FactorNumbers:
    """Return the standardised numbers of the constructs of a model.

    Raises
    ------
    OptionError
        If the parameters are of several groups, or of other variables.
    """
    require_one_group(table)
    if set(table.latent) != set(model.nodes) or table.observed != model.indicators:
        raise OptionError(
            "the parameters are not those of the constructs of the model alone",
            code="other-variables",
            value=table.latent,
            remedy="read fit.estimates(), which has every parameter",
        )
    if table.latent != model.nodes:
        M = _ordered(M, np.array([table.latent.index(n) for n in model.nodes]))
    return factor_numbers(M, model.owner(), model.adjacency())


def require_one_group(table: ParameterTable) -> None:
    """Raise `OptionError` if parameters are tied across groups."""
    if len(table.groups) > 1:
        raise OptionError(
            f"the fit is one model of {len(table.groups)} groups",
            code="several-groups",
            value=table.groups,
            remedy="read fit.estimates(); by= instead fits each group by itself",
        )


def _ordered(M: kernel.Matrices, at: IntArray) -> kernel.Matrices:
    square = (slice(None), at[:, None], at)
    return kernel.Matrices.of(
        M.Lambda[:, :, at],
        M.Theta,
        M.Psi[square],
        M.Beta[square],
        M.nu,
        M.alpha[:, at],
    )
