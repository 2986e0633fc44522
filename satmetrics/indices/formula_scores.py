"""`formula_index`: satisfaction indices that are formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import (
    check_level,
    did_you_mean,
    friendly_keywords,
    positive_int,
)
from satmetrics._frames import Table
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices._formula import Sums, weighted_sums
from satmetrics.indices.formula_files import load_formula
from satmetrics.indices.formula_result import FormulaResult
from satmetrics.indices.formula_spec import FormulaIndex
from satmetrics.indices.item_weights import Importance, item_weights
from satmetrics.indices.joint import Joint
from satmetrics.indices.unpublished import published
from satmetrics.metrics.item_answers import ItemAnswers, item_answers, names_of
from satmetrics.moment.population import FINITE, Population, unseen_share
from satmetrics.moment.survey_rows import grouped
from satmetrics.survey.opening import survey_of
from satmetrics.survey.scale import Scale, ScaleLike
from satmetrics.survey.survey import Survey

Items = Mapping[str, str | Sequence[str]] | Sequence[str]
"""Component → its items, or the items alone."""
COLUMNS = ("construct", "n", "estimate", "std_error", "conf_low", "conf_high", "reason")
ROUNDING = 1e-9


@friendly_keywords
def formula_index(
    formula: FormulaIndex | str,
    data: object,
    *,
    items: Items,
    by: str | Sequence[str] | None = None,
    importance: Importance | None = None,
    scale: ScaleLike | None = None,
    population: Population | None = None,
    min_n: int | None = None,
    level: float = 0.95,
) -> FormulaResult:
    r"""Return a satisfaction index that is a formula, not a model.

    .. math:: I = Σ_k w_k Σ_j a_{kj} \bar s_{kj}

    with s the score of an answer (in the top boxes or not, the answer on 0–100, or
    times 10), a the weights of the items within their component k and w those of the
    components. All are fixed. Each item's mean is over those who answered it; the
    standard error follows from all of a respondent's answers together, linearised over
    weights, clusters, strata and repeated respondents.

    Parameters
    ----------
    formula : a name of the catalogue (`formulas()`), or a `FormulaIndex`.
    data : a Survey or any dataframe.
    items : ``{component: [items]}``; for a formula that is a mean of items any
        grouping, or the list of items alone.
    by : columns or roles such as ``["unit", "wave"]``. The figure of a sector is that
        of all its rows, so that companies weigh by their responses.
    importance : ``{component: weights}`` where the formula weighs items by their
        importance to customers: numbers, or columns in which respondents rate it, in
        the order of the items. Columns are averaged over all rows, so that groups
        differ by their answers alone. When None all items weigh alike, and the result
        says so.
    scale : (minimum, maximum) of the answers, where neither formula nor survey says it.
    population : as in `sat.index`.
    min_n : as in `sat.index`.
    level : confidence level of the intervals (Student's t).

    Returns
    -------
    FormulaResult
        An `IndexResult` whose constructs are the components and the index, which is the
        target. Its ``scale`` says what the lowest and highest value is.

    Raises
    ------
    DataError
        If an item has no scale or another than the formula, or a column is absent.
    OptionError
        If components are missing or unknown, or a formula has no importance.

    References
    ----------
    The citation of the formula; Woodruff (1971), doi:10.1080/01621459.1971.10482279,
    for the standard error.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> items = ["CUSA1", "CUSA2", "CUSA3"]
    >>> plain = sat.indices.formula_index("equal_weights", survey, items=items)
    >>> uk = sat.indices.formula_index("ukcsi", survey, items=items)
    >>> uk.scale, plain.scale
    ((10.0, 100.0), (0.0, 100.0))
    """
    check_level(level)
    if min_n is not None:
        positive_int("min_n", min_n)
    spec = load_formula(formula) if isinstance(formula, str) else formula
    if not isinstance(spec, FormulaIndex):
        raise OptionError(
            f"formula is a {type(formula).__name__}",
            code="swapped-arguments",
            column="formula",
            remedy='formula_index("kcsi", data, items={…}), or a FormulaIndex',
        )
    survey = survey_of(data)
    blocks = _blocks(spec, items)
    flat = [item for block in blocks.values() for item in block]
    read = item_answers(survey, flat, by, spec.declared() if scale is None else scale)
    ends = _scales(spec, read)
    shares, notes = item_weights(spec, survey, blocks, importance)
    columns = [_scored(spec, x, end) for x, end in zip(read.columns, ends, strict=True)]
    names, L = _matrix(spec, blocks, shares)
    sums = weighted_sums(columns, L, read.own.rows)
    joint = _joint(sums)
    if population is not None:
        joint = _finite(joint, sums, population, survey, read, by)
        notes += (FINITE,)
    found = FormulaResult(
        _table(names, sums, joint, read, level),
        read.context.plus(notes=notes),
        target=spec.target,
        metric=spec.in_words(),
        level=level,
        model=spec.name,
        credit=spec.credit(),
        by=read.own.by,
        joint=joint,
        formula=spec,
        scale=spec.ends(ends[0]),
        importance=_listed(blocks, shares),
    )
    return found if min_n is None else published(found, min_n)


def _listed(
    blocks: Mapping[str, tuple[str, ...]], shares: Mapping[str, FloatArray]
) -> tuple[tuple[str, str, float], ...]:
    """Return component, item and share within the component."""
    return tuple(
        (name, item, float(share))
        for name, block in blocks.items()
        for item, share in zip(block, shares[name], strict=True)
    )


def _finite(
    joint: Joint,
    sums: Sums,
    population: Population,
    survey: Survey,
    read: ItemAnswers,
    by: str | Sequence[str] | None,
) -> Joint:
    """Return the figures with the errors of a finite population."""
    n = sums.n.max(axis=1)
    codes = grouped(survey, by).codes
    unseen = unseen_share(population, n, read.own.keys, survey, codes)
    share = np.ones(len(n)) if unseen is None else unseen
    return joint.shrunk(np.repeat(share, sums.n.shape[1]))


def _blocks(spec: FormulaIndex, items: Items) -> dict[str, tuple[str, ...]]:
    """Return the items of each component, or raise on those that do not fit."""
    if isinstance(items, Mapping):
        blocks = {str(name): names_of(block) for name, block in items.items()}
    elif spec.weighting == "items":
        blocks = {"": names_of(items)}
    else:
        blocks = {}
    names = [part.name for part in spec.components]
    unknown = [name for name in blocks if name not in names]
    absent = [name for name in names if name not in blocks]
    if spec.weighting == "items":
        unknown, absent = [name for name in blocks if name == spec.target], []
    if unknown or absent or not blocks:
        wrong = (unknown or absent or [""])[0]
        said = f"lacks {wrong!r}" if wrong else "names none"
        said = f"names {wrong!r}, which is no component" if unknown else said
        raise OptionError(
            f"items= {said}",
            code="wrong-components",
            column="items",
            value=wrong,
            remedy=f"{did_you_mean(wrong, names)} give the items of "
            f"{', '.join(names) or 'components with names of their own'}".strip(),
        )
    names_of([item for block in blocks.values() for item in block])
    return blocks


def _scales(spec: FormulaIndex, read: ItemAnswers) -> list[Scale]:
    """Return the scale of each item; those of the formula must be its own."""
    found: list[Scale] = []
    for item, scale in zip(read.items, read.scales, strict=True):
        if scale is None:
            raise DataError(
                f"{item!r} has no scale",
                code="no-scale",
                column=item,
                remedy="give scale=(1, 10), or make the survey with it",
            )
        want = spec.declared()
        if want is not None and (scale.minimum, scale.maximum) != spec.scale:
            raise DataError(
                f"{item!r} is answered on {scale}, and {spec.name!r} is defined on "
                f"{want}",
                code="other-scale",
                column=item,
                value=str(scale),
                remedy="use items on that scale, or a formula of your own: "
                "dataclasses.replace(formula, scale=None, status='own')",
            )
        found.append(scale)
    if spec.score == "times" and len({(s.minimum, s.maximum) for s in found}) > 1:
        raise DataError(
            f"items of {spec.name!r} are on different scales",
            code="scales-differ",
            value=tuple(map(str, found)),
            remedy="use items of one scale, or 'equal_weights'",
        )
    return found


def _scored(spec: FormulaIndex, column: FloatArray, scale: Scale) -> FloatArray:
    """Return the scores (n,) of answers."""
    if spec.score == "rescaled":
        return scale.to_100(column)
    if spec.score == "times":
        return np.asarray(spec.factor * column)
    if not 0 < spec.boxes < scale.n_points:
        raise DataError(
            f"{spec.boxes} boxes of a scale {scale} with {scale.n_points} points",
            code="bad-count",
            column="boxes",
            value=spec.boxes,
            remedy="use a scale with more points",
        )
    top = scale.points[-spec.boxes] - ROUNDING
    return np.where(np.isnan(column), np.nan, 100.0 * (column >= top))


def _matrix(
    spec: FormulaIndex,
    blocks: Mapping[str, tuple[str, ...]],
    shares: Mapping[str, FloatArray],
) -> tuple[list[str], FloatArray]:
    """Return the names of components and index, and their weights of items (D, q)."""
    sizes = {name: len(block) for name, block in blocks.items()}
    q = sum(sizes.values())
    weights = {part.name: part.weight for part in spec.components}
    names = [name for name in blocks if name]
    L, start = np.zeros((len(blocks) + 1, q)), 0
    for k, (name, size) in enumerate(sizes.items()):
        own = slice(start, start + size)
        L[k, own] = shares[name]
        L[-1, own] = weights.get(name, size / q) * shares[name]
        start += size
    return [*names, spec.target], L if names else L[-1:]


def _joint(sums: Sums) -> Joint:
    return Joint(
        sums.estimate.ravel(),
        sums.std_error.ravel(),
        sums.df.ravel(),
        sums.pairs,
        sums.covariance,
    )


def _table(
    names: Sequence[str], sums: Sums, joint: Joint, read: ItemAnswers, level: float
) -> Table:
    D, G = len(names), read.own.rows.n_groups
    n, error = sums.n.ravel(), joint.std_error
    cases = {
        "an item has no answers": n < 1,
        "an item has one answer: no standard error": n == 1,
        "too few sampled units: no standard error": np.isnan(error),
        "all answers alike: the error of 0 is no certainty": error == 0,
    }
    columns: dict[str, AnyArray] = dict(read.own.key_columns(D, COLUMNS))
    columns["construct"] = np.tile(np.asarray(names, dtype=object), G)
    columns |= {"n": n, **joint.columns(level)}
    columns["reason"] = np.select(list(cases.values()), list(cases), default="").astype(
        object
    )
    return Table.of(columns, keys=read.own.by)
