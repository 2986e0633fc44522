"""What functions of fits ask of a fit, whatever estimated it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray
from satmetrics.inference.protocol import Sampling, Statistics
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.staged import Staged
    from satmetrics.estimation.structural import StructuralFit


class Fitted(Protocol):
    """A structural fit; see `StructuralFit`, which has what follows from these.

    Arrays have the groups of a batch first; q are the constructs with indicators, m
    all that paths may join (the same in a model without constructs of constructs), p
    the indicators.
    """

    @property
    def model(self) -> StructuralModel:
        """The model whose arrays these are."""

    @property
    def spec(self) -> StructuralModel:
        """The model as it was specified."""

    @property
    def moments(self) -> Moments:
        """Moments of the indicators."""

    @property
    def source(self) -> Moments:
        """Moments of the columns of the data."""

    @property
    def sampling(self) -> Sampling:
        """How answers became moments."""

    @property
    def ends(self) -> FloatArray:
        """Minimum and maximum (2, p) of each indicator's scale."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Per indicator the column of the data that it is; "" where it is made."""

    @property
    def path_matrix(self) -> FloatArray:
        """Standardised coefficients (…, m, m) at [source, target]."""

    @property
    def corr(self) -> FloatArray:
        """Correlations of the constructs (…, m, m)."""

    @property
    def loadings(self) -> FloatArray:
        """Correlations (…, p) of indicators with their construct."""

    @property
    def cross(self) -> FloatArray:
        """Correlations (…, p, q) of indicators with every construct."""

    @property
    def rho(self) -> FloatArray:
        """Reliability (…, q) of the composite for what the paths join."""

    @property
    def r_squared(self) -> FloatArray:
        """R² (…, m), NaN for exogenous constructs."""

    @property
    def weights(self) -> FloatArray:
        """Weights (…, p) in the metric of the fit, of composites of variance 1."""

    @property
    def converged(self) -> Any:
        """Whether the iteration settled (…)."""

    @property
    def admissible(self) -> Any:
        """Whether the solution is a possible one (…)."""

    @property
    def iterations(self) -> Any:
        """Iterations (…)."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Per group why a fit failed or is inadmissible; else empty."""

    @property
    def staged(self) -> Staged | None:
        """How indicators follow from the data, where they are no columns of it."""

    @property
    def earlier(self) -> tuple[Any, ...]:
        """Fits of the stages before the last."""

    @property
    def index_metric(self) -> str:
        """Which weights an index has where none are asked for."""

    def estimator_words(self) -> str:
        """Return how the numbers were estimated, for people."""

    @property
    def title(self) -> str:
        """What was fitted."""

    def group(self, which: int) -> StructuralFit:
        """Return one group of a batch as a single fit."""

    def take(self, rows: Sequence[int] | IntArray) -> StructuralFit:
        """Return the given groups of a batch, as a batch."""

    def in_metric(self, metric: str) -> StructuralFit:
        """Return the fit with other weights; an unknown metric raises."""

    def raw_weights(self) -> FloatArray:
        """Return weights (…, p) of the answers as given."""

    def indicator_ends(self, ends: FloatArray) -> FloatArray:
        """Return the scale ends (2, p) of the indicators from those of the columns."""

    def indicator_moments(self, source: Moments) -> Moments:
        """Return the moments of the indicators from those of the data's columns."""

    def implied_matrix(
        self, *, saturated: bool = False, R: FloatArray | None = None
    ) -> FloatArray:
        """Return the correlations (…, p, p) that the model implies."""

    def labels(self) -> Table:
        """Return what each of the `statistics` is."""

    def statistics(self, moments: Moments) -> Statistics:
        """Return all numbers of the fit for a batch of moments."""

    def refit(self, moments: Moments) -> StructuralFit:
        """Fit the same model with the same options to other moments."""

    def measurement_table(self) -> Table:
        """Return construct, indicator, mode, weight and loading."""

    def status_table(self) -> Table:
        """Return converged, iterations, admissible and reason, a row per group."""
