"""The demonstration: shipped data through every room to one report."""

from __future__ import annotations

from satmetrics import datasets, models
from satmetrics._typing import RngLike
from satmetrics.estimation.pls import pls
from satmetrics.inference.bootstrap import bootstrap
from satmetrics.reporting.first_page import first_page, line
from satmetrics.reporting.parts import parts_of
from satmetrics.reporting.report import Report, report
from satmetrics.reporting.standard import standard_results

DRAWS = 1000
FILE = "satmetrics-demo.html"


def demo_report(n_draws: int = DRAWS, rng: RngLike = 1) -> Report:
    """Return the report that ``satmetrics demo`` writes.

    Two simulated surveys, airlines (index) and a bank (gaps), and one real one, mobile
    phones, known by its published figures.
    """
    ecsi = models.load("ecsi")
    airlines = standard_results(
        datasets.load("airline_waves"), ecsi, n_draws=n_draws, rng=rng
    )
    bank = standard_results(datasets.load("bank_servqual"))
    mobile = datasets.moments("ecsi_mobile")
    fit = pls(ecsi, mobile)
    results = (
        *airlines.results,
        *bank.results,
        fit,
        bootstrap(fit, mobile, n_draws=n_draws, rng=rng),
    )
    return report(
        "What satmetrics finds in three surveys",
        results,
        labels={**bank.labels, **airlines.labels},
    )


def found(made: Report) -> tuple[str, ...]:
    """Return what a report found, a line for each data set and first priority."""
    lines = []
    for part in parts_of(made.results, made.labels):
        lines.append(f"{part.name or 'data'} [{part.word}]: {line(part)}")
        page = first_page(part)
        if page.change:
            moved = f"{page.change_word}, " if page.change_word else ""
            lines.append(f"  change: {moved}{page.change[0]}")
        if page.priorities:
            lines.append(f"  first priority: {page.priorities[0].title}")
    return tuple(lines)
