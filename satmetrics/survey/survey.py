"""A survey: answers with their scales, roles and everything that was left out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from satmetrics._checks import columns_present, friendly_keywords
from satmetrics._display import Summary
from satmetrics._frames import Table, read_only
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray, Origin
from satmetrics.errors import DataError
from satmetrics.survey import instruments
from satmetrics.survey._declared import (
    Answers,
    Codes,
    Declared,
    ScaleArgument,
    declare,
)
from satmetrics.survey._describe import describe
from satmetrics.survey._design import Design, read_design, respondent_codes
from satmetrics.survey._door import Column, Grid, open_frame
from satmetrics.survey._groups import group_table, label_text
from satmetrics.survey._long import check_long, widen
from satmetrics.survey._reading import (
    no_scale,
    read_column,
    read_items,
    warn_implausible,
)
from satmetrics.survey._roles import Roles, clean_rows, warn_sources
from satmetrics.survey.answers import Reading
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.scale import Scale, ScaleLike, as_scale

if TYPE_CHECKING:
    import pandas as pd

F = TypeVar("F", bound=Callable[..., Any])


def _called(name: str) -> Callable[[F], F]:
    """Let the messages of a constructor say the name of its class."""

    def mark(function: F) -> F:
        function.__name__ = name
        return function

    return mark


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Survey:
    """Answers of many respondents, checked once and frozen.

    Parameters
    ----------
    frame : a pandas, Polars or PyArrow dataframe, one row per respondent (and unit).
    instrument : an `Instrument` or a catalogue name; it names the items, their scale
        and which of them are reversed.
    weight : column of sampling weights. Rows whose weight is zero or missing are left
        out and counted; a negative weight is an error.
    unit : column of the company, branch or brand. Blanks around labels are removed.
    wave : column of the period. Dates become ISO texts; ordered categories keep their
        order; other labels are ordered by time where they name a time.
    respondent : column that identifies the person. Within one unit and wave nobody
        may occur twice.
    source : column of the interview mode (CATI, card, mystery visit …).
    cluster : column of what was sampled as a whole (site, district, interviewer): the
        bootstrap draws clusters, not respondents.
    stratum : column of the parts of the population that were sampled each on its own:
        the bootstrap draws within them. A cluster lies in one stratum, and a stratum
        has at least two clusters. Both may be the column of another role.
    scale : one scale for all items, such as ``(1, 10)``, or ``{item: scale}`` with
        ``"*"`` for all others.
    missing_codes : what means "no answer", numbers or texts, for all items; or
        ``{item: codes}`` with ``"*"`` for all others.
    answers : ``{text: number}`` for all items, or ``{item: {text: number}}``.
    reverse : items whose high answers are bad, beside those the instrument names.
    already_reversed : items of `reverse` or of the instrument that come turned.
    items : columns that hold answers, whose faults raise at once. By default the
        instrument's columns, else every column that can be read as numbers.
    labels : ``{column: what it is called}``, printed in the summary.
    duplicates : "error", or "first" to keep the first row of each respondent.
    name : name of the data, printed beside figures.
    origin : "supplied", "real" or "simulated".
    notes : sentences a reader of any figure should know.

    Raises
    ------
    DataError
        If a column is absent or occurs twice, an answer is no number, infinite or off
        its scale, a weight is negative, a respondent occurs twice, or clusters and
        strata are incomplete or allow no variance.

    Warns
    -----
    SourceWarning
        If interview modes are mixed or respondents chose themselves.
    MissingDataWarning
        If rows have no weight.
    ScaleWarning
        If items use the lower half of their scale only while others use all of it, or
        all items of a long scale keep to its first 5 or 7 points.
    ReversalWarning
        If a reversed item correlates negatively with the rest of its dimension.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"shop": ["A", "B ", "B"], "q1": [7, 9, 99]})
    >>> survey = Survey(frame, unit="shop", scale=(1, 10), missing_codes=(99,))
    >>> survey.answers(["q1"]).ravel()
    array([ 7.,  9., nan])
    >>> [str(exclusion) for exclusion in survey.context.exclusions]
    ['1 answers left out in q1: missing code 99']
    """

    roles: Roles
    instrument: Instrument | None
    items: tuple[str, ...]
    _declared: Declared
    _base: Context
    _labels: Mapping[str, str]
    _grid: Grid
    _weights: FloatArray | None
    _readings: Mapping[str, Reading]

    @friendly_keywords
    @_called("Survey")
    def __init__(  # noqa: PLR0913 - one keyword per role and declaration
        self,
        frame: object,
        instrument: Instrument | str | None = None,
        *,
        weight: str | None = None,
        unit: str | None = None,
        wave: str | None = None,
        respondent: str | None = None,
        source: str | None = None,
        cluster: str | None = None,
        stratum: str | None = None,
        scale: ScaleArgument = None,
        missing_codes: Codes = (),
        answers: Answers | None = None,
        reverse: Sequence[str] = (),
        already_reversed: Sequence[str] = (),
        items: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        duplicates: str = "error",
        name: str = "",
        origin: Origin = "supplied",
        notes: Sequence[str] = (),
    ) -> None:
        grid = open_frame(frame)
        spec = (
            instruments.load(instrument) if isinstance(instrument, str) else instrument
        )
        roles = Roles(weight, unit, wave, respondent, source, cluster, stratum)
        check_long(grid, [*roles.columns(), *(spec.columns() if spec else ())])
        cleaned = clean_rows(grid, roles, duplicates)
        base = Context(origin, name, grid.n, (), tuple(notes)).plus(
            *cleaned.exclusions, notes=cleaned.notes
        )
        grid = cleaned.grid
        base = base.plus(notes=warn_sources(grid, roles, stacklevel=4))
        declared = declare(
            grid,
            spec,
            scale=scale,
            missing_codes=missing_codes,
            answers=answers,
            reverse=reverse,
            already_reversed=already_reversed,
        )
        columns_present(tuple(items or ()), grid.names)
        taken = roles.columns()
        free = [n for n in grid.names if n not in taken]
        readings = read_items(grid, declared, free, items)
        low = (
            set(spec.columns("minimum")) if spec and spec.has_form("minimum") else set()
        )
        looked = {name: r for name, r in readings.items() if name not in low}
        warn_implausible(looked, declared, stacklevel=4)
        self._set(
            roles=roles,
            instrument=spec,
            items=tuple(readings),
            _declared=declared,
            _base=base,
            _labels=dict(labels or {}),
            _grid=grid,
            _weights=cleaned.weights,
            _readings=readings,
        )

    def _set(self, **state: object) -> None:
        for name, value in state.items():
            fixed = read_only(value) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, name, fixed)

    @classmethod
    def from_long(
        cls,
        frame: object,
        *,
        respondent: str,
        item: str,
        value: str,
        **roles: Any,
    ) -> Survey:
        """Return a survey from a frame with one row per answer.

        Parameters
        ----------
        frame : dataframe with one row per respondent, unit, wave and item.
        respondent, item, value : columns of the person, the item's name, the answer.
        **roles : the other arguments of `Survey`; columns of `unit`, `wave`, `source`,
            `weight`, `cluster` and `stratum` must be the same in all rows of a
            respondent.

        Raises
        ------
        DataError
            If an answer occurs twice or a role differs within a respondent.

        Examples
        --------
        >>> import pandas as pd
        >>> long = pd.DataFrame({"id": [1, 1, 2], "q": ["a", "b", "a"], "x": [5, 6, 7]})
        >>> Survey.from_long(long, respondent="id", item="q", value="x").items
        ('a', 'b')
        """
        wide = widen(open_frame(frame), respondent, item, value, roles)
        return cls(wide, respondent=respondent, **roles)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return self._grid.names

    @property
    def n(self) -> int:
        """Number of rows after exclusions."""
        return self._grid.n

    def __len__(self) -> int:
        return self._grid.n

    @property
    def frame(self) -> pd.DataFrame:
        """A fresh pandas frame of the rows that are left, answers as they came in."""
        return self._grid.to_pandas()

    @property
    def weights(self) -> FloatArray | None:
        """Sampling weights (n,), all positive; None if there are none."""
        return self._weights

    @property
    def labels(self) -> dict[str, str]:
        """What each item is called, from the file or the instrument, where known."""
        spec = self.instrument
        found = {name: spec.label_of(name) for name in self.items} if spec else {}
        return {**{k: v for k, v in found.items() if v}, **self._labels}

    @property
    def declared(self) -> Declared:
        """The rules of reading: scales, missing codes, answer texts, reversed items."""
        return copy.deepcopy(self._declared)

    @property
    def reverse(self) -> tuple[str, ...]:
        """Columns that `answers` turns, because their high answers are bad."""
        return self._declared.reverse

    @property
    def context(self) -> Context:
        """Origin, rows and everything left out, over all `items`."""
        return self.context_for(self.items)

    @property
    def name(self) -> str:
        """Name of the data."""
        return self._base.name

    @property
    def origin(self) -> Origin:
        """Whether the data are "real", "simulated" or "supplied"."""
        return self._base.origin

    def scale(self, item: str) -> Scale | None:
        """Return the scale of an item: its own, else the survey's or instrument's."""
        return self._declared.scale(item)

    def answers(self, items: Sequence[str]) -> FloatArray:
        """Return answers (n, len(items)), NaN = missing, high = good.

        Parameters
        ----------
        items : column names. Items declared as reversed come turned.

        Raises
        ------
        DataError
            If a column is absent, or holds texts, infinite values or values off its
            scale.
        """
        columns = self.answer_columns(items)
        return np.column_stack(columns) if columns else np.empty((self.n, 0))

    def answer_columns(self, items: Sequence[str]) -> tuple[FloatArray, ...]:
        """Return the columns of `answers` one by one, read-only and not copied."""
        names = self._known(items)
        return tuple(self._turned(self._reading(name)) for name in names)

    def context_for(self, items: Sequence[str]) -> Context:
        """Return the context with what reading these items left out or converted."""
        readings = [self._reading(name) for name in self._known(items)]
        exclusions = [e for reading in readings for e in reading.exclusions()]
        notes = tuple(note for reading in readings for note in reading.notes)
        return self._base.plus(*exclusions, notes=notes)

    def groups(self, by: str | Sequence[str]) -> tuple[IntArray, Table]:
        """Return the group of each row and one row of keys per group.

        Parameters
        ----------
        by : columns, or roles such as "unit" and "wave"; one named twice counts once.

        Returns
        -------
        codes : (n,) position in `keys`; -1 where a key is missing.
        keys : Table of the groups that occur, sorted; waves in order of time.

        Raises
        ------
        DataError
            If a column is absent or a role has no column.
        """
        words = [by] if isinstance(by, str) else list(by)
        names = list(dict.fromkeys(self._key(word) for word in words))
        return group_table(self._grid, names, self.roles.wave)

    def design(self) -> Design:
        """Return the cluster and stratum of each row; None for what has no role."""
        return read_design(self._grid, self.roles.cluster, self.roles.stratum)

    def respondents(self) -> IntArray | None:
        """Return a code per person (n,), -1 where unknown; None without the role."""
        role = self.roles.respondent
        return None if role is None else respondent_codes(self._grid, role)

    @friendly_keywords
    def with_scale(self, scale: ScaleLike, items: Sequence[str]) -> Survey:
        """Return the survey with a scale for those of `items` that have none.

        Parameters
        ----------
        scale : the scale, such as a model's.
        items : columns it belongs to; they are read again and checked against it.

        Raises
        ------
        DataError
            If an answer lies off the scale.

        Warns
        -----
        ScaleWarning
            If items use the lower half only while others use all of it.
        """
        bare = [name for name in self._known(items) if self.scale(name) is None]
        if not bare:
            return self
        scales = {**self._declared.scales, **dict.fromkeys(bare, as_scale(scale))}
        declared = dataclasses.replace(self._declared, scales=scales)
        fresh = {name: read_column(self._grid, declared, name) for name in bare}
        readings = {**self._readings, **fresh}
        warn_implausible(readings, declared, stacklevel=4)
        names = tuple(name for name in self.columns if name in readings)
        return self._with(_declared=declared, _readings=readings, items=names)

    @friendly_keywords
    def with_roles(
        self,
        *,
        weight: str | None = None,
        unit: str | None = None,
        wave: str | None = None,
        respondent: str | None = None,
        source: str | None = None,
        cluster: str | None = None,
        stratum: str | None = None,
    ) -> Survey:
        """Return the survey with other columns in the roles that are given.

        Parameters
        ----------
        weight, unit, wave, respondent, source, cluster, stratum : column names; None
            leaves the role as it is. Rows that the new roles rule out are left out and
            counted.

        Raises
        ------
        DataError
            As for `Survey`.
        """
        given = {
            "weight": weight,
            "unit": unit,
            "wave": wave,
            "respondent": respondent,
            "source": source,
            "cluster": cluster,
            "stratum": stratum,
        }
        changes = {role: column for role, column in given.items() if column is not None}
        roles = dataclasses.replace(self.roles, **changes)
        if roles == self.roles:
            return self
        cleaned = clean_rows(self._grid, roles, "error")
        base = self._base.plus(*cleaned.exclusions, notes=cleaned.notes)
        if roles.source != self.roles.source:
            notes = warn_sources(cleaned.grid, roles, stacklevel=4)
            base = base.plus(notes=notes)
        free = {k: r for k, r in self._readings.items() if k not in roles.columns()}
        return self._with(
            roles=roles,
            _base=base,
            items=tuple(n for n in self.items if n in free),
            _grid=cleaned.grid,
            _weights=cleaned.weights,
            _readings=free
            if cleaned.rows is None
            else {k: r.take(cleaned.rows) for k, r in free.items()},
        )

    @friendly_keywords
    def with_labels(self, name: str, of: str, labels: Mapping[str, str]) -> Survey:
        """Return the survey with a column more: what labels of another belong to.

        Parameters
        ----------
        name : the new column, such as "industry".
        of : the column or role it follows from, such as "unit".
        labels : label of `of` → new label; those not named are missing.

        Raises
        ------
        DataError
            If there is such a column already, or `of` is absent.

        Examples
        --------
        >>> import satmetrics as sat
        >>> survey = sat.datasets.load("airline_waves")
        >>> low = {"Alder Air": "low cost", "Birch Airways": "low cost"}
        >>> survey.with_labels("kind", "company", low).groups("kind")[1]["kind"][0]
        'low cost'
        """
        if name in self._grid:
            raise DataError(
                f"there is a column {name!r} already",
                code="name-taken",
                column=name,
                value=name,
                remedy="choose another name",
            )
        codes, keys = self.groups(of)
        named = {label_text(own): label for own, label in labels.items()}
        found = [named.get(label_text(v)) for v in keys[keys.names[0]]]
        distinct = tuple(dict.fromkeys(v for v in found if v is not None))
        place: dict[str | None, int] = {v: i for i, v in enumerate(distinct)}
        lookup = np.array([*(place.get(v, -1) for v in found), -1], dtype=np.int64)
        column = Column("text", lookup[codes], distinct)
        return self._with(_grid=self._grid.beside(name, column))

    def take(self, rows: ArrayLike, *, why: str = "") -> Survey:
        """Return the survey of the given rows (a mask or positions).

        Exclusions of answers are those of the rows taken; a note counts the rows.

        Parameters
        ----------
        rows : a mask, or positions.
        why : reason for leaving the other rows out, which then count as an exclusion.
        """
        chosen = np.asarray(rows)
        places = (
            np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        )
        note = f"{places.size:,} of the {self.n:,} rows were taken"
        base = dataclasses.replace(self._base, n_rows=places.size, exclusions=())
        if why:
            base = dataclasses.replace(base, n_rows=self.n)
            base = base.plus(Exclusion(why, self.n - places.size, "respondents"))
        return self._with(
            _base=base.plus(notes=(note,)),
            _grid=self._grid.take(places),
            _weights=None if self._weights is None else self._weights[places],
            _readings={k: r.take(places) for k, r in self._readings.items()},
        )

    def summary(self) -> Summary:
        """Return rows, roles, scales and exclusions, printable as text and HTML."""
        values = {name: self._readings[name].values for name in self.items}
        return describe(
            context=self.context,
            n=self.n,
            roles=self.roles,
            declared=self._declared,
            columns=self.columns,
            labels=self.labels,
            values=values,
            design=self.design(),
        )

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (self._state(),))

    def _state(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def _with(self, **changes: object) -> Survey:
        return _restore({**self._state(), **changes})

    def _known(self, items: Sequence[str]) -> list[str]:
        names = [items] if isinstance(items, str) else list(items)
        absent = [name for name in names if name not in self._grid]
        check_long(self._grid, absent)
        columns_present(names, self.columns)
        return names

    def _reading(self, name: str) -> Reading:
        if name in self._readings:
            return self._readings[name]
        return read_column(self._grid, self._declared, name)

    def _turned(self, reading: Reading) -> FloatArray:
        if reading.name not in self._declared.reverse:
            return reading.values
        scale = self.scale(reading.name)
        if scale is None:
            raise no_scale(reading.name)
        return scale.flip(reading.values)

    def _key(self, word: str) -> str:
        if word in self._grid:
            return word
        played = dict(self.roles.items())
        if word in played:
            return played[word]
        if hasattr(self.roles, word):
            raise DataError(
                f"no column plays the role {word!r}",
                code="no-role",
                column=word,
                value=word,
                remedy=f"name it: Survey(frame, {word}=column)",
            )
        columns_present([word], self.columns)
        return word


def _restore(state: dict[str, object]) -> Survey:
    survey = Survey.__new__(Survey)
    survey._set(**state)
    return survey


def as_survey(
    data: object,
    scales: Mapping[str, ScaleLike | None] | None = None,
    *,
    borrow: bool = False,
) -> Survey:
    """Return `data` as a Survey.

    Parameters
    ----------
    data : a Survey, which is returned as it is, or a pandas, Polars or PyArrow
        dataframe, whose columns then have no roles.
    scales : where given, the columns of a dataframe that hold answers, and their scale
        if they have one; by default all that can be read, without a scale.
    borrow : read numbers where they are; for a survey that is not kept beyond the call
        it is made in.

    Raises
    ------
    OptionError
        If `data` is neither.

    Examples
    --------
    >>> import pandas as pd
    >>> as_survey(pd.DataFrame({"q1": [1, 2]})).n
    2
    """
    if isinstance(data, Survey):
        return data
    grid = open_frame(data, borrow=borrow)
    if scales is None:
        return Survey(grid)
    there = {name: scale for name, scale in scales.items() if name in grid}
    known = {name: scale for name, scale in there.items() if scale is not None}
    return Survey(grid, scale=known or None, items=tuple(there))
