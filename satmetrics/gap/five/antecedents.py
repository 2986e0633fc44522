"""What may stand behind the gaps: the antecedents, their gaps, their means by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from satmetrics import _toml
from satmetrics._checks import columns_present, friendly_keywords
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.gap._agreement import group_totals
from satmetrics.gap.five._explaining import first_share
from satmetrics.models.model import StructuralModel
from satmetrics.survey import instruments
from satmetrics.survey._door import open_frame
from satmetrics.survey._groups import group_table
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

INSTRUMENT = "gap_antecedents"
MIN_ANSWERED = 0.5


def antecedents_of() -> dict[int, tuple[str, ...]]:
    """Return the antecedents of each of gaps 1 to 4, as ``{gap: names}``.

    The names are the dimensions of the instrument ``gap_antecedents``: 3 + 4 + 7 + 2
    constructs after Zeithaml, Berry and Parasuraman (1988, Journal of Marketing 52,
    35-48), known to us from secondary descriptions.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.quality.antecedents_of()[4]
    ('horizontal_communication', 'propensity_to_overpromise')
    """
    return dict(_map())


@cache
def _map() -> tuple[tuple[int, tuple[str, ...]], ...]:
    file = resources.files("satmetrics.gap.five") / "antecedents.toml"
    document = _toml.parse(file.read_text(encoding="utf-8"), where=file.name)
    return tuple((int(k), tuple(names)) for k, names in document["gap"].items())


@friendly_keywords
def gap_model(
    constructs: Sequence[str] | None = None,
    *,
    gaps: Sequence[int] = (1, 2, 3, 4),
    name: str = "five gaps",
) -> StructuralModel:
    """Return the path model antecedents → gap k → gap 5 for `sat.pls`.

    Every construct is one column of `unit_gaps(…).to_frame()`: ``gap1`` … ``gap5`` and
    the antecedents by name. The rows that `sat.pls` then sees are units.

    Parameters
    ----------
    constructs : the antecedents to put in; none when None. Names must be among
        `antecedents_of`, which says the gap each leads to.
    gaps : the gaps that lead to gap 5.
    name : name of the model.

    Raises
    ------
    DataError
        If a construct is no antecedent of one of `gaps`.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1985), doi:10.1177/002224298504900403: gap 5 is a
    function of gaps 1 to 4.

    Examples
    --------
    >>> import satmetrics as sat
    >>> model = sat.quality.gap_model(["teamwork"], gaps=[3, 4])
    >>> [(path.source, path.target) for path in model.paths]
    [('teamwork', 'gap 3'), ('gap 3', 'gap 5'), ('gap 4', 'gap 5')]
    """
    leads = {c: k for k, names in _map() if k in gaps for c in names}
    chosen = tuple(constructs or ())
    columns_present(chosen, tuple(leads), where="the list of antecedents")
    blocks = {c: [c] for c in chosen}
    blocks |= {f"gap {k}": [f"gap{k}"] for k in (*gaps, 5)}
    paths = {c: [f"gap {leads[c]}"] for c in chosen}
    paths |= {f"gap {k}": ["gap 5"] for k in gaps}
    return StructuralModel.from_blocks(name, blocks, paths, target="gap 5")


@dataclass(frozen=True, eq=False)
class Antecedents:
    """Means of antecedents by unit.

    Attributes
    ----------
    keys : one row per unit.
    names : the antecedents.
    means : (G, c) NaN where nobody answered.
    n : (G,) rows behind each unit.
    exclusions, notes : what a reader must know.
    """

    keys: Table
    names: tuple[str, ...]
    means: FloatArray
    n: FloatArray
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


def antecedent_means(data: object, by: tuple[str, ...]) -> Antecedents:
    """Average antecedents within units.

    Parameters
    ----------
    data : a Survey with an instrument, whose dimensions are the antecedents; a frame
        with the columns of `gap_antecedents`; or a frame with a column per antecedent.
    by : columns that name the unit.
    """
    survey = _survey(data)
    if survey is None:
        return _of_columns(data, by)
    if survey.instrument is None:
        raise DataError(
            "the survey of antecedents has no instrument",
            code="no-instrument",
            column="antecedents",
            remedy=f"make it with Survey(frame, instrument={INSTRUMENT!r}), or give a "
            "frame with one column per antecedent",
        )
    return _of_survey(survey, survey.instrument, by)


def single_factor(data: object) -> tuple[float, int] | None:
    """Return the largest eigenvalue's share of the answers' correlations, and n.

    Harman's single-factor check (Podsakoff et al. 2003) over the items that vary, for
    those who answered all of them; None without a survey of items or with too few.
    """
    survey = None if data is None else _survey(data)
    if survey is None or survey.instrument is None:
        return None
    blocks = blocks_of(survey, survey.instrument)
    X = survey.answers([c for columns in blocks.values() for c in columns])
    X = X[np.isfinite(X).all(axis=1)]
    if len(X) < 3:
        return None
    X = X[:, np.ptp(X, axis=0) > 0]
    if X.shape[1] < 2:
        return None
    return first_share(np.asarray(np.corrcoef(X, rowvar=False))), len(X)


def _survey(data: object) -> Survey | None:
    """Return data as a survey of items; None for a frame with columns of scores."""
    if isinstance(data, Survey):
        return data
    spec = instruments.load(INSTRUMENT)
    there = [name for name in spec.columns() if name in open_frame(data).names]
    return Survey(data, spec) if there else None


def _of_columns(data: object, by: tuple[str, ...]) -> Antecedents:
    grid = open_frame(data)
    columns_present(by, grid.names, where="the table of antecedents")
    names = tuple(n for n in grid.names if n not in by and grid[n].kind == "number")
    if not names:
        raise DataError(
            "the table of antecedents has no column of numbers beside the unit",
            code="no-antecedents",
            column="antecedents",
            remedy="give one column per antecedent",
        )
    codes, keys = group_table(grid, list(by), None)
    values = [grid[n].values.astype(np.float64) for n in names]
    X = np.column_stack(values)
    other = [n for n in grid.names if n not in (*by, *names)]
    notes = (f"columns that are no numbers: {', '.join(other)}",) if other else ()
    return _averaged(X, np.ones(len(X)), codes, keys, names, notes)


def _of_survey(data: Survey, spec: Instrument, by: tuple[str, ...]) -> Antecedents:
    blocks = blocks_of(data, spec)
    scores = [block_mean(data.answers(columns)) for columns in blocks.values()]
    codes, keys = data.groups(list(by))
    keys = Table(by, keys.columns)
    w = np.ones(data.n) if data.weights is None else data.weights
    turned = [d for d in blocks if d in _turned(spec)]
    notes = (
        "antecedents are scored so that high is favourable; turned around: "
        f"{', '.join(turned)}",
    )
    found = _averaged(
        *(np.column_stack(scores), w, codes, keys, tuple(blocks)),
        notes if turned else (),
    )
    own = data.context_for([c for columns in blocks.values() for c in columns])
    return Antecedents(
        found.keys,
        found.names,
        found.means,
        found.n,
        (*own.exclusions, *found.exclusions),
        (*own.notes, *found.notes),
    )


def blocks_of(data: Survey, spec: Instrument) -> dict[str, list[str]]:
    """Return the columns of each dimension that the survey has."""
    form = next(form for form in spec.forms if form.per_item)
    blocks = {
        d.id: [
            column
            for item in spec.items
            if item.dimension == d.id
            and (column := form.column(item.id)) in data.columns
        ]
        for d in spec.dimensions
    }
    return {name: columns for name, columns in blocks.items() if columns}


def _turned(spec: Instrument) -> set[str]:
    return {item.dimension for item in spec.items if item.reverse}


def block_mean(X: FloatArray) -> FloatArray:
    """Return the mean (n,) over the items answered, NaN below half of them."""
    seen = np.isfinite(X)
    count = seen.sum(axis=1)
    enough = (count > 0) & (count >= MIN_ANSWERED * X.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(seen, X, 0.0).sum(axis=1) / count
    return np.where(enough, mean, np.nan)


def _averaged(
    X: FloatArray,
    w: FloatArray,
    codes: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    keys: Table,
    names: tuple[str, ...],
    notes: tuple[str, ...],
) -> Antecedents:
    placed = codes >= 0
    X, w, codes, G = X[placed], w[placed], codes[placed], len(keys)
    W = np.where(np.isfinite(X), w[:, None], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = group_totals(W * np.nan_to_num(X), codes, G) / group_totals(W, codes, G)
    n = np.bincount(codes, minlength=G).astype(np.float64)
    if n.max(initial=0) > 1:
        notes = (*notes, f"antecedents: {int(n.sum()):,} answers averaged within units")
    lost = Exclusion(f"no value of {', '.join(keys.names)}", int((~placed).sum()))
    return Antecedents(keys, names, means, n, (lost,), notes)
