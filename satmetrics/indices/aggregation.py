"""`sat.indices.aggregate`: from companies to industries, sectors and a nation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from satmetrics._checks import check_level, friendly_keywords, one_of, positive_int
from satmetrics._result import Context, Exclusion, TableResult
from satmetrics._typing import AnyArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices import _aggregate as kernel
from satmetrics.indices.aggregate_result import AggregateResult
from satmetrics.indices.aggregate_table import shown_only, tidy
from satmetrics.indices.given_figures import Figures, read_figures
from satmetrics.indices.membership import Membership, read_members

OWN = (
    "level",
    "name",
    "parent",
    "construct",
    "n",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "members",
    "missing",
    "weight",
    "covered",
    "carried",
    "age",
    "reason",
)
"""Columns of the result, which no level and no column of waves may be called."""
LEVELS = ("company", "industry", "sector")


@friendly_keywords
def aggregate(  # noqa: PLR0913 - one keyword per choice, all with a default
    result: object,
    members: object,
    *,
    levels: str | Sequence[str] = LEVELS,
    shares: Mapping[str, str] | str | None = None,
    over: str | None = None,
    top: str = "nation",
    rolling: bool = False,
    measured: str | None = None,
    construct: str | Sequence[str] | None = None,
    level: float = 0.95,
    min_n: int | None = None,
) -> AggregateResult:
    r"""Add figures up: companies to industries, these to sectors, these to a nation.

    The figure of a unit is the weighted mean of its members' figures:

    .. math:: I_P = Σ_{m ∈ P} w_m I_m / Σ_{m ∈ P} w_m

    over the members that have a figure. Errors are carried up with every covariance the
    figures have (shared respondents, shared clusters, draws); weights are taken as
    known.

    Parameters
    ----------
    result : what ``sat.index(fit, data, by=["company", "wave"])`` returned, another
        result with keys and estimates, or a dataframe of published figures with the
        lowest level, `over`, ``estimate`` and, where known, ``construct``,
        ``std_error`` and ``n``.
    members : a dataframe, one row per unit of the lowest level (or per unit and wave),
        with a column for each level and each weight. Units without a figure are
        counted; a figure of a unit that is not listed is an error.
    levels : columns of `members`, the lowest first. The lowest is a key of `result`.
    shares : for each level the weight of its units within their parent: a column of
        `members`, "equal", or "responses" (the answers behind each figure); one word
        for all levels. When None, revenue of companies and industries and gdp of
        sectors. The weight of an industry is the number its rows share; where a lower
        level is weighted by the same column, or where rows differ, it is the sum over
        its members, and a note says so.
    over : the key column of the waves, in `result`; weights change with the waves where
        `members` has that column too.
    top : what all units add up to.
    rolling : keep the figure of a unit that was not measured in a wave until it is
        measured again, so that the top moves with every wave. Before it was first
        measured, a unit is not covered.
    measured : with `rolling`, the level whose units are measured and replaced as a
        whole; the highest when None.
    construct : one construct or several; all when None.
    level : confidence level of the intervals.
    min_n : figures of fewer answers are not shown, nor others from which they could be
        computed. All figures enter the means.

    Returns
    -------
    AggregateResult
        Rows of all levels, the top first; ``of_level("industry")`` is an index,
        ``changes()`` and ``contributions()`` follow the waves.

    Raises
    ------
    DataError
        If a unit is not in `members`, is there twice, lies in two parents, or a weight
        is missing or negative.
    OptionError
        If a level has no weight, or `measured` is no level.

    Notes
    -----
    Revenue within industries, revenue of industries within sectors and the
    contribution of sectors to GDP are the weights that the American index states
    (Fornell et al. 1996 describe the model; theacsi.org, "building the cross-industry
    index"); the Hong Kong index weights products by the consumer price index (Chan et
    al. 2003), and a mean over all responses of a sector is ``shares="responses"``.

    What is hidden for `min_n` is hidden again, the smallest first, until no hidden
    figure follows from those shown and the weights. A respondent, or a company that
    knows its own figure, may still learn something of the others.

    References
    ----------
    Fornell, Johnson, Anderson, Cha and Bryant (1996), doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> figures = sat.index(fit, survey, by=["company", "wave"])
    >>> companies = sorted(set(figures.to_frame()["company"]))
    >>> members = pd.DataFrame({"company": companies, "revenue": 1.0})
    >>> industry = sat.indices.aggregate(
    ...     figures, members, levels=["company"], over="wave", top="airlines"
    ... )
    >>> set(industry.to_frame()["level"]) == {"airlines", "company"}
    True
    """
    check_level(level)
    if isinstance(members, TableResult) and not isinstance(result, TableResult):
        raise OptionError(
            "result and members are swapped",
            code="swapped-arguments",
            column="members",
            value=type(members).__name__,
            remedy="the figures come first: aggregate(result, members)",
        )
    levels = _levels(levels, top, over)
    figures = read_figures(result, levels[0], over, construct)
    tree = read_members(members, levels, shares, top, over, figures.waves)
    at = figures.place(tree.units[0], levels[0])
    _members_there(at, tree, figures, levels, over)
    renewed = _renewed(rolling, measured, levels, over)
    cells = kernel.roll_up(at, figures.answers, tree.tiers, renewed)
    table, joint = tidy(cells, at, figures, tree, (*levels, top), over, level)
    if min_n is not None:
        few = positive_int("min_n", min_n)
        table, joint = shown_only(table, joint, cells, tree.tiers, few)
    return AggregateResult(
        table,
        _context(figures, tree, at, levels, over, renewed is not None),
        levels=levels,
        top=top,
        over=over,
        target=figures.target if figures.target in figures.constructs else None,
        metric=figures.metric,
        model=figures.model,
        credit=figures.credit,
        level=level,
        joint=joint,
        weighting=figures.weighting,
        failures=figures.failures,
    )


def _levels(levels: str | Sequence[str], top: str, over: str | None) -> tuple[str, ...]:
    """Return the levels, none of them twice or named like a column of the result."""
    names = (levels,) if isinstance(levels, str) else tuple(levels)
    if not names:
        raise OptionError(
            "levels= is empty",
            code="no-levels",
            column="levels",
            remedy='name the lowest level first, such as ["company", "industry"]',
        )
    every = [*names, top, *([over] if over is not None else [])]
    for name in every:
        if name in OWN or every.count(name) > 1:
            raise OptionError(
                f"{name!r} is the name of a column of the result"
                if name in OWN
                else f"{name!r} is named twice among levels, top and over",
                code="name-taken",
                column=name,
                value=name,
                remedy="rename the column of the data",
            )
    return names


def _renewed(
    rolling: bool, measured: str | None, levels: Sequence[str], over: str | None
) -> int | None:
    """Return the position of the level whose units keep their last figure."""
    if not rolling:
        if measured is not None:
            raise OptionError(
                "measured= is of use with rolling=True only",
                code="not-rolling",
                column="measured",
                value=measured,
                remedy="give rolling=True, or leave measured out",
            )
        return None
    if over is None:
        raise OptionError(
            "rolling=True needs waves",
            code="no-waves",
            column="over",
            remedy='name the key column of the waves: over="wave"',
        )
    name = levels[-1] if measured is None else measured
    one_of("measured", name, levels)
    return list(levels).index(name)


def _members_there(
    at: AnyArray,
    tree: Membership,
    figures: Figures,
    levels: Sequence[str],
    over: str | None,
) -> None:
    """Raise if a unit has a figure in a wave in which it is no member."""
    lost = (at >= 0) & (tree.tiers[0].parent < 0)[:, :, None]
    if not lost.any():
        return
    u, t = (int(i[0]) for i in lost.nonzero()[:2])
    raise DataError(
        f"{levels[0]} {tree.units[0][u]!r} has a figure in {over} "
        f"{figures.waves[t]!r} but no row in members then",
        code="unknown-member",
        column=levels[0],
        value=tree.units[0][u],
        remedy=f"give it a row for each {over} in which it has a figure",
    )


def _context(
    figures: Figures,
    tree: Membership,
    at: AnyArray,
    levels: Sequence[str],
    over: str | None,
    rolling: bool,
) -> Context:
    """Return the context of the figures, with what was left out of the means."""
    there = (tree.tiers[0].parent >= 0) & (at < 0).any(axis=2)
    lacking = int(there.sum())
    reason = "no figure to add up"
    if rolling:
        lacking, reason = int((at < 0).all(axis=(1, 2)).sum()), "never measured"
    elif over is not None:
        reason = f"no figure to add up, counted in each {over}"
    masked = sum("not shown" in str(r) for r in figures.reason)
    note = f"{masked} figures were hidden before they were added up, and are missing"
    return figures.context.plus(
        Exclusion(reason, lacking, what="units", where=levels[0]),
        notes=(*tree.notes, *((note,) if masked else ())),
    )
