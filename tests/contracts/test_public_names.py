"""The public names are pinned, and stay callable whatever is imported."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import satmetrics as sat
from satmetrics._result import Record

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
    "SemOptions",
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
    "indices",
    "instruments",
    "metrics",
    "models",
    "pls",
    "plot",
    "priorities",
    "quality",
    "read",
    "read_result",
    "report",
    "sem",
    "servqual_study",
]
FUNCTIONS = [n for n in NAMES if n[0].islower()]
NAMESPACES = (
    "assessment",
    "datasets",
    "drivers",
    "errors",
    "indices",
    "instruments",
    "metrics",
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
    """No plotting or statistics package comes in, nor rooms few sessions enter."""
    heavy = ("matplotlib", "scipy.stats", "statsmodels", "semopy", "sklearn", "typer")
    heavy += ("satmetrics.estimation.sem", "satmetrics.indices.board")
    heavy += ("satmetrics.indices.ranks", "satmetrics.metrics", "satmetrics.quality")
    code = (
        "import pandas, sys; before = set(sys.modules); import satmetrics; "
        f"print([m for m in {heavy!r} if m in sys.modules and m not in before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def fresh(code: str) -> str:
    """Run code in a new process, in which nothing of ours is imported yet."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_names_imported_later_are_there_when_asked_for():
    asked = fresh(
        "import sys, satmetrics as sat; "
        "before = 'satmetrics.quality' in sys.modules; "
        "listed = set(sat.__all__) <= set(dir(sat)); "
        "names = [sat.five_gaps.__name__, sat.servqual_study.__name__, "
        "sat.quality.zones.__name__]; "
        "from satmetrics import *; print(before, listed, names, five_gaps.__name__)"
    )
    assert asked == ("False True ['five_gaps', 'servqual_study', 'zones'] five_gaps")
    assert (
        fresh(
            "import satmetrics as sat\n"
            "try: sat.gapz\n"
            "except AttributeError as error: print(error)"
        )
        == "module 'satmetrics' has no attribute 'gapz'"
    )


def test_results_of_modules_imported_later_are_read(tmp_path):
    """A document may be the first that a process hears of its kind."""
    file = tmp_path / "study.json"
    sat.servqual_study(instrument="servqual").save_json(file)
    read = f"type(sat.read_result({str(file)!r})).__name__"
    assert fresh(f"import satmetrics as sat; print({read})") == "ServqualStudy"
    unknown = fresh(
        "import importlib, pkgutil, satmetrics as sat; "
        "from satmetrics._result import LATER, Record, Result; "
        "[importlib.import_module(m) for m in LATER]; known = set(Record._kinds); "
        "[importlib.import_module(m.name) "
        "for m in pkgutil.walk_packages(sat.__path__, 'satmetrics.')]; "
        "print([n for n, c in Record._kinds.items() "
        "if issubclass(c, Result) and n not in known])"
    )
    assert unknown == "[]"


def test_no_two_records_have_one_name():
    """A document names its kinds: two classes of one name could not be told apart."""
    for module in pkgutil.walk_packages(sat.__path__, "satmetrics."):
        importlib.import_module(module.name)
    found, left = [], [Record]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if kind.__module__.startswith("satmetrics."):
            found.append(kind.__name__)
    assert sorted(set(found)) == sorted(found)
