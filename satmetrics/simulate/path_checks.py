"""What a model asks of the path coefficients it is simulated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from satmetrics._typing import FloatArray
from satmetrics.errors import SpecificationError
from satmetrics.models.model import StructuralModel


def check_paths(
    spec: StructuralModel, coefficients: Mapping[str, Mapping[str, float]]
) -> None:
    """Raise unless there is one coefficient for each path of the model."""
    edges = {(path.source, path.target) for path in spec.paths}
    given = {(s, t) for s, targets in coefficients.items() for t in targets}
    for source, target in sorted(edges ^ given):
        raise SpecificationError(
            f"coefficients and model {spec.name!r} differ: {source} → {target}",
            code="unknown-path",
            column="coefficients",
            value=(source, target),
            remedy="give one coefficient for each path of the model",
        )


def check_residuals(names: Iterable[str], residual: FloatArray) -> None:
    """Raise where the paths leave a construct of unit variance no residual."""
    for name, left in zip(names, residual, strict=True):
        if left <= 0:
            raise SpecificationError(
                f"the paths into {name!r} explain {1 - left:.2f} of its variance",
                code="impossible-paths",
                column=name,
                value=float(1 - left),
                remedy="they must explain less than all of it",
            )
