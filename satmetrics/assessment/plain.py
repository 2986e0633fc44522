"""Functions that hold for plain constructs only say so, and why."""

from __future__ import annotations

from satmetrics.errors import SpecificationError
from satmetrics.estimation.fit import PlsFit


def require_plain(fit: PlsFit, function: str, why: str, remedy: str = "") -> None:
    """Raise if the model has constructs that are made of constructs.

    Parameters
    ----------
    why : what there is no number of, or what cannot be done.
    remedy : what to do instead; the stage below, where there is one, when empty.

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
            lower = f"ask it of the stage below: {function}(fit.earlier[0], …)"
            plain = "use a model of plain constructs"
            raise SpecificationError(
                f"model {model.name!r} has {what} ({found[0].name}), and {why}",
                code="staged-model",
                column=found[0].name,
                remedy=remedy or (lower if fit.earlier else plain),
            )
