"""`sat.indices.ranking`: which rank a unit may have, and which units differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, generator, positive_int
from satmetrics._frames import Table, stack
from satmetrics._result import Exclusion
from satmetrics._typing import IntArray, RngLike
from satmetrics.errors import OptionError
from satmetrics.indices.invariance_result import UnitInvariance
from satmetrics.indices.rank_invariance import said_of, with_verdicts
from satmetrics.indices.rank_result import RankingResult
from satmetrics.indices.ranked_figures import Ranked, ranked_figures
from satmetrics.indices.ranked_group import Found, rank_group

NO_FIGURE = "no figure"
NO_ERROR = "{} units without a known error: told apart from none"
TOO_MANY = "more overlapping groups than letters; the sets of ranks say who may differ"
INDEFINITE = (
    "the covariance of the errors is not positive semi-definite (lowest eigenvalue "
    "{:.1e} of the highest); critical values leave its negative part out"
)
CERTAIN = -1e-8
"""A lowest eigenvalue beyond this, beside the highest, is more than rounding."""
OWN = (
    "n",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "rank",
    "rank_low",
    "rank_high",
    "own_low",
    "own_high",
    "expected_rank",
    "first",
    "best",
    "letters",
    "invariance",
    "reason",
)


@friendly_keywords
def ranking(  # noqa: PLR0913 - one keyword per choice, all with a default
    result: object,
    *,
    unit: str | Sequence[str] | None = None,
    within: str | None = None,
    over: str = "wave",
    wave: object = None,
    construct: str | None = None,
    level: float = 0.95,
    n_draws: int = 4000,
    rng: RngLike = None,
    invariance: UnitInvariance | None = None,
) -> RankingResult:
    r"""Rank units by their index, with the ranks that may be true.

    A rank taken from figures with errors is itself uncertain. Unit j stands above
    unit i for certain if the difference of their figures exceeds c times its own
    standard error, which knows of shared respondents and clusters. The set of ranks of
    a unit begins at 1 + the units above it and ends at k less the units below it:

    .. math:: \{1 + \#\{j: t_{ji} > c\}, …, k - \#\{j: t_{ij} > c\}\}, \quad
        t_{ij} = \frac{\hatθ_i - \hatθ_j}{\mathrm{se}(\hatθ_i - \hatθ_j)}

    where c is the quantile at `level` of the largest studentised difference that
    chance makes: over all pairs for ``rank_low, rank_high``, which hold the true ranks
    of all units together (a table of all units is read so), and over the pairs of one
    unit for ``own_low, own_high``, which hold the true rank of a unit read by itself.

    Parameters
    ----------
    result : what ``sat.index(…, by=["company", "wave"])`` returned; or published
        figures, a frame with the columns estimate, std_error and those that name the
        units (also n, reason and construct, where there are any).
    unit : the key column that names a unit, or several; "company" when None, else the
        first key.
    within : a key column such as "industry" within which ranks are counted.
    over : the key column of waves, where there are any.
    wave : the wave that is ranked; the last one when None.
    construct : the construct that is ranked; the target of the model when None.
    level : confidence level of intervals, sets of ranks and letters.
    n_draws : normal draws of the errors behind the critical values. An index that has
        bootstrap draws is ranked by those, whatever is said here.
    rng : Generator or seed (SPEC 7).
    invariance : what `unit_invariance` returned for the same wave: the ranking then
        says which units measure something else; "not checked" is printed without it.

    Returns
    -------
    RankingResult
        Keys, n, estimate, std_error, conf_low, conf_high, rank, rank_low, rank_high,
        own_low, own_high, expected_rank, first, best, letters, invariance, reason.

    Raises
    ------
    DataError
        If a column is absent, a unit has several rows, or no unit has a figure.
    OptionError
        If the construct or the wave does not exist, or `invariance` is of others.

    Notes
    -----
    Units that share a letter do not differ by the test of all pairs; the letters are
    the largest sets of units without a difference, the best first (insert and absorb;
    Piepho 2004), and are left out where there would be more than 26. ``best`` marks the
    units above which none stands for certain.

    Two units are a z test. Errors on few degrees of freedom (few clusters) need a
    larger difference: c is carried over to Student's t by its tail, pair by pair, on
    Satterthwaite's degrees of freedom, or on those of the sampled units two figures
    share. A unit without a known error (one
    answer, or answers all alike) is ranked, but told apart from none; one without a
    figure is listed without a rank and counted. The quantile at 0.95 of 4,000 draws
    has an error of 0.003 in its level.

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications
    to mobility across neighbourhoods and academic achievement across countries,
    doi:10.1093/restud/rdad006. Klein, Wright and Wieczorek (2020), A joint confidence
    region for an overall ranking of populations, doi:10.1111/rssc.12402. Piepho (2004),
    An algorithm for a letter-based representation of all-pairwise comparisons,
    doi:10.1198/1061860043515.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> levels = sat.index(fit, survey, by=["company", "wave"])
    >>> found = sat.indices.ranking(levels, rng=1).to_frame()
    >>> found[["company", "rank", "rank_low", "rank_high"]].values.tolist()[0]
    ['Alder Air', 1.0, 1.0, 3.0]
    """
    check_level(level)
    n_draws = positive_int("n_draws", n_draws, at_least=100)
    random = generator(rng)
    given = ranked_figures(result, unit, within, over, wave, construct)
    _check_names(given)
    own = given.joint.n_draws
    groups = _groups(given)
    children = random.spawn(len(groups))
    ranked = [
        rank_group(given.joint.take(at), given.table.take(at), level, n_draws, child)
        for at, child in zip(groups, children, strict=True)
    ]
    rows = [
        _rows(given, at, found, level) for at, found in zip(groups, ranked, strict=True)
    ]
    keys = (*given.within, *given.unit)
    table = stack(rows, keys=keys)
    checked = said_of(invariance, given, table)
    lost = Exclusion(NO_FIGURE, int((~given.known).sum()), "units")
    return RankingResult(
        with_verdicts(table, checked.words, keys),
        given.context.plus(lost, notes=_notes(ranked)),
        groups=_group_table(given, groups, ranked),
        unit=given.unit,
        within=given.within,
        wave=given.wave,
        target=given.target,
        model=given.model,
        credit=given.credit,
        level=level,
        n_draws=own or (n_draws if any(r.simulated for r in ranked) else 0),
        drawn=bool(own),
        invariance=checked.sentences,
    )


def _check_names(given: Ranked) -> None:
    for name in (*given.within, *given.unit):
        if name in OWN:
            raise OptionError(
                f"the key {name!r} has the name of a column of the result",
                code="name-taken",
                column=name,
                value=name,
                remedy="rename the column of the data",
            )


def _groups(given: Ranked) -> list[IntArray]:
    """Return the rows of each group within which ranks are counted."""
    if not given.within:
        return [np.arange(len(given.table))]
    values = given.table[given.within[0]].tolist()
    held: dict[object, list[int]] = {}
    for i, value in enumerate(values):
        held.setdefault(value, []).append(i)
    return [np.array(rows) for rows in held.values()]


def _rows(given: Ranked, at: IntArray, found: Found, level: float) -> Table:
    """Return the rows of a group, the highest figure first, the unranked last."""
    table, joint = given.table.take(at), given.joint.take(at)
    m = len(at)
    keys = {name: table[name] for name in (*given.within, *given.unit)}
    columns: dict[str, object] = {"n": table["n"], **joint.columns(level)}
    for name in OWN[5:-2]:
        values = found.columns[name]
        text = name == "letters"
        full = np.full(m, "" if text else np.nan, dtype=object if text else None)
        if name == "best":
            full = np.zeros(m, dtype=bool)
        full[found.at] = values
        columns[name] = full
    reasons = np.array(table["reason"], dtype=object)
    reasons[~np.isfinite(joint.estimate) & (reasons == "")] = NO_FIGURE
    made = Table.of({**keys, **columns, "reason": reasons}, keys=tuple(keys))
    return made.take(np.argsort(np.nan_to_num(made["rank"], nan=np.inf), kind="stable"))


def _group_table(
    given: Ranked, groups: Sequence[IntArray], found: Sequence[Found]
) -> Table:
    keys = {n: [given.table[n][at[0]] for at in groups] for n in given.within}
    k = np.array([len(f.at) for f in found])
    columns = {
        **keys,
        "units": [len(at) for at in groups],
        "unranked": [len(at) - len(f.at) for at, f in zip(groups, found, strict=True)],
        "pairs": k * (k - 1) // 2,
        "told_apart": [f.told_apart for f in found],
        "critical": [f.critical for f in found],
    }
    return Table.of(columns, keys=given.within)


def _notes(found: Sequence[Found]) -> tuple[str, ...]:
    unknown = sum(f.unknown for f in found)
    lacking = min((f.lacking for f in found), default=1.0)
    return (
        *((NO_ERROR.format(unknown),) if unknown else ()),
        *((TOO_MANY,) if any(f.crowded for f in found) else ()),
        *((INDEFINITE.format(lacking),) if lacking < CERTAIN else ()),
    )
