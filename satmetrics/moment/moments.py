"""`Moments`: means and covariances, the one thing nearly every method needs."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from satmetrics._checks import columns_present, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._linalg import cov_to_corr
from satmetrics._result import Context, Exclusion, Result
from satmetrics._typing import AnyArray, FloatArray, IntArray, MissingPolicy
from satmetrics.errors import (
    DataError,
    MissingDataWarning,
    MissingMomentsError,
    OptionError,
)
from satmetrics.moment import _kernel as kernel
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey, as_survey

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["sample", "pairwise", "em", "polychoric", "table"]
MANY_LOST = 0.2
"""A listwise loss above this share of rows is worth a warning."""


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
        """Whether correlations are known."""
        return len(self.names) == 1 or not bool(
            np.isnan(self.cov).any(axis=(-1, -2)).all()
        )

    def corr(self) -> FloatArray:
        """Return correlations (…, p, p); NaN for a constant item.

        Raises
        ------
        MissingMomentsError
            If only means and standard deviations were given.
        """
        return cov_to_corr(self.require_cov())

    def require_cov(self) -> FloatArray:
        """Return `cov`, or raise when correlations were not given."""
        if not self.has_correlations:
            if (np.asarray(self.n) < 2).all():
                raise DataError(
                    "no covariance can be computed from fewer than two complete rows",
                    code="too-few-rows",
                    value=int(np.max(self.n, initial=0)),
                    remedy="; ".join([r for r in self.reasons if r][:2])
                    or 'try missing="pairwise"',
                )
            raise MissingMomentsError(
                "this needs correlations, and none are given",
                code="no-correlations",
                remedy="pass corr= to Moments.from_table",
            )
        return self.cov

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
    ) -> Moments:
        """Compute moments of answers.

        Parameters
        ----------
        data : a Survey, or any dataframe (pandas, Polars, PyArrow).
        items : columns to use; all items of the survey's instrument when None.
        by : columns or roles ("unit", "wave") whose combinations make the batch.
        weights : weight column; the survey's weight role when None.
        missing : "listwise" drops rows with a missing answer, "pairwise" uses for each
            entry the rows that have both answers, "mean" fills in the item's mean (and
            so shrinks variances), "error" raises. What was left out is counted.
        acov : also estimate the covariance of all entries from the rows.

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
        survey = _weighted(as_survey(data), weights)
        names = tuple(items) if items is not None else survey.items
        answers = survey.answers(names)
        treated = treat_missing(answers, names, missing, survey.weights)
        context = survey.context_for(names).plus(*treated.exclusions)
        _warn_of_loss(treated.keep, missing)
        codes, keys = _grouping(survey, by)
        reasons = _absent_items(names, answers, codes, keys)
        kept = codes[treated.keep]
        lost = Exclusion(f"no value of {by}", int((kept < 0).sum()))
        w = None if survey.weights is None else survey.weights[treated.keep]
        build = _pairwise if missing == "pairwise" else _complete
        moments = build(names, treated.values, w, kept, keys, context.plus(lost))
        moments = dataclasses.replace(
            moments,
            reasons=reasons,
            acov=_acov(treated.values, w, kept, len(reasons)) if acov else None,
        )
        return moments if by is not None else moments.group(0)

    @classmethod
    @friendly_keywords
    def from_table(
        cls,
        mean: Sequence[float] | FloatArray,
        sd: Sequence[float] | FloatArray,
        corr: Sequence[Sequence[float]] | FloatArray | None = None,
        n: int = 0,
        names: Sequence[str] | None = None,
        context: Context | None = None,
    ) -> Moments:
        """Take published means, standard deviations and correlations.

        Parameters
        ----------
        mean, sd : (p,) in the units of the answers; sd with divisor n − 1.
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
        means = np.asarray(mean, dtype=np.float64)
        sds = np.asarray(sd, dtype=np.float64)
        p = len(means)
        _check_table(means, sds, corr, n)
        R = (
            np.full((p, p), np.nan)
            if corr is None
            else np.array(corr, dtype=np.float64)
        )
        np.fill_diagonal(R, 1.0)
        return cls(
            names=tuple(names) if names is not None else _default_names(p),
            n=n,
            mean=means,
            cov=R * np.outer(sds, sds),
            kind="table",
            context=context or Context(name="published table"),
        )

    def group(self, which: int) -> Moments:
        """Return one group of a batch, by position."""
        return self.take([which])._squeezed()

    def take(self, rows: Sequence[int] | AnyArray) -> Moments:
        """Return the given groups of a batch, as a batch."""
        rows = np.asarray(rows, dtype=np.int64)
        return dataclasses.replace(
            self,
            n=self.n[rows],
            mean=self.mean[rows],
            cov=self.cov[rows],
            n_eff=self.n_eff[rows],
            weight_sum=self.weight_sum[rows],
            taylor=None if self.taylor is None else self.taylor[rows],
            pair_n=None if self.pair_n is None else self.pair_n[rows],
            acov=None if self.acov is None else self.acov[rows],
            keys=None if self.keys is None else self.keys.take(rows),
            reasons=tuple(self.reasons[i] for i in rows),
        )

    def _squeezed(self) -> Moments:
        return dataclasses.replace(
            self,
            n=self.n[0],
            mean=self.mean[0],
            cov=self.cov[0],
            n_eff=self.n_eff[0],
            weight_sum=self.weight_sum[0],
            taylor=None if self.taylor is None else self.taylor[0],
            pair_n=None if self.pair_n is None else self.pair_n[0],
            acov=None if self.acov is None else self.acov[0],
            keys=None,
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

    def linear(self, matrix: FloatArray, names: Sequence[str]) -> Moments:
        """Return the moments of ``A x``: means ``A μ``, covariances ``A Σ Aᵀ``.

        Parameters
        ----------
        matrix : (m, p)
        names : the m new variables.

        Raises
        ------
        MissingMomentsError
            If correlations are needed and not known.
        """
        A = np.asarray(matrix, dtype=np.float64)
        self.require_cov()
        return Moments(
            names=tuple(names),
            n=self.n,
            mean=self.mean @ A.T,
            cov=A @ self.cov @ A.T,
            n_eff=self.n_eff,
            weight_sum=self.weight_sum,
            taylor=None if self.taylor is None else A @ self.taylor @ A.T,
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
        return self._combined(other, +1)

    def subtract(self, other: Moments) -> Moments:
        """Return the moments without the respondents of `other` (who must be in self).

        Raises
        ------
        DataError
            If either is not a sample moment of the same items, or nobody is left.
        """
        return self._combined(other, -1)

    def _combined(self, other: Moments, sign: int) -> Moments:
        _check_combination(self, other)
        other = other.select(self.names)
        shift = self.mean
        sums = [_raw(m, shift) for m in (self, other)]
        total = [a + sign * b for a, b in zip(*sums, strict=True)]
        n, W, W2, first, second = total
        if (np.asarray(n) < 0).any() or (np.asarray(W) <= 0).any():
            raise DataError("nobody would be left", code="empty-moments")
        m = first / W[..., None]
        divisor = W - W2 / W
        cov = second - first[..., :, None] * m[..., None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            cov = cov / np.where(divisor > 1e-9 * W, divisor, np.nan)[..., None, None]
        rows = np.asarray(n)
        return dataclasses.replace(
            self,
            n=np.rint(rows).astype(np.int64),
            mean=shift + m,
            cov=cov,
            n_eff=W**2 / W2,
            weight_sum=W,
            taylor=None,
            acov=None,
        )

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


def _default_names(p: int) -> tuple[str, ...]:
    return tuple(f"x{i + 1}" for i in range(p))


def _weighted(survey: Survey, weights: str | None) -> Survey:
    if weights is None:
        return survey
    if not isinstance(weights, str):
        raise OptionError(
            f"weights={weights!r} is not a column name",
            code="bad-weights",
            column="weights",
            remedy="put the weights in a column and name it",
        )
    return survey.with_roles(weight=weights)


def _warn_of_loss(keep: AnyArray, missing: MissingPolicy) -> None:
    lost = int((~keep).sum())
    if missing == "listwise" and lost > MANY_LOST * len(keep):
        warnings.warn(
            f"{lost} of {len(keep)} rows have a missing answer and are left out; "
            'missing="pairwise" would use their other answers',
            MissingDataWarning,
            stacklevel=4,
        )


def _grouping(
    survey: Survey, by: str | Sequence[str] | None
) -> tuple[IntArray, Table | None]:
    if by is None:
        return np.zeros(survey.n, dtype=np.int64), None
    return survey.groups(by)


def _complete(
    names: tuple[str, ...],
    X: FloatArray,
    weights: FloatArray | None,
    codes: IntArray,
    keys: Table | None,
    context: Context,
) -> Moments:
    used = codes >= 0
    G = 1 if keys is None else len(keys)
    w = np.ones(len(X)) if weights is None else weights
    filled = np.where(used[:, None], X, 0.0)
    shift = filled[used].mean(axis=0) if used.any() else np.zeros(X.shape[1])
    Z = filled - shift
    sums = kernel.moments_of_sums(kernel.group_sums(Z, w, codes, G), shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = sums.weight_sum**2 / sums.weight_sq
    taylor = None if weights is None else _taylor(Z, w, codes, sums, sums.mean - shift)
    return Moments(
        names=names,
        n=np.rint(sums.n).astype(np.int64),
        mean=sums.mean,
        cov=sums.cov,
        n_eff=n_eff,
        weight_sum=sums.weight_sum,
        taylor=taylor,
        keys=keys,
        context=context,
    )


def _taylor(
    Z: FloatArray, w: FloatArray, codes: IntArray, sums: kernel.Sums, m: FloatArray
) -> FloatArray:
    """Covariance of weighted means: n/(n−1) Σ w²(z−m)(z−m)ᵀ / (Σw)²."""
    p = Z.shape[1]
    T = kernel.group_sums(Z, w * w, codes, len(m))
    first = T[:, kernel.HEAD : kernel.HEAD + p]
    second = T[:, kernel.HEAD + p :][:, kernel.square(p)]
    cross = first[:, :, None] * m[:, None, :]
    middle = second - cross - np.swapaxes(cross, 1, 2)
    middle = middle + T[:, 1, None, None] * m[:, :, None] * m[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = sums.n / (sums.n - 1) / sums.weight_sum**2
    return np.asarray(middle * np.where(sums.n > 1, factor, np.nan)[:, None, None])


def _pairwise(
    names: tuple[str, ...],
    X: FloatArray,
    weights: FloatArray | None,
    codes: IntArray,
    keys: Table | None,
    context: Context,
) -> Moments:
    G = 1 if keys is None else len(keys)
    w = np.ones(len(X)) if weights is None else weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        shift = np.nan_to_num(np.nanmean(X, axis=0))
    sums = kernel.pairwise(X - shift, w, codes, G, shift)
    complete = np.nan_to_num(sums.cov)
    indefinite = int((np.linalg.eigvalsh(complete)[:, 0] < -1e-10).sum())
    note = f"{indefinite} pairwise covariance matrices are not positive semi-definite"
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = sums.weight_sum**2 / sums.weight_sq
        mean_cov = _pairwise_mean_cov(sums.cov, sums.pair_n)
    return Moments(
        names=names,
        n=np.rint(sums.n).astype(np.int64),
        mean=sums.mean,
        cov=sums.cov,
        n_eff=n_eff,
        weight_sum=sums.weight_sum,
        taylor=mean_cov * (sums.n / n_eff)[:, None, None],
        pair_n=sums.pair_n,
        kind="pairwise",
        keys=keys,
        context=context.plus(notes=(note,) if indefinite else ()),
    )


def _pairwise_mean_cov(cov: FloatArray, pair_n: FloatArray) -> FloatArray:
    """Covariance of available-case means: cov_ij n_ij / (n_i n_j)."""
    own = np.diagonal(pair_n, axis1=-2, axis2=-1)
    return np.asarray(cov * pair_n / (own[:, :, None] * own[:, None, :]))


def _absent_items(
    names: tuple[str, ...], answers: FloatArray, codes: IntArray, keys: Table | None
) -> tuple[str, ...]:
    G = 1 if keys is None else len(keys)
    seen = np.zeros((G, len(names)), dtype=np.int64)
    used = codes >= 0
    np.add.at(seen, codes[used], np.isfinite(answers[used]).astype(np.int64))
    reasons = []
    for g in range(G):
        empty = [names[j] for j in np.flatnonzero(seen[g] == 0)]
        reasons.append(f"no answers to {', '.join(empty[:5])}" if empty else "")
    return tuple(reasons)


def _acov(
    X: FloatArray, weights: FloatArray | None, codes: IntArray, n_groups: int
) -> FloatArray:
    """Covariance of (mean, vech cov) from each row's influence; groups one by one.

    The product of q columns per group is one BLAS call; a batched form would need
    rows × q² numbers at once.
    """
    p = X.shape[1]
    i, j = np.triu_indices(p)
    w = np.ones(len(X)) if weights is None else weights
    out = np.empty((n_groups, p + len(i), p + len(i)))
    for g in range(n_groups):
        rows = codes == g
        v = w[rows] / w[rows].sum()
        Z = X[rows] - v @ X[rows]
        products = Z[:, i] * Z[:, j]
        influence = np.hstack([Z, products - v @ products]) * v[:, None]
        n = rows.sum()
        out[g] = influence.T @ influence * (n / (n - 1))
    return out


def _entries(at: IntArray, p: int) -> IntArray:
    """Positions in (mean, vech cov) that belong to the selected items."""
    position = kernel.square(p)
    i, j = np.triu_indices(len(at))
    return np.concatenate([at, p + position[at[i], at[j]]])


def _raw(m: Moments, shift: FloatArray) -> tuple[Any, ...]:
    W = np.asarray(m.weight_sum, dtype=np.float64)
    W2 = W**2 / m.n_eff
    d = m.mean - shift
    first = W[..., None] * d
    second = m.cov * (W - W2 / W)[..., None, None]
    second = np.nan_to_num(second) + first[..., :, None] * d[..., None, :]
    return np.asarray(m.n), W, W2, first, second


def _check_combination(one: Moments, other: Moments) -> None:
    for m in (one, other):
        if m.kind != "sample":
            raise DataError(
                f"{m.kind} moments cannot be merged or subtracted",
                code="not-sample-moments",
                value=m.kind,
                remedy="compute them again from the answers",
            )
    if set(one.names) != set(other.names):
        odd = sorted(set(one.names) ^ set(other.names))
        raise DataError(
            f"the two sets of moments differ in items: {odd[:5]}",
            code="different-items",
            value=tuple(odd),
            remedy="select() the common items first",
        )
    if one.batch_shape != other.batch_shape:
        raise DataError("the two batches differ in size", code="bad-shape")


def _check_table(mean: FloatArray, sd: FloatArray, corr: object, n: int) -> None:
    p = len(mean)
    if sd.shape != (p,):
        raise DataError(
            f"{p} means and {sd.size} standard deviations", code="bad-shape"
        )
    if (sd < 0).any() or not np.isfinite(mean).all() or not np.isfinite(sd).all():
        raise DataError(
            "means must be finite and standard deviations not negative",
            code="bad-table",
        )
    if n < 2:
        raise DataError(
            f"n={n}", code="bad-n", value=n, remedy="give the number of respondents, n="
        )
    if corr is None:
        return
    R = np.asarray(corr, dtype=np.float64)
    if R.shape != (p, p):
        raise DataError(f"corr has shape {R.shape}, needed {(p, p)}", code="bad-shape")
    if not np.allclose(R, R.T, atol=1e-8) or not np.allclose(np.diag(R), 1, atol=1e-8):
        raise DataError(
            "corr must be symmetric with ones on the diagonal",
            code="bad-corr",
            remedy="pass correlations, not covariances",
        )
    if (np.abs(R) > 1 + 1e-8).any():
        raise DataError("a correlation lies outside [−1, 1]", code="bad-corr")
