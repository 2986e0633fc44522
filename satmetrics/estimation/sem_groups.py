"""A model in several groups at once: which parameters are equal, and the fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from satmetrics._checks import did_you_mean, one_of
from satmetrics.errors import OptionError
from satmetrics.estimation.sem_elements import Key, ModelText
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_syntax import (
    needs_means,
    settled,
    stated,
    table_of_text,
)
from satmetrics.estimation.sem_table import Parameter, ParameterTable, table_of_model
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

EQUAL = (
    *("loadings", "intercepts", "means", "residuals", "residual.covariances"),
    *("regressions", "lv.variances", "lv.covariances"),
)
"""What can be equal in all groups; the words are lavaan's."""


@dataclasses.dataclass(frozen=True)
class Grouping:
    """Groups of one model.

    Attributes
    ----------
    labels : one for each group; one empty label for one group.
    equal : words of `EQUAL`.
    free : parameters that differ all the same.
    """

    labels: tuple[str, ...] = ("",)
    equal: tuple[str, ...] = ()
    free: tuple[Key, ...] = ()

    @classmethod
    def of(
        cls,
        groups: object,
        equal: str | Sequence[str],
        free: str | Sequence[str],
        moments: Moments,
    ) -> Grouping:
        """Return what was asked for, checked.

        Raises
        ------
        OptionError
            If a word is not known, there is one group only, or there are none.
        """
        words = (equal,) if isinstance(equal, str) else tuple(equal)
        lines = (free,) if isinstance(free, str) else tuple(free)
        if groups is None:
            if words or lines:
                raise OptionError(
                    "equal= and free= need groups",
                    code="no-groups",
                    column="groups",
                    remedy='name the column that makes them: groups="country"',
                )
            return cls()
        for word in words:
            one_of("equal", word, EQUAL)
        keys = moments.keys
        if keys is None or len(keys) < 2:
            raise OptionError(
                f"groups={groups!r} makes {0 if keys is None else len(keys)} group(s)",
                code="one-group",
                column="groups",
                value=groups,
                remedy="compare two groups or more, or leave groups= out",
            )
        labels = tuple(", ".join(str(v) for v in r.values()) for r in keys.rows())
        stated_free = ModelText.of("\n".join(lines)).elements if lines else {}
        return cls(labels, words, tuple(stated_free))


def groups_asked(
    data: object, by: str | Sequence[str] | None, groups: str | Sequence[str] | None
) -> str | Sequence[str] | None:
    """Return the columns that split the answers, for a batch or for groups.

    Raises
    ------
    OptionError
        If both are asked for, or moments are grouped otherwise.
    """
    if groups is None:
        return by
    if by is not None:
        raise OptionError(
            "by= makes fits of their own and groups= one model of several groups",
            code="by-and-groups",
            column="groups",
            remedy="use one of them",
        )
    if isinstance(data, Moments):
        data.require_groups(groups)
        return None
    return groups


def refuse_groups(word: str, groups: object) -> None:
    """Raise if groups are asked for with what knows none."""
    if groups is not None:
        raise OptionError(
            f"{word} and groups= do not go together yet",
            code="no-groups",
            column="groups",
            value=groups,
            remedy="fit each group on its own",
        )


def require_same_groups(table: ParameterTable, moments: Moments) -> None:
    """Raise unless there are moments of each group of the model."""
    if moments.batch_shape != (len(table.groups),):
        raise OptionError(
            f"moments of shape {moments.batch_shape} for {len(table.groups)} groups",
            code="other-groups",
            column="groups",
            remedy="pass moments made with by= the same column",
        )


def parameters_of(
    model: StructuralModel,
    text: ModelText | None,
    options: SemOptions,
    grouping: Grouping,
) -> ParameterTable:
    """Return the parameters of a model, in all groups.

    Raises
    ------
    OptionError
        If a parameter that is to be free is not in the model.
    """
    several = len(grouping.labels) > 1
    means = options.means
    if means is None:
        means = several or (text is not None and needs_means(text))
    unit = options.identification
    if text is None:
        one = table_of_model(model, means=means, identification=unit)
        rows = [
            dataclasses.replace(row, group=g)
            for g in range(len(grouping.labels))
            for row in one.rows
        ]
        table = dataclasses.replace(one, rows=tuple(rows), groups=grouping.labels)
    else:
        table = table_of_text(
            text, means=means, identification=unit, groups=grouping.labels
        )
    if several:
        table = _released(table, text, grouping, unit)
        table = _equalled(table, grouping)
    return settled(table)


def _released(
    table: ParameterTable, text: ModelText | None, grouping: Grouping, unit: str
) -> ParameterTable:
    """Free in later groups what equal parameters of the first determine."""
    words, rows = grouping.equal, list(table.rows)
    latent = set(table.latent) - set(table.observed)

    def own(key: Key) -> bool:
        return text is not None and stated(text, key)

    if "loadings" in words and "lv.variances" not in words and unit == "variance":
        for k, row in enumerate(rows):
            variance = row.op == "~~" and row.lhs == row.rhs and row.lhs in latent
            if row.group and variance and not own((row.lhs, "~~", row.lhs)):
                rows[k] = dataclasses.replace(row, value=None)
    if table.means and "intercepts" in words and "means" not in words:
        first = {r.lhs for r in rows if r.op == "=~" and r.rhs in table.observed}
        rows += [
            Parameter(name, "~1", group=g, value=None if g else 0.0)
            for name in table.latent
            if name in first & latent and not own((name, "~1", ""))
            for g in range(len(table.groups))
        ]
    return dataclasses.replace(table, rows=tuple(rows))


def _equalled(table: ParameterTable, grouping: Grouping) -> ParameterTable:
    """Give parameters that are to be equal one label in all groups."""
    keys = [_canonical(row) for row in table.rows]
    for key in grouping.free:
        if _turned(key) not in keys:
            said = " ".join(x for x in key if x)
            known = [" ".join(x for x in k if x) for k in dict.fromkeys(keys)]
            raise OptionError(
                f"free= names {said!r}, which is no parameter of the model",
                code="unknown-parameter",
                column="free",
                value=said,
                remedy=did_you_mean(said, known) or "write it as in estimates()",
            )
    kept = {_turned(key) for key in grouping.free}
    of_word = {key: word for key, word in _words(table) if key not in kept}
    first: dict[Key, str] = {}
    rows = list(table.rows)
    for k, (row, key) in enumerate(zip(table.rows, keys, strict=True)):
        if row.value is not None or of_word.get(key) not in grouping.equal:
            continue
        if row.group == 0:
            first[key] = row.label or f".p{k + 1}."
        if not row.label and key in first:
            rows[k] = dataclasses.replace(row, label=first[key])
    return dataclasses.replace(table, rows=tuple(rows))


def _canonical(row: Parameter) -> Key:
    return _turned((row.lhs, row.op, row.rhs))


def _turned(key: Key) -> Key:
    """Return a covariance with its ends in one order."""
    lhs, op, rhs = key
    return (max(lhs, rhs), op, min(lhs, rhs)) if op == "~~" else key


def _words(table: ParameterTable) -> Iterator[tuple[Key, str]]:
    """Yield which word of `EQUAL` each parameter is meant by."""
    led = {row.lhs for row in table.rows if row.op == "~"}
    led |= {r.rhs for r in table.rows if r.op == "=~" and not r.hidden}
    outer = {r.rhs for r in table.rows if r.op == "~" and r.rhs in table.observed} - led
    for row in table.rows:
        if row.hidden:
            continue
        seen = row.lhs in table.observed
        same = row.lhs == row.rhs
        if row.op == "=~":
            word = "loadings"
        elif row.op == "~":
            word = "regressions"
        elif row.op == "~1":
            word = "intercepts" if seen else "means"
        elif {row.lhs, row.rhs} & outer:
            continue
        elif seen:
            word = "residuals" if same else "residual.covariances"
        else:
            word = "lv.variances" if same else "lv.covariances"
        yield _canonical(row), word
