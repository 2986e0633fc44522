"""What inference asks of a fit: its moments, and its statistics at other moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from satmetrics._frames import Table
from satmetrics._result import Context, Record
from satmetrics._typing import BoolArray, FloatArray, IntArray, MissingPolicy
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products


@dataclass(frozen=True)
class Sampling(Record):
    """How a fit turned answers into moments, so that resamples are treated alike.

    Attributes
    ----------
    missing : the missing-answer policy.
    weights : weight column named at the fit; None for the survey's own.
    products : products of items that stand beside the answers; None for none.
    ordinal : items taken as ordered categories.
    """

    missing: MissingPolicy = "listwise"
    weights: str | None = None
    products: Products | None = None
    ordinal: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Statistics(Record):
    """Numbers of a fit for a batch of moments.

    Attributes
    ----------
    values : (B, k), in the order of the fit's `labels`.
    ok : (B,), False where the fit failed.
    admissible : (B,), False where it failed or lies outside the possible solutions.
    reasons : (B,) per member why it failed or is inadmissible; empty where it is sound.
    """

    values: FloatArray
    ok: BoolArray
    admissible: BoolArray
    reasons: tuple[str, ...]


class Units(Protocol):
    """What is drawn, left out or exchanged as a whole: rows, clusters or shards."""

    @property
    def kind(self) -> Literal["respondents", "clusters", "shards"]:
        """What one unit is."""

    @property
    def n_units(self) -> int:
        """Number of units U."""

    @property
    def shift(self) -> FloatArray:
        """What was subtracted (p,) from every answer, so that nothing cancels."""

    @property
    def strata(self) -> IntArray | None:
        """Stratum of each unit (U,), or None where all are one stratum."""

    @property
    def context(self) -> Context:
        """Origin of the rows and what was left out."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How the units are drawn, for people; empty for plain respondents."""

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples: a batch for counts (B, U), one for None."""

    def parts(self, which: IntArray) -> FloatArray:
        """Return what the given units add to the sums: (b, 3 + p + p*)."""

    def of_sums(self, sums: FloatArray) -> Moments:
        """Return the moments that sums (…, 3 + p + p*) of contributions make."""


class Refittable(Protocol):
    """A fit that can be resampled."""

    @property
    def source(self) -> Moments:
        """The moments of the data's columns, from which all else is computed."""

    @property
    def sampling(self) -> Sampling:
        """How they were made from answers."""

    @property
    def title(self) -> str:
        """What was fitted, for people."""

    @property
    def keeps_inadmissible(self) -> bool:
        """Whether solutions outside the possible ones are draws all the same."""

    def labels(self) -> Table:
        """Return k rows: term, source, target, construct, indicator, test.

        ``test`` is "zero" where the hypothesis that the number is 0 means something.
        """

    def statistics(self, moments: Moments) -> Statistics:
        """Fit a batch of moments of the columns of `source`; return its numbers."""

    def refit(self, moments: Moments) -> Refittable:
        """Fit a batch of moments of the columns of `source`; return the fit itself."""
