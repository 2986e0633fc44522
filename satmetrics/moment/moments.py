"""`Moments`: means and covariances, the one thing nearly every method needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from satmetrics._checks import columns_present, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._linalg import cov_to_corr
from satmetrics._result import Context, Result
from satmetrics._typing import AnyArray, FloatArray, IntArray, MissingPolicy
from satmetrics.errors import (
    DataError,
    MissingMomentsError,
    OptionError,
)
from satmetrics.moment import _kernel as kernel
from satmetrics.survey._lazy import is_lazy

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["sample", "pairwise", "em", "polychoric", "table"]


@dataclass(frozen=True, eq=False, repr=False)
class Moments(Result):
    r"""Means and covariances of items, for one group or a batch of groups.

    A batch has a leading axis; its groups share one set of items. For one group the
    axis is absent: ``mean`` has shape (p,), for G groups (G, p).

    Attributes
    ----------
    names : the p items.
    n : rows behind the figures, () or (G,).
    mean : (…, p)
    cov : (…, p, p), divisor n − 1 (weighted: :math:`Σw − Σw^2/Σw`); the off-diagonal
        is NaN where only standard deviations are known.
    n_eff : Kish's effective n, :math:`(Σw)^2/Σw^2`.
    weight_sum : :math:`Σw`.
    taylor : (…, p, p) linearised covariance of weighted or pairwise means, else None;
        `mean_cov` is the one to use.
    pair_n : (…, p, p) rows behind each covariance, for pairwise moments.
    acov : (…, p + p*, p + p*) covariance of (mean, vech cov), when asked for.
    kind : "sample", "pairwise", "em", "polychoric" or "table" (published figures).
    keys : one row per group of a batch.
    reasons : per group, why its figures cannot be had; empty where they can.
    context : origin and what was left out.
    """

    names: tuple[str, ...]
    n: Any
    mean: FloatArray
    cov: FloatArray
    n_eff: Any = None
    weight_sum: Any = None
    taylor: FloatArray | None = None
    pair_n: FloatArray | None = None
    acov: FloatArray | None = None
    kind: Kind = "sample"
    keys: Table | None = None
    reasons: tuple[str, ...] = ()
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "names", tuple(self.names))
        put(self, "mean", np.asarray(self.mean, dtype=np.float64))
        put(self, "cov", np.asarray(self.cov, dtype=np.float64))
        put(self, "n", np.asarray(self.n)[()])
        for name in ("n_eff", "weight_sum"):
            given = getattr(self, name)
            value = self.n if given is None else given
            put(self, name, np.asarray(value, dtype=np.float64)[()])
        if not self.reasons:
            put(self, "reasons", ("",) * int(np.prod(self.batch_shape, dtype=int)))
        self._check()
        super().__post_init__()

    def _check(self) -> None:
        p = len(self.names)
        if len(set(self.names)) != p:
            twice = next(n for n in self.names if self.names.count(n) > 1)
            raise DataError(f"item {twice!r} occurs twice", code="duplicate-items")
        shape = self.batch_shape
        if self.mean.shape != (*shape, p) or self.cov.shape != (*shape, p, p):
            raise DataError(
                f"{p} items need a mean of shape {(*shape, p)} and a covariance of "
                f"shape {(*shape, p, p)}; got {self.mean.shape} and {self.cov.shape}",
                code="bad-shape",
            )
        if (np.diagonal(self.cov, axis1=-2, axis2=-1) < 0).any():
            raise DataError("a variance is negative", code="negative-variance")

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch: () for one group, (G,) for G groups."""
        return tuple(np.shape(self.n))

    @property
    def mean_cov(self) -> FloatArray:
        """Covariance of the means (…, p, p): cov/n, or its linearised form.

        NaN off the diagonal where correlations are not known.
        """
        if self.taylor is not None:
            return self.taylor
        divisor = np.asarray(self.n_eff, dtype=np.float64)[..., None, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.cov / divisor)

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (…, p)."""
        return np.asarray(np.sqrt(np.diagonal(self.cov, axis1=-2, axis2=-1)))

    @property
    def has_correlations(self) -> bool:
        """Whether correlations are known; a published table may come without them."""
        return self.kind != "table" or not bool(np.isnan(self.cov).any())

    def corr(self) -> FloatArray:
        """Return correlations (…, p, p); NaN for a constant item.

        Raises
        ------
        MissingMomentsError
            If only means and standard deviations were given.
        """
        return cov_to_corr(self.require_cov())

    def require_cov(self) -> FloatArray:
        """Return `cov`, or raise when it is not known or there are no two rows."""
        if (np.asarray(self.n) < 2).all():
            raise DataError(
                "no covariance can be computed from fewer than two complete rows",
                code="too-few-rows",
                value=int(np.max(self.n, initial=0)),
                remedy="; ".join([r for r in self.reasons if r][:2])
                or "more respondents are needed",
            )
        if not self.has_correlations:
            raise MissingMomentsError(
                "this needs correlations, and none are given",
                code="no-correlations",
                remedy="pass corr= to Moments.from_table",
            )
        return self.cov

    def require_groups(self, by: str | Sequence[str] | None) -> None:
        """Raise ``OptionError`` if groups are asked for that are not those held."""
        own = () if self.keys is None else self.keys.names
        asked = () if by is None else (by,) if isinstance(by, str) else tuple(by)
        if asked and asked != own:
            raise OptionError(
                f"by={list(asked)} and the moments are grouped by {list(own)}",
                code="bad-by",
                column="by",
                value=asked,
                remedy="group when making them: Moments.from_frame(data, items, by=…)",
            )

    @classmethod
    @friendly_keywords
    def from_frame(
        cls,
        data: object,
        items: Sequence[str] | None = None,
        by: str | Sequence[str] | None = None,
        weights: str | None = None,
        missing: MissingPolicy = "listwise",
        acov: bool = False,
        ordinal: bool | Sequence[str] = False,
    ) -> Moments:
        """Compute moments of answers.

        Parameters
        ----------
        data : a Survey, or any dataframe (pandas, Polars, PyArrow). A Polars lazy frame
            or a DuckDB relation is not read: its sums are queries, run where it is. It
            takes `items` by name, and `missing` "listwise" or "error" only.
        items : columns to use; all items of the survey's instrument when None.
        by : columns or roles ("unit", "wave") whose combinations make the batch.
        weights : weight column; the survey's weight role when None.
        missing : "listwise" drops rows with a missing answer, "pairwise" uses for each
            entry the rows that have both answers, "mean" fills in the item's mean (and
            so shrinks variances), "em" estimates means and covariances by maximum
            likelihood from all answers given (normal theory, missing at random),
            "error" raises. What was left out is counted.
        acov : also estimate the covariance of all entries from the rows.
        ordinal : True, or a list of items that are ordered categories: correlations
            among them are polychoric, with other items polyserial; means and standard
            deviations stay those of the answers. With "listwise" or "pairwise".

        Returns
        -------
        Moments, a batch when `by` is given.

        Raises
        ------
        DataError
            If a column is absent, text, infinite or off its scale.

        Examples
        --------
        >>> import pandas as pd
        >>> import satmetrics as sat
        >>> answers = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 4, 6, 9]})
        >>> m = sat.Moments.from_frame(answers)
        >>> print(m.n, m.mean)
        4 [2.5  5.25]
        """
        from satmetrics.moment.answers import from_answers
        from satmetrics.moment.pushdown import from_lazy

        compute = from_lazy if is_lazy(data) else from_answers
        return compute(
            data,
            items,
            by=by,
            weights=weights,
            missing=missing,
            acov=acov,
            ordinal=ordinal,
        )

    @classmethod
    @friendly_keywords
    def from_table(
        cls,
        mean: Sequence[float] | FloatArray | None,
        sd: Sequence[float] | FloatArray | None,
        corr: Sequence[Sequence[float]] | FloatArray | None = None,
        n: int = 0,
        names: Sequence[str] | None = None,
        context: Context | None = None,
    ) -> Moments:
        """Take published means, standard deviations and correlations.

        Parameters
        ----------
        mean, sd : (p,) in the units of the answers; sd with divisor n − 1. Means of
            None are not known (NaN); with an sd of None items are standardised, which
            a note says.
        corr : (p, p); without it whatever needs correlations raises.
        n : respondents behind the table.
        names : the items; ``x1 …`` when None.
        context : origin of the figures.

        Raises
        ------
        DataError
            If shapes disagree, an sd is negative, n is less than 2, or `corr` is not
            symmetric with unit diagonal.

        Examples
        --------
        >>> import satmetrics as sat
        >>> m = sat.Moments.from_table(
        ...     [5.0, 6.0], [1.0, 2.0], [[1, 0.5], [0.5, 1]], n=50
        ... )
        >>> float(m.cov[0, 1])
        1.0
        """
        from satmetrics.moment.published import from_table

        return from_table(mean, sd, corr, n=n, names=names, context=context)

    def group(self, which: int) -> Moments:
        """Return one group of a batch, by position."""
        return self._at(int(which), keys=None, reasons=(self.reasons[which],))

    def take(self, rows: Sequence[int] | AnyArray) -> Moments:
        """Return the given groups of a batch, as a batch."""
        where = np.asarray(rows, dtype=np.int64)
        keys = None if self.keys is None else self.keys.take(where)
        return self._at(where, keys=keys, reasons=tuple(self.reasons[i] for i in where))

    def _at(
        self, where: int | IntArray, *, keys: Table | None, reasons: tuple[str, ...]
    ) -> Moments:
        def pick(values: FloatArray | None) -> FloatArray | None:
            return None if values is None else np.asarray(values[where])

        return dataclasses.replace(
            self,
            n=self.n[where],
            mean=self.mean[where],
            cov=self.cov[where],
            n_eff=self.n_eff[where],
            weight_sum=self.weight_sum[where],
            keys=keys,
            reasons=reasons,
            taylor=pick(self.taylor),
            pair_n=pick(self.pair_n),
            acov=pick(self.acov),
        )

    def select(self, names: Sequence[str]) -> Moments:
        """Return the moments of some of the items, in the order given.

        Raises
        ------
        DataError
            If an item is not among them, with the nearest name.
        """
        if tuple(names) == self.names:
            return self
        columns_present(names, self.names, where="the set of moments")
        at = np.array([self.names.index(name) for name in names], dtype=np.int64)
        grid = (..., at[:, None], at[None, :])
        acov = self.acov
        if acov is not None:
            entries = _entries(at, len(self.names))
            acov = acov[..., entries[:, None], entries[None, :]]
        return dataclasses.replace(
            self,
            names=tuple(names),
            mean=self.mean[..., at],
            cov=self.cov[grid],
            taylor=None if self.taylor is None else self.taylor[grid],
            pair_n=None if self.pair_n is None else self.pair_n[grid],
            acov=acov,
        )

    def linear(
        self,
        matrix: FloatArray,
        names: Sequence[str],
        offset: FloatArray | float = 0.0,
    ) -> Moments:
        """Return the moments of ``A x + b``: means ``A μ + b``, covariances ``A Σ Aᵀ``.

        Parameters
        ----------
        matrix : (m, p), or (G, m, p) with one for each group of a batch.
        names : the m new variables.
        offset : b, (m,) or (G, m).

        Raises
        ------
        MissingMomentsError
            If correlations are needed and not known.
        """
        A = np.asarray(matrix, dtype=np.float64)
        self.require_cov()
        At = np.swapaxes(A, -1, -2)
        return Moments(
            names=tuple(names),
            n=self.n,
            mean=(A @ self.mean[..., None])[..., 0] + offset,
            cov=kernel.mapped_cov(A, self.cov),
            n_eff=self.n_eff,
            weight_sum=self.weight_sum,
            taylor=None if self.taylor is None else A @ self.taylor @ At,
            kind=self.kind,
            keys=self.keys,
            reasons=self.reasons,
            context=self.context,
        )

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of respondents together.

        Raises
        ------
        DataError
            If either is not a sample moment of the same items.
        """
        from satmetrics.moment.combine import combine

        return combine(self, other, +1)

    def subtract(self, other: Moments) -> Moments:
        """Return the moments without the respondents of `other` (who must be in self).

        Raises
        ------
        DataError
            If either is not a sample moment of the same items, or nobody is left.
        """
        from satmetrics.moment.combine import combine

        return combine(self, other, -1)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per item: keys, item, n, mean, sd, and its correlations."""
        return self._table().to_frame()

    def _table(self) -> Table:
        parts = []
        batch = self.keys is not None
        for g in range(len(self.reasons)):
            one = self.group(g) if self.batch_shape else self
            R = cov_to_corr(one.cov)
            columns: dict[str, object] = {}
            if self.keys is not None:
                row = self.keys.take(np.array([g]))
                columns |= {
                    k: np.repeat(row[k], len(self.names)) for k in self.keys.names
                }
            columns |= {"item": self.names, "n": np.full(len(self.names), one.n)}
            columns |= {"mean": one.mean, "sd": one.sd}
            columns |= {f"r_{name}": R[:, j] for j, name in enumerate(self.names)}
            keys = self.keys.names if batch and self.keys is not None else ()
            parts.append(Table.of(columns, keys=keys))
        return stack(parts, keys=self.keys.names if self.keys is not None else ())

    def summary(self) -> Summary:
        """Return items, n, means and standard deviations."""
        groups = len(self.reasons)
        words = {"item": "item", "n": "n", "mean": "mean", "sd": "sd"}
        keys = {k: k for k in (self.keys.names if self.keys is not None else ())}
        facts = (
            *self.context.facts(),
            ("items", str(len(self.names))),
            ("kind", self.kind),
            *((("groups", str(groups)),) if self.keys is not None else ()),
        )
        return Summary(
            "Moments",
            facts,
            (section("", self._table(), {**keys, **words}),),
            self.context.sentences() + tuple(r for r in self.reasons if r),
        )


def _entries(at: IntArray, p: int) -> IntArray:
    """Positions in (mean, vech cov) that belong to the selected items."""
    position = kernel.square(p)
    i, j = np.triu_indices(len(at))
    return np.concatenate([at, p + position[at[i], at[j]]])
