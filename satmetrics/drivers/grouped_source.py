"""Groups of answers, or their moments, and what resamples of each are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._typing import FloatArray, IntArray, MissingPolicy
from satmetrics.errors import DataError
from satmetrics.inference.measures import as_batch
from satmetrics.inference.source import Source
from satmetrics.moment.moments import Moments
from satmetrics.moment.respondents import respondents
from satmetrics.survey.survey import Survey, as_survey


@dataclass(frozen=True, eq=False)
class GroupedSource:
    """Moments of some columns by group, and the answers behind them.

    Attributes
    ----------
    moments : a batch of G; one of all without keys.
    survey : the answers, or None.
    codes : (n,) group of each row.
    missing : what is done about missing answers.
    """

    moments: Moments
    survey: Survey | None
    codes: IntArray
    missing: MissingPolicy

    @classmethod
    def of(
        cls,
        data: object,
        columns: tuple[str, ...],
        *,
        by: str | Sequence[str] | None,
        weights: str | None,
        missing: MissingPolicy,
    ) -> GroupedSource:
        """Compute the moments of the columns by group.

        Raises
        ------
        DataError
            If a column is absent, or weights are given with bare moments.
        OptionError
            If the moments are of other groups than asked for.
        """
        if isinstance(data, Moments):
            return cls._bare(data.select(columns), by, weights, missing)
        survey = as_survey(data)
        if weights is not None:
            survey = survey.with_roles(weight=weights)
        columns_present(columns, survey.columns)
        moments = Moments.from_frame(survey, columns, by=by, missing=missing)
        if by is None:
            codes = np.zeros(survey.n, dtype=np.int64)
            return cls(as_batch(moments), survey, codes, missing)
        return cls(moments, survey, survey.groups(by)[0], missing)

    @classmethod
    def _bare(
        cls,
        moments: Moments,
        by: str | Sequence[str] | None,
        weights: str | None,
        missing: MissingPolicy,
    ) -> GroupedSource:
        moments.require_groups(by)
        moments.require_cov()
        if weights is not None:
            raise DataError(
                "weights= needs answers, and only moments are given",
                code="no-answers",
                column=weights,
                remedy="pass them to Moments.from_frame, and its moments here",
            )
        whole = moments if moments.batch_shape else as_batch(moments)
        return cls(whole, None, np.zeros(0, dtype=np.int64), missing)

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return len(self.moments.cov)

    def source(self, g: int) -> Source:
        """Return what resamples of group `g` are drawn from.

        Raises
        ------
        DataError
            If there are no answers, and moments that no sample of rows has.
        """
        own = self.moments.group(g)
        if self.survey is not None:
            rows = self.survey
            if self.moments.keys is not None:
                rows = rows.take(self.codes == g)
            units = respondents(rows, own.names, missing=self.missing, units="auto")
            return Source(own, units)
        if own.kind not in ("sample", "table"):
            raise DataError(
                f"{own.kind} moments have no one sample size to draw from",
                code="not-sample-moments",
                remedy="pass the answers, or n_draws=0",
            )
        return Source(own, None)

    def reasons(self, estimate: FloatArray, why: str) -> list[str]:
        """Return why a group has no estimate (G,): few rows, or else `why`."""
        p = len(self.moments.names)
        own = self.moments.reasons
        out = []
        for g, sound in enumerate(np.isfinite(estimate)):
            n = int(self.moments.n[g])
            few = f"{n} complete rows" if n <= p else why
            out.append("" if sound else own[g] or few)
        return out
