"""Covariances of blocks of items and the errors of what is computed from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from satmetrics._checks import either, one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.assessment import _delta as delta
from satmetrics.assessment._delta import Delta
from satmetrics.errors import OptionError
from satmetrics.moment.answers import no_groups
from satmetrics.moment.designs import Sampled, sampled_rows
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey

MISSING = ("listwise", "error")
ADF = "distribution-free"
NORMAL = "normal theory"
TERMS = 16
"""Numbers whose influence on every respondent is held at once."""


@dataclass(frozen=True, eq=False)
class MomentBlock:
    """A block of k items known by its moments, in G groups.

    Attributes
    ----------
    S : (G, k, k) covariance; n, n_eff : (G,).
    reasons : per group, why there are no figures.
    interval : kind of the errors; empty if there are none.
    acov : (G, ·, ·) covariance of the entries, if known.
    """

    S: FloatArray
    n: FloatArray
    n_eff: FloatArray
    reasons: tuple[str, ...]
    interval: str
    acov: FloatArray | None

    @property
    def single(self) -> BoolArray:
        """(G,) True where respondents count alike, as if sampled singly."""
        return np.isclose(self.n, self.n_eff)

    def errors(self, found: Delta) -> FloatArray:
        """Return errors from the covariance of the entries, else of normal answers."""
        if self.acov is not None:
            return delta.acov_errors(found, self.acov)
        if not self.interval:
            return np.full(found.value.shape, np.nan)
        return delta.normal_errors(found, self.S, self.n_eff)


@dataclass(frozen=True, eq=False)
class MomentSource:
    """Blocks of given moments."""

    moments: Moments
    keys: Table | None
    context: Context

    @classmethod
    def of(cls, moments: Moments, by: object) -> MomentSource:
        """Take moments, whose groups must be those asked for."""
        moments.require_groups(_words(by))
        return cls(moments, moments.keys, moments.context)

    def block(self, items: tuple[str, ...], name: str = "") -> MomentBlock:  # noqa: ARG002
        """Return the block of the items."""
        chosen = self.moments.select(items)
        cov = chosen.require_cov()
        acov = chosen.acov
        single = not chosen.batch_shape
        normal = NORMAL if chosen.kind in ("sample", "table") else ""
        return MomentBlock(
            cov[None] if single else cov,
            np.atleast_1d(np.asarray(chosen.n, dtype=np.float64)),
            np.atleast_1d(np.asarray(chosen.n_eff, dtype=np.float64)),
            chosen.reasons,
            ADF if acov is not None else normal,
            None if acov is None else (acov[None] if single else acov),
        )


@dataclass(frozen=True, eq=False)
class RowBlock:
    """A block of answers, the rows of a group one after the other.

    Attributes
    ----------
    S, n, n_eff, reasons, interval : as of a `MomentBlock`.
    Z : (U, k) answers about the mean of their group.
    v : (U,) weights that sum to 1 in each group.
    codes : (U,) group of each row.
    sampled : clusters and strata of the rows, if the survey has any.
    """

    S: FloatArray
    n: FloatArray
    n_eff: FloatArray
    reasons: tuple[str, ...]
    interval: str
    Z: FloatArray
    v: FloatArray
    codes: IntArray
    sampled: Sampled | None

    @property
    def single(self) -> BoolArray:
        """(G,) True where respondents count alike and were sampled singly."""
        return np.isclose(self.n, self.n_eff) & (self.sampled is None)

    def errors(self, found: Delta) -> FloatArray:
        """Return linearised errors that honour weights, clusters and strata."""
        starts = np.searchsorted(self.codes, np.arange(len(self.S) + 1)).tolist()
        if self.sampled is not None:
            T = found.value.shape[-1]
            parts = [
                self._sampled(self.sampled, found.slope[:, t : t + TERMS], starts)
                for t in range(0, T, TERMS)
            ]
            return np.concatenate(parts, axis=1)
        squares = delta.single_variances(found.slope, self.Z, self.v, starts)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(self.n > 1, self.n / (self.n - 1), np.nan)
        return np.asarray(np.sqrt(squares * factor[:, None]))

    def _sampled(
        self, sampled: Sampled, slope: FloatArray, starts: list[int]
    ) -> FloatArray:
        added = delta.influence(slope, self.Z, self.v, starts)
        columns: Iterator[FloatArray] = iter(np.ascontiguousarray(added.T))
        V = sampled.covariance(columns, self.codes, len(self.S))
        return np.sqrt(np.diagonal(V, axis1=1, axis2=2))


class RowSource:
    """Blocks of a survey's answers; what each leaves out is added to `context`."""

    def __init__(
        self, survey: Survey, columns: Sequence[str], by: object, missing: str
    ) -> None:
        one_of("missing", missing, MISSING)
        self.survey, self.missing = survey, missing
        self.keys: Table | None = None
        self.codes = np.zeros(survey.n, dtype=np.int64)
        asked = _words(by)
        if asked:
            self.codes, self.keys = survey.groups(list(asked))
            if not len(self.keys):
                raise no_groups(by)
        keyless = Exclusion(f"no value of {either(by)}", int((self.codes < 0).sum()))
        self.context = survey.context_for(tuple(columns)).plus(keyless)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return 1 if self.keys is None else len(self.keys)

    def block(self, items: tuple[str, ...], name: str = "") -> RowBlock:
        """Return the block of the items, of rows complete in them."""
        treated = treat_missing(
            self.survey.answers(items), items, self.missing, self.survey.weights
        )
        used = self.codes[treated.keep] >= 0
        lost = Exclusion(
            "answer missing (listwise)", int((~treated.keep).sum()), "rows", name
        )
        self.context = self.context.plus(lost)
        kept = np.flatnonzero(treated.keep)[used]
        order = np.argsort(self.codes[kept], kind="stable")
        rows, X = kept[order], treated.values[used][order]
        w = self.survey.weights
        weight = np.ones(len(rows)) if w is None else w[rows]
        return self._block(rows, X, weight, items)

    def _block(
        self, rows: IntArray, X: FloatArray, w: FloatArray, items: tuple[str, ...]
    ) -> RowBlock:
        codes = self.codes[rows]
        starts = np.searchsorted(codes, np.arange(self.n_groups + 1)).tolist()
        made = delta.grouped(X, w, starts)
        few = tuple(
            "" if n > 1 else f"{int(n)} complete rows of {items[0]} and the others"
            for n in made.n
        )
        sampled = sampled_rows(self.survey, rows)
        kept = (made.Z, made.v, codes, sampled)
        return RowBlock(made.S, made.n, made.n_eff, few, ADF, *kept)


Block: TypeAlias = MomentBlock | RowBlock
ItemSource: TypeAlias = MomentSource | RowSource


def source_of(
    data: object,
    survey: Survey | None,
    columns: Sequence[str],
    by: str | Sequence[str] | None,
    weights: str | None,
    missing: str,
) -> ItemSource:
    """Return the blocks' source: given moments, sums of a lazy frame, or answers."""
    if isinstance(data, Moments):
        refuse_weights(weights)
        return MomentSource.of(data, by)
    if is_lazy(data) or survey is None:
        moments = Moments.from_frame(data, list(columns), by=by, weights=weights)
        return MomentSource.of(moments, by)
    return RowSource(survey, columns, by, missing)


def refuse_weights(weights: str | None) -> None:
    """Raise where a weight column is named beside moments."""
    if weights is not None:
        raise OptionError(
            f"weights={weights!r} of moments",
            code="bad-weights",
            column="weights",
            value=weights,
            remedy="weight when making them: Moments.from_frame(…, weights=…)",
        )


def _words(by: object) -> tuple[str, ...]:
    if by is None:
        return ()
    return (by,) if isinstance(by, str) else tuple(by)  # type: ignore[arg-type]
