"""The jackknife: what each unit does to the numbers of a fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion, Result
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import ConvergenceError, OptionError
from satmetrics.inference import _jackknife
from satmetrics.inference.left_out import Groups, groups_of
from satmetrics.inference.measures import Measures, Statistic, require_single
from satmetrics.inference.protocol import Refittable, Units
from satmetrics.inference.remarks import turned
from satmetrics.inference.source import source_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class JackknifeResult(Result):
    """Jackknife standard errors and biases of a fit.

    Attributes
    ----------
    table : one row per number: estimate, std_error, bias.
    values : (G, k) the numbers without each group of units; NaN where the fit failed.
    size : (G,) units left out together; 1 when they are left out one at a time.
    stratum : (G,) stratum of each group, 0 where there are no strata.
    left_out : what was left out, in words.
    title : what was fitted.
    context : origin and exclusions.
    """

    table: Table
    values: FloatArray
    size: IntArray
    stratum: IntArray
    left_out: str
    title: str
    context: Context = field(default_factory=Context)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per number: term, keys, estimate, std_error and bias."""
        return self.table.to_frame()

    def acceleration(self) -> FloatArray:
        """Return the acceleration (k,) that BCa intervals use."""
        estimate = np.asarray(self.table["estimate"], dtype=np.float64)
        L = _jackknife.influence(self.values, estimate, self.size, self.stratum)
        return _jackknife.acceleration(L, self.size, self.stratum)

    def summary(self) -> Summary:
        """Return paths and R² with errors and biases."""
        words = {
            "source": "source",
            "target": "target",
            "construct": "construct",
            "estimate": "estimate",
            "std_error": "std. error",
            "bias": "bias",
        }
        sections = []
        for term in ("path", "r2", "statistic"):
            rows = self.table.where(term=term)
            blank = [n for n in words if n in rows and not any(rows[n])]
            if len(rows):
                sections.append(section(term, rows.drop(*blank), words))
        return Summary(
            f"Jackknife of {self.title}",
            (*self.context.facts(), ("left out", self.left_out)),
            tuple(sections),
            (
                "std. error: √((n − 1)/n Σ (θ̂₍ᵢ₎ − θ̄)²); bias: (n − 1)(θ̄ − θ̂)",
                *self.context.sentences(),
            ),
        )


@friendly_keywords
def jackknife(
    fit: Refittable, data: object, *, statistic: Statistic | None = None
) -> JackknifeResult:
    r"""Leave out each respondent (or cluster) in turn, and fit the rest.

    The moments without a unit are the sums less what it adds, so that no answers are
    read again. Up to 2,000 units each is left out on its own; of more, 500 random
    groups are (with a fixed seed), and the result says so. With strata the rest of the
    stratum is weighted up.

    Parameters
    ----------
    fit : a fit of one group, such as `sat.pls` returns.
    data : the survey or frame that was fitted.
    statistic : a function of a batch of fits, as in `sat.bootstrap`.

    Returns
    -------
    JackknifeResult
        ``std_error`` is :math:`\sqrt{\tfrac{n-1}{n}\sum(\hatθ_{(i)} - \barθ)^2}`,
        ``bias`` is :math:`(n-1)(\barθ - \hatθ)`; ``values`` tells which respondent
        moves which number.

    Raises
    ------
    DataError
        If the data are not those of the fit.
    OptionError
        If only moments are given, from which nobody can be left out.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 11.

    Examples
    --------
    >>> import numpy as np, pandas as pd, satmetrics as sat
    >>> x = np.arange(20.0)
    >>> answers = pd.DataFrame({"x": x, "y": x + 3 * np.sin(x)})
    >>> model = sat.StructuralModel.from_blocks(
    ...     "m", {"X": ["x"], "Y": ["y"]}, {"X": "Y"}
    ... )
    >>> found = sat.assessment.jackknife(sat.pls(model, answers), answers)
    >>> found.values.shape[0], found.left_out
    (20, 'each of 20 respondents')
    """
    require_single("jackknife", fit)
    units = source_of(fit, data).units
    if units is None:
        raise OptionError(
            "moments alone are given, from which nobody can be left out",
            code="no-answers",
            remedy="pass the answers that were fitted: jackknife(fit, survey)",
        )
    return jackknife_of(Measures.of(fit, statistic), units)


def jackknife_of(measures: Measures, units: Units) -> JackknifeResult:
    """Leave out the units behind a fit in turn."""
    fit, groups = measures.fit, groups_of(units)
    values, failures = _values(measures, groups, units)
    estimate = measures.own.values[0]
    L = _jackknife.influence(values, estimate, groups.size, groups.stratum)
    around = turned(measures.labels, estimate, values, "leave-one-out fits")
    lost = [Exclusion(why, n, "leave-one-out fits") for why, n in failures.items()]
    table = measures.labels.drop("test").extended(
        {
            "n": np.full(len(estimate), fit.source.n),
            "estimate": estimate,
            "std_error": _jackknife.std_error(L, groups.size, groups.stratum),
            "bias": _jackknife.bias(L, groups.size, groups.stratum),
        }
    )
    return JackknifeResult(
        table=table,
        values=values,
        size=groups.size,
        stratum=groups.stratum,
        left_out=_words(groups, units),
        title=fit.title,
        context=units.context.plus(*lost, notes=(*around, *measures.notes)),
    )


def _values(
    measures: Measures, groups: Groups, units: Units
) -> tuple[FloatArray, Counter[str]]:
    parts: list[FloatArray] = []
    failures: Counter[str] = Counter()
    for moments in groups.batches(units):
        found = measures(moments)
        parts.append(np.where(found.ok[:, None], found.values, np.nan))
        failures.update(
            reason for reason, ok in zip(found.reasons, found.ok, strict=True) if not ok
        )
    values = np.concatenate(parts)
    if sum(failures.values()) > len(values) - 2:
        raise ConvergenceError(
            "no fit without one of the units could be had",
            code="jackknife-failed",
            value=tuple(failures.items()),
            remedy="get more respondents, or drop the item named",
        )
    return values, failures


def _words(groups: Groups, units: Units) -> str:
    if groups.single and units.kind == "shards":
        return f"each of {units.n_units:,} shards (delete-group)"
    if groups.single:
        return f"each of {units.n_units:,} {units.kind}"
    return (
        f"{len(groups.size):,} random groups of {int(groups.size.min()):,}"
        f"–{int(groups.size.max()):,} {units.kind} (delete-group)"
    )
