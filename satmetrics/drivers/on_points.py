"""A fit on 0–100: effects in points, performance, and what must be said of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.drivers import _importance as kernel
from satmetrics.estimation.door import oriented
from satmetrics.estimation.ends import check_means, ends_of
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment._blocks import index_0_100
from satmetrics.survey.scale import ScaleLike


@dataclass(frozen=True, eq=False)
class OnPoints:
    """Constructs of a fit, or of a batch of refits, on 0–100.

    Attributes
    ----------
    ends : (2, p) of each item's scale.
    used : positions of the constructs that are asked about.
    """

    ends: FloatArray
    used: IntArray

    @classmethod
    def of(
        cls, fit: StructuralFit, data: object, scale: ScaleLike | None, used: IntArray
    ) -> OnPoints:
        """Find the ends of the scales.

        Raises
        ------
        DataError
            If an item of a construct that is used has no scale, or a mean is off it.
        """
        ends = ends_of(fit, data, scale, used)
        check_means(fit, oriented(fit.model, fit.moments, ends).mean, ends, used)
        return cls(ends, used)

    def spans(self, fits: StructuralFit) -> FloatArray:
        """Return (…, q): see `_importance.spans`."""
        owner, q = fits.model.owner(), len(fits.model.names)
        return kernel.spans(fits.raw_weights(), self.ends, owner, q)

    def in_points(self, fits: StructuralFit, effect: FloatArray) -> FloatArray:
        """Return standardised effects (…, q, q), at [source, target], in points."""
        return kernel.in_points(effect, self.spans(fits), fits.rho)

    def performance(self, fits: StructuralFit) -> FloatArray:
        """Return the index of every construct (…, q)."""
        mean = oriented(fits.model, fits.moments, self.ends).mean
        owner, q = fits.model.owner(), len(fits.model.names)
        low, high = self.ends
        return index_0_100(fits.raw_weights(), mean, low, high, owner, q)

    def notes(self, fit: StructuralFit) -> tuple[str, ...]:
        """Say where weights are negative, and where scales differ."""
        used = np.isin(fit.model.owner(), self.used)
        at = np.flatnonzero((fit.raw_weights() < 0) & used)
        below = ", ".join(fit.model.indicators[i] for i in at)
        spread = (self.ends[1] - self.ends[0])[used & fit.asked()]
        notes = []
        made = [term.name for term in fit.spec.interactions]
        if made:
            notes.append(
                f"{len(made)} left out, products and no drivers: {', '.join(made)}; "
                "importance of a moderated driver: its effect when the moderators are "
                "at their means"
            )
        if below:
            notes.append(
                f"negative weight: {below}; a construct with negative weights is no "
                "mean of its items: was an item to be reversed?"
            )
        if len(spread) and not np.allclose(spread, spread[0]):
            notes.append(
                "indicators are on different scales; weights are of answers on 0–100"
            )
        return tuple(notes)
