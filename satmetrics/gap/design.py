"""Which expectation goes with which perception, and to which dimension they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey.instrument import Instrument

Dimensions = Mapping[str, Sequence[int]] | Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Design:
    """The columns that belong to each item in each form, in order.

    Attributes
    ----------
    items : label of each item: the instrument's, else a column of its last form.
    columns : form ("expectation", "perception", "minimum" …) → a column per item.
    dimensions : names of the dimensions; empty if there are none.
    owner : dimension of each item, by position; empty if there are none.
    expectation_type : what "expectation" means ("should", "excellent" …), if known.
    """

    items: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    dimensions: tuple[str, ...] = ()
    owner: tuple[int, ...] = ()
    expectation_type: str = ""

    @property
    def expectation(self) -> tuple[str, ...]:
        """Columns of the expectations."""
        return self.columns["expectation"]

    @property
    def perception(self) -> tuple[str, ...]:
        """Columns of the perceptions."""
        return self.columns["perception"]

    def membership(self) -> FloatArray:
        """Return (m, D) with 1 where an item belongs to a dimension."""
        owner = np.asarray(self.owner, dtype=np.int64).reshape(-1, 1)
        if not self.dimensions:
            return np.zeros((len(self.items), 0))
        belongs = owner == np.arange(len(self.dimensions))
        return np.asarray(belongs, dtype=np.float64)

    def blocks(self) -> list[list[int]]:
        """Return the positions of the items of each dimension."""
        found: list[list[int]] = [[] for _ in self.dimensions]
        for at, d in enumerate(self.owner):
            found[d].append(at)
        return found

    def dimension_of_items(self) -> list[str]:
        """Return the dimension of each item, empty where there are none."""
        if not self.dimensions:
            return [""] * len(self.items)
        return [self.dimensions[d] for d in self.owner]


PAIR = ("expectation", "perception")


def design_of_instrument(instrument: Instrument, forms: Sequence[str] = PAIR) -> Design:
    """Return the columns of an instrument's items in the given forms.

    Parameters
    ----------
    instrument : what was asked.
    forms : ids or kinds of forms asked once per item.

    Raises
    ------
    OptionError
        If the instrument has no such form, or asks it once per dimension.
    """
    for form in forms:
        if not instrument.has_form(form) or not instrument.form(form).per_item:
            what = "gaps" if tuple(forms) == PAIR else "such scores"
            raise OptionError(
                f"instrument {instrument.id!r} has no {form} form, hence no {what}",
                code="no-form",
                column="instrument",
                value=instrument.id,
                remedy="its forms are " + ", ".join(f.id for f in instrument.forms),
            )
    names = tuple(d.id for d in instrument.dimensions)
    used = [d for d in names if any(item.dimension == d for item in instrument.items)]
    items = [i for d in used for i in instrument.items if i.dimension == d]
    return Design(
        tuple(item.id for item in items),
        {f: tuple(instrument.column(i.id, f) for i in items) for f in forms},
        tuple(used),
        tuple(used.index(item.dimension) for item in items),
        instrument.expectation,
    )


def design_of_columns(
    columns: Mapping[str, Sequence[str]], dimensions: Dimensions | None = None
) -> Design:
    """Return a design from listed columns, position by position.

    Parameters
    ----------
    columns : form → columns, all in the same order of items.
    dimensions : ``{name: [positions, from 0]}``, or None.

    Raises
    ------
    DataError
        If lists differ in length or order, a column is used twice, or an item has no
        dimension or two.
    """
    lists = {form: _names(form, given) for form, given in columns.items()}
    (first, own), *others = lists.items()
    for form, other in others:
        if len(other) != len(own):
            raise DataError(
                f"{len(own)} {first} columns and {len(other)} {form} columns",
                code="unequal-lists",
                value=(len(own), len(other)),
                remedy=f"each {first} needs its {form}",
            )
    pairs = list(lists.items())
    for i, (form, given) in enumerate(pairs):
        _check_columns((form, given), None)
        for other_form, other in pairs[i + 1 :]:
            _check_columns((form, given), (other_form, other))
            check_order(given, other, (form, other_form))
    items = pairs[-1][1]
    names, owner = _from_positions(dimensions or {}, len(items))
    return Design(items, lists, names, owner)


def design_of_lists(
    expectation: Sequence[str] | None,
    perception: Sequence[str] | None,
    dimensions: Dimensions | None,
) -> Design:
    """Pair two lists position by position, or take the pairs of `dimensions`.

    Raises
    ------
    DataError
        If the lists differ in length or order, a column is on both sides or used twice,
        a position does not exist, or an item has no dimension or two.
    """
    if expectation is None and perception is None:
        return _from_pairs(dimensions or {})
    if expectation is None or perception is None:
        lacking = "expectation" if expectation is None else "perception"
        raise OptionError(
            f"{lacking}= is missing",
            code="missing-argument",
            column=lacking,
            remedy="give both lists of columns, in the same order",
        )
    E, P = _names("expectation", expectation), _names("perception", perception)
    if len(E) != len(P):
        raise DataError(
            f"{len(E)} expectation columns and {len(P)} perception columns",
            code="unequal-lists",
            value=(len(E), len(P)),
            remedy="each expectation needs its perception; pass dimensions="
            "{name: [(E, P), …]} to pair them by name",
        )
    return design_of_columns({"expectation": E, "perception": P}, dimensions)


def check_order(
    expectation: Sequence[str],
    perception: Sequence[str],
    forms: tuple[str, str] = PAIR,
) -> None:
    """Raise where both lists name the same items in a different order.

    Items are compared after the prefix and suffix common to each list are removed
    (``e01 … e24`` and ``p01 … p24``; ``tan1_e`` and ``tan1_p``).
    """
    first, second = item_keys(expectation), item_keys(perception)
    if len(first) < 2 or first == second or sorted(first) != sorted(second):
        return
    at = next(i for i, (a, b) in enumerate(zip(first, second, strict=True)) if a != b)
    raise DataError(
        f"{forms[0]} and {forms[1]} are in different order: position {at} pairs "
        f"{expectation[at]!r} with {perception[at]!r}",
        code="order-differs",
        column=expectation[at],
        value=(expectation[at], perception[at]),
        remedy="reorder one of the lists, or pass dimensions={name: [(E, P), …]} if "
        "these really belong together",
    )


def item_keys(columns: Sequence[str]) -> list[str]:
    """Strip the common prefix and suffix, leaving whole numbers intact."""
    prefix = _common_start(columns).rstrip("0123456789")
    rest = [name[len(prefix) :] for name in columns]
    suffix = _common_start([name[::-1] for name in rest])[::-1].lstrip("0123456789")
    return [name[: len(name) - len(suffix)].casefold() for name in rest]


def _common_start(names: Sequence[str]) -> str:
    """Return the longest text all names start with."""
    low, high = min(names), max(names)
    same = (i for i, letter in enumerate(low) if letter != high[i : i + 1])
    return low[: next(same, len(low))]


def _from_pairs(dimensions: Dimensions) -> Design:
    if not dimensions:
        raise OptionError(
            "nothing says which columns are expectations and which perceptions",
            code="missing-argument",
            column="instrument",
            remedy="give instrument=, or expectation= and perception=, or "
            "dimensions={name: [(E, P), …]}",
        )
    pairs: list[tuple[str, str]] = []
    owner: list[int] = []
    for d, (name, members) in enumerate(dimensions.items()):
        _check_filled(name, members)
        for member in members:
            if isinstance(member, str) or not _is_pair(member):
                raise OptionError(
                    f"dimension {name!r} holds {member!r}",
                    code="bad-pair",
                    column=name,
                    value=member,
                    remedy="give (expectation column, perception column), or positions "
                    "together with expectation= and perception=",
                )
            pairs.append((str(member[0]), str(member[1])))  # type: ignore[index]
            owner.append(d)
    E, P = (tuple(pair[side] for pair in pairs) for side in (0, 1))
    _check_columns(("expectation", E), ("perception", P))
    columns = {"expectation": E, "perception": P}
    return Design(P, columns, tuple(map(str, dimensions)), tuple(owner))


def _is_pair(member: object) -> bool:
    return (
        isinstance(member, Sequence)
        and len(member) == 2
        and all(isinstance(column, str) for column in member)
    )


def _from_positions(
    dimensions: Dimensions, m: int
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    owner = [-1] * m
    for d, (name, members) in enumerate(dimensions.items()):
        _check_filled(name, members)
        for member in members:
            at = _position(name, member, m)
            if owner[at] >= 0:
                raise DataError(
                    f"position {at} is in dimension {name!r} and in "
                    f"{list(dimensions)[owner[at]]!r}",
                    code="item-in-two-dimensions",
                    column=str(name),
                    value=at,
                    remedy="an item belongs to one dimension",
                )
            owner[at] = d
    left = [i for i, d in enumerate(owner) if d < 0]
    if dimensions and left:
        raise DataError(
            f"positions {left[:8]} are in no dimension",
            code="item-without-dimension",
            value=tuple(left),
            remedy=f"positions count from 0 to {m - 1}; leave an item out of both "
            "lists if it is not wanted",
        )
    return tuple(map(str, dimensions)), tuple(owner) if dimensions else ()


def _position(name: str, member: object, m: int) -> int:
    if isinstance(member, bool) or not hasattr(member, "__index__"):
        raise OptionError(
            f"dimension {name!r} holds {member!r}",
            code="bad-position",
            column=str(name),
            value=member,
            remedy="beside expectation= and perception= give positions in these lists, "
            "counted from 0",
        )
    at = int(member.__index__())
    if not 0 <= at < m:
        raise DataError(
            f"dimension {name!r} names position {at}",
            code="unknown-position",
            column=str(name),
            value=at,
            remedy=f"there are {m} items, positions count from 0 to {m - 1}",
        )
    return at


def _check_filled(name: str, members: object) -> None:
    if isinstance(members, str) or not isinstance(members, Iterable):
        raise OptionError(
            f"dimension {name!r} holds {members!r}, which is not a list",
            code="bad-dimension",
            column=str(name),
            value=members,
        )
    if not list(members):
        raise DataError(
            f"dimension {name!r} is empty",
            code="empty-dimension",
            column=str(name),
            remedy="give it at least one item, or leave it out",
        )


def _names(argument: str, columns: Sequence[str]) -> tuple[str, ...]:
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    odd = [name for name in names if not isinstance(name, str)]
    if odd or not names:
        raise OptionError(
            f"{argument}={columns!r}",
            code="bad-columns",
            column=argument,
            value=odd[0] if odd else None,
            remedy="give a list of column names",
        )
    return names


def _check_columns(
    first: tuple[str, Sequence[str]], second: tuple[str, Sequence[str]] | None
) -> None:
    """Raise if a column is used twice in a form, or in both."""
    for form, columns in (first,) if second is None else (first, second):
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise DataError(
                f"column {twice[0]!r} is used twice as {form}",
                code="duplicate-columns",
                column=twice[0],
                remedy="an item belongs to one pair and one dimension",
            )
    if second is None:
        return
    E, P = first[1], second[1]
    both = [name for name in E if name in set(P)]
    if both:
        article = "an" if first[0][0] in "aeiou" else "a"
        raise DataError(
            f"column {both[0]!r} is both {article} {first[0]} and a {second[0]}",
            code="same-column",
            column=both[0],
            value=tuple(both),
            remedy=did_you_mean(both[0], [c for c in (*E, *P) if c != both[0]]),
        )
