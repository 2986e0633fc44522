"""What inference asks of a fit: its moments, and its statistics at other moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import BoolArray, FloatArray, MissingPolicy
from satmetrics.moment.moments import Moments


@dataclass(frozen=True)
class Sampling(Record):
    """How a fit turned answers into moments, so that resamples are treated alike.

    Attributes
    ----------
    missing : the missing-answer policy.
    weights : weight column named at the fit; None for the survey's own.
    """

    missing: MissingPolicy = "listwise"
    weights: str | None = None


@dataclass(frozen=True, eq=False)
class Statistics(Record):
    """Numbers of a fit for a batch of moments.

    Attributes
    ----------
    values : (B, k), in the order of the fit's `labels`.
    ok : (B,), False where the fit failed.
    failures : pairs (reason, how many).
    """

    values: FloatArray
    ok: BoolArray
    failures: tuple[tuple[str, int], ...] = ()


class Refittable(Protocol):
    """A fit that can be resampled."""

    @property
    def moments(self) -> Moments:
        """The moments it was fitted to."""

    @property
    def sampling(self) -> Sampling:
        """How they were made from answers."""

    @property
    def title(self) -> str:
        """What was fitted, for people."""

    def labels(self) -> Table:
        """Return k rows: term, source, target, construct, indicator, test.

        ``test`` is "zero" where the hypothesis that the number is 0 means something.
        """

    def statistics(self, moments: Moments) -> Statistics:
        """Fit a batch of moments and return its numbers."""
