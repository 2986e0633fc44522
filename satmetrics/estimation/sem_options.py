"""Options of `sat.sem`: frozen, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from satmetrics._checks import friendly_keywords, one_of, positive_int
from satmetrics._result import Record
from satmetrics.errors import OptionError
from satmetrics.estimation import _sem as kernel

Estimator = Literal["ML", "MLM", "MLR", "GLS", "ULS", "DWLS"]
ESTIMATORS = ("ML", "MLM", "MLR", "GLS", "ULS", "DWLS")
Identification = Literal["marker", "variance"]
Information = Literal["expected", "observed"]
Likelihood = Literal["normal", "wishart"]
Engine = Literal["satmetrics", "semopy"]


@dataclass(frozen=True)
class SemOptions(Record):
    """How a covariance structure model is estimated.

    Attributes
    ----------
    estimator : "ML" (normal theory), "GLS" or "ULS"; "MLM" and "MLR" estimate as "ML"
        does, with errors and a scaled chi-square that do not assume normal answers:
        of Satorra and Bentler (expected information), or of Huber, White, Yuan and
        Bentler (observed information). These need answers, or moments with `acov`.
        "DWLS" is for ordered answers.
    identification : what gives a factor its unit: its first loading is 1 ("marker") or
        its variance is ("variance").
    information : "expected" or "observed", behind standard errors of ML.
    likelihood : of ML: "normal" (divisor n, chi-square n F) or "wishart" (n − 1). GLS
        and ULS have n − 1, as in lavaan.
    means : whether intercepts are estimated; None for only where they are needed.
    tol : largest gradient at a solution, in the unit of each parameter's curvature.
    max_iter : iterations after which a fit has not converged.
    engine : "satmetrics", or "semopy" for a second opinion on ML, GLS and ULS: its
        estimates, errors and chi-square, by its own rules (`compare_engines`).
    """

    estimator: Estimator = "ML"
    identification: Identification = "marker"
    information: Information = "expected"
    likelihood: Likelihood = "normal"
    means: bool | None = None
    tol: float = 1e-8
    max_iter: int = 200
    engine: Engine = "satmetrics"

    def __post_init__(self) -> None:
        one_of("estimator", self.estimator, ESTIMATORS)
        one_of("identification", self.identification, ("marker", "variance"))
        one_of("information", self.information, ("expected", "observed"))
        one_of("likelihood", self.likelihood, ("normal", "wishart"))
        one_of("engine", self.engine, ("satmetrics", "semopy"))
        positive_int("max_iter", self.max_iter)
        if not 0 < self.tol < 1:
            raise OptionError(
                f"tol={self.tol!r} does not lie between 0 and 1",
                code="bad-tolerance",
                column="tol",
                value=self.tol,
                remedy="use 1e-8",
            )
        super().__post_init__()

    @property
    def robust(self) -> bool:
        """Whether errors and tests are to do without normality."""
        return self.estimator in ("MLM", "MLR")

    @property
    def weight(self) -> kernel.Weight:
        """What is minimised."""
        if self.estimator == "GLS":
            return "GLS"
        return "ULS" if self.estimator in {"ULS", "DWLS"} else "ML"


SemOptions.__init__ = friendly_keywords(SemOptions.__init__)  # type: ignore[method-assign]
