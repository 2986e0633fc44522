"""`five_gaps`: customers, managers and employees side by side, gap by gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from satmetrics._checks import (
    check_level,
    check_share,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table
from satmetrics._typing import RngLike
from satmetrics.errors import OptionError
from satmetrics.gap.five.asking import check_given, is_ratings, who_rates
from satmetrics.gap.five.comparing import FEW, Testing
from satmetrics.gap.five.gaps_of import gap_cells, point_cells
from satmetrics.gap.five.material import (
    context_of,
    point_stages,
    read_material,
    read_stages,
)
from satmetrics.gap.five.names import NAMINGS
from satmetrics.gap.five.result import FiveGapsResult
from satmetrics.gap.five.rows import gap_table, stage_table
from satmetrics.gap.five.shares import share_cells
from satmetrics.gap.five.sources import WORDS, Census, Source, place_sources
from satmetrics.gap.five.stages import Ratings
from satmetrics.gap.forms import instrument_of
from satmetrics.gap.points import Points
from satmetrics.survey.instrument import Instrument

AGAINST = ("maximum", "stage")


@friendly_keywords
def five_gaps(  # noqa: PLR0913 - one keyword per part of the definition
    customers: object = None,
    managers: object = None,
    employees: object = None,
    *,
    instrument: Instrument | str | None = None,
    standards: Ratings | object = None,
    delivery: Ratings | object = None,
    communication: Ratings | object = None,
    managers_expect: Ratings | None = None,
    employees_expect: Ratings | None = None,
    raters: Mapping[str, str] | None = None,
    points: Points | None = None,
    by: str | Sequence[str] | None = None,
    against: str = "maximum",
    census: Census = False,
    shared: str | Sequence[str] = (),
    rescale: bool = False,
    min_answered: float = 0.5,
    few: int = FEW,
    n_draws: int = 4999,
    level: float = 0.95,
    naming: str = "1985",
    rng: RngLike = None,
) -> FiveGapsResult:
    """Measure the gaps of the five-gap model, each with the error of its sources.

    With means of customers' expectations Ē and perceptions P̄, of what managers and
    employees believe customers expect (M̄, B̄), and of standards S̄, delivery D̄ and
    communicated promises C̄:

    === =========================== =============================================
    gap rated                       counted
    === =========================== =============================================
    1   ``M̄ − Ē``
    2   ``S̄ − maximum``, ``S̄ − M̄``  ``1 − covered / required`` (checklist)
    3   ``D̄ − maximum``, ``D̄ − S̄``  ``1 − met / encounters`` (conformance)
    4   ``D̄ − C̄``                   ``1 − kept / made`` (promises)
    5   ``P̄ − Ē``
    6   ``B̄ − Ē``
    7   ``B̄ − M̄``
    === =========================== =============================================

    Rated gaps are what there is less what there should be: negative is bad. Counted
    gaps are shares that fail: 0 is best, 1 worst. A gap without material is absent,
    and the result says why. Gap 6 = gap 1 + gap 7 holds exactly.

    Parameters
    ----------
    customers : a Survey or frame with expectation and perception of every item.
    managers, employees : a Survey or frame of each: what they believe customers expect
        (gaps 1, 6, 7), in the same columns as the instrument's expectations unless
        `managers_expect`, `employees_expect` say otherwise; and what they rate. A frame
        is read on the customers' scale.
    instrument : an `Instrument` or a catalogue name; the customers' own when None.
    standards : gap 2. Ratings by managers: a pattern such as "s_{dimension}" or
        "s_{item}", or ``{dimension: column or columns}``. Or a checklist: a frame with
        ``dimension, required, covered``, one row per group and dimension.
    delivery : gap 3. Ratings by employees, or a frame with ``dimension, n, successes``
        (encounters, and those that meet the standard; `n_eff` if they were weighted or
        clustered), such as the result of ``sat.quality.standards`` or of
        ``sat.quality.Blueprint.conformance``.
    communication : gap 4. Ratings by employees, or a frame ``dimension, made, kept``.
    managers_expect, employees_expect : pattern or mapping of the columns of what they
        believe customers expect, where these are not named as the customers'.
    raters : who rated, where it differs: ``{"communication": "managers"}``.
    points : importance points per dimension, asked of customers and of the others in
        the same columns: the name of a form, or ``{dimension: column}``. They add rows
        of the form "importance points" to gaps 1, 6 and 7.
    by : columns or roles ("unit") that form groups; every source has them.
    against : what standards and delivery are compared with: the "maximum" of their
        scale, or the "stage" before, M and S, where they are rated on the customers'
        scale.
    census : True if all managers answered: their means then have no sampling error.
        ``{"managers": 12}`` or ``{"managers": {unit: 12}}`` says how many there are:
        variances are multiplied by ``1 − n/N``.
    shared : sources that speak for every group, such as ``("managers",)``, and so have
        no `by` column.
    rescale : put all answers on 0-100 by the ends of their own scale. Otherwise
        answers that are compared must be on one scale.
    min_answered : share of a dimension's columns, and of the dimensions, that a
        respondent must have answered to count.
    few : where a source has fewer people than this in a group, gaps of two sources are
        tested by permutation of the studentised difference, not by Welch's t. The
        limits remain Welch's.
    n_draws : most permutations; all are enumerated where there are no more.
    level : confidence level.
    naming : published naming set, "1985" or "1996"; it changes labels only.
    rng : Generator, seed or None; of the permutations.

    Returns
    -------
    FiveGapsResult

    Raises
    ------
    OptionError
        If an argument is none of what it may be, or ratings have no raters.
    DataError
        If columns are absent, scales differ, sources have no group in common, or counts
        are impossible.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1985), doi:10.1177/002224298504900403.
    Welch (1947), doi:10.1093/biomet/34.1-2.28. Janssen (1997), Statistics and
    Probability Letters 36, 9-21. Chung and Romano (2013), doi:10.1214/13-AOS1090.
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> import satmetrics as sat
    >>> from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps
    >>> drawn = simulate_five_gaps(FiveGapPopulation(units=3), rng=1)
    >>> found = sat.five_gaps(
    ...     drawn.customers,
    ...     drawn.managers,
    ...     drawn.employees,
    ...     instrument="servqual",
    ...     standards="s_{dimension}",
    ...     delivery="d_{dimension}",
    ...     communication="c_{dimension}",
    ...     rng=1,
    ... )
    >>> overall = found.to_frame().query("level == 'overall'")
    >>> overall["gap"].tolist()
    [1, 2, 3, 4, 5, 6, 7]
    """
    check_level(level)
    one_of("against", against, AGAINST)
    one_of("naming", naming, NAMINGS)
    few = positive_int("few", few, at_least=0)
    n_draws = positive_int("n_draws", n_draws)
    check_share("min_answered", min_answered)
    people = dict(zip(WORDS, (customers, managers, employees), strict=True))
    present = {word: data for word, data in people.items() if data is not None}
    if not present:
        raise OptionError(
            "nobody is given",
            code="no-sources",
            column="customers",
            remedy="five_gaps(customers, managers, employees)",
        )
    spec = instrument_of("five_gaps", next(iter(present.values())), instrument)
    raw = {"standards": standards, "delivery": delivery, "communication": communication}
    given = {name: value for name, value in raw.items() if value is not None}
    shared = (shared,) if isinstance(shared, str) else tuple(shared)
    rated_by = who_rates(raters)
    check_given(given, rated_by, tuple(present), shared)
    expect = {"managers": managers_expect, "employees": employees_expect}
    material = read_material(present, spec, given, rated_by, expect)
    sources, groups = place_sources(material.surveys, by, shared, census)
    stages = read_stages(material, sources, rescale, min_answered)
    counts = {
        name: share_cells(
            *(name, value, material.design, groups),
            shared=name in shared,
            level=level,
        )
        for name, value in given.items()
        if not is_ratings(value)
    }
    testing = Testing(level, few, n_draws)
    first, second = generator(rng).spawn(2)
    cells, absent = gap_cells(
        *(stages, {name: counted for name, (counted, _) in counts.items()}, material),
        against=against,
        min_answered=min_answered,
        testing=testing,
        rng=first,
    )
    if points is not None:
        allotted = point_stages(points, material, sources)
        cells += point_cells(allotted, testing, second)
    context = context_of(material, sources, stages)
    return FiveGapsResult(
        gap_table(cells, material.design, groups, naming),
        context.plus(*(lost for _, lost in counts.values())),
        level=level,
        by=groups.by,
        naming=naming,
        stages=stage_table(list(stages.values()), material.design, groups),
        people=_people(sources, groups.by),
        absent=tuple(absent.items()),
        against=against,
        rescaled=bool(rescale),
        few=few,
    )


def _people(sources: Mapping[str, Source], by: tuple[str, ...]) -> Table:
    """Count the people of each source, and their smallest and largest group."""
    sizes = {word: source.sizes for word, source in sources.items()}
    some = {word: n[n > 0] for word, n in sizes.items()}
    total = {w: int(s.rows.whole[0].sum()) for w, s in sources.items()}
    return Table.of(
        {
            "source": list(sizes),
            "n": list(total.values()),
            "groups": [int(n.size) for n in some.values()] if by else [1] * len(some),
            "smallest": [int(n.min(initial=n.max(initial=0))) for n in some.values()],
            "largest": [int(n.max(initial=0)) for n in some.values()],
            "shared": [source.shared for source in sources.values()],
            "census": [bool((s.population == 0).any()) for s in sources.values()],
            "sampled": [source.words for source in sources.values()],
        },
        keys=("source",),
    )
