"""The first page: what a manager needs, in words a manager uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from satmetrics._published import PublishedSeries
from satmetrics._result import Context, Result
from satmetrics.gap.five.result import FiveGapsResult
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.performance_result import PerformanceResult
from satmetrics.gap.result import GapResult
from satmetrics.indices.changes import ChangeResult
from satmetrics.indices.index import IndexResult
from satmetrics.indices.priorities import PriorityResult
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.reporting.caveats import caveat
from satmetrics.reporting.five_gap_chapter import overall_gap
from satmetrics.reporting.parts import Part, context_of, gap_results, key_columns
from satmetrics.reporting.words import Row, certainty, direction, plain, signed


@dataclass(frozen=True)
class Point:
    """One of the three priorities."""

    title: str
    text: str


@dataclass(frozen=True)
class FirstPage:
    """The words of the first page.

    Attributes
    ----------
    label, big, unit : what is measured, the number, and what it counts in.
    certainty : the interval in words.
    basis : how many answers it rests on.
    change_word, change : the move since the last wave.
    heading, priorities : up to three, in order.
    caveat : the one thing to bear in mind.
    """

    label: str
    big: str
    unit: str
    certainty: str
    basis: str = ""
    change_word: str = ""
    change: tuple[str, ...] = ()
    heading: str = ""
    priorities: tuple[Point, ...] = ()
    caveat: str = ""


def first_page(part: Part) -> FirstPage:
    """Return the first page of a part."""
    head, context = _headline(part)
    word, change = _change(part)
    heading, points = _priorities(part)
    return FirstPage(
        **head,
        change_word=word,
        change=change,
        heading=heading,
        priorities=points,
        caveat=caveat(part, context),
    )


def line(part: Part) -> str:
    """Return a part in one sentence, for the list of what else a report holds."""
    head, _ = _headline(part)
    number = f"{head['big']} {head['unit']}".strip()
    parts = (f"{head['label']}: {number}", head["certainty"])
    return "; ".join(p for p in parts if p)


def _headline(part: Part) -> tuple[dict[str, str], Context]:
    finders = (_from_index, _from_groups, _from_gaps, _from_five, _from_performance)
    for find in (*finders, _from_table, _from_series):
        found = find(part)
        if found is not None:
            return found
    title = next((getattr(r, "title", "") for r in part.results), "")
    words = {
        "label": str(title) or "Results",
        "big": "",
        "unit": "there is no index or gap among these results",
        "certainty": "",
    }
    first: Result = part.results[0]
    return words, context_of(first)


def _from_index(part: Part) -> tuple[dict[str, str], Context] | None:
    """The last wave of all together, else all waves together."""
    overall = [r for r in part.of(IndexResult) if r.target is not None]
    by_wave = [r for r in overall if len(r.by) == 1 and part.wave_key(r)]
    for result in (*by_wave, *[r for r in overall if not r.by]):
        rows = [r for r in result.table.rows() if r["construct"] == result.target]
        rows = [r for r in rows if math.isfinite(r["estimate"])]
        if rows:
            row = rows[-1]
            wave = f", {part.names(row[result.by[0]])}" if result.by else ""
            label = f"{part.names.sentence(result.target)}{wave}"
            return _index_words(label, row, result.level), result.context
    for boot in part.of(BootstrapResult):
        fit = next((f for f in part.fits if part.boot_of(f) is boot), None)
        target = fit.model.target if fit else None
        for row in boot.table.rows():
            if row["term"] == "index" and row["construct"] == target:
                label = part.names.sentence(target)
                return _index_words(label, row, boot.level), boot.context
    return None


def _index_words(label: str, row: Row, level: float) -> dict[str, str]:
    low, high = row["conf_low"], row["conf_high"]
    between = (
        f"{certainty(level)} between {plain(low)} and {plain(high)}"
        if math.isfinite(low)
        else "how certain it is cannot be said from these figures"
    )
    return {
        "label": label,
        "big": plain(row["estimate"]),
        "unit": "out of 100",
        "certainty": between,
        "basis": f"from the answers of {int(row['n']):,} people",
    }


def _from_series(part: Part) -> tuple[dict[str, str], Context] | None:
    """The last figure of the first unit of a published index."""
    for series in part.of(PublishedSeries):
        table = series.current().table
        rows = [r for r in table.rows() if r["term"] == "index"]
        rows = [r for r in rows if math.isfinite(r["estimate"])]
        if rows:
            own = [r for r in rows if r["name"] == rows[0]["name"]]
            row = own[-1]
            words = {
                "label": f"{part.names.sentence(row['name'])}, {row['wave']}",
                "big": plain(row["estimate"]),
                "unit": "out of 100",
                "certainty": "published without a margin of error",
                "basis": series.title,
            }
            return words, series.context
    return None


def _from_groups(part: Part) -> tuple[dict[str, str], Context] | None:
    for result in part.of(IndexResult):
        target = result.target
        rows = [r for r in result.table.rows() if r["construct"] == target]
        rows = [r for r in rows if math.isfinite(r["estimate"])]
        key = part.wave_key(result)
        if key and rows:
            rows = [r for r in rows if r[key] == rows[-1][key]]
        if not rows:
            continue
        rows.sort(key=lambda r: float(r["estimate"]))
        low, high = rows[0], rows[-1]
        ends = [" · ".join(part.names(r[k]) for k in result.by) for r in (low, high)]
        words = {
            "label": part.names.sentence(target),
            "big": f"{low['estimate']:.0f} to {high['estimate']:.0f}",
            "unit": "out of 100",
            "certainty": f"{ends[0]} is lowest, {ends[1]} highest",
            "basis": f"from the answers of {sum(int(r['n']) for r in rows):,} people",
        }
        return words, result.context
    return None


def _from_gaps(part: Part) -> tuple[dict[str, str], Context] | None:
    for result in part.of(GapResult):
        if result.by:
            continue
        rows = [
            r for r in result.rows("overall").rows() if math.isfinite(r["estimate"])
        ]
        if not rows:
            continue
        row = rows[0]
        low, high = row["conf_low"], row["conf_high"]
        words = {
            "label": "Service quality against expectations",
            "big": signed(row["estimate"], 2),
            "unit": f"points on the answer scale: {_falls(low, high)}",
            "certainty": f"{certainty(result.level)} between {signed(low, 2)} and "
            f"{signed(high, 2)}",
            "basis": f"from the answers of {int(row['n']):,} people",
        }
        return words, result.context
    return None


def _from_five(part: Part) -> tuple[dict[str, str], Context] | None:
    for result in part.of(FiveGapsResult):
        row = overall_gap(result, 5)
        if row is None:
            continue
        low, high = row["conf_low"], row["conf_high"]
        known = math.isfinite(low)
        words = {
            "label": "Service quality against expectations (gap 5)",
            "big": signed(row["estimate"], 2),
            "unit": "points on the answer scale"
            + (f": {_falls(low, high)}" if known else ""),
            "certainty": f"{certainty(result.level)} between {signed(low, 2)} and "
            f"{signed(high, 2)}"
            if known
            else "how certain it is cannot be said from these figures",
            "basis": f"from the answers of {int(row['n']):,} customers",
        }
        return words, result.context
    return None


def _from_performance(part: Part) -> tuple[dict[str, str], Context] | None:
    for result in part.of(PerformanceResult):
        if result.by:
            continue
        for row in result.rows("overall").rows():
            known = math.isfinite(row["estimate_100"])
            if row["term"] != "performance" or not known:
                continue
            low, high = row["conf_low_100"], row["conf_high_100"]
            found = {"estimate": row["estimate_100"], "n": row["n"]}
            found |= {"conf_low": low, "conf_high": high}
            words = _index_words("Service performance", found, result.level)
            return words, result.context
    return None


def _falls(low: float, high: float) -> str:
    if high < 0:
        return "customers get less than they expect"
    if low > 0:
        return "customers get more than they expect"
    return "customers get about what they expect"


def _from_table(part: Part) -> tuple[dict[str, str], Context] | None:
    for result in part.of(GapTable):
        rows = list(result.table.rows())
        means = [r["estimate"] for r in rows if r["level"] != "overall"]
        value = float(np.mean(means))
        words = {
            "label": "Service quality against expectations",
            "big": signed(value, 2),
            "unit": "points on the answer scale, the mean of the rows; below zero "
            "customers get less than they expect",
            "certainty": "how certain the mean is cannot be said from a printed table",
            "basis": f"from the answers of {int(rows[0]['n']):,} people",
        }
        return words, result.context
    return None


def _change(part: Part) -> tuple[str, tuple[str, ...]]:
    word, overall = "", ""
    units: tuple[str, ...] = ()
    for moved in part.of(ChangeResult):
        rows = _last_changes(moved)
        if not rows:
            overall = overall or _unknown_change(part, moved)
        elif key_columns(moved) == (moved.over,):
            word = direction(rows[-1])
            overall = _moved_words(part, rows[-1], moved.level)
        elif not units:
            units = _unit_words(part, rows, moved)
    return word, tuple(t for t in (overall, *units) if t)


def _last_changes(moved: ChangeResult) -> list[Row]:
    """Return the changes of the target to the last wave that are known."""
    rows = [
        r
        for r in moved.table.rows()
        if moved.target is None or r["construct"] == moved.target
    ]
    waves = list(dict.fromkeys(r[moved.over] for r in rows))
    return [
        r for r in rows if r[moved.over] == waves[-1] and math.isfinite(r["estimate"])
    ]


def _unknown_change(part: Part, moved: ChangeResult) -> str:
    last = list(moved.table.rows())[-1]
    return (
        f"cannot be told: {part.names(last['since'])} or "
        f"{part.names(last[moved.over])} has no index"
    )


def _moved_words(part: Part, row: Row, level: float) -> str:
    low, high = row["conf_low"], row["conf_high"]
    since = part.names(row["since"])
    span = f"{certainty(level)} between {signed(low)} and {signed(high)}"
    return f"{signed(row['estimate'])} points since {since}, {span}"


def _unit_words(part: Part, rows: list[Row], moved: ChangeResult) -> tuple[str, ...]:
    keys = [k for k in key_columns(moved) if k != moved.over]

    def name(row: Row) -> str:
        return " · ".join(part.names(row[k]) for k in keys)

    clear = sorted(
        (r for r in rows if direction(r) != "no clear change"),
        key=lambda r: -abs(r["estimate"]),
    )
    said = [
        f"{name(r)} {direction(r)} {plain(abs(r['estimate']))} points "
        f"({signed(r['conf_low'])} to {signed(r['conf_high'])})"
        for r in clear[:3]
    ]
    rest = len(rows) - len(said)
    if not said:
        return (f"no clear change in any of {rest}",) if rest > 1 else ()
    if len(clear) > len(said):
        tail = f"clear changes in {len(clear) - len(said)} more of {len(rows)}"
    else:
        tail = f"no clear change in the other {rest}"
    return (*said, *((tail,) if rest else ()))


def _priorities(part: Part) -> tuple[str, tuple[Point, ...]]:
    for result in part.of(PriorityResult):
        rows = [r for r in result.table.rows() if r["estimate"] > 0][:3]
        target = part.names(result.target)
        when = "over all waves it stands at" if _all_waves(part, result) else "now"
        points = tuple(
            Point(
                part.names.sentence(r["construct"]),
                f"{when} {plain(r['performance'])} of 100; customers who rate this one "
                f"point higher are {plain(r['effect'], 2)} points higher on "
                f"{_lower(target)}",
            )
            for r in rows
        )
        if points:
            return "Where improvement is worth most", points
    for gap in gap_results(part):
        points = _gap_points(part, gap)
        if points:
            return "Where expectations are missed most", points
    for five in part.of(FiveGapsResult):
        points = _five_points(five)
        if points:
            return "Where quality is lost most", points
    return "", ()


def _five_points(result: FiveGapsResult) -> tuple[Point, ...]:
    found = [overall_gap(result, gap) for gap in range(1, 5)]
    rows = [r for r in found if r is not None and r["conf_high"] < 0]
    rows.sort(key=lambda r: float(r["estimate"]))
    return tuple(
        Point(
            f"Gap {r['gap']}, {r['name']}",
            f"{signed(r['estimate'], 2)} points, {certainty(result.level)} between "
            f"{signed(r['conf_low'], 2)} and {signed(r['conf_high'], 2)}",
        )
        for r in rows[:3]
    )


def _all_waves(part: Part, ranked: PriorityResult) -> bool:
    """Whether the levels of priorities are over more than the largest single wave."""
    n = max(
        (int(np.max(f.moments.n)) for f in part.fits if f.model.name == ranked.model),
        default=0,
    )
    for result in part.of(IndexResult):
        key = part.wave_key(result)
        if key is None:
            continue
        counts: dict[object, int] = {}
        for row in result.table.where(construct=result.table["construct"][0]).rows():
            counts[row[key]] = counts.get(row[key], 0) + int(row["n"])
        if len(counts) > 1:
            return n == 0 or n > max(counts.values())
    return False


def _lower(text: str) -> str:
    """Return a label as it stands inside a sentence."""
    return text[0].lower() + text[1:] if text[1:].islower() else text


def _gap_points(part: Part, result: GapResult | GapTable) -> tuple[Point, ...]:
    if isinstance(result, GapResult) and result.by:
        return ()
    rows = [r for r in result.table.rows() if r["level"] == "dimension"]
    rows = rows or [r for r in result.table.rows() if r["level"] == "item"]
    rows = sorted((r for r in rows if r["estimate"] < 0), key=lambda r: r["estimate"])
    return tuple(
        Point(
            part.names.sentence(r["dimension"] or r["item"]),
            f"{plain(-r['estimate'], 2)} points short: customers expect "
            f"{plain(r['expectation'], 2)} and get {plain(r['perception'], 2)}",
        )
        for r in rows[:3]
    )
