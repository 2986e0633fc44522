"""Options of the estimators: frozen, checked once; presets named after programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from satmetrics._checks import friendly_keywords, one_of, positive_int
from satmetrics._result import Record
from satmetrics.errors import OptionError

Scheme = Literal["path", "factorial", "centroid"]
Metric = Literal["standardized", "raw"]
SignRule = Literal["sum", "dominant", "none"]
Divisor = Literal["n-1", "n"]
Htmt = Literal["absolute", "signed"]
Alpha = Literal["raw", "standardized"]
F2 = Literal["refit", "fixed"]
RhoC = Literal["loadings", "component"]
Disturbance = Literal["unit", "r2"]
SCHEMES = ("path", "factorial", "centroid")
METRICS = ("standardized", "raw")
SIGN_RULES = ("sum", "dominant", "none")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "scheme": SCHEMES,
    "metric": METRICS,
    "sign": SIGN_RULES,
    "divisor": ("n-1", "n"),
    "htmt": ("absolute", "signed"),
    "alpha": ("raw", "standardized"),
    "f2": ("refit", "fixed"),
    "rho_c": ("loadings", "component"),
    "disturbance": ("unit", "r2"),
}
PROGRAMS: Mapping[str, Mapping[str, Any]] = {
    "smartpls": {
        "profile": "SmartPLS 2.0.M3",
        "scheme": "path",
        "tol": 1e-7,
        "alpha": "standardized",
    },
    "seminr": {
        "profile": "seminr 2.3.4",
        "scheme": "path",
        "tol": 1e-7,
        "alpha": "standardized",
    },
    "csem": {
        "profile": "cSEM 0.6.1.9000",
        "scheme": "path",
        "tol": 1e-5,
        "max_iter": 100,
        "alpha": "standardized",
        "htmt": "signed",
        "f2": "fixed",
        "disturbance": "r2",
    },
    "plspm": {
        "profile": "plspm 0.5.1",
        "scheme": "centroid",
        "tol": 1e-3,
        "max_iter": 100,
        "divisor": "n",
        "alpha": "standardized",
        "rho_c": "component",
    },
}
"""What each program does by default, by the name `PlsOptions.like` takes."""
NOTES: Mapping[str, str] = {
    "SmartPLS": '"reflective" is mode A there; only paths and weights were compared',
    "seminr": '"reflective" is consistent PLS there: give the construct '
    'kind = "factor"; it stops at a sum of changes, here each change is below tol',
    "cSEM": 'factors (=~) are corrected there: kind = "factor"; d_G is printed with '
    "logarithms of base 10: divide by ln(10)² = 5.3019",
    "plspm": "the program stops at Σ(Δ|w|)² < 1e-6; tol is its root",
}
"""What a preset cannot set, by the first word of its profile."""


@dataclass(frozen=True)
class PlsOptions(Record):
    """How `sat.pls` estimates, and which variants its summaries print.

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
    divisor : composites have variance 1 with divisor "n-1" or "n" (plspm), which
        changes scores and the weights of answers as given by √(n/(n − 1)).
    disturbance : variances in the estimated model, see `PlsFit.implied`: every
        construct has variance 1 ("unit"), or every disturbance 1 − R² ("r2", cSEM),
        which leaves implied variances off 1 where the model does not fit.
    htmt, alpha, f2, rho_c : the variants that `Assessment.reported` and summaries
        show: HTMT of mean absolute r ("absolute") or mean r ("signed"); alpha of
        covariances or correlations; f² of refits or of scores held ("fixed"); ρ_C of
        the loadings or of the block's first principal "component".
    profile : program and version that `like` imitates; empty otherwise.
    """

    scheme: Scheme = "path"
    metric: Metric = "standardized"
    tol: float = 1e-9
    max_iter: int = 300
    sign: SignRule = "sum"
    divisor: Divisor = "n-1"
    disturbance: Disturbance = "unit"
    htmt: Htmt = "absolute"
    alpha: Alpha = "raw"
    f2: F2 = "refit"
    rho_c: RhoC = "loadings"
    profile: str = ""

    def __post_init__(self) -> None:
        for name, options in CHOICES.items():
            one_of(name, getattr(self, name), options)
        positive_int("max_iter", self.max_iter)
        if not 0 < self.tol < 1:
            raise OptionError(
                f"tol={self.tol!r} must lie between 0 and 1",
                code="bad-tol",
                column="tol",
                value=self.tol,
                remedy="1e-9 is the default; SmartPLS uses 1e-7",
            )

    @classmethod
    def like(cls, program: str) -> PlsOptions:
        """Return the options that make this library do what another program does.

        Parameters
        ----------
        program : "smartpls", "seminr", "csem" or "plspm". Scheme, tolerance, iteration
            cap and divisor are that program's defaults; `Assessment.reported` and
            summaries show its variants of alpha, HTMT, f² and ρ_C. The version that was
            compared is in ``profile``, and what a preset cannot set in ``note``. A
            construct's mode and kind are the model's: "reflective" is mode A in
            SmartPLS and consistent PLS in seminr.

        Returns
        -------
        PlsOptions; change a field with ``dataclasses.replace``.

        Raises
        ------
        OptionError
            If the program is not one of the four.

        Examples
        --------
        >>> import satmetrics as sat
        >>> options = sat.PlsOptions.like("seminr")
        >>> options.profile, options.tol
        ('seminr 2.3.4', 1e-07)
        """
        key = program.casefold() if isinstance(program, str) else program
        one_of("program", key, tuple(PROGRAMS))
        return cls(**PROGRAMS[key])

    @property
    def note(self) -> str:
        """What the imitated program does that no option sets; empty without one."""
        return NOTES.get(self.profile.split(" ")[0], "")


PlsOptions.__init__ = friendly_keywords(PlsOptions.__init__)  # type: ignore[method-assign]
