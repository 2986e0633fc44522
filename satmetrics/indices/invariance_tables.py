"""MICOM of single units against the others of their industry, put into tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.assessment.composed import Composed
from satmetrics.assessment.grouping import Respondents, Tally
from satmetrics.assessment.invariance import SINGLE, TERMS, why_untested
from satmetrics.assessment.micom_steps import Step, steps
from satmetrics.errors import DataError
from satmetrics.indices.invariance_result import KEPT, REJECTED
from satmetrics.inference._tests import holm
from satmetrics.inference.permutation import Grouped

FEW = 10
"""A unit with fewer rows is not tested."""
REST = "the rest"
FEW_ROWS = f"fewer than {FEW} rows"
ALONE = "no other unit to be compared with"
NUMBERS = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "draws")


@dataclass(frozen=True, eq=False)
class Tests:
    """The tests of U units.

    Attributes
    ----------
    keys : key columns of the units.
    made : the constructs.
    found : the steps of each unit, None where it was not tested.
    n, n_rest : (U,) rows.
    failed : (U,) permutations that could not be fitted.
    reasons : why a unit was not tested.
    lost : permutations that could not be fitted, by reason.
    """

    keys: Table
    made: Composed
    found: tuple[dict[str, Step] | None, ...]
    n: AnyArray
    n_rest: AnyArray
    failed: AnyArray
    reasons: tuple[str, ...]
    lost: tuple[Exclusion, ...] = ()


def hold_each(
    read: Respondents,
    inner: int,
    n_draws: int,
    level: float,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None,
) -> Tests:
    """Hold each unit against the rest of its industry.

    Parameters
    ----------
    read : respondents by industry, if any, and unit.
    inner : 1 if the first key is the industry, 0 if there is none.
    n_draws, level, rng, progress : as in `unit_invariance`.
    """
    whole = read.fitted(read.groups)
    keys, n = read.groups.keys, np.asarray(whole.fits.moments.n)
    industry = _industries(keys, inner)
    n_rest = np.bincount(industry, weights=n).astype(np.int64)[industry] - n
    tally = Tally(n_draws * len(keys), progress)
    found: list[dict[str, Step] | None] = []
    reasons, failed = [], []
    for u, child in enumerate(rng.spawn(len(keys))):
        before = sum(tally.failures.values())
        one, why = None, _unfit(int(n[u]), int(n_rest[u]))
        if not why:
            members = np.flatnonzero(industry == industry[u])
            one, why = _against(read, members, u, n_draws, level, child, tally)
        found.append(one)
        reasons.append(why)
        failed.append(sum(tally.failures.values()) - before)
    made = Composed.of(whole.fits)
    return Tests(keys, made, tuple(found), n, n_rest, np.array(failed), tuple(reasons))


def _industries(keys: Table, inner: int) -> AnyArray:
    """Return the industry of each unit, all one without `within`."""
    if not inner:
        return np.zeros(len(keys), dtype=np.int64)
    held: dict[object, int] = {}
    values = keys.columns[0].tolist()
    return np.array([held.setdefault(value, len(held)) for value in values])


def _unfit(n: int, n_rest: int) -> str:
    if not n_rest:
        return ALONE
    if n < FEW:
        return FEW_ROWS
    return f"{FEW_ROWS} in the rest" if n_rest < FEW else ""


def _against(
    read: Respondents,
    members: AnyArray,
    u: int,
    n_draws: int,
    level: float,
    rng: np.random.Generator,
    tally: Tally,
) -> tuple[dict[str, Step] | None, str]:
    """Return the steps of one unit against the rest, or why there are none."""
    own = read.groups.subset(members.tolist())
    name = read.groups.names[u]
    codes = (members[own.codes] != u).astype(np.int64)
    two = Grouped(own.units, codes, Table.of({"group": [name, REST]}))
    try:
        two.check_exchange()
    except DataError as error:
        return None, str(error)
    divided = read.fitted(two)
    why = divided.failure(0, 1)
    if why:
        return None, why
    return steps(divided, (0, 1), n_draws, level, rng, tally), ""


def table_of_tests(tests: Tests, level: float) -> Table:
    """Return a row per unit, construct and term, p of composition after Holm."""
    U, T, k = len(tests.keys), len(TERMS), len(tests.made.names)
    values = {name: _stacked(tests, name) for name in NUMBERS}
    p = values["p_value"]
    adjusted = np.full((U, T, k), np.nan)
    adjusted[:, 0] = holm(p[:, 0].T).T
    reasons = np.empty((U, T, k), dtype=object)
    verdict = np.full((U, T, k), "", dtype=object)
    for u, t, c in np.ndindex(U, T, k):
        why = tests.reasons[u] or why_untested(
            tests.made, c, TERMS[t], float(p[u, t, c])
        )
        reasons[u, t, c] = why
        if t == 0 and (why == SINGLE or np.isfinite(adjusted[u, t, c])):
            rejected = adjusted[u, t, c] <= 1 - level
            verdict[u, t, c] = REJECTED if rejected else KEPT
    keys = {name: np.repeat(tests.keys[name], T * k) for name in tests.keys.names}
    columns = {
        **keys,
        "construct": list(tests.made.names) * (U * T),
        "term": [term for _ in range(U) for term in TERMS for _ in range(k)],
        "n": np.repeat(tests.n, T * k),
        **{name: value.ravel() for name, value in values.items() if name != "draws"},
        "n_rest": np.repeat(tests.n_rest, T * k),
        "p_holm": adjusted.ravel(),
        "verdict": verdict.ravel(),
        "draws": values["draws"].ravel().astype(np.int64),
        "reason": reasons.ravel(),
    }
    return Table.of(columns, keys=tests.keys.names)


def _stacked(tests: Tests, name: str) -> FloatArray:
    """Return one number (U, terms, constructs) of all tests; NaN where untested."""
    k = len(tests.made.names)
    out = np.full((len(tests.found), len(TERMS), k), 0.0 if name == "draws" else np.nan)
    for u, found in enumerate(tests.found):
        if found is not None:
            out[u] = [getattr(found[term], name) for term in TERMS]
    if name != "draws":
        out[:, :, [tests.made.untested(i) for i in range(k)]] = np.nan
    return out


def table_of_units(tests: Tests) -> Table:
    """Return what became of each unit."""
    status = ["not tested" if why else "tested" for why in tests.reasons]
    columns = {
        **{name: tests.keys[name] for name in tests.keys.names},
        "n": tests.n,
        "n_rest": tests.n_rest,
        "status": status,
        "failed": tests.failed,
        "reason": list(tests.reasons),
    }
    return Table.of(columns, keys=tests.keys.names)
