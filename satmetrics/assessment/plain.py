"""Functions that know fits of plain constructs only say so."""

from __future__ import annotations

from satmetrics.errors import SpecificationError
from satmetrics.estimation.fit import PlsFit


def require_plain(fit: PlsFit, function: str) -> None:
    """Raise if the model has constructs that are made of constructs.

    Raises
    ------
    SpecificationError
        With the first of them.
    """
    model = fit.spec
    for what, found in (
        ("higher-order constructs", model.higher),
        ("interactions", model.interactions),
    ):
        if found:
            raise SpecificationError(
                f"model {model.name!r} has {what} ({found[0].name}), which "
                f"{function}() does not know yet",
                code="staged-model",
                column=found[0].name,
                remedy="use a model of plain constructs",
            )
