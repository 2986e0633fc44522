"""Results to draw, computed once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat


@pytest.fixture(scope="session")
def lines(fit, airlines):
    return sat.index(fit, airlines, by=["company", "wave"])


@pytest.fixture(scope="session")
def acsi():
    """A fit of the six-construct form to invented answers, with a negative path."""
    model = sat.models.load("acsi")
    rng = np.random.default_rng(3)
    mood = rng.normal(size=(300, 1))
    noise = rng.normal(size=(300, len(model.indicators)))
    answers = np.clip(np.round(7 + 1.3 * mood + 1.4 * noise), 1, 10)
    frame = pd.DataFrame(answers, columns=list(model.indicators))
    frame["COMPL"] = (rng.random(300) < 0.4 - 0.1 * mood[:, 0]).astype(int)
    fitted = sat.pls(model, frame)
    return fitted, sat.bootstrap(fitted, frame, n_draws=100, rng=1)
