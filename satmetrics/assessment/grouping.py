"""A model fitted in every group: what comparisons between groups start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray, MissingPolicy
from satmetrics.errors import ConvergenceError, DataError
from satmetrics.estimation.door import (
    as_model,
    model_products,
    model_survey,
    scale_ends,
    scale_notes,
)
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.pls import as_options, check_kinds, fit_moments
from satmetrics.inference.members import grouped
from satmetrics.inference.permutation import Grouped
from satmetrics.inference.protocol import Sampling, Statistics
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments


@dataclass(frozen=True, eq=False)
class Divided:
    """Respondents of several groups, and the model fitted in each.

    Attributes
    ----------
    groups : respondents and their groups.
    fits : one batch, a fit per group; failures are rows of its status.
    keep : whether solutions outside the possible ones are compared.
    """

    groups: Grouped
    fits: PlsFit
    keep: bool = True

    @property
    def sound(self) -> BoolArray:
        """Return (G,): whether a group has a fit that is compared."""
        return np.asarray(self.fits.converged if self.keep else self.fits.admissible)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of groups."""
        return list(combinations(range(self.groups.n_groups), 2))

    def failure(self, *groups: int) -> str:
        """Return why the first of these groups that failed has no fit, or nothing."""
        for g in groups:
            if not self.sound[g]:
                return f"{self.groups.names[g]}: {self.fits.reasons[g]}"
        return ""

    def require_two(self) -> None:
        """Raise unless the model could be fitted in two groups at least."""
        if self.sound.sum() > 1:
            return
        every = range(self.groups.n_groups)
        causes = tuple(self.failure(g) for g in every if not self.sound[g])
        outside = any("inadmissible" in cause for cause in causes)
        hint = '; inadmissible="keep" keeps them and says so' if outside else ""
        raise ConvergenceError(
            f"the model could be fitted in {int(self.sound.sum())} of "
            f"{self.groups.n_groups} groups",
            code="too-few-groups",
            value=causes,
            remedy="; ".join(causes[:3]) + hint,
        )

    def status(self) -> Table:
        """Return what became of each group."""
        return Table.of(
            {
                "group": list(self.groups.names),
                "n": self.fits.moments.n,
                "converged": self.fits.converged,
                "admissible": self.fits.admissible,
                "reason": list(self.fits.reasons),
            }
        )


class Tally:
    """Counts draws done and draws that failed, by reason."""

    def __init__(
        self, total: int, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self.total, self.progress = total, progress
        self.done = self.outside = 0
        self.failures: Counter[str] = Counter()

    def judge(self, found: Statistics, G: int, *, keep: bool) -> BoolArray:
        """Note b draws of G groups; return which are compared.

        Solutions outside the possible ones fail, or with `keep` are counted.
        """
        ok, sound = found.ok.reshape(-1, G), found.admissible.reshape(-1, G)
        good = self.add(ok if keep else sound, found.reasons)
        self.outside += int((good & ~sound.all(axis=1)).sum())
        return good

    def add(self, ok: BoolArray, reasons: Sequence[str]) -> BoolArray:
        """Note b more draws; return which of them could be fitted in every group.

        Parameters
        ----------
        ok : (b, G), whether each group's fit succeeded.
        reasons : b · G reasons; of a draw that failed the first group's that did.
        """
        good = np.asarray(ok.all(axis=1))
        G = ok.shape[1]
        for i in np.flatnonzero(~good).tolist():
            reason = reasons[i * G + int(np.argmin(ok[i]))]
            self.failures[reason or "not a number"] += 1
        self.done += len(good)
        if self.progress is not None:
            self.progress(self.done, self.total)
        return good

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """Pairs (reason, how many)."""
        return tuple(sorted(self.failures.items()))

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on draws that were kept though no solution can be there."""
        if not self.outside:
            return ()
        return (f"{self.outside:,} draws with an inadmissible solution were kept",)

    @property
    def exclusions(self) -> list[Exclusion]:
        """The failures as exclusions."""
        return [Exclusion(reason, count, "draws") for reason, count in self.counts]


@dataclass(frozen=True, eq=False)
class Respondents:
    """Respondents with their groups, and the model that is to be fitted to groups.

    Attributes
    ----------
    groups : respondents and their groups.
    model, options : what is fitted, and how.
    ends : (2, p) of the indicators' scales.
    sampling : how rows became moments.
    """

    groups: Grouped
    model: StructuralModel
    options: PlsOptions
    ends: FloatArray
    sampling: Sampling

    def fitted(self, groups: Grouped, *, keep: bool = True) -> Divided:
        """Fit the model in every group of a division of these respondents."""
        fits = fit_moments(
            self.model,
            groups.moments(),
            self.options,
            ends=self.ends,
            sampling=self.sampling,
        )
        return Divided(groups, fits, keep)


def refuse_moments(data: object) -> None:
    """Raise if there are no respondents who could change groups."""
    if isinstance(data, Moments):
        raise DataError(
            "groups are compared by exchanging or resampling respondents, and only "
            "moments are given",
            code="no-answers",
            remedy="pass the survey or frame",
        )


def read_groups(
    model: StructuralModel | str,
    data: object,
    by: str | Sequence[str],
    options: PlsOptions | None,
    *,
    weights: str | None,
    missing: MissingPolicy,
) -> Respondents:
    """Read the respondents of the groups a model is to be fitted in.

    Raises
    ------
    DataError
        If only moments are given, fewer than two groups are told apart, or a column is
        absent.
    """
    chosen = as_model(model, data)
    settings = as_options(options)
    check_kinds(chosen, settings)
    refuse_moments(data)
    survey = model_survey(chosen, data)
    if weights is not None:
        survey = survey.with_roles(weight=weights)
    products = model_products(chosen, survey, missing)
    groups = grouped(survey, chosen.indicators, by, missing, products)
    ends = scale_ends(chosen, data)
    groups = groups.noted(scale_notes(chosen, ends))
    return Respondents(
        groups, chosen, settings, ends, Sampling(missing, weights, products)
    )


def divide(
    model: StructuralModel | str,
    data: object,
    by: str | Sequence[str],
    options: PlsOptions | None,
    *,
    weights: str | None,
    missing: MissingPolicy,
    keep: bool = True,
) -> Divided:
    """Fit a model in every group of respondents.

    Raises
    ------
    DataError
        If only moments are given, fewer than two groups are told apart, or a column is
        absent.
    """
    read = read_groups(model, data, by, options, weights=weights, missing=missing)
    return read.fitted(read.groups, keep=keep)
