"""Customers, managers and employees: who they are, in common groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.moment._column_means import MeanStats, Rows, column_means
from satmetrics.moment.designs import sampled_rows
from satmetrics.survey.survey import Survey

WORDS = ("customers", "managers", "employees")
ONE = {"customers": "customer", "managers": "manager", "employees": "employee"}
Census = bool | Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Source:
    """One kind of respondents, placed in the groups that all sources share.

    Attributes
    ----------
    word : "customers", "managers" or "employees".
    survey : their answers.
    keep : (N,) rows of the survey that are in a group.
    rows : groups, weights and sampled units of the rows kept; one group if `shared`.
    n_groups : G, groups of all sources together.
    shared : True if the same people speak for every group.
    population : (G,) how many there are: infinite if unknown, 0 for a census.
    words : how they were sampled, or empty.
    context : origin, and what was left out.
    """

    word: str
    survey: Survey
    keep: BoolArray
    rows: Rows
    n_groups: int
    shared: bool
    population: FloatArray
    words: str
    context: Context

    @property
    def sizes(self) -> IntArray:
        """People in each group (G,)."""
        return np.asarray(self._wide(self.rows.whole[0]), dtype=np.int64)

    def left(self, n: AnyArray) -> FloatArray:
        """Return ``1 − n/N`` of a variance of means of n (G, q); 0 for a census."""
        N = self.population[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(N > 0, np.maximum(1.0 - n / N, 0.0), 0.0)

    @property
    def counted(self) -> bool:
        """True if a finite population is known of any group."""
        return bool(np.isfinite(self.population).any())

    @property
    def plain(self) -> bool:
        """True if people were sampled singly, without clusters or strata."""
        return self.rows.unit is None

    def columns(self, names: Sequence[str]) -> list[FloatArray]:
        """Return answers of the rows kept, one array (n,) per column."""
        whole = bool(self.keep.all())
        found = self.survey.answer_columns(names)
        return [column if whole else column[self.keep] for column in found]

    def means(self, columns: Sequence[FloatArray]) -> MeanStats:
        """Return the statistics of columns in every group, each (G, q)."""
        found = column_means(columns, self.rows)
        if not self.shared:
            return found
        return MeanStats(
            self._wide(found.n),
            *(
                self._wide(part)
                for part in (
                    found.n_eff,
                    found.mean,
                    found.sd,
                    found.std_error,
                    found.df,
                )
            ),
        )

    def members(self, group: int) -> IntArray:
        """Return the rows of a group, by position."""
        return np.flatnonzero(self.rows.codes == (0 if self.shared else group))

    def weights(self, rows: IntArray) -> FloatArray:
        """Return weights of some rows, with mean 1."""
        if self.rows.w is None:
            return np.ones(rows.size)
        w = self.rows.w[rows]
        return np.asarray(w / w.mean())

    def _wide(self, values: AnyArray) -> AnyArray:
        if not self.shared:
            return values
        return np.repeat(values, self.n_groups, axis=0)


Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of all sources together.

    Attributes
    ----------
    by : the group columns; empty for one group of all.
    members : the key values of each group.
    """

    by: tuple[str, ...]
    members: tuple[Key, ...]

    def __len__(self) -> int:
        return len(self.members)

    @property
    def keys(self) -> Table | None:
        """One row of key values per group; None for one group of all."""
        if not self.by:
            return None
        columns = list(zip(*self.members, strict=True)) or [()] * len(self.by)
        return Table(self.by, tuple(map(_keys, columns)))

    def places(self) -> dict[Key, int]:
        """Return the position of each group by its key values."""
        return {row: at for at, row in enumerate(self.members)}

    def names(self) -> list[str]:
        """Return what each group is called: its key values, joined."""
        return [" / ".join(map(str, row)) for row in self.members]


def members_of(keys: Table) -> list[Key]:
    """Return the key values of each row."""
    return list(zip(*(column.tolist() for column in keys.columns), strict=True))


def place_sources(
    surveys: Mapping[str, Survey],
    by: str | Sequence[str] | None,
    shared: Sequence[str],
    census: Census,
) -> tuple[dict[str, Source], Groups]:
    """Put the respondents of every source into common groups.

    Parameters
    ----------
    surveys : word → answers, in the order of `WORDS`; the first names the groups.
    by : columns or roles.
    shared : sources that speak for every group.
    census : which sources were asked in full, or how many there are.

    Raises
    ------
    DataError
        If a source has no such column, or shares no group with the first.
    """
    words = [] if by is None else [by] if isinstance(by, str) else list(by)
    lead = next(iter(surveys.values()))
    coded: dict[str, tuple[IntArray, Table]] = {}
    for word, survey in surveys.items():
        if words and word not in shared:
            names = [own_key(word, survey, key, lead) for key in words]
            coded[word] = survey.groups(names)
    if words and not coded:
        raise OptionError(
            "every source is shared, so that there are no groups",
            code="all-shared",
            column="shared",
            value=tuple(shared),
            remedy="leave by= out",
        )
    groups = _common(coded)
    populations = _populations(census, groups, surveys)
    made = {
        word: _placed(word, survey, coded.get(word), groups, populations[word])
        for word, survey in surveys.items()
    }
    return made, groups


def own_key(word: str, survey: Survey, key: str, lead: Survey) -> str:
    """Return the column of a source that holds what `key` is to the first source."""
    roles, lead_roles = dict(survey.roles.items()), dict(lead.roles.items())
    role = next((r for r, c in lead_roles.items() if key in (r, c)), None)
    for name in (key, roles.get(key), role and roles.get(role), lead_roles.get(key)):
        if name and name in survey.columns:
            return str(name)
    raise DataError(
        f"{word} have no column {key!r}",
        code="no-group-column",
        column=key,
        value=key,
        remedy=f"{did_you_mean(key, survey.columns)} add the column, or pass "
        f"shared=({word!r},) if the same {word} speak for every group".strip(),
    )


def _common(coded: Mapping[str, tuple[IntArray, Table]]) -> Groups:
    """Unite the groups: those of the first source in its order, then the others'."""
    if not coded:
        return Groups((), ((),))
    first, *others = coded
    rows = dict.fromkeys(members_of(coded[first][1]))
    for word in others:
        own = dict.fromkeys(members_of(coded[word][1]))
        if own and rows and not set(own) & set(rows):
            raise DataError(
                f"{word} and {first} have no group of {list(coded[first][1].names)} "
                f"in common: {_shown(own)} against {_shown(rows)}",
                code="no-common-group",
                column=coded[first][1].names[0],
                value=next(iter(own)),
                remedy="name the groups alike in every source",
            )
        rows |= own
    return Groups(coded[first][1].names, tuple(rows))


def _shown(rows: Mapping[Key, object]) -> str:
    return ", ".join(" / ".join(map(str, row)) for row in list(rows)[:3])


def _keys(labels: Sequence[object]) -> AnyArray:
    if labels and all(isinstance(label, (int, float)) for label in labels):
        return np.asarray(labels)
    keys = np.empty(len(labels), dtype=object)
    keys[:] = [str(label) for label in labels]
    return keys


def _placed(
    word: str,
    survey: Survey,
    coded: tuple[IntArray, Table] | None,
    groups: Groups,
    population: FloatArray,
) -> Source:
    shared = coded is None and bool(groups.by)
    codes = np.zeros(survey.n, dtype=np.int64)
    if coded is not None:
        place = groups.places()
        own = [place[row] for row in members_of(coded[1])]
        codes = np.array([*own, -1], dtype=np.int64)[coded[0]]
    keep = codes >= 0
    sampled = sampled_rows(survey, None if keep.all() else np.flatnonzero(keep))
    rows = Rows(
        codes[keep],
        1 if shared else len(groups),
        None if survey.weights is None else survey.weights[keep],
        None if sampled is None else sampled.unit,
        None if sampled is None else sampled.strata,
    )
    lost = Exclusion(f"no value of {', '.join(groups.by)}", int((~keep).sum()), word)
    made = Source(
        *(word, survey, keep, rows, len(groups), shared, population),
        "" if sampled is None else sampled.words,
        survey.context_for(()).plus(lost),
    )
    _check_population(made, groups)
    return made


def _check_population(source: Source, groups: Groups) -> None:
    over = (source.population > 0) & (source.sizes > source.population)
    if over.any():
        at = int(np.flatnonzero(over)[0])
        raise DataError(
            f"census= says {source.population[at]:g} {source.word} and "
            f"{source.sizes[at]:,} answered"
            + (f" in {groups.names()[at]!r}" if groups.by else ""),
            code="bad-census",
            column="census",
            value=float(source.population[at]),
            remedy="give the number there are, not the number asked",
        )


def _populations(
    census: Census, groups: Groups, surveys: Mapping[str, Survey]
) -> dict[str, FloatArray]:
    """Return N of every source in every group: infinite if unknown, 0 for a census."""
    if not isinstance(census, (bool, Mapping)):
        raise _bad_census(census)
    if isinstance(census, Mapping):
        asked = dict(census)
    else:
        asked = {"managers": True} if census else {}
    for word in asked:
        if word not in surveys:
            raise OptionError(
                f"census names {word!r}",
                code="bad-census",
                column="census",
                value=word,
                remedy=f"{did_you_mean(word, surveys)} the sources given are "
                f"{', '.join(surveys)}".strip(),
            )
    return {word: _population(asked.get(word, False), groups) for word in surveys}


def _population(value: object, groups: Groups) -> FloatArray:
    """Return N of each group: infinite if unknown, 0 for a census."""
    G = len(groups)
    if value is True or value is False:
        return np.full(G, 0.0 if value else np.inf)
    if isinstance(value, Mapping):
        place = {name: at for at, name in enumerate(groups.names())}
        found = np.full(G, np.inf)
        for name, number in value.items():
            if str(name) not in place:
                raise _bad_census(name)
            found[place[str(name)]] = _size(number)
        return found
    if G > 1:
        raise OptionError(
            f"census= gives one number, {value!r}, for {G} groups",
            code="bad-census",
            column="census",
            value=value,
            remedy='give the number of each, {"managers": {group: number}}, or True',
        )
    return np.full(G, _size(value))


def _size(value: object) -> float:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise _bad_census(value)
    if value.__index__() < 1:
        raise _bad_census(value)
    return float(value.__index__())


def _bad_census(value: object) -> OptionError:
    return OptionError(
        f"census={value!r}",
        code="bad-census",
        column="census",
        value=value,
        remedy='give True (all managers answered), or how many there are: {"managers": '
        '12}, {"managers": {group: 12}}',
    )
