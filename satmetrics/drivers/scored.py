"""A regression of an outcome on mean scores of blocks, and resamples of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, MissingPolicy
from satmetrics.drivers import _relative as kernel
from satmetrics.drivers.blocks import Blocks, Noun
from satmetrics.errors import DataError, OptionError
from satmetrics.inference.source import Source
from satmetrics.moment.moments import Moments
from satmetrics.moment.respondents import respondents
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of

Method = Literal["lmg", "johnson", "beta"]
METHODS: Mapping[str, str] = {
    "lmg": "shares of R², averaged over all orders of entry (LMG, Shapley)",
    "johnson": "shares of R², Johnson's relative weights",
    "beta": "standardised regression coefficients",
}
KERNELS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "lmg": kernel.lmg,
    "johnson": kernel.johnson,
    "beta": kernel.betas,
}


@dataclass(frozen=True, eq=False)
class Shares:
    """What a batch of regressions says of each block.

    Attributes
    ----------
    raw : (b, p) shares of R², or the coefficients themselves; NaN where singular.
    beta : (b, p) standardised coefficients.
    corr : (b, p) correlations with the outcome.
    r2 : (b,)
    """

    raw: FloatArray
    beta: FloatArray
    corr: FloatArray
    r2: FloatArray

    def take(self, rows: BoolArray) -> Shares:
        """Return some of the batch."""
        return Shares(self.raw[rows], self.beta[rows], self.corr[rows], self.r2[rows])

    @classmethod
    def joined(cls, parts: list[Shares]) -> Shares:
        """Put batches below each other."""
        return cls(
            np.concatenate([part.raw for part in parts]),
            np.concatenate([part.beta for part in parts]),
            np.concatenate([part.corr for part in parts]),
            np.concatenate([part.r2 for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """A regression on scores, to be computed of any moments of its columns.

    Attributes
    ----------
    columns : the items of the blocks, then the outcome.
    matrix : (p + 1, columns) map from columns to scores and outcome.
    names : of scores and outcome.
    method : what the shares are.
    """

    columns: tuple[str, ...]
    matrix: FloatArray
    names: tuple[str, ...]
    method: str

    @classmethod
    def of(cls, blocks: Blocks, outcome: str, method: str) -> Scored:
        """Return the regression of the outcome on the means of the blocks' items."""
        items = tuple(item for block in blocks.values() for item in block)
        A = np.zeros((len(blocks) + 1, len(items) + 1))
        start = 0
        for d, block in enumerate(blocks.values()):
            A[d, start : start + len(block)] = 1 / len(block)
            start += len(block)
        A[-1, -1] = 1.0
        named = tuple(f"score {name}" for name in blocks)
        return cls((*items, outcome), A, (*named, f"outcome {outcome}"), method)

    def __call__(self, moments: Moments) -> Shares:
        """Return shares and coefficients, of one group as a batch of one."""
        cov = moments.linear(self.matrix, self.names).cov
        corr = cov_to_corr(cov if cov.ndim == 3 else cov[None])
        R, r = corr[:, :-1, :-1], corr[:, :-1, -1]
        raw = KERNELS[self.method](R, r)
        beta = raw if self.method == "beta" else kernel.betas(R, r)
        return Shares(raw, beta, r, (beta * r).sum(axis=-1))

    def drawn(self, source: Source, draws: int, rng: np.random.Generator) -> Shares:
        """Return shares and coefficients of every draw."""
        return Shares.joined(
            [self(drawn.moments) for drawn in source.batches(draws, rng)]
        )

    def flat(self, moments: Moments) -> str:
        """Return the first score of one group that does not vary, or nothing."""
        sd = moments.linear(self.matrix, self.names).sd
        found = [name for name, s in zip(self.names, sd, strict=True) if not s > 0]
        return found[0] if found else ""

    def unsolved(self, moments: Moments, noun: Noun) -> DataError:
        """Return why a regression has no solution."""
        flat = self.flat(moments)
        dependent = f"the {noun.many} are linearly dependent"
        return DataError(
            f"{flat} does not vary" if flat else dependent,
            code="constant" if flat else "dependent",
            column=flat or None,
            remedy="leave it out"
            if flat
            else f"leave out {noun.many} that repeat others",
        )


def check_orders(method: str, p: int, most: int, noun: Noun) -> None:
    """Raise ``OptionError`` where all orders of entry are too many."""
    if method == "lmg" and p > most:
        raise OptionError(
            f"method='lmg' of {p} {noun.many} takes {2**p:,} regressions per draw",
            code=f"too-many-{noun.many}",
            column="method",
            value=p,
            remedy=f"up to {most} are taken; use method='johnson'",
        )


def source_of_columns(
    data: object,
    spec: Instrument | None,
    columns: tuple[str, ...],
    missing: MissingPolicy,
    draws: int,
) -> Source:
    """Return the moments of some columns, and with `draws` what to resample."""
    if isinstance(data, Moments):
        moments = data.select(columns)
        if moments.batch_shape:
            raise OptionError(
                "the moments are a batch of groups",
                code="not-single",
                column="data",
                remedy="take one: moments.group(0)",
            )
        moments.require_cov()
        return Source(moments, None)
    survey = survey_of(data, spec)
    columns_present(columns, survey.columns)
    moments = Moments.from_frame(survey, columns, missing=missing)
    units = None
    if draws:
        units = respondents(survey, columns, missing=missing, units="auto")
    return Source(moments, units)
