"""`compare_engines`: our solution beside semopy's, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import MissingPolicy
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation.sem import as_sem_options, sem
from satmetrics.estimation.sem_fit import SemFit
from satmetrics.estimation.sem_measures import measure_table
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_sample import sample_covariances, sample_of, totals
from satmetrics.estimation.sem_semopy import Foreign, by_semopy, check_semopy
from satmetrics.models.model import StructuralModel

SAME = 1e-5
"""Largest difference, in standard errors, that is called none."""


@dataclass(frozen=True, eq=False, repr=False)
class EngineComparison(TableResult):
    """Every free parameter by both engines.

    Columns: ``lhs, op, rhs, estimate, std_error`` (ours)``, other, other_error``
    (semopy's)``, difference`` (in our standard errors).

    Attributes
    ----------
    measures : term, ours, other: chi-square, discrepancy F, largest gradient, GFI.
    remarks : where the two differ, and why.
    """

    measures: Table = field(default_factory=lambda: Table((), ()))
    remarks: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return what differs most, and why."""
        worst = np.argsort(-np.abs(self.table["difference"]), kind="stable")
        words = {"lhs": "", "op": "", "rhs": "", "estimate": "satmetrics"}
        words |= {"other": "semopy", "difference": "difference in std. errors"}
        words |= {"std_error": "std. error", "other_error": "semopy's"}
        every = {"term": "", "ours": "satmetrics", "other": "semopy"}
        sections = (
            section("The fit", self.measures, every, decimals=6),
            section(
                "Largest differences", self.table.take(worst[:10]), words, decimals=5
            ),
        )
        notes = (*self.remarks, *self.context.sentences())
        return Summary("Two engines", self.context.facts(), sections, notes)


@friendly_keywords
def compare_engines(
    model: StructuralModel | str,
    data: object,
    options: SemOptions | None = None,
    *,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
) -> EngineComparison:
    """Estimate a model by our own kernel and by semopy, and say where they differ.

    Both solutions are judged by one discrepancy and one gradient, ours: the lower
    discrepancy is the better solution, whichever engine found it.

    Parameters
    ----------
    model : as for `sat.sem`.
    data : as for `sat.sem`; one group.
    weights : as for `sat.sem`.
    missing : as for `sat.sem`.
    options : estimator "ML", "GLS" or "ULS".

    Returns
    -------
    EngineComparison

    Raises
    ------
    OptionError
        If semopy is not installed or cannot be asked for the model.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> made = sat.assessment.compare_engines(
    ...     "Value =~ PERV1 + PERV2; Value ~ CUEX1", mobile
    ... )
    >>> bool(made.to_frame()["difference"].abs().max() < 0.01)
    True
    """
    settings = replace(as_sem_options(options), engine="satmetrics")
    ours = sem(model, data, settings, weights=weights, missing=missing)
    ours.require_single("compare the engines on")
    asked = replace(settings, engine="semopy")
    check_semopy(ours.table, asked)
    S, _, n = sample_covariances(ours.model, ours.moments, settings, ours.ends)
    total = totals(n, settings)
    other = by_semopy(ours.table, S, total, asked)
    error, other_error = (np.sqrt(np.diagonal(V)) for V in (ours.vcov, other.vcov[0]))
    names = [name.split(" ") for name in ours.table.names()]
    rows = Table.of(
        {
            "lhs": [" ".join(n[:-2]) for n in names],
            "op": [n[-2] for n in names],
            "rhs": [n[-1] for n in names],
            "estimate": ours.theta,
            "std_error": error,
            "other": other.theta[0],
            "other_error": other_error,
            "difference": (other.theta[0] - ours.theta) / error,
        }
    )
    values = _measures(ours, other)
    return EngineComparison(
        rows,
        ours.context,
        measures=Table.of(
            {
                "term": list(values),
                "ours": [v[0] for v in values.values()],
                "other": [v[1] for v in values.values()],
            }
        ),
        remarks=tuple(_remarks(rows, values, bool(other.converged[0]), settings)),
    )


def _measures(ours: SemFit, other: Foreign) -> dict[str, tuple[float, float]]:
    """Return chi-square, F, largest gradient and GFI, ours and semopy's."""
    sample, _ = sample_of(ours)
    found = []
    for theta in (ours.theta[None], other.theta):
        layout, weight = ours.table.layout, ours.options.weight
        F = kernel.discrepancy(layout, sample, theta, weight)[0]
        g, H = kernel.derivatives(layout, sample, theta, weight)
        scaled = np.abs(g[0]) / np.sqrt(np.maximum(np.diagonal(H[0]), 1e-300))
        found.append((float(F), float(scaled.max(initial=0.0))))
    table = measure_table(ours)
    own = dict(zip(table["term"].tolist(), table["estimate"].tolist(), strict=True))
    return {
        "chi-square": (float(ours.chi2), float(other.chi2[0])),
        "F": (found[0][0], found[1][0]),
        "largest gradient": (found[0][1], found[1][1]),
        "GFI": (float(own["gfi"]), float(other.gfi[0])),
        "NFI": (float(own["nfi"]), float("nan")),
    }


def _remarks(
    rows: Table,
    values: dict[str, tuple[float, float]],
    converged: bool,
    options: SemOptions,
) -> Iterator[str]:
    """Say where the two differ and why."""
    worst = np.abs(rows["difference"])
    k = int(np.nanargmax(worst)) if np.isfinite(worst).any() else -1
    if k < 0:
        yield "semopy found no solution"
        return
    if worst[k] < SAME:
        yield "both found the same solution"
    else:
        name = " ".join(str(rows[c][k]) for c in ("lhs", "op", "rhs"))
        yield f"estimates differ by up to {worst[k]:.2g} standard errors ({name})"
    ours, other = values["F"]
    if other - ours > 1e-9 * max(ours, 1.0):
        said = "reports convergence" if converged else "reports no convergence"
        yield (
            f"semopy stopped {other - ours:.2g} above the minimum of F, with a "
            f"gradient of {values['largest gradient'][1]:.1e}; its optimiser {said}"
        )
    elif ours - other > 1e-9 * max(ours, 1.0):
        yield f"semopy found a lower F, by {ours - other:.2g}"
    ratio = rows["other_error"] / rows["std_error"]
    if np.nanmax(np.abs(ratio - 1)) > 0.001:
        yield (
            f"semopy's errors are {np.nanmin(ratio):.3f} to {np.nanmax(ratio):.3f} "
            "times ours"
        )
    chi2 = values["chi-square"]
    if abs(chi2[1] - 2 * chi2[0]) < 0.01 * chi2[0] and options.estimator != "ML":
        yield (
            f"semopy's chi-square of {options.estimator} lacks the factor ½ of "
            "F = ½ tr[(W(S − Σ))²]"
        )
    if abs(values["GFI"][1] - values["NFI"][0]) < abs(
        values["GFI"][1] - values["GFI"][0]
    ):
        yield "what semopy calls GFI is 1 − chi-square / baseline chi-square, the NFI"
