"""`ControlChart`: the points of units over waves, their limits and their signals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics import _special as special
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult

TITLES = {"shewhart": "Shewhart", "ewma": "EWMA", "cusum": "CUSUM"}
FEW_WAVES = 20
RANGE_NOISE = 0.9
"""Standard deviation of sigma_z in a steady process, times the root of the ranges."""
VARIATION = {
    "sampling": "limits hold what chance of sampling explains; true ups and downs of "
    "every wave count as signals",
    "total": "limits hold the variation from wave to wave as the moving ranges of each "
    "unit show it (sigma_z, at least 1: Laney 2002)",
    "pooled": "limits hold the variation from wave to wave as the moving ranges of all "
    "units together show it (sigma_z, at least 1: after Laney 2002)",
    "given": "limits rest on the sigma given",
}


def _no_units() -> Table:
    return Table((), ())


@dataclass(frozen=True, eq=False, repr=False)
class ControlChart(TableResult):
    """One chart per unit: points, limits and signals, one row a unit and wave.

    Attributes
    ----------
    table : keys, construct, n, estimate and std_error of the index; ``statistic`` (the
        estimate, its EWMA, or the larger side of the CUSUM, that of a fall negative)
        with ``centre, limit_low, limit_high`` on its own scale; ``sigma`` of the
        statistic; ``baseline`` (wave used for the centre); ``signal`` and ``rule``
        (what was broken); reason. CUSUM also: ``cusum_high, cusum_low`` and ``since``
        (first wave of the rise or fall that signals).
    units : one row per unit: keys, waves, centre, sigma_z, signals, first_signal and
        reason.
    over : the key column of the waves.
    method : "shewhart", "ewma" or "cusum".
    variation : "sampling", "total", "pooled" or "given".
    target : the construct.
    by : the key columns.
    baseline : waves that gave the centre; none where it was given.
    retrospective : whether these are all the waves.
    width, lam, k, h : of the limits, as given.
    run_rules, reset : as given.
    sigma_z : variation of all units together over what sampling explains.
    """

    units: Table = field(default_factory=_no_units)
    over: str = "wave"
    method: str = "shewhart"
    variation: str = "sampling"
    target: str | None = None
    by: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    retrospective: bool = False
    width: float = 3.0
    lam: float = 0.2
    k: float = 0.5
    h: float = 5.0
    run_rules: bool = False
    reset: bool = False
    sigma_z: float = float("nan")

    def signals(self) -> Table:
        """Return the rows that signal."""
        return self.table.take(np.flatnonzero(self.table["signal"]))

    def summary(self) -> Summary:
        """Return the units that signal and the points that do."""
        signals = self.signals()
        used = np.isfinite(self.table["limit_high"])
        told = self.units["signals"]
        facts = (
            *self.context.facts(),
            ("chart", self._design()),
            ("baseline", self._baseline()),
            (
                "signals",
                f"{len(signals)} of {int(used.sum())} points, in "
                f"{int((told > 0).sum())} of {len(self.units)} units",
            ),
        )
        first = np.argsort(-told, kind="stable")
        keys = {key: key for key in self.by}
        own = {key: key for key in self.by if key != self.over}
        parts = (
            section(
                "Units, those with most signals first",
                self.units.take(first),
                {**own, "waves": "waves", "centre": "centre", "sigma_z": "sigma_z"}
                | {"signals": "signals", "first_signal": "first", "reason": "reason"},
                decimals={"centre": 1, "sigma_z": 2},
            ),
            section(
                "Signals",
                signals,
                {**keys, "estimate": "index", "statistic": TITLES[self.method]}
                | {"limit_low": "low", "limit_high": "high", "since": "since"}
                | {"rule": "what was broken"},
                decimals=dict.fromkeys(
                    ("estimate", "statistic", "limit_low", "limit_high"), 2
                ),
                max_rows=40,
            ),
        )
        kept: tuple[Section, ...] = tuple(part for part in parts if part.rows)
        title = f"{TITLES[self.method]} chart of {self.target}"
        return Summary(title, facts, kept, self._notes())

    def _design(self) -> str:
        if self.method == "cusum":
            again = ", reset after a signal" if self.reset else ""
            return f"CUSUM, k = {self.k:g}, h = {self.h:g} sigma{again}"
        rules = ", Western Electric rules" if self.run_rules else ""
        smooth = f", lambda = {self.lam:g}" if self.method == "ewma" else ""
        return f"{TITLES[self.method]}{smooth}, limits at {self.width:g} sigma{rules}"

    def _baseline(self) -> str:
        if not self.baseline:
            return "centre given"
        waves = f"{self.baseline[0]} to {self.baseline[-1]}"
        return f"{len(self.baseline)} waves, {waves}"

    def _notes(self) -> tuple[str, ...]:
        return (
            "a signal asks for a cause; it is not one",
            VARIATION[self.variation],
            *self._dispersion(),
            *self._few(),
            *self._chance(),
            *self.context.sentences(),
        )

    def _dispersion(self) -> tuple[str, ...]:
        ranges = np.maximum(self.units["waves"] - 1, 0).sum()
        if self.baseline:
            ranges = min(ranges, len(self.units) * (len(self.baseline) - 1))
        chance = RANGE_NOISE / np.sqrt(max(ranges, 1))
        if self.variation != "sampling" or not self.sigma_z > 1 + 2 * chance:
            return ()
        return (
            f"neighbouring waves differ {self.sigma_z:.2f} times as much as sampling "
            'explains, all units together: consider variation="pooled"',
        )

    def _few(self) -> tuple[str, ...]:
        m = len(self.baseline)
        if not m:
            return ()
        said = [
            f"the centre rests on {m} waves and is uncertain itself; rule of thumb: 20 "
            "to 25 (Montgomery, Introduction to Statistical Quality Control)"
        ]
        if self.retrospective:
            said.append(
                "the waves judged gave the centre, which a lasting change draws "
                "towards itself; baseline= names waves known to be steady"
            )
        elif self.method == "shewhart":
            said.append(
                f"of later points without a change about 1 in {1 / self._odds():.0f} "
                f"signals, not 1 in {1 / self._odds(known=True):.0f} as with a centre "
                "that is known"
            )
        return tuple(said) if m < FEW_WAVES or self.retrospective else ()

    def _odds(self, *, known: bool = False) -> float:
        """Return how often a point signals by chance, after a baseline of m waves."""
        m = len(self.baseline)
        late = bool(m) and not self.retrospective and self.method == "shewhart"
        room = 1 / m if late and not known else 0.0
        return float(2 * special.normal_cdf(-self.width / np.sqrt(1 + room)))

    def _chance(self) -> tuple[str, ...]:
        if self.method == "cusum" or self.run_rules:
            return ()
        judged = np.isfinite(self.table["limit_high"])
        if not self.retrospective:
            judged &= ~self.table["baseline"]
        points = int(judged.sum())
        return (
            f"were nothing changed, {points * self._odds():.1f} of {points:,} points "
            "would be expected beyond the limits by chance",
        )
