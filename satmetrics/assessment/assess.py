"""`sat.assess`: measurement, structure, fit and admissibility of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table, stack
from satmetrics._linalg import cov_to_corr
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.assessment import (
    block_reliability,
    discriminant,
    model_fit,
    of_factors,
    rules,
    structural,
)
from satmetrics.assessment.rows import Rows, assemble
from satmetrics.estimation.door import oriented
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

    from satmetrics.estimation.sem_fit import SemFit

RULES: Mapping[str, str] = {
    rule.term: rule.sentence for rule in rules.RULES if rule.term in ("ave", "htmt")
}
"""The rules of thumb of the terms a report shows."""
RELIABILITY = ("alpha", "alpha_standardized", "rho_a", "rho_c", "ave")
OWN = (
    *("source", "target", "construct", "indicator"),
    *("term", "estimate", "form", "reason"),
)
"""Columns of an assessment that are no keys of a batch."""
SHOWN = ("loading", "alpha", "rho_a", "rho_c", "ave", "htmt", "vif", "r2", "f2", "srmr")
"""Terms whose rules of thumb a summary prints."""
FITTING = ("chi2", "df", "p_value", "cfi", "tli", "rmsea", "srmr", "d_uls", "d_g")
"""Terms of the whole model that a summary prints, the first ones of factors."""


@dataclass(frozen=True, eq=False, repr=False)
class Assessment(TableResult):
    r"""What is known of a fit's quality, one row per number.

    Rows carry ``term``, and a number that is not defined is NaN and says why under
    ``reason``. A term means the same under any options:

    * blocks: alpha (raw), alpha_standardized, rho_a, rho_c, rho_c_component (first
      principal component), ave, eigenvalue_first, eigenvalue_second, communality and
      redundancy (rows with an indicator, and the block's mean);
    * pairs: htmt (mean of \\|r\\|), htmt_signed (mean of r), htmt2, fornell_larcker
      (√AVE where source and target agree, the constructs' correlation where not),
      cross_loading;
    * structure: r2, r2_adjusted, f2_refit, f2_fixed, vif (of predictors: source and
      target; of mode B items: indicator), vif_item (every item in its block), vif_full
      (each construct among all);
    * the whole: srmr, d_uls, d_g, each with ``form`` "estimated" and "saturated"; gof,
      which is legacy;
    * of factors (`sat.sem`): omega, and chi2, df, cfi, tli, rmsea and all else that
      `SemFit.fit_measures` has; rho_a, f2_refit, gof and the form "saturated" are of
      path models only;
    * admissibility: admissible (1 or 0, and why not), lowest_eigenvalue (of construct
      correlations), largest_loading, largest_rho_a, largest_r2.

    Attributes
    ----------
    title : what was fitted.
    variants : pairs (word, term) of the variants that the fit's options ask for.
    profile : program and version imitated, or empty.
    """

    title: str = ""
    variants: tuple[tuple[str, str], ...] = ()
    profile: str = ""

    def reported(self) -> pd.DataFrame:
        """Return alpha, rho_a, rho_c, ave, htmt and f2 as the fit's options name them.

        ``term`` is the common word and ``variant`` the term of the full table that it
        stands for, such as htmt for htmt_signed with ``PlsOptions.like("csem")``.
        """
        parts = []
        for word, term in self.variants:
            rows = self.table.where(term=term)
            words = {"term": [word] * len(rows), "variant": [term] * len(rows)}
            parts.append(rows.extended(words, keys=self._keys()))
        return stack(parts, keys=self._keys()).drop("form").to_frame()

    def _keys(self) -> tuple[str, ...]:
        return tuple(n for n in self.table.names if n not in OWN)

    def summary(self) -> Summary:
        """Return the main tables, in the options' variants, and rules of thumb."""
        keys = {k: k for k in self._keys()}
        chosen = dict(self.variants)
        one = {**keys, "construct": "construct"}
        arrow = {**keys, "source": "source", "target": "target"}
        pair = {**keys, "source": "construct", "target": "and", "estimate": "HTMT"}
        form = {**keys, "term": "term", "form": "model", "estimate": "estimate"}
        many = 24
        sections = (
            self._reliability(one),
            self._section(HTMT[chosen["htmt"]], chosen["htmt"], pair, many),
            self._section("R²", "r2", one | {"estimate": "R²"}),
            self._section(F2[chosen["f2"]], chosen["f2"], arrow | {"estimate": "f²"}),
            self._section("VIF", "vif", arrow | {"estimate": "VIF"}, many),
            section("Model fit", self._where(*FITTING), form),
        )
        facts = self.context.facts()
        if self.profile:
            facts += (("variants as in", self.profile),)
        return Summary(f"Assessment of {self.title}", facts, sections, self._notes())

    def _where(self, *terms: str) -> Table:
        return self.table.take(np.flatnonzero(np.isin(self.table["term"], terms)))

    def _section(
        self, heading: str, term: str, words: Mapping[str, str], rows: int = 14
    ) -> Section:
        return section(heading, self.table.where(term=term), words, max_rows=rows)

    def _reliability(self, words: Mapping[str, str]) -> Section:
        chosen = dict(self.variants)
        alphas = sorted(ALPHAS, key=lambda term: term != chosen["alpha"])
        columns = {term: ALPHAS[term] for term in alphas} | {"rho_a": "rho_A"}
        columns |= {chosen["rho_c"]: "rho_C", "ave": "AVE"}
        blocks = {term: self.table.where(term=term)["estimate"] for term in columns}
        wide = self.table.where(term="alpha").drop(
            *(n for n in OWN if n != "construct")
        )
        heading = "Reliability and convergent validity"
        return section(heading, wide.extended(blocks), {**words, **columns})

    def _notes(self) -> tuple[str, ...]:
        reasons = sorted({r for r in self.table["reason"] if r})
        said = self.context.sentences()
        return (*rules.sentences(SHOWN), rules.NOT_PASS_FAIL, *reasons, *said)


STAGED = (
    "the last stage is assessed; for the constructs of earlier stages assess these: "
    "sat.assess(fit.earlier[0])",
)
PRODUCTS = (
    "{}: products, measured by nothing of their own; reliability, HTMT and residuals "
    "of product indicators are no evidence of validity and have no rules of thumb"
)
ALPHAS = {"alpha": "alpha", "alpha_standardized": "alpha std."}
HTMT = {"htmt": "HTMT (mean of |r|)", "htmt_signed": "HTMT (mean of r)"}
F2 = {"f2_refit": "f² (refit without the path)", "f2_fixed": "f² (scores held)"}


@friendly_keywords
def assess(fit: StructuralFit) -> Assessment:
    r"""Assess the measurement and structural model of a fit.

    Parameters
    ----------
    fit : what `sat.pls` or `sat.sem` returned; a batch gives rows per group.

    Returns
    -------
    Assessment

    Notes
    -----
    ``alpha`` is Cronbach's of the raw covariances, ``alpha_standardized`` of the
    correlations (what PLS programs print). ``rho_c`` uses the fit's standardised
    loadings; ``omega`` of factors is the same in the units of the answers.
    Reliabilities exist for mode A blocks of two or more indicators. HTMT2 is undefined
    when a correlation involved is not positive.

    ``f2_refit`` estimates the model again without the path (seminr), ``f2_fixed`` holds
    the scores (cSEM). SRMR, d_ULS and d_G compare the correlations with those of
    `PlsFit.implied`: within a composite's block nothing is restricted, within a
    factor's block correlations are λλ'; with ``form`` "saturated" construct
    correlations are free. d_G uses natural logarithms.

    References
    ----------
    Cronbach (1951), doi:10.1007/BF02310555; Dijkstra and Henseler (2015),
    doi:10.25300/MISQ/2015/39.2.02 and doi:10.1016/j.csda.2014.07.008; Fornell and
    Larcker (1981), doi:10.1177/002224378101800104; Henseler, Ringle and Sarstedt
    (2015), doi:10.1007/s11747-014-0403-8; Cohen (1988), Statistical Power Analysis for
    the Behavioral Sciences; Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> rows = (
    ...     sat.assess(fit).to_frame().query("term == 'htmt' and source == 'Loyalty'")
    ... )
    >>> round(float(rows.query("target == 'Quality'")["estimate"].iloc[0]), 4)
    0.7593
    """
    expect("assess", fit, StructuralFit, "a fit", remedy=FIT)
    turned = oriented(fit.model, fit.moments, fit.ends)
    R = cov_to_corr(turned.cov)
    if isinstance(fit, PlsFit):
        parts = _of_composites(fit, turned, R)
        variants, profile = variants_of(fit.options), fit.options.profile
    else:
        parts, variants, profile = (
            of_factors.parts(cast("SemFit", fit), turned, R),
            of_factors.VARIANTS,
            "",
        )
    return Assessment(
        assemble(fit, parts),
        fit.context.plus(notes=_of_stages(fit)),
        title=fit.title,
        variants=variants,
        profile=profile,
    )


def _of_composites(fit: PlsFit, turned: Moments, R: FloatArray) -> list[Rows]:
    """Return the rows of a path model."""
    rho_a = block_reliability.weighted(fit, turned, R)
    refit = structural.refitted(fit, turned, R)
    return [
        *block_reliability.reliability(fit, turned, R, rho_a),
        *discriminant.heterotrait(fit, R),
        discriminant.fornell_larcker(fit),
        discriminant.cross_loadings(fit),
        *structural.explained(fit),
        *structural.effects_and_collinearity(fit, R, refit),
        *block_reliability.communality(fit),
        *model_fit.distances(fit, R),
        *model_fit.admissibility(fit),
        block_reliability.goodness(fit),
    ]


def _of_stages(fit: StructuralFit) -> tuple[str, ...]:
    """Say what the rows of a fit in stages are about."""
    notes = STAGED if fit.earlier else ()
    made = [term.name for term in fit.spec.interactions]
    return (*notes, PRODUCTS.format(", ".join(made))) if made else notes


def variants_of(options: PlsOptions) -> tuple[tuple[str, str], ...]:
    """Return the terms that stand for alpha, rho_C, HTMT and f² under the options."""
    return (
        ("alpha", "alpha" if options.alpha == "raw" else "alpha_standardized"),
        ("rho_a", "rho_a"),
        ("rho_c", "rho_c" if options.rho_c == "loadings" else "rho_c_component"),
        ("ave", "ave"),
        ("htmt", "htmt" if options.htmt == "absolute" else "htmt_signed"),
        ("f2", f"f2_{options.f2}"),
    )
