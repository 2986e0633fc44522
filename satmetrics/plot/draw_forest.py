"""`plot.forest`: bootstrap estimates of one kind with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from satmetrics._checks import expect, friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.inference.kinds import KINDS
from satmetrics.plot import _dots
from satmetrics.plot._canvas import BLUE, axes_for, finish
from satmetrics.plot._labels import LabelSource, Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TERMS: Mapping[str, str] = {
    "path": "path coefficient, standard deviations",
    "direct": "direct effect, standard deviations",
    "indirect": "indirect effect, standard deviations",
    "specific_indirect": "indirect effect along one chain, standard deviations",
    "total": "total effect, standard deviations",
    "statistic": "statistic of your own",
    "weight": "weight of the standardised answer",
    "loading": "loading, correlation with the construct",
    "r2": "R², share of variance explained",
    "htmt": "HTMT, mean of |r|",
    "htmt_signed": "HTMT, mean of r",
    "index": "index, 0–100",
}
"""What each term measures, and its unit."""
AROUND_ZERO = (
    *("path", "direct", "indirect", "specific_indirect", "total"),
    *("weight", "loading"),
)


@friendly_keywords
def forest(
    boot: BootstrapResult,
    *,
    term: str = "path",
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw bootstrap estimates of one kind as points with intervals.

    Parameters
    ----------
    boot : what ``sat.bootstrap`` returned.
    term : "path", "total", "indirect", "weight", "loading", "r2", "htmt", "index" …
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes
        For effects the marker says on which side of zero the whole interval lies; an
        open circle marks an interval that holds zero.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> boot = sat.bootstrap(fit, n_draws=100, rng=1)
    >>> len(sat.plot.forest(boot).get_yticks())
    12
    """
    expect(
        "plot.forest",
        boot,
        BootstrapResult,
        "a bootstrap",
        remedy="pass what sat.bootstrap(fit, data) returned",
    )
    present = tuple(dict.fromkeys(str(t) for t in boot.table["term"]))
    one_of("term", term, present)
    rows = boot.table.where(term=term)
    names = Names.of(labels)
    ax = axes_for(ax, 7.2, 0.9 + 0.28 * len(rows))
    y = _dots.positions(len(rows))
    dots = _dots.Dots(rows["estimate"], rows["conf_low"], rows["conf_high"])
    _dots.row_labels(ax, y, _row_names(rows, names))
    if term in AROUND_ZERO:
        _dots.draw_signed(ax, y, dots)
        _dots.zero_line(ax, dots)
    else:
        _dots.draw_rows(ax, y, dots, BLUE, "o")
        _dots.guides(ax)
    unit, kind = TERMS.get(term, term), KINDS[boot.interval]
    ax.set_xlabel(f"{unit}, with {100 * boot.level:g} % {kind} intervals")
    return finish(ax, boot.context, names.notes)


def _row_names(rows: Table, names: Names) -> list[str]:
    found = []
    for row in rows.rows():
        if row.get("via"):
            found.append(" → ".join(map(names, str(row["via"]).split(" → "))))
        elif row.get("name"):
            found.append(str(row["name"]))
        elif row.get("indicator"):
            found.append(f"{names(row['construct'])}: {names(row['indicator'])}")
        elif row.get("source"):
            arrow = "–" if str(row["term"]).startswith("htmt") else "→"
            found.append(f"{names(row['source'])} {arrow} {names(row['target'])}")
        else:
            found.append(names(row.get("construct", row["term"])))
    return found
