"""The moments of one set of items, whatever the data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._typing import FloatArray, MissingPolicy
from satmetrics.assessment.item_blocks import (
    Blocks,
    ItemBlocks,
    blocks_of,
    survey_for,
)
from satmetrics.assessment.item_source import refuse_weights
from satmetrics.errors import DataError
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

LOWEST = 1e-10
"""An eigenvalue of correlations below this counts as none."""


def single_moments(
    data: object,
    items: Sequence[str] | Blocks,
    form: str | None,
    weights: str | None,
    missing: MissingPolicy,
) -> tuple[Moments, ItemBlocks]:
    """Return the moments of the items of one group, and their blocks.

    Raises
    ------
    DataError
        If there are fewer than three items, or a batch of groups is given.
    """
    blocks = _blocks(data, items, form)
    if len(blocks.columns) < 3:
        raise DataError(
            f"{len(blocks.columns)} items have no dimensions to tell apart",
            code="too-few-items",
            value=len(blocks.columns),
            remedy="give at least three",
        )
    if isinstance(data, Moments):
        return _of_moments(data, blocks, weights), blocks
    if is_lazy(data):
        source: object = data
    else:
        source = survey_for(data, blocks.instrument, weights)
    lazy_weights = weights if is_lazy(data) else None
    moments = Moments.from_frame(
        source, blocks.columns, weights=lazy_weights, missing=missing
    )
    return moments, blocks


def _of_moments(moments: Moments, blocks: ItemBlocks, weights: str | None) -> Moments:
    if moments.batch_shape:
        raise DataError(
            "moments of several groups are given",
            code="batch-of-groups",
            remedy="take one group: moments.group(0)",
        )
    refuse_weights(weights)
    return moments.select(blocks.columns)


def _blocks(
    data: object, items: Sequence[str] | Blocks, form: str | None
) -> ItemBlocks:
    if items is None and isinstance(data, Moments) and form is None:
        return ItemBlocks(("items",), (data.names,))
    if items is None or isinstance(items, (str, Mapping, Instrument, Survey)):
        return blocks_of(data, items, form)
    found = blocks_of(data, {"items": list(items)}, form)
    own = data.instrument if isinstance(data, Survey) else None
    if own is None:
        return found
    return _by_dimension(found, own)


def _by_dimension(found: ItemBlocks, instrument: Instrument) -> ItemBlocks:
    """Split listed columns by the dimensions of the survey's instrument."""
    owners = {}
    for column in found.columns:
        known = instrument.item_of(column)
        owners[column] = "items" if known is None else known[0].dimension
    if "items" in owners.values():
        return found
    names = tuple(dict.fromkeys(owners.values()))
    items = tuple(
        tuple(c for c in found.columns if owners[c] == name) for name in names
    )
    return ItemBlocks(names, items)


def require_definite(R: FloatArray, names: Sequence[str]) -> None:
    """Raise where correlations are not known or not positive definite."""
    constant = [n for n, r in zip(names, np.diagonal(R), strict=True) if np.isnan(r)]
    if constant:
        raise DataError(
            f"item {constant[0]!r} is constant or has no correlations",
            code="constant-item",
            column=constant[0],
            value=tuple(constant),
            remedy="leave it out",
        )
    if np.isnan(R).any():
        at = np.argwhere(np.isnan(R))[0]
        raise DataError(
            f"the correlation of {names[at[0]]!r} and {names[at[1]]!r} is not known",
            code="no-correlations",
            column=names[at[0]],
        )
    lowest = float(np.linalg.eigvalsh(R)[0])
    if lowest <= LOWEST:
        raise DataError(
            "the correlations are not positive definite (smallest eigenvalue "
            f"{lowest:.3g})",
            code="indefinite",
            value=lowest,
            remedy="leave out items that are sums of others or nearly copies; more "
            'respondents than items are needed; missing="em" instead of "pairwise"',
        )
