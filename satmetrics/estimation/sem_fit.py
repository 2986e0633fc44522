"""What `sem` returns: a frozen fit that keeps specification, moments and solution."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._checks import check_level
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Result
from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import OptionError
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation.door import oriented
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_table import ParameterTable
from satmetrics.inference.protocol import Sampling
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class SemFit(Result):
    """A covariance structure model, estimated; with ``by=`` one fit per group.

    Attributes
    ----------
    model, table, options, moments : what was fitted, its parameters, how, and to what.
    theta : (…, t) free parameters, in the order of `table`.
    vcov : (…, t, t) covariance of their errors.
    chi2 : (…) test statistic of the model.
    iterations, converged, admissible : (…)
    reasons : per group why a fit failed or is inadmissible; empty where it is sound.
    ends : (2, p) minimum and maximum of each indicator's scale, NaN where not known.
    sampling : how answers became moments.
    """

    model: StructuralModel
    table: ParameterTable
    options: SemOptions
    moments: Moments
    theta: FloatArray
    vcov: FloatArray
    chi2: Any
    iterations: Any
    converged: Any
    admissible: Any
    reasons: tuple[str, ...]
    ends: FloatArray
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def context(self) -> Context:
        """Origin of the data and what was left out."""
        return self.moments.context

    @property
    def source(self) -> Moments:
        """Moments of the data's columns, from which all else is computed."""
        return self.moments

    @property
    def spec(self) -> StructuralModel:
        """The model."""
        return self.model

    @property
    def title(self) -> str:
        """What was fitted."""
        return f"Covariance structure model {self.model.name}"

    @property
    def keys(self) -> Table | None:
        """Keys of the groups, or None for a single fit."""
        return self.moments.keys if self.batched else None

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the key columns of a batch."""
        return () if self.keys is None else self.keys.names

    @property
    def batched(self) -> bool:
        """Whether the fit holds a batch of groups."""
        return bool(self.moments.batch_shape)

    @property
    def df(self) -> int:
        """Degrees of freedom of the model."""
        p, G = len(self.table.observed), len(self.table.groups)
        known = G * (p * (p + 1) // 2 + (p if self.table.means else 0))
        return int(known - self.table.n_free)

    def require_single(self, verb: str) -> None:
        """Raise unless the fit is of one group; `verb` says what was to be done."""
        if self.batched:
            raise OptionError(
                "this fit holds a batch of groups",
                code="batched-fit",
                remedy=f"{verb} one group at a time",
            )

    @cached_property
    def matrices(self) -> kernel.Matrices:
        """The matrices of the model, a batch of one for a single fit."""
        theta = self.theta if self.batched else self.theta[None]
        return self.table.layout.groups[0].matrices(np.nan_to_num(theta))

    def refit(self, moments: Moments) -> SemFit:
        """Fit the same model with the same options to other moments."""
        from satmetrics.estimation.sem import refitted

        return refitted(self, moments)

    def turned(self) -> Moments:
        """Return the moments with reversed indicators turned."""
        return oriented(self.model, self.moments, self.ends)

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return every parameter with its error, test, interval and standardisation.

        Columns: keys, lhs, op, rhs, label, free, estimate, std_error, statistic,
        p_value, conf_low, conf_high.
        """
        return self.estimate_table(level).to_frame()

    def estimate_table(self, level: float = 0.95) -> Table:
        """Return `estimates` as a table."""
        check_level(level)
        at = self.table.shown()
        estimate = self.table.numbers(self.theta)[..., at]
        free = self.table.free[at]
        error = np.sqrt(np.diagonal(self.vcov, axis1=-2, axis2=-1))
        error = np.where(free >= 0, error[..., np.maximum(free, 0)], np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = estimate / error
        half = normal_quantile((1 + level) / 2) * error
        columns: dict[str, FloatArray] = {
            "estimate": estimate,
            "std_error": error,
            "statistic": z,
            "p_value": 2 * normal_cdf(-np.abs(z)),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
        shown = self.table.table()
        return self._tidy({n: shown[n] for n in shown.names}, columns)

    def _tidy(
        self, labels: dict[str, AnyArray], values: dict[str, FloatArray]
    ) -> Table:
        if self.keys is None:
            return Table.of({**labels, **values})
        groups, k = len(self.keys), len(next(iter(labels.values())))
        columns: dict[str, AnyArray] = {
            name: np.repeat(self.keys[name], k) for name in self.keys.names
        }
        columns |= {name: np.tile(label, groups) for name, label in labels.items()}
        columns |= {name: np.ravel(value) for name, value in values.items()}
        return Table.of(columns, keys=self.keys.names)

    def status(self) -> pd.DataFrame:
        """Return converged, iterations, admissible and reason, a row per group."""
        return self.status_table().to_frame()

    def status_table(self) -> Table:
        """Return `status` as a table."""
        columns: dict[str, object] = {
            "n": np.atleast_1d(self.moments.n),
            "converged": np.atleast_1d(self.converged),
            "iterations": np.atleast_1d(self.iterations),
            "admissible": np.atleast_1d(self.admissible),
            "reason": list(self.reasons),
        }
        if self.keys is None:
            return Table.of(columns)
        return self.keys.extended(columns, keys=self.keys.names)

    def to_frame(self) -> pd.DataFrame:
        """Return `estimates`."""
        return self.estimates()

    def summary(self) -> Summary:
        """Return the parameters with their errors, and how the model fits."""
        words = {
            **{k: k for k in self.key_names},
            "lhs": "",
            "op": "",
            "rhs": "",
            "estimate": "estimate",
            "std_error": "std. error",
            "statistic": "z",
            "p_value": "p",
        }
        facts = (
            *self.context.facts(),
            ("n", f"{int(np.sum(self.moments.n)):,}"),
            ("estimator", self.options.estimator),
            ("parameters", str(self.table.n_free)),
            ("df", str(self.df)),
        )
        if not self.batched:
            facts = (*facts, ("chi-square", f"{float(self.chi2):.3f}"))
        body = section("Parameters", self.estimate_table(), words, max_rows=80)
        notes = (
            *self.model.sentences(),
            *(reason for reason in self.reasons[:5] if reason),
            *self.context.sentences(),
        )
        return Summary(self.title, facts, (body,), notes)
