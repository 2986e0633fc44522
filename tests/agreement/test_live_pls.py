"""Random path models, fitted here and by the PyPI package ``seminr`` in the same run.

Conventions (docs/numbers.md): seminr standardises with n − 1, iterates to a sum of
absolute weight changes below 10⁻ᵏ, and calls consistent PLS "reflective". As soon as
one construct is reflective it corrects mode A composites too, which Dijkstra and
Henseler (2015) do not ask for; so all mode A blocks of a model here are of one kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat

seminr = pytest.importorskip("seminr")

SCHEMES = {"path": seminr.path_weighting, "factorial": seminr.path_factorial}
WEIGHTS = {"A": "correlation_weights", "B": "regression_weights", "sum": "unit_weights"}
CASES = [(seed, scheme) for seed in range(12) for scheme in SCHEMES]


def random_study(seed):
    """Return a model, its modes and kinds, and answers that roughly follow it."""
    rng = np.random.default_rng([20261124, seed])
    q = int(rng.integers(3, 7))
    sizes = rng.integers(1, 6, size=q)
    B = np.triu(rng.uniform(0.2, 0.6, size=(q, q)) * (rng.random((q, q)) < 0.6), 1)
    for t in range(1, q):  # every construct has a predecessor
        if not B[:t, t].any():
            B[int(rng.integers(0, t)), t] = 0.5
    eta = rng.normal(size=(160, q))
    for t in range(q):
        eta[:, t] += eta @ B[:, t]
    names = [f"C{k}" for k in range(q)]
    blocks, columns = {}, {}
    for k, size in enumerate(sizes):
        blocks[names[k]] = [f"x{k}_{i}" for i in range(size)]
        for item in blocks[names[k]]:
            noise = rng.uniform(0.5, 1.0) * rng.normal(size=160)
            columns[item] = eta[:, k] * rng.uniform(0.6, 1.0) + noise
    modes = {  # seminr takes a single item in mode A only
        name: "A" if size == 1 else str(rng.choice(["A", "A", "B"]))
        for name, size in zip(names, sizes, strict=True)
    }
    kind = str(rng.choice(["factor", "composite"]))
    kinds = {name: kind if modes[name] == "A" else "composite" for name in names}
    paths = {names[i]: [names[j] for j in np.flatnonzero(B[i])] for i in range(q)}
    paths = {source: targets for source, targets in paths.items() if targets}
    model = sat.StructuralModel.from_blocks(
        "random", blocks, paths, modes=modes, kinds=kinds
    )
    return model, pd.DataFrame(columns)


def peer_fit(model, frame, scheme):
    blocks = [
        seminr.reflective(c.name, list(c.indicators))
        if c.kind == "factor"
        else seminr.composite(c.name, list(c.indicators), WEIGHTS[c.mode])
        for c in model.constructs
    ]
    arrows = [
        seminr.paths(name, targets)
        for name in model.names
        if (targets := [p.target for p in model.paths if p.source == name])
    ]
    return seminr.estimate_pls(
        frame,
        seminr.constructs(*blocks),
        seminr.relationships(*arrows),
        inner_weights=SCHEMES[scheme],
        stop_criterion=12,
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("seed", "scheme"), CASES)
def test_random_models_agree(seed, scheme):
    model, frame = random_study(seed)
    ours = sat.pls(model, frame, sat.PlsOptions(scheme=scheme, tol=1e-12))
    theirs = peer_fit(model, frame, scheme)
    q, items = len(model.names), model.indicators
    at = [theirs.path_coef.rows.index(name) for name in model.names]
    paths = theirs.path_coef.values[np.ix_(at, at)]
    np.testing.assert_allclose(ours.path_matrix, paths, atol=1e-9)
    owner = [model.names[k] for k in model.owner()]
    for field, values in (
        ("outer_weights", ours.weights),
        ("outer_loadings", ours.loadings),
    ):
        found = getattr(theirs, field)
        picked = [
            found.values[found.rows.index(i), found.cols.index(c)]
            for i, c in zip(items, owner, strict=True)
        ]
        np.testing.assert_allclose(values, picked, atol=1e-9, err_msg=field)
    r2 = dict(zip(theirs.r_squared.cols, theirs.r_squared.values[0], strict=True))
    for k in range(q):
        if np.isfinite(ours.r_squared[k]):
            assert ours.r_squared[k] == pytest.approx(r2[model.names[k]], abs=1e-9)
