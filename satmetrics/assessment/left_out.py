"""Cross-validation of a path model: fitted without each fold, judged on the fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.assessment import _prediction as kernel
from satmetrics.assessment.predicted import METHODS
from satmetrics.assessment.targets import Targets, rows_of
from satmetrics.estimation.fit import PlsFit
from satmetrics.moment.contributions import Contributions

BATCH = 1000
"""Fits of training sets made at once."""


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """One cross-validation under way.

    Attributes
    ----------
    fit : the fit of all respondents.
    rows : their answers.
    targets : what is predicted.
    items : (m,) columns of the predicted items.
    groups : predictors and targets of the linear model.
    earliest : whether constructs are predicted from the earliest antecedents.
    Y : (n, m + t) targets: shifted answers, and scores by the fit of all respondents.
    W : (p, t) the weights that make those scores.
    tallies : the errors of each method.
    failures : why training sets could not be fitted, counted.
    doubts : training sets whose linear model failed, and inadmissible fits.
    """

    fit: PlsFit
    rows: Contributions
    targets: Targets
    items: IntArray
    groups: tuple[tuple[IntArray, IntArray], ...]
    earliest: bool
    Y: FloatArray
    W: FloatArray
    tallies: dict[str, kernel.Tally]
    failures: Counter[str]
    doubts: Counter[str]

    @classmethod
    def of(
        cls, fit: PlsFit, rows: Contributions, *, earliest: bool, linear: str
    ) -> CrossValidation:
        """Lay out targets and predictors; nothing is fitted yet."""
        targets = Targets.of(fit, earliest=earliest)
        W = rows_of(fit)[0][:, targets.constructs]
        items = targets.items
        Y = np.hstack([rows.Z[:, items], (rows.Z - _centre(fit, rows)) @ W])
        n, p = rows.Z.shape
        sizes: dict[str, int] = dict.fromkeys(METHODS, int(Y.shape[1]))
        sizes["lm"] = len(items)
        return cls(
            fit=fit,
            rows=rows,
            targets=targets,
            items=items,
            groups=targets.regressions(linear),
            earliest=earliest,
            Y=Y,
            W=W,
            tallies={name: kernel.Tally(n, p, M) for name, M in sizes.items()},
            failures=Counter(),
            doubts=Counter(),
        )

    def through(self, split: list[IntArray], folds: int) -> None:
        """Fit without each fold of each repeat, and add up the errors of its rows."""
        Z, w = self.rows.Z, self.rows.w
        total = kernel.fold_sums(Z, w, np.arange(len(Z))[None]).sum(axis=0)
        for batch in _plan(len(split), folds):
            left = [kernel.members_of(split[r], a, b) for r, a, b in batch]
            parts = [kernel.fold_sums(Z, w, members) for members in left]
            maps = self._maps(total - np.concatenate(parts))
            done = 0
            for (_, _, b), members in zip(batch, left, strict=True):
                for name, tally in self.tallies.items():
                    Y = self.Y[:, : tally.squared.shape[1]]
                    part = maps[name].part(done, done + len(members))
                    tally.add(part, Z, Y, members)
                    if b == folds:
                        tally.close(Z, Y, w)
                done += len(members)

    def _maps(self, sums: FloatArray) -> dict[str, kernel.Maps]:
        """Return the predictions of each method, trained on moments made of sums."""
        fitted = self.fit.refit(self.rows.of_sums(sums))
        ok = np.asarray(fitted.converged)
        self._note_faults(fitted, ok)
        moments, targets = fitted.source, self.targets
        mean = moments.mean - self.rows.shift
        fits = kernel.Fitted(
            mean=mean,
            rows=rows_of(fitted),
            slopes=targets.slopes(fitted),
            paths=fitted.path_matrix,
        )
        exogenous = np.asarray(~targets.paths.any(axis=0))
        P = kernel.reach(fits.paths, exogenous, earliest=self.earliest)
        pls = kernel.path_maps(
            fits, P, targets.owner, self.items, targets.constructs, ok
        )
        lm = kernel.linear_maps(mean, moments.cov, self.groups, self.items, pls.ok)
        self.doubts["lm"] += int((pls.ok & ~lm.ok).sum())
        level = np.hstack(
            [mean[:, self.items], (mean - _centre(self.fit, self.rows)) @ self.W]
        )
        average = kernel.mean_maps(level, pls.ok)
        return {"pls": pls, "lm": lm, "average": average}

    def _note_faults(self, fitted: PlsFit, ok: BoolArray) -> None:
        self.failures.update(fitted.reasons[f] for f in np.flatnonzero(~ok))
        doubtful = ok & ~np.asarray(fitted.admissible)
        self.doubts["inadmissible"] += int(doubtful.sum())


def _centre(fit: PlsFit, rows: Contributions) -> FloatArray:
    return np.asarray(fit.source.mean - rows.shift)


def _plan(repeats: int, folds: int) -> Iterator[list[tuple[int, int, int]]]:
    """Yield batches of (repeat, first fold, last fold), up to `BATCH` fits each."""
    together = max(1, BATCH // folds)
    if together > 1:
        for r in range(0, repeats, together):
            yield [(k, 0, folds) for k in range(r, min(r + together, repeats))]
        return
    for r in range(repeats):
        for a in range(0, folds, BATCH):
            yield [(r, a, min(a + BATCH, folds))]
