"""The public names are pinned, and stay callable whatever is imported."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import satmetrics as sat

NAMES = [
    "Construct",
    "Context",
    "Exclusion",
    "Instrument",
    "Item",
    "Label",
    "Moments",
    "Path",
    "PlsOptions",
    "Scale",
    "StructuralModel",
    "Survey",
    "assess",
    "assessment",
    "bootstrap",
    "changes",
    "datasets",
    "drivers",
    "effects",
    "errors",
    "five_gaps",
    "gap_table",
    "gaps",
    "index",
    "instruments",
    "models",
    "pls",
    "plot",
    "priorities",
    "quality",
    "read",
    "read_result",
    "report",
    "servqual_study",
]
FUNCTIONS = [n for n in NAMES if n[0].islower()]
NAMESPACES = (
    "assessment",
    "datasets",
    "drivers",
    "errors",
    "instruments",
    "models",
    "plot",
    "quality",
)


def test_names_are_pinned():
    assert sorted(sat.__all__) == sorted(NAMES)
    assert len(NAMES) <= 40


def test_names_survive_the_import_of_every_submodule():
    for module in pkgutil.walk_packages(sat.__path__, "satmetrics."):
        importlib.import_module(module.name)
    for name in FUNCTIONS:
        value = getattr(sat, name)
        assert inspect.ismodule(value) == (name in NAMESPACES), name
        assert callable(value) or name in NAMESPACES


def test_every_public_name_is_documented_with_an_example():
    for name in FUNCTIONS:
        value = getattr(sat, name)
        assert inspect.getdoc(value), name
        if name not in NAMESPACES:
            doc = inspect.getdoc(value)
            assert ">>>" in doc, f"{name} has no example"
            assert "Parameters" in doc, name


def test_import_is_light():
    """No plotting or statistics package comes in with the import."""
    heavy = ("matplotlib", "scipy.stats", "statsmodels", "semopy", "sklearn", "typer")
    code = (
        "import pandas, sys; before = set(sys.modules); import satmetrics; "
        f"print([m for m in {heavy!r} if m in sys.modules and m not in before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
