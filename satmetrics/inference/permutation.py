"""Respondents whose group labels change places: the null hypothesis of no difference.

If the groups are alike, every assignment of the labels to the respondents is equally
likely; the moments of permuted groups are one matrix product of 0/1 assignments and
respondents' contributions (Chin and Dibbern 2010, doi:10.1007/978-3-540-32827-8_8).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.inference import _permute
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.contributions import Contributions
from satmetrics.moment.moments import Moments
from satmetrics.moment.unit_sums import UnitSums
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey

MEMBERS = 500
"""Groups of permuted samples fitted at once: their matrices stay in cache."""
POLICIES = ("listwise", "mean", "error")


@dataclass(frozen=True, eq=False)
class Grouped:
    """Units (respondents, or clusters as a whole) and the group of each.

    Attributes
    ----------
    units : the U units of any group.
    codes : (U,) group of each.
    keys : one row of key values per group.
    """

    units: Contributions | UnitSums
    codes: IntArray
    keys: Table

    @property
    def n_groups(self) -> int:
        """Number of groups G."""
        return len(self.keys)

    @property
    def names(self) -> tuple[str, ...]:
        """What each group is called: its key values, joined."""
        columns = zip(*self.keys.columns, strict=True)
        return tuple(" / ".join(map(str, row)) for row in columns)

    @property
    def context(self) -> Context:
        """Origin of the rows and what was left out."""
        return self.units.context

    @property
    def exchanged(self) -> str:
        """What changes places, for people; empty for plain respondents."""
        within = "" if self.units.strata is None else " within strata"
        if self.units.kind == "clusters":
            return f"clusters changed groups as a whole{within}"
        return f"respondents changed groups{within}" if within else ""

    def noted(self, notes: tuple[str, ...]) -> Grouped:
        """Return the same with more notes in the context."""
        context = self.context.plus(notes=notes)
        return dataclasses.replace(
            self, units=dataclasses.replace(self.units, context=context)
        )

    def moments(self) -> Moments:
        """Return the moments of the groups, as a batch."""
        member = self.codes == np.arange(self.n_groups)[:, None]
        made = self.units.moments(np.asarray(member, dtype=np.float64))
        return dataclasses.replace(made, keys=self.keys)

    def pooled(self) -> Moments:
        """Return the moments of all respondents together."""
        return self.units.moments()

    def subset(self, groups: Sequence[int]) -> Grouped:
        """Return the units of some groups, numbered in the order given."""
        place = np.full(self.n_groups, -1, dtype=np.int64)
        place[list(groups)] = np.arange(len(groups))
        codes = place[self.codes]
        rows = np.flatnonzero(codes >= 0)
        return Grouped(
            _taken(self.units, rows), codes[rows], self.keys.take(np.array(groups))
        )

    def permuted(self, n_draws: int, rng: np.random.Generator) -> Iterator[Moments]:
        """Yield batches of the moments of permuted groups.

        A batch of b permutations holds b · G members: the groups of the first, then
        those of the second …
        """
        add = _adder(self.units)
        total = add(np.ones((1, self.units.n_units)))[0]
        held: list[FloatArray] = []
        size = 0
        strata = self.units.strata
        for codes in _permute.permuted_codes(self.codes, n_draws, rng, strata):
            sums = _permute.group_sums(codes, self.n_groups, total, add)
            held.append(sums.reshape(-1, len(total)))
            size += len(held[-1])
            if size >= MEMBERS:
                yield self.units.of_sums(np.concatenate(held))
                held, size = [], 0
        if held:
            yield self.units.of_sums(np.concatenate(held))

    def check_exchange(self) -> None:
        """Raise if no unit can change its group because strata are groups."""
        strata = self.units.strata
        if strata is None:
            return
        pairs = np.unique(np.stack([strata, self.codes]), axis=1)
        if np.bincount(pairs[0]).max(initial=0) < 2:
            raise DataError(
                "every stratum lies in one group, so that no respondent can change "
                "groups within a stratum",
                code="groups-are-strata",
                remedy='use method="welch", or leave the role stratum out',
            )

    def check_variance(self) -> None:
        """Raise if a stratum holds one unit only of a group, which then cannot vary."""
        clustered = self.units.kind == "clusters"
        if not clustered and self.units.strata is None:
            return
        strata = np.zeros(len(self.codes), dtype=np.int64)
        cell = strata if self.units.strata is None else self.units.strata
        lone = np.bincount(self.codes * (int(cell.max()) + 1) + cell) == 1
        if not lone.any():
            return
        group = self.names[int(np.flatnonzero(lone)[0]) // (int(cell.max()) + 1)]
        one = "cluster" if clustered else "respondent"
        raise DataError(
            f"group {group!r} has one {one} only in a stratum: its variance cannot be "
            "estimated",
            code=f"lone-{one}",
            value=group,
            remedy="merge strata, or leave the role out",
        )


def _taken(units: Contributions | UnitSums, rows: IntArray) -> Contributions | UnitSums:
    strata = units.strata
    if strata is not None:
        strata = np.unique(strata[rows], return_inverse=True)[1].ravel()
    if isinstance(units, Contributions):
        return dataclasses.replace(
            units, Z=units.Z[rows], w=units.w[rows], strata=strata
        )
    return dataclasses.replace(units, sums=units.sums[rows], strata=strata)


def _adder(units: Contributions | UnitSums) -> Callable[[FloatArray], FloatArray]:
    """Return a function from counts (B, U) to sums (B, m)."""
    if isinstance(units, Contributions):
        return units.summer()
    sums = units.sums
    return lambda counts: counts @ sums


def grouped(
    survey: Survey, items: tuple[str, ...], by: str | Sequence[str], missing: str
) -> Grouped:
    """Return the respondents of a survey, or its clusters, with their groups.

    Parameters
    ----------
    survey : the answers.
    items : the items.
    by : columns or roles; each combination that occurs is a group.
    missing : "listwise", "mean" (the mean of all respondents, so that they can change
        groups) or "error".

    Raises
    ------
    DataError
        If a column is absent, respondents are of fewer than two groups, or a cluster
        has respondents of several.
    OptionError
        If the policy makes moments that are no sums over respondents.
    """
    _check_policy(missing)
    codes, keys = survey.groups(by)
    inside = np.flatnonzero(codes >= 0)
    _check_groups(by, codes[inside], keys)
    weights = None if survey.weights is None else survey.weights[inside]
    treated = treat_missing(survey.answers(items)[inside], items, missing, weights)
    X, rows = treated.values, inside[treated.keep]
    lost = Exclusion(f"no value of {_listed(by)}", int((codes < 0).sum()))
    units = Contributions(
        items,
        shift=X.mean(axis=0),
        Z=X - X.mean(axis=0),
        w=np.ones(len(X)) if weights is None else weights[treated.keep],
        context=survey.context_for(items).plus(*treated.exclusions, lost),
    )
    design = survey.design().take(rows)
    if design.cluster is None:
        units = dataclasses.replace(units, strata=design.stratum)
        return Grouped(units, codes[rows], keys)
    _, first, cluster = np.unique(
        design.cluster, return_index=True, return_inverse=True
    )
    _check_whole(survey.roles.cluster, codes[rows], first, cluster.ravel())
    sums = kernel.group_sums(units.Z, units.w, cluster.ravel(), len(first))
    strata = None if design.stratum is None else design.stratum[first]
    whole = UnitSums(items, units.shift, sums, "clusters", strata, units.context)
    return Grouped(whole, codes[rows][first], keys)


def _check_whole(
    column: str | None, codes: IntArray, first: IntArray, cluster: IntArray
) -> None:
    crossing = int((codes != codes[first][cluster]).sum())
    if crossing:
        raise DataError(
            f"clusters of {column!r} hold respondents of several groups (at least "
            f"{crossing:,} respondents), and clusters change groups as a whole",
            code="clusters-cross-groups",
            column=column,
            value=crossing,
            remedy="leave the role cluster out, or compare groups of clusters",
        )


def _listed(by: str | Sequence[str]) -> str:
    return by if isinstance(by, str) else " and ".join(by)


def _check_policy(missing: str) -> None:
    if missing == "pairwise":
        raise OptionError(
            'missing="pairwise" gives moments that are no sums over respondents, who '
            "then cannot change groups",
            code="not-sample-moments",
            column="missing",
            value=missing,
            remedy='use missing="listwise" or missing="mean"',
        )
    one_of("missing", missing, POLICIES)


def _check_groups(by: str | Sequence[str], codes: IntArray, keys: Table) -> None:
    if len(keys) > 1:
        return
    value = ", ".join(str(column[0]) for column in keys.columns if len(column))
    raise DataError(
        f"{_listed(by) or 'by=[]'} tells {len(keys)} group apart"
        + (f" ({value}, n = {len(codes):,})" if value else "")
        + ": there is nothing to compare",
        code="one-group",
        column=_listed(by) or "by",
        value=value or None,
        remedy="name a column with at least two values",
    )
