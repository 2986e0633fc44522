"""Options of the estimators: frozen, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from satmetrics._checks import friendly_keywords, one_of, positive_int
from satmetrics._result import Record
from satmetrics.errors import OptionError

Scheme = Literal["path", "factorial", "centroid"]
Metric = Literal["standardized", "raw"]
SignRule = Literal["sum", "dominant", "none"]
SCHEMES = ("path", "factorial", "centroid")
METRICS = ("standardized", "raw")
SIGN_RULES = ("sum", "dominant", "none")


@dataclass(frozen=True)
class PlsOptions(Record):
    """How `sat.pls` estimates.

    Attributes
    ----------
    scheme : inner weights: "path" (regression for predecessors, correlation for
        successors), "factorial" (correlation) or "centroid" (its sign).
    metric : "standardized" starts from correlations (SmartPLS, seminr, cSEM), "raw"
        from covariances of items on one common scale (Tenenhaus et al. 2005; plspm
        with ``scaled = FALSE``). The 0–100 index differs between them by a point or so.
    tol : largest change of a weight, in standard deviations of its item, at the end.
    max_iter : iterations after which the fit fails.
    sign : a construct is turned when its loadings sum to a negative number ("sum"),
        when its largest loading is negative ("dominant"), or never ("none").
    """

    scheme: Scheme = "path"
    metric: Metric = "standardized"
    tol: float = 1e-9
    max_iter: int = 300
    sign: SignRule = "sum"

    def __post_init__(self) -> None:
        one_of("scheme", self.scheme, SCHEMES)
        one_of("metric", self.metric, METRICS)
        one_of("sign", self.sign, SIGN_RULES)
        positive_int("max_iter", self.max_iter)
        if not 0 < self.tol < 1:
            raise OptionError(
                f"tol={self.tol!r} must lie between 0 and 1",
                code="bad-tol",
                column="tol",
                value=self.tol,
                remedy="1e-9 is the default; SmartPLS uses 1e-7",
            )


PlsOptions.__init__ = friendly_keywords(PlsOptions.__init__)  # type: ignore[method-assign]
