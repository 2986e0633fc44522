"""The data of an index: answers or moments, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation.door import model_moments, model_survey
from satmetrics.estimation.structural import StructuralFit
from satmetrics.indices.designed import ItemRows, item_rows, row_wise
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Asked:
    """The data of an index, and the groups in it.

    Attributes
    ----------
    fit : the fit.
    data : what was passed, a frame as the survey it makes.
    survey : the survey, where there are rows at hand.
    moments : of the columns of the data, by group.
    codes : (N,) group of each row of the survey, −1 for none; None without rows.
    """

    fit: StructuralFit
    data: object
    survey: Survey | None
    moments: Moments
    codes: IntArray | None = None

    @classmethod
    def of(
        cls, fit: StructuralFit, data: object, by: str | Sequence[str] | None
    ) -> Asked:
        """Read the data as the fit's were read.

        Raises
        ------
        OptionError
            If groups are asked for and there are no answers.
        """
        if data is None:
            if by is not None:
                raise OptionError(
                    "by= needs the answers", code="no-answers", remedy="pass the survey"
                )
            return cls(fit, None, None, fit.source)
        survey = None
        if not isinstance(data, Moments) and not is_lazy(data):
            survey = model_survey(fit.spec, data)
            if fit.sampling.weights is not None:
                survey = survey.with_roles(weight=fit.sampling.weights)
        moments = model_moments(
            fit.spec,
            data if survey is None else survey,
            by=by,
            weights=fit.sampling.weights,
            missing=fit.sampling.missing,
            products=fit.sampling.products,
        )
        if survey is None:
            return cls(fit, data, None, moments)
        codes = (
            np.zeros(survey.n, dtype=np.int64) if by is None else survey.groups(by)[0]
        )
        return cls(fit, survey, survey, moments, codes)

    @property
    def keys(self) -> Table | None:
        """One row per group; None for one group of all."""
        return self.moments.keys

    def rows(self) -> ItemRows | None:
        """Return the complete rows, where moments are sums over such."""
        if self.survey is None or self.codes is None or not row_wise(self.fit):
            return None
        groups = len(self.moments.reasons)
        return item_rows(self.fit, self.survey, self.codes, groups)

    def survey_words(self) -> str:
        """Return how the survey's respondents were sampled, by its design alone."""
        return "" if self.survey is None else self.survey.design().words

    def designed(self) -> bool:
        """Return whether more than single rows may have been sampled."""
        if self.survey is None:
            return False
        roles = self.survey.roles
        return not (roles.cluster is roles.stratum is roles.respondent is None)
