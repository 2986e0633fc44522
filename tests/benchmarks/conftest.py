"""One run, one machine, one table: what each benchmark took, ours beside the peers.

Peers are run as their documentation says, and never imported by the package.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
from types import SimpleNamespace

import pytest

import satmetrics as sat

ROWS: pytest.StashKey[list[tuple[str, str, float, str]]] = pytest.StashKey()


def pytest_configure(config):
    config.stash[ROWS] = []


@pytest.fixture
def timed(request, benchmark):
    """Return a function that times a call and puts it into the table of the run.

    ``timed(work, who, call, rounds=5, times=1, note="")``: `times` scales what was
    measured, for peers of which only a part can be waited for.
    """

    def run(work, who, call, *, rounds=5, times=1.0, note=""):
        result = benchmark.pedantic(call, rounds=rounds, warmup_rounds=int(rounds > 1))
        if benchmark.stats is not None:
            best = benchmark.stats.stats.min * times
            request.config.stash[ROWS].append((work, who, best, note))
        return result

    return run


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[ROWS]
    if not rows:
        return
    write = terminalreporter.write_line
    versions = f"satmetrics {sat.__version__}, Python {platform.python_version()}"
    write("")
    write(
        f"Best of the rounds; {versions}, {os.cpu_count()} cores, {platform.machine()}"
    )
    write("")
    write("| work | program | time | |")
    write("|---|---|---|---|")
    for work, who, seconds, note in sorted(rows, key=lambda r: (r[0], r[2])):
        write(f"| {work} | {who} | {_said(seconds)} | {note} |")


def _said(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


ECSI = sat.models.load("ecsi")
BLOCKS = {c.name: list(c.indicators) for c in ECSI.constructs}
PATHS = {
    name: targets
    for name in ECSI.names
    if (targets := [p.target for p in ECSI.paths if p.source == name])
}


def seminr_fit(mobi):
    """Return the module and its fit (mode A, path scheme)."""
    seminr = pytest.importorskip("seminr")
    blocks = [seminr.composite(name, items) for name, items in BLOCKS.items()]
    arrows = [seminr.paths(source, targets) for source, targets in PATHS.items()]
    model = seminr.estimate_pls(
        mobi, seminr.constructs(*blocks), seminr.relationships(*arrows)
    )
    return seminr, model


def seminr_data():
    """Return the answers in the form seminr's Python package takes."""
    return pytest.importorskip("seminr.datasets").load_mobi()


def configured(package):
    """Return the model, scheme and mode as plspm and its fork openpls take them."""
    config = pytest.importorskip(f"{package}.config")
    mode = pytest.importorskip(f"{package}.mode").Mode.A
    structure = config.Structure()
    for source, targets in PATHS.items():
        structure.add_path([source], targets)
    spec = config.Config(structure.path(), scaled=True)
    for name, items in BLOCKS.items():
        spec.add_lv(name, mode, *[config.MV(item) for item in items])
    return spec, pytest.importorskip(f"{package}.scheme").Scheme.PATH


def openpls_fit(mobi, **options):
    """Fit with openpls-engine, which prints while it works."""
    openpls = pytest.importorskip("openpls")
    spec, scheme = configured("openpls")
    with contextlib.redirect_stdout(io.StringIO()):
        return openpls.Plspm(mobi, spec, scheme, **options)


def omnisem_fit(mobi):
    """Fit with omnisem."""
    omnisem = pytest.importorskip("omnisem")
    lines = [f"{name} =~ {' + '.join(items)}" for name, items in BLOCKS.items()]
    lines += [f"{target} ~ {s}" for s, targets in PATHS.items() for target in targets]
    return omnisem.plssem("\n".join(lines), mobi)


def plspm_fit(mobi):
    """Fit with plspm, which pandas 3 breaks."""
    plspm = pytest.importorskip("plspm.plspm").Plspm
    spec, scheme = configured("plspm")
    try:
        return plspm(mobi, spec, scheme)
    except ValueError as error:
        pytest.skip(f"plspm does not run on this pandas: {error}")


@pytest.fixture(scope="session")
def peers():
    return SimpleNamespace(
        seminr_data=seminr_data,
        seminr_fit=seminr_fit,
        openpls_fit=openpls_fit,
        omnisem_fit=omnisem_fit,
        plspm_fit=plspm_fit,
    )
