"""Power and sample size of tests of RMSEA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, positive_int
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError

LARGEST = 10_000_000
"""Sample sizes beyond this are not looked for."""


@dataclass(frozen=True, eq=False, repr=False)
class RmseaPlan(TableResult):
    """Power of tests of RMSEA, or the respondents that a power needs, one row a plan.

    Attributes
    ----------
    table : df, null, alternative (values of RMSEA), n, power.
    level : 1 less the share of false rejections.
    asked : "power" of a given n, or "n" of a given power.
    """

    level: float = 0.95
    asked: str = "power"

    def summary(self) -> Summary:
        """Return the plans, and what is tested."""
        words = {
            "df": "df",
            "null": "RMSEA under the null",
            "alternative": "true RMSEA",
            "n": "n",
            "power": "power",
        }
        places = {"df": 0, "null": 3, "alternative": 3, "n": 0, "power": 3}
        body = section("", self.table, words, decimals=places, max_rows=40)
        notes = (
            "chi-square is taken as noncentral with (n − 1) df RMSEA²; a true RMSEA "
            "above the null is a test of close fit, one below it of not-close fit "
            "(MacCallum, Browne and Sugawara 1996)",
            "normal theory, one group",
        )
        facts = (("level", f"{self.level:g}"),)
        return Summary("Power by RMSEA", facts, (body,), notes)


@friendly_keywords
def rmsea_power(
    df: int | Sequence[int],
    *,
    n: int | None = None,
    power: float | None = None,
    null: float = 0.05,
    alternative: float = 0.08,
    level: float = 0.95,
) -> RmseaPlan:
    r"""Return the power of a test of RMSEA, or the respondents it needs.

    With :math:`λ = (n - 1) · df · ε^2`, the test of the null value ε₀ rejects beyond
    the quantile of :math:`χ^2(df, λ_0)`; its power is the probability of that under
    :math:`χ^2(df, λ_a)`.

    Parameters
    ----------
    df : degrees of freedom of the model, one or several.
    n : respondents; give this for the power,
    power : or this, between 0 and 1, for the respondents.
    null : RMSEA under the hypothesis tested.
    alternative : true RMSEA; above `null` for a test of close fit, below it of
        not-close fit.
    level : 0.95 tests at 5 %.

    Returns
    -------
    RmseaPlan

    Raises
    ------
    OptionError
        If both or neither of n and power are given, or a value lies out of range.

    References
    ----------
    MacCallum, Browne and Sugawara (1996), Power analysis and determination of sample
    size for covariance structure modeling, doi:10.1037/1082-989X.1.2.130.

    Examples
    --------
    >>> import satmetrics as sat
    >>> plan = sat.assessment.rmsea_power(100, power=0.8)
    >>> int(plan.to_frame()["n"].iloc[0])
    132
    """
    check_level(level)
    _check(null, alternative)
    degrees = [df] if isinstance(df, int) else list(df)
    for value in degrees:
        positive_int("df", value)
    d = np.array(degrees, dtype=np.float64)
    if (n is None) == (power is None):
        raise OptionError(
            "give either n or power",
            code="n-or-power",
            column="n",
            value=(n, power),
            remedy="n=250 returns the power, power=0.8 the respondents",
        )
    if power is None:
        size = np.full(len(d), float(positive_int("n", n or 0, at_least=2)))
    else:
        size = _sizes(d, _share(power), null, alternative, level)
    table = Table.of(
        {
            "df": np.array(degrees, dtype=np.int64),
            "n": size.astype(np.int64),
            "null": np.full(len(d), null),
            "alternative": np.full(len(d), alternative),
            "power": _power(d, size, null, alternative, level),
        }
    )
    return RmseaPlan(table, level=level, asked="power" if power is None else "n")


def _power(
    df: FloatArray, n: FloatArray, null: float, alternative: float, level: float
) -> FloatArray:
    """Return the probability of rejecting the null value (k,)."""
    from scipy.special import chdtr, chdtri, chndtr, chndtrix

    close = alternative > null
    tail = level if close else 1 - level
    at = [(n - 1) * df * value**2 for value in (null, alternative)]
    with np.errstate(invalid="ignore"):
        central = chdtri(df, 1 - tail)
        edge = chndtrix(tail, df, np.maximum(at[0], 1e-12))
        edge = np.where(at[0] > 0, edge, central)
        below = np.where(
            at[1] > 0, chndtr(edge, df, np.maximum(at[1], 1e-12)), chdtr(df, edge)
        )
    return np.asarray(1 - below if close else below)


def _sizes(
    df: FloatArray, power: float, null: float, alternative: float, level: float
) -> FloatArray:
    """Return the fewest respondents (k,) that reach the power, by halving."""
    low, high = np.full(len(df), 2.0), np.full(len(df), 4.0)
    while (short := _power(df, high, null, alternative, level) < power).any():
        if high.max() > LARGEST:
            raise OptionError(
                f"no sample of up to {LARGEST:,} respondents has power {power:g}",
                code="no-power",
                column="power",
                value=power,
                remedy="set null and alternative further apart",
            )
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = _power(df, middle, null, alternative, level) >= power
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    least = _power(df, np.full(len(df), 2.0), null, alternative, level) >= power
    return np.where(least, 2.0, high)


def _check(null: float, alternative: float) -> None:
    for word, value in (("null", null), ("alternative", alternative)):
        if not 0 <= value < 1:
            raise OptionError(
                f"{word}={value!r} is no value of RMSEA",
                code="bad-rmsea",
                column=word,
                value=value,
                remedy="give a number from 0 to below 1, such as 0.05",
            )
    if null == alternative:
        raise OptionError(
            f"null and alternative are both {null:g}",
            code="bad-rmsea",
            column="alternative",
            value=alternative,
            remedy="a test needs two values of RMSEA",
        )


def _share(power: float) -> float:
    if 0 < power < 1:
        return power
    raise OptionError(
        f"power={power!r} does not lie between 0 and 1",
        code="bad-power",
        column="power",
        value=power,
        remedy="use power=0.8",
    )
