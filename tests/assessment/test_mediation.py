"""Types of mediation on populations that have them, and the rule itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics._frames import Table


def drawn(a: float, b: float, c: float, n: int = 800, seed: int = 3) -> pd.DataFrame:
    """Return X → M (a), M → Y (b), X → Y (c), one item each."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    m = a * x + rng.normal(size=n)
    y = b * m + c * x + rng.normal(size=n)
    return pd.DataFrame({"x": x, "m": m, "y": y})


def model(*, direct: bool = True) -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "m",
        {"X": ["x"], "M": ["m"], "Y": ["y"]},
        {"X": ["M", "Y"] if direct else ["M"], "M": ["Y"]},
    )


def boot_of(data: pd.DataFrame, *, direct: bool = True, **options):
    fit = sat.pls(model(direct=direct), data)
    return sat.bootstrap(fit, data, n_draws=400, rng=1, **options)


@pytest.mark.parametrize(
    ("effects", "kind"),
    [
        ((0.6, 0.6, 0.5), "complementary"),
        ((-0.6, -0.6, 0.5), "complementary"),
        ((0.6, 0.6, -0.5), "competitive"),
        ((0.6, -0.6, 0.5), "competitive"),
        ((0.6, 0.6, 0.0), "indirect-only"),
        ((0.6, 0.0, 0.5), "direct-only"),
        ((0.0, 0.0, 0.0), "no effect"),
    ],
)
def test_types_of_zhao_lynch_and_chen(effects, kind):
    boot = boot_of(drawn(*effects))
    found = sat.assessment.mediation(boot).to_frame()
    row = found.iloc[0]
    assert list(found["via"]) == ["X → M → Y"]
    assert row["type"] == kind
    assert row["indirect"] + row["direct"] == pytest.approx(row["total"])
    if kind == "competitive":
        assert np.isnan(row["vaf"])
    if kind == "complementary":
        assert row["vaf"] == pytest.approx(row["indirect"] / row["total"])
        assert 0 < row["vaf"] < 1
    rows = boot.to_frame().set_index("term")
    chain = rows.loc["specific_indirect"]
    assert row["indirect_low"] == chain["conf_low"]
    assert row["indirect_high"] == chain["conf_high"]


def test_without_a_direct_path_it_is_zero_by_assumption():
    found = sat.assessment.mediation(boot_of(drawn(0.6, 0.6, 0.0), direct=False))
    row = found.to_frame().iloc[0]
    assert row["type"] == "indirect-only"
    assert np.isnan(row["direct"])
    assert "taken as zero, not tested" in row["reason"]
    assert row["vaf"] == pytest.approx(1)
    none = sat.assessment.mediation(boot_of(drawn(0.0, 0.0, 0.0), direct=False))
    assert none.to_frame()["type"].item() == "no effect"


def test_intervals_and_level_are_those_of_the_bootstrap():
    data = drawn(0.6, 0.08, 0.5, n=300)
    wide = boot_of(data, level=0.99)
    narrow = boot_of(data, level=0.6, interval="bca")
    kinds = [
        sat.assessment.mediation(b).to_frame()["type"].item() for b in (wide, narrow)
    ]
    assert kinds == ["direct-only", "complementary"]
    text = str(sat.assessment.mediation(narrow))
    assert "60 % BCa intervals" in text
    assert "10.1086/651257" in text
    assert "no test" in text


def test_every_chain_has_a_row(boot):
    found = sat.assessment.mediation(boot).to_frame()
    chains = boot.to_frame().query("term == 'specific_indirect'")
    assert list(found["via"]) == list(chains["via"])
    assert set(found["type"]) <= {
        *("complementary", "competitive", "indirect-only", "direct-only"),
        "no effect",
    }


def test_an_interval_that_is_not_there_decides_nothing():
    """Of an estimate outside all draws BC gives no interval."""
    boot = boot_of(drawn(0.6, 0.6, 0.5), interval="bc")
    columns = dict(zip(boot.table.names, boot.table.columns, strict=True))
    low = boot.table["conf_low"].copy()
    low[boot.table["term"] == "specific_indirect"] = np.nan
    broken = dataclasses.replace(boot, table=Table.of({**columns, "conf_low": low}))
    found = sat.assessment.mediation(broken).to_frame()
    assert found["type"].item() == "undefined"


def test_wrong_inputs(fit):
    with pytest.raises(errors.OptionError, match="needs a bootstrap"):
        sat.assessment.mediation(fit)
    data = drawn(0.5, 0.5, 0.5)
    one = sat.StructuralModel.from_blocks("m", {"X": ["x"], "Y": ["y"]}, {"X": "Y"})
    single = sat.bootstrap(sat.pls(one, data), data, n_draws=20, rng=1)
    with pytest.raises(errors.OptionError, match="nothing is mediated"):
        sat.assessment.mediation(single)
    q = 12
    common = np.random.default_rng(1).normal(size=(90, q + 1))
    many = pd.DataFrame(
        common[:, :1] + common[:, 1:], columns=[f"x{k}" for k in range(q)]
    )
    dense = sat.StructuralModel.from_blocks(
        "dense",
        {f"C{k}": [f"x{k}"] for k in range(q)},
        {f"C{k}": [f"C{j}" for j in range(k + 1, q)] for k in range(q - 1)},
    )
    found = sat.bootstrap(sat.pls(dense, many), many, n_draws=20, rng=1)
    with pytest.raises(errors.OptionError, match="so many chains"):
        sat.assessment.mediation(found)
