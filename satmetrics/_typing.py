"""Shared type aliases. Arrays are documented by shape where they are used."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]
RngLike: TypeAlias = np.random.Generator | int | None
"""What ``rng=`` takes (SPEC 7): a Generator, a seed, or None for fresh entropy."""

MissingPolicy: TypeAlias = Literal["listwise", "pairwise", "mean", "em", "error"]
Origin: TypeAlias = Literal["real", "simulated", "supplied"]
