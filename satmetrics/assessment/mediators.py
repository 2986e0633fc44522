"""`sat.assessment.mediation`: what kind of mediation each chain of paths shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.errors import OptionError
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.inference.kinds import KINDS

RULE = (
    "type after Zhao, Lynch and Chen (2010), doi:10.1086/651257: an effect counts when "
    "its interval holds no zero; both and of one sign, complementary; both and of "
    "opposite sign, competitive"
)
VAF_RULE = (
    "VAF = specific indirect / total effect: a description, no test; left empty where "
    "effects have opposite signs, as it is no share then"
)
NO_PATH = "no direct path in the model: the direct effect is taken as zero, not tested"
WORDS = {
    "via": "chain",
    "direct": "direct",
    "indirect": "indirect",
    "indirect_low": "low",
    "indirect_high": "high",
    "total": "total",
    "type": "type",
    "vaf": "VAF",
}


@dataclass(frozen=True, eq=False, repr=False)
class MediationResult(TableResult):
    """Mediation along every chain of paths, one row per chain.

    Columns: source, target, via; direct, direct_low, direct_high (NaN without a direct
    path); indirect, indirect_low, indirect_high (the chain's own); total, total_low,
    total_high; type; vaf; reason.
    """

    level: float = 0.95
    interval: str = "percentile"
    title: str = ""

    def summary(self) -> Summary:
        """Return effects and types, the rule and its source."""
        table = self.table
        words = dict(WORDS)
        text = Table.of(
            {
                "via": table["via"],
                "type": table["type"],
                **{n: table[n] for n in words if n not in ("via", "type")},
            }
        )
        order = {"via": "chain", "type": "type", **words}
        kind = f"{100 * self.level:g} % {KINDS[self.interval]} intervals"
        reasons = sorted({str(r) for r in table["reason"] if r})
        return Summary(
            f"Mediation in {self.title}",
            (*self.context.facts(), ("intervals", kind)),
            (section("", text, order, max_rows=40),),
            (RULE, VAF_RULE, *reasons, *self.context.sentences()),
        )


@friendly_keywords
def mediation(boot: BootstrapResult) -> MediationResult:
    """Classify mediation along every chain of paths.

    Of a chain a → … → b with specific indirect effect i, and the direct effect d of a
    on b: both intervals without zero, "complementary" (i and d of one sign) or
    "competitive"; i alone, "indirect-only"; d alone, "direct-only"; neither, "no
    effect". Where the model has no path a → b, d is zero by assumption.

    Parameters
    ----------
    boot : what `sat.bootstrap(fit, data)` returned; its intervals and level decide.

    Returns
    -------
    MediationResult
        ``vaf`` is the specific indirect effect over the total effect, where all
        effects of a on b have one sign.

    References
    ----------
    Zhao, Lynch and Chen (2010), Reconsidering Baron and Kenny, Journal of Consumer
    Research 37, doi:10.1086/651257.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> boot = sat.bootstrap(fit, n_draws=500, rng=1)
    >>> rows = sat.assessment.mediation(boot).to_frame().set_index("via")
    >>> rows.loc["Quality → Value → Satisfaction", "type"]
    'complementary'
    """
    expect(
        "assessment.mediation",
        boot,
        BootstrapResult,
        "a bootstrap",
        remedy="pass what sat.bootstrap(fit, data) returned",
    )
    chains = boot.table.where(term="specific_indirect")
    if not len(chains):
        raise _no_chains(bool((boot.table["term"] == "indirect").any()))
    direct, total = _by_pair(boot, "path"), _by_pair(boot, "total")
    rows = [
        _row(
            chain,
            direct.get((chain["source"], chain["target"])),
            total[chain["source"], chain["target"]],
        )
        for chain in chains.rows()
    ]
    table = Table.of({name: [row[name] for row in rows] for name in rows[0]})
    return MediationResult(
        table.extended(_shares(table)),
        boot.context,
        level=boot.level,
        interval=boot.interval,
        title=boot.title,
    )


def _no_chains(too_many: bool) -> OptionError:
    if too_many:
        return OptionError(
            "the model has so many chains of paths that none is listed",
            code="too-many-chains",
            remedy="give the chains of interest as statistic= of the bootstrap",
        )
    return OptionError(
        "the model has no chain of paths, so that nothing is mediated",
        code="no-mediation",
        remedy="fit a model with at least two paths in a row",
    )


def _by_pair(boot: BootstrapResult, term: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = boot.table.where(term=term).rows()
    return {(row["source"], row["target"]): row for row in rows}


def _row(
    chain: dict[str, Any], direct: dict[str, Any] | None, total: dict[str, Any]
) -> dict[str, Any]:
    nothing = {"estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan}
    straight = nothing if direct is None else direct
    return {
        "source": chain["source"],
        "target": chain["target"],
        "via": chain["via"],
        "n": chain["n"],
        "direct": straight["estimate"],
        "direct_low": straight["conf_low"],
        "direct_high": straight["conf_high"],
        "indirect": chain["estimate"],
        "indirect_low": chain["conf_low"],
        "indirect_high": chain["conf_high"],
        "total": total["estimate"],
        "total_low": total["conf_low"],
        "total_high": total["conf_high"],
        "type": _type(chain, direct),
        "reason": NO_PATH if direct is None else "",
    }


def _type(chain: dict[str, Any], direct: dict[str, Any] | None) -> str:
    mediated = _counts(chain)
    straight = direct is not None and _counts(direct)
    if mediated is None or straight is None:
        return "undefined"
    if mediated and straight and direct is not None:
        same = chain["estimate"] * direct["estimate"] > 0
        return "complementary" if same else "competitive"
    if mediated:
        return "indirect-only"
    return "direct-only" if straight else "no effect"


def _counts(row: dict[str, Any]) -> bool | None:
    """Return whether the interval holds no zero; None where there is no interval."""
    low, high = float(row["conf_low"]), float(row["conf_high"])
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    return low > 0 or high < 0


def _shares(table: Table) -> dict[str, Any]:
    """Return the share of the total effect that each chain carries, or NaN."""
    signs: dict[tuple[str, str], set[float]] = {}
    for row in table.rows():
        here = signs.setdefault((row["source"], row["target"]), set())
        here |= {float(np.sign(row["indirect"]))}
        if np.isfinite(row["direct"]):
            here |= {float(np.sign(row["direct"]))}
    pairs = zip(table["source"], table["target"], strict=True)
    alike = np.array([len(signs[pair]) == 1 for pair in pairs])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(table["indirect"] / table["total"], dtype=np.float64)
    return {"vaf": np.where(alike, share, np.nan)}
