"""What the import contracts cannot say about rooms and kernels."""

from __future__ import annotations

import tomllib
from pathlib import Path

import satmetrics

PACKAGE = Path(satmetrics.__file__).parent
PROJECT = PACKAGE.parent / "pyproject.toml"


def test_every_kernel_is_under_the_contract_of_kernels():
    document = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    listed = next(c for c in contracts if "arrays only" in c["name"])["source_modules"]
    kernels = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("_*.py")
        if "arrays in, arrays out" in path.read_text(encoding="utf-8")[:400]
    ]
    assert len(kernels) > 30
    assert sorted(set(kernels) - set(listed)) == []


def test_gaps_know_nothing_of_the_five():
    for path in (PACKAGE / "gap").glob("*.py"):
        assert "satmetrics.gap.five" not in path.read_text(encoding="utf-8"), path.name
