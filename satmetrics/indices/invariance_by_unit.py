"""`sat.indices.unit_invariance`: MICOM of each unit against the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from satmetrics._checks import (
    check_level,
    did_you_mean,
    friendly_keywords,
    generator,
    positive_int,
)
from satmetrics._typing import MissingPolicy, RngLike
from satmetrics.assessment.grouping import read_groups, refuse_moments
from satmetrics.assessment.invariance import check_composites
from satmetrics.errors import OptionError
from satmetrics.estimation.door import as_model, model_survey
from satmetrics.estimation.options import PlsOptions
from satmetrics.indices.invariance_result import UnitInvariance
from satmetrics.indices.invariance_tables import (
    hold_each,
    table_of_tests,
    table_of_units,
)
from satmetrics.models.model import StructuralModel
from satmetrics.survey.survey import Survey

MOST = 20
UNIT, ROLE_WAVE = "company", "wave"


@friendly_keywords
def unit_invariance(  # noqa: PLR0913 - the estimator's arguments, then the test's
    model: StructuralModel | str,
    data: object,
    *,
    unit: str | Sequence[str] | None = None,
    within: str | None = None,
    wave: object = None,
    options: PlsOptions | None = None,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    n_draws: int = 1000,
    level: float = 0.95,
    most: int | None = MOST,
    rng: RngLike = None,
    progress: Callable[[int, int], None] | None = None,
) -> UnitInvariance:
    r"""Test whether each unit measures what the rest of its industry measures.

    Indices of units can be compared where the same answers make up satisfaction in all
    of them. Each unit is held against all others of its industry together (MICOM, as
    in `sat.assessment.micom`): step 2 asks whether the composites are made alike,
    :math:`c = \mathrm{cor}(X w_{unit}, X w_{rest})`, which is 1 if they are; its p is
    adjusted after Holm over the units. Step 3 compares means and variances, and is for
    information: a difference of means is what an index is meant to show.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.
    data : a Survey or any dataframe of respondents.
    unit : column or role of the units, or several; the role "unit" when None, else the
        column "company".
    within : column such as "industry"; a unit's rest are the others of its industry.
        All other units when None.
    wave : the wave that is tested; the last one when None and the survey has the role.
    options : as for `sat.pls`.
    weights : column of sampling weights; the survey's weight role when None.
    missing : as for `sat.pls`.
    n_draws : permutations of each unit.
    level : 0.95 rejects at 5 % after Holm.
    most : units that may be tested: each takes as long as one `micom`. None for any
        number.
    rng : Generator or seed (SPEC 7).
    progress : called with (draws done, draws in all) after each batch.

    Returns
    -------
    UnitInvariance
        Keys, construct, term, n, estimate, std_error, p_value, conf_low, conf_high,
        n_rest, p_holm, verdict, draws, reason.

    Raises
    ------
    OptionError
        If there are more units than `most`, if so few draws could reject none of them,
        or the wave does not exist.
    DataError
        If there are no respondents or one unit only, or a column is absent.

    Notes
    -----
    A unit of fewer than 10 rows, without a rest, or whose model cannot be estimated is
    not tested, and says so in ``reason``. Holm's (1979) adjustment runs over the units
    tested, construct by construct.

    References
    ----------
    Henseler, Ringle and Sarstedt (2016), Testing measurement invariance of composites
    using partial least squares, doi:10.1108/IMR-09-2014-0304. Holm (1979), A simple
    sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6, 65-70.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> found = sat.indices.unit_invariance("ecsi", survey, n_draws=99, rng=1)
    >>> found.composition().to_frame()["verdict"].tolist()
    ['not rejected', 'not rejected', 'not rejected', 'not rejected']
    """
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    check_level(level)
    random = generator(rng)
    chosen = as_model(model, data)
    refuse_moments(data)
    check_composites(chosen)
    survey, told = _of_wave(model_survey(chosen, data), wave)
    units, inner = _keys(survey, unit), () if within is None else (within,)
    names = (*inner, *units)
    read = read_groups(chosen, survey, names, options, weights=weights, missing=missing)
    _check_many(len(read.groups.keys), n_draws, level, most)
    tests = hold_each(read, len(inner), n_draws, level, random, progress)
    keys = read.groups.keys
    return UnitInvariance(
        table_of_tests(tests, level),
        read.groups.context.plus(*tests.lost, notes=read.groups.exchanged),
        units=table_of_units(tests),
        unit=keys.names[len(inner) :],
        within=keys.names[: len(inner)],
        wave=told,
        target=chosen.target,
        level=level,
        n_draws=n_draws,
        model=chosen.name,
    )


def _of_wave(survey: Survey, wave: object) -> tuple[Survey, tuple[str, ...]]:
    """Return the rows of the wave asked for, or of the last one."""
    column = survey.roles.wave
    if column is None:
        if wave is None:
            return survey, ()
        raise OptionError(
            f"wave={wave!r}, but no column has the role wave",
            code="no-waves",
            column="wave",
            value=wave,
            remedy="give the survey the role: sat.Survey(frame, wave=…)",
        )
    codes, keys = survey.groups(ROLE_WAVE)
    held = keys[column].tolist()
    chosen = held[-1] if wave is None else wave
    at = [k for k, value in enumerate(held) if str(value) == str(chosen)]
    if not at:
        raise OptionError(
            f"there is no {column} {wave!r}",
            code="unknown-wave",
            column=column,
            value=wave,
            remedy=f"{did_you_mean(wave, held)} it has {', '.join(map(str, held))}",
        )
    return survey.take(np.flatnonzero(codes == at[0])), (column, str(chosen))


def _keys(survey: Survey, unit: str | Sequence[str] | None) -> tuple[str, ...]:
    if unit is not None:
        return (unit,) if isinstance(unit, str) else tuple(unit)
    return (UNIT,) if survey.roles.unit is None else ("unit",)


def _check_many(units: int, n_draws: int, level: float, most: int | None) -> None:
    """Raise if nobody would want to wait, or if no test could reject."""
    if most is not None and units > positive_int("most", most):
        raise OptionError(
            f"{units} units would be tested one by one, and most={most}",
            code="many-units",
            column="most",
            value=units,
            remedy=f"ask for it with most={units}, or most=None for any number; or "
            "test one industry at a time",
        )
    if units > (1 - level) * (n_draws + 1) * (1 + 1e-9):
        needed = int(np.ceil(units / (1 - level) - 1e-9)) - 1
        raise OptionError(
            f"{n_draws} permutations cannot reject one of {units} units after Holm: "
            f"the smallest p is {units / (n_draws + 1):.2g}",
            code="few-draws",
            column="n_draws",
            value=n_draws,
            remedy=f"give n_draws={needed} or more",
        )
