"""A simulated economy: companies in industries and sectors, asked wave by wave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import IntArray, RngLike
from satmetrics.errors import OptionError
from satmetrics.simulate import _draws as kernel
from satmetrics.simulate.index_survey import IndexPopulation, simulate_index_survey
from satmetrics.simulate.shipped import AIRLINES

if TYPE_CHECKING:
    import pandas as pd

BETWEEN, WITHIN, MOVED, COMMON = 0.3, 0.3, 0.15, 0.1
"""Standard deviations of shifts of industries, companies, company-waves and waves."""


@dataclass(frozen=True, eq=False)
class Economy(Record):
    """Companies with known means, and where they belong.

    Attributes
    ----------
    population : customers of every company in every wave; `truth()` of it is exact.
    members : company, industry, sector, revenue (of the company) and gdp (of the
        sector), one row per company.
    """

    population: IndexPopulation
    members: Table

    def members_frame(self) -> pd.DataFrame:
        """Return `members` as a frame."""
        return self.members.to_frame()

    def answers(self, n: int = 250, *, rng: RngLike = None) -> pd.DataFrame:
        """Draw n customers of each company and wave; see `simulate_index_survey`."""
        drawn = simulate_index_survey(self.population, n, rng=rng)
        return drawn.rename(columns={"unit": "company"})


@friendly_keywords
def simulate_economy(
    *,
    companies: int = 400,
    industries: int = 40,
    sectors: int = 10,
    waves: int = 8,
    rng: RngLike = None,
) -> Economy:
    """Invent an economy: its companies, their true means, revenues and sectors.

    Companies differ in quality (a common part of their industry and one of their own)
    and in satisfaction beyond it, waves shift all of them, and every company moves on
    its own. Nothing of it describes a real company.

    Parameters
    ----------
    companies, industries, sectors, waves : how many. Companies are dealt to industries,
        and these to sectors, as evenly as can be.
    rng : Generator, seed, or None for fresh entropy.

    Returns
    -------
    Economy

    Raises
    ------
    OptionError
        If there are fewer companies than industries, or industries than sectors.

    Examples
    --------
    >>> from satmetrics.simulate import simulate_economy
    >>> small = simulate_economy(companies=6, industries=3, sectors=2, waves=2, rng=1)
    >>> small.answers(n=10, rng=1).shape
    (120, 27)
    """
    sizes = {"companies": companies, "industries": industries, "sectors": sectors}
    for name, size in (*sizes.items(), ("waves", waves)):
        positive_int(name, size)
    if not companies >= industries >= sectors:
        raise OptionError(
            f"{companies} companies, {industries} industries and {sectors} sectors",
            code="bad-sizes",
            value=tuple(sizes.values()),
            remedy="every industry needs a company and every sector an industry",
        )
    random = np.random.default_rng(rng)
    names = _names("company", companies)
    industry = np.arange(companies) * industries // companies
    sector = np.arange(industries) * sectors // industries
    revenue = np.exp(kernel.normals(random, (companies,)))
    gdp = 1 + 4 * random.random(sectors)
    table = Table.of(
        {
            "company": names,
            "industry": [_names("industry", industries)[i] for i in industry],
            "sector": [_names("sector", sectors)[sector[i]] for i in industry],
            "revenue": revenue,
            "gdp": gdp[sector[industry]],
        },
        keys=("company",),
    )
    return Economy(_population(names, industry, waves, random), table)


def _population(
    names: list[str], industry: IntArray, waves: int, rng: np.random.Generator
) -> IndexPopulation:
    quality = BETWEEN * kernel.normals(rng, (int(industry.max()) + 1,))[industry]
    own = WITHIN * kernel.normals(rng, (2, len(names)))
    common = COMMON * kernel.normals(rng, (waves,))
    moved = MOVED * kernel.normals(rng, (len(names), waves))
    labels = [str(2001 + t) for t in range(waves)]
    units = {
        name: {
            "Quality": float(quality[i] + own[0, i]),
            "Satisfaction": float(own[1, i]),
        }
        for i, name in enumerate(names)
    }
    trends = {
        (name, wave): {"Satisfaction": float(moved[i, t])}
        for i, name in enumerate(names)
        for t, wave in enumerate(labels)
    }
    shifts = {w: {"Quality": float(common[t])} for t, w in enumerate(labels)}
    return IndexPopulation(
        coefficients=AIRLINES.coefficients,
        units=units,
        waves=shifts,
        trends=trends,
        default_mean=7.0,
    )


def _names(word: str, count: int) -> list[str]:
    width = len(str(count))
    return [f"{word} {i + 1:0{width}d}" for i in range(count)]
