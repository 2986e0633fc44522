"""`sat.indices.scoreboard`: all levels of a national index from one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level, columns_present, friendly_keywords
from satmetrics._typing import RngLike
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.door import as_model
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.pls import pls
from satmetrics.indices.aggregation import aggregate
from satmetrics.indices.board_result import ScoreboardResult, unit_status
from satmetrics.indices.changes import changes
from satmetrics.indices.given_figures import labels_of
from satmetrics.indices.index import index
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.invariance_by_unit import MOST, unit_invariance
from satmetrics.indices.invariance_result import UnitInvariance
from satmetrics.indices.ranked_figures import WAVE
from satmetrics.indices.ranks import ranking
from satmetrics.indices.unpublished import hidden_alike, published
from satmetrics.indices.usable_units import Sound, sound_units
from satmetrics.indices.weighting import IndexMetric, Negative
from satmetrics.models.model import StructuralModel
from satmetrics.moment.population import Population
from satmetrics.survey._door import open_frame
from satmetrics.survey.survey import Survey

if TYPE_CHECKING:
    from satmetrics.indices.aggregate_result import AggregateResult

Within = str | Sequence[str]


@friendly_keywords
def scoreboard(  # noqa: PLR0913 - one keyword per choice, all with a default
    model: StructuralModel | str,
    data: object,
    members: object = None,
    *,
    levels: str | Sequence[str] = ("company", "industry", "sector"),
    shares: Mapping[str, str] | str | None = None,
    top: str = "nation",
    unit: str | None = None,
    wave: str | None = None,
    weights: str | None = None,
    within: Within | None = None,
    options: PlsOptions | None = None,
    metric: IndexMetric | None = None,
    negative: Negative = "keep",
    construct: str | Sequence[str] | None = None,
    population: Population | None = None,
    rolling: bool = False,
    invariance: bool | None = None,
    min_n: int | None = None,
    n_draws: int = 0,
    rng: RngLike = None,
    level: float = 0.95,
) -> ScoreboardResult:
    """Return the indices of companies, industries, sectors and a nation, with changes.

    One model is estimated, its weights within each industry; the index of every company
    and wave follows, added up to the levels above, with changes from wave to wave and
    the ranks of companies in the last wave. A unit whose answers cannot be used, or an
    industry whose model cannot be estimated, does not stop the others: `status` says
    what became of each.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name, with a target.
    data : a Survey or any dataframe of respondents.
    members : a dataframe with a row per unit (or per unit and wave): the columns of
        `levels`, and those `shares` names. Without it there are units only.
    levels : columns of `members`, the lowest first; the lowest is also the column of
        `data` that names the units.
    shares : for each level the weight of its units within their parent; see
        `sat.indices.aggregate`.
    top : what all units add up to.
    unit, wave : columns of `data`; the survey's roles when None. Without a wave there
        is one.
    weights : column of sampling weights; the survey's weight role when None.
    within : the columns within which index weights are estimated: "industry", a list
        such as ``["industry", "wave"]``, the unit itself, or "pooled". The second of
        `levels` when None and there are members, else pooled.
    options : as for `sat.pls`.
    metric, negative, population : as for `sat.index`.
    construct : whose indices; the target when None.
    rolling : keep the figures of a unit of the highest level that was not measured in
        a wave; see `sat.indices.aggregate`.
    invariance : whether each unit is first held against the rest of its industry (see
        `sat.indices.unit_invariance`). None does so for up to 20 units; for more say
        True, and wait. Where it was not checked the result says so.
    min_n : figures of fewer answers are not shown, nor others from which they could be
        computed.
    n_draws : bootstrap draws with weights estimated anew; 0 takes weights as fixed.
    rng : Generator or seed (SPEC 7); of the draws and of the ranks.
    level : confidence level.

    Returns
    -------
    ScoreboardResult
        Its table has a row per level, name, wave and construct; `fit`, `index`,
        `aggregates`, `changes` and `ranking` are the parts.

    Raises
    ------
    DataError
        If a unit of the data is not among the members, or no unit can be used.
    OptionError
        If nothing names the units, or the model has no target.

    References
    ----------
    Fornell, Johnson, Anderson, Cha and Bryant (1996), doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> members = pd.DataFrame(
    ...     {
    ...         "company": ["Alder Air", "Birch Airways", "Cormorant", "Dunlin Air"],
    ...         "industry": ["low cost", "low cost", "full service", "full service"],
    ...         "revenue": [2.0, 1.0, 3.0, 4.0],
    ...     }
    ... )
    >>> board = sat.indices.scoreboard(
    ...     "ecsi", survey, members, levels=["company", "industry"], rng=1
    ... )
    >>> sorted(set(board.to_frame()["level"]))
    ['company', 'industry', 'nation']
    """
    check_level(level)
    levels = (levels,) if isinstance(levels, str) else tuple(levels)
    spec = as_model(model, data)
    wanted = _constructs(spec, construct)
    sound = sound_units(spec, data, unit=unit, wave=wave, weights=weights)
    own = str(sound.survey.roles.unit)
    tree = None if members is None else _tree(members, levels, own)
    keys = _within(within, tree, levels)
    survey = _labelled(sound.survey, tree, own, keys)
    fit = pls(spec, survey, options, by=list(keys) or None)
    by = list(dict.fromkeys([*keys, own, *_waves(survey)]))
    figures = index(
        fit,
        survey,
        by=by,
        construct=wanted,
        metric=metric,
        negative=negative,
        population=population,
        n_draws=n_draws,
        rng=rng,
        level=level,
    )
    over = survey.roles.wave
    made = _added(figures, members, levels, shares, top, over, rolling, min_n)
    checked = None
    if _tested(invariance, survey, own):
        checked = unit_invariance(
            spec,
            survey,
            unit=own,
            within=_parent(keys, levels),
            options=options,
            most=None,
            rng=rng,
            level=level,
        )
    return _board(
        _Parts(sound, fit, figures, made, checked, own, over),
        _parent(keys, levels),
        min_n,
        rng,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a scoreboard is made of; see `ScoreboardResult`."""

    sound: Sound
    fit: PlsFit
    figures: IndexResult
    made: AggregateResult | None
    checked: UnitInvariance | None
    own: str
    over: str | None

    def shown(self, min_n: int | None) -> IndexResult:
        """Return the figures of the units without those that are not to be shown."""
        if min_n is None:
            return self.figures
        if self.made is None:
            return published(self.figures, min_n)
        return hidden_alike(self.figures, self.made.of_level(self.own), min_n)


def _parent(keys: Sequence[str], levels: Sequence[str]) -> str | None:
    """Return the level above the units, where it is a key of the figures."""
    above = list(levels)[1:2]
    return above[0] if above and above[0] in keys else None


def _tested(invariance: bool | None, survey: Survey, own: str) -> bool:
    """Return whether units are tested: as asked, else where there are up to 20."""
    units = len(survey.groups(own)[1])
    return 1 < units <= MOST if invariance is None else invariance


def _board(
    parts: _Parts, parent: str | None, min_n: int | None, rng: RngLike
) -> ScoreboardResult:
    """Put the parts together: changes, ranks and what became of each unit."""
    figures, made, own, over = parts.figures, parts.made, parts.own, parts.over
    shown = parts.shown(min_n)
    moved = None
    if over is not None and len(set(figures.table[over])) > 1:
        moved = changes(shown, over=over) if made is None else made.changes()
    target = str(figures.target or figures.table["construct"][0])
    own_rows = shown.of(target)
    ranked = None
    if np.isfinite(own_rows.table["estimate"]).any():
        ranked = ranking(
            own_rows,
            unit=own,
            within=parent,
            over=over or WAVE,
            invariance=parts.checked,
            level=figures.level,
            rng=rng,
        )
    return ScoreboardResult(
        figures.context.plus(*parts.sound.exclusions()),
        unit=own,
        over=over,
        target=target,
        fit=parts.fit,
        index=shown,
        aggregates=made,
        changes=moved,
        ranking=ranked,
        invariance=parts.checked,
        status=unit_status(own_rows, own, parts.sound, made),
    )


def _constructs(
    model: StructuralModel, construct: str | Sequence[str] | None
) -> str | Sequence[str]:
    if construct is not None:
        return construct
    if model.target is not None:
        return model.target
    raise OptionError(
        f"model {model.name!r} names no target",
        code="no-target",
        column="construct",
        remedy=f"pass construct=, one of {', '.join(model.names)}",
    )


def _waves(survey: Survey) -> list[str]:
    return [] if survey.roles.wave is None else [survey.roles.wave]


def _tree(
    members: object, levels: Sequence[str], own: str
) -> dict[str, dict[str, str]]:
    """Return level → unit → its label there, for every level but the units."""
    if list(levels)[:1] != [own]:
        raise OptionError(
            f"the units are named by {own!r}, and levels= begins with "
            f"{next(iter(levels), None)!r}",
            code="bad-levels",
            column="levels",
            value=tuple(levels),
            remedy=f'begin with it: levels=["{own}", …]',
        )
    grid = open_frame(members)
    columns_present(levels, grid.names, where="members")
    units = labels_of(grid[own])
    return {
        name: {
            str(unit): str(label)
            for unit, label in zip(units, labels_of(grid[name]), strict=True)
            if unit is not None and label is not None
        }
        for name in list(levels)[1:]
    }


def _within(
    within: Within | None,
    tree: Mapping[str, object] | None,
    levels: Sequence[str],
) -> tuple[str, ...]:
    """Return the columns within which weights are estimated."""
    if within is None:
        return () if tree is None else tuple(list(levels)[1:2])
    if within == "pooled":
        return ()
    return (within,) if isinstance(within, str) else tuple(within)


def _labelled(
    survey: Survey,
    tree: Mapping[str, Mapping[str, str]] | None,
    own: str,
    keys: Sequence[str],
) -> Survey:
    """Return the survey with the columns that weights are estimated within."""
    for name in keys:
        if tree is None or name not in tree or name in survey.columns:
            continue
        labels = tree[name]
        units = survey.groups(own)[1][own]
        lost = [str(u) for u in units if str(u) not in labels]
        if lost:
            raise DataError(
                f"{own} {lost[0]!r} is not in members"
                + (f", nor are {len(lost) - 1} more" if len(lost) > 1 else ""),
                code="unknown-member",
                column=own,
                value=tuple(lost),
                remedy="give a row for it, or leave its answers out",
            )
        survey = survey.with_labels(name, own, labels)
    return survey


def _added(
    figures: IndexResult,
    members: object,
    levels: Sequence[str],
    shares: Mapping[str, str] | str | None,
    top: str,
    over: str | None,
    rolling: bool,
    min_n: int | None,
) -> AggregateResult | None:
    """Return the levels above the units, if there are members."""
    if members is None:
        return None
    return aggregate(
        figures,
        members,
        levels=levels,
        shares=shares,
        over=over,
        top=top,
        rolling=rolling,
        level=figures.level,
        min_n=min_n,
    )
