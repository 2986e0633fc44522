"""`assessment.dimensionality`: KMO, Bartlett's test, eigenvalues, parallel analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, generator, positive_int
from satmetrics._display import Summary, p_text, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, MissingPolicy, RngLike
from satmetrics.assessment import _dimensionality as kernel
from satmetrics.assessment.item_blocks import Blocks
from satmetrics.assessment.item_moments import require_definite, single_moments
from satmetrics.inference._resample import normal_moments
from satmetrics.moment.moments import Moments

SCREE = 10
"""Eigenvalues that a summary prints."""


@dataclass(frozen=True, eq=False, repr=False)
class Dimensionality(TableResult):
    """How many dimensions a set of items has.

    Attributes
    ----------
    table : ``item`` (of MSA rows), ``term``: "kmo", "msa", "bartlett" (``statistic`` is
        χ², with ``df`` and ``p_value``), "eigenvalue" and "eigenvalue_common" (of
        correlations; of correlations with squared multiple correlations in the
        diagonal) with their ``component``, the random eigenvalues' ``random_mean`` and
        ``random_quantile``, the share of variance ``share``; "retained" by ``rule``.
    level : quantile of the random eigenvalues that an eigenvalue must exceed.
    n_draws : random data sets.
    context : origin, and what was left out.
    """

    level: float = 0.95
    n_draws: int = 500

    def retained(self, rule: str = "parallel") -> int:
        """Return how many dimensions a rule keeps.

        Parameters
        ----------
        rule : "parallel", "parallel_mean", "parallel_common" or "kaiser".
        """
        row = self.table.where(term="retained", rule=rule)
        return int(row["estimate"][0])

    def summary(self) -> Summary:
        """Return adequacy, the test, the eigenvalues beside random ones, the counts."""
        kmo = self.table.where(term="kmo")
        test = self.table.where(term="bartlett")
        facts = (
            *self.context.facts(),
            ("n", f"{int(kmo['n'][0]):,}"),
            ("KMO", f"{kmo['estimate'][0]:.3f}"),
            (
                "Bartlett",
                f"χ²({int(test['df'][0])}) = {test['statistic'][0]:.2f}, "
                f"p {p_text(float(test['p_value'][0]))}",
            ),
            ("draws", f"{self.n_draws:,}"),
        )
        words = {
            "component": "no.",
            "estimate": "eigenvalue",
            "share": "share",
            "random_mean": "random, mean",
            "random_quantile": f"random, {100 * self.level:g} %",
        }
        scree = section(
            "Eigenvalues of the correlations",
            self.table.where(term="eigenvalue"),
            words,
            decimals={"component": 0},
            max_rows=SCREE,
        )
        counts = section(
            "Dimensions kept",
            self.table.where(term="retained"),
            {"rule": "rule", "estimate": "kept"},
            decimals=0,
        )
        items = section(
            "Sampling adequacy of items",
            self.table.where(term="msa"),
            {"item": "item", "estimate": "MSA"},
            max_rows=40,
        )
        return Summary(
            "Dimensionality of items",
            facts,
            (scree, counts, items),
            (*self._notes(), *self.context.sentences()),
        )

    def _notes(self) -> tuple[str, ...]:
        return (
            "parallel analysis (Horn 1965) compares with uncorrelated normal items of "
            "the same n; after a strong first factor it keeps too few, while its form "
            "for common factors (parallel_common) tends to keep too many: read both",
            "Kaiser's count of eigenvalues above 1 and the look of the scree are rules "
            "of thumb (Kaiser 1960; Cattell 1966), the first known to keep too many",
            "a test of Bartlett says that some correlation differs from 0, no more",
        )


@friendly_keywords
def dimensionality(
    data: object,
    items: Sequence[str] | Blocks = None,
    *,
    form: str | None = None,
    n_draws: int = 500,
    level: float = 0.95,
    rng: RngLike = None,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
) -> Dimensionality:
    """Return how many dimensions a set of items has.

    The Kaiser-Meyer-Olkin measure ``Σ r² / (Σ r² + Σ q²)`` (q the correlations of two
    items given all others), over all pairs and by item; Bartlett's test that all
    correlations are 0; the eigenvalues of the correlations beside those of
    uncorrelated normal items of the same n (parallel analysis), also with squared
    multiple correlations in the diagonal.

    Parameters
    ----------
    data : a Survey, any dataframe, a lazy frame, or `Moments`.
    items : columns; or blocks ``{name: [columns]}``, an `Instrument` or its catalogue
        name; the survey's own instrument, or all items of moments, when None.
    form : which form of the instrument; see `reliability`.
    n_draws : random data sets.
    level : quantile of the random eigenvalues that an eigenvalue must exceed.
    rng : Generator or seed (SPEC 7).
    weights : weight column; the survey's weight role when None. The effective n is then
        that of the random data.
    missing : as in `Moments.from_frame`.

    Returns
    -------
    Dimensionality

    Raises
    ------
    DataError
        If columns are absent, or there are fewer than three items.
    MissingMomentsError
        If moments without correlations are given.

    References
    ----------
    Kaiser and Rice (1974), doi:10.1177/001316447403400115; Bartlett (1951),
    doi:10.1093/biomet/38.3-4.337; Horn (1965), doi:10.1007/BF02289447; Glorfeld (1995),
    doi:10.1177/0013164495055003002.

    Examples
    --------
    >>> import satmetrics as sat
    >>> items = sat.datasets.moments("babakus_boller_1992")
    >>> found = sat.assessment.dimensionality(items, rng=1)
    >>> found.retained(), found.retained("kaiser")
    (2, 4)
    """
    check_level(level)
    draws = positive_int("n_draws", n_draws, at_least=20)
    source = generator(rng)
    moments, _ = single_moments(data, items, form, weights, missing)
    R = moments.corr()
    require_definite(R, moments.names)
    n = float(moments.n_eff)
    p = len(moments.names)
    blocks = normal_moments(np.zeros(p), np.eye(p), n, draws, source)
    whole, common = kernel.random_eigenvalues(S for _, S in blocks)
    own, reduced = kernel.eigenvalues(R), kernel.eigenvalues(R, reduced=True)
    first = _scree("eigenvalue", own, whole, moments, level)
    second = _scree("eigenvalue_common", reduced, common, moments, level)
    kept = _retained(first, second, moments)
    table = stack([_adequacy(R, moments), first, second, kept])
    return Dimensionality(table, moments.context, level=float(level), n_draws=draws)


def _adequacy(R: FloatArray, moments: Moments) -> Table:
    kmo, msa = kernel.sampling_adequacy(R)
    statistic, df, p_value = kernel.sphericity(R, float(moments.n_eff))
    p = len(moments.names)
    blank = [np.nan] * p
    return Table.of(
        {
            "item": ["", "", *moments.names],
            "term": ["kmo", "bartlett", *["msa"] * p],
            "n": np.full(p + 2, int(moments.n)),
            "estimate": [float(kmo), np.nan, *msa],
            "statistic": [np.nan, float(statistic), *blank],
            "p_value": [np.nan, float(p_value), *blank],
            "df": [np.nan, df, *blank],
        }
    )


def _scree(
    term: str,
    observed: FloatArray,
    random: FloatArray,
    moments: Moments,
    level: float,
) -> Table:
    p = len(observed)
    total = p if term == "eigenvalue" else float(observed.sum())
    return Table.of(
        {
            "item": [""] * p,
            "term": [term] * p,
            "n": np.full(p, int(moments.n)),
            "estimate": observed,
            "component": np.arange(1, p + 1).astype(np.float64),
            "share": observed / total,
            "random_mean": np.nanmean(random, axis=0),
            "random_quantile": np.nanquantile(random, level, axis=0),
        }
    )


def _retained(whole: Table, common: Table, moments: Moments) -> Table:
    first = whole["estimate"]
    counts = {
        "parallel": kernel.leading(first, whole["random_quantile"]),
        "parallel_mean": kernel.leading(first, whole["random_mean"]),
        "parallel_common": kernel.leading(
            common["estimate"], common["random_quantile"]
        ),
        "kaiser": int((first > 1).sum()),
    }
    return Table.of(
        {
            "item": [""] * len(counts),
            "term": ["retained"] * len(counts),
            "n": np.full(len(counts), int(moments.n)),
            "estimate": [float(k) for k in counts.values()],
            "rule": list(counts),
        }
    )
