"""One model in several groups, against lavaan and by what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ITEMS = [f"x{k}" for k in range(1, 10)]
BLOCKS = {"visual": ITEMS[:3], "textual": ITEMS[3:6], "speed": ITEMS[6:]}
STEPS = {
    "configural": (),
    "loadings": ("loadings",),
    "loadings_intercepts": ("loadings", "intercepts"),
    "loadings_intercepts_residuals": ("loadings", "intercepts", "residuals"),
}


@pytest.fixture(scope="module")
def schools(lavaan_answers):
    """Moments of both schools, Pasteur first as lavaan has it."""
    moments = sat.Moments.from_frame(lavaan_answers["hs"], ITEMS, by="school")
    return moments.take([1, 0])


def found(fit):
    at = {name: k for k, name in enumerate(fit.table.groups)}
    return {
        (r.lhs, r.op, r.rhs, at[r.group]): (r.estimate, r.std_error)
        for r in fit.estimates().itertuples()
    }


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["text", "model"])
def test_the_steps_of_lavaan(step, kind, schools, reference):
    values = reference("lavaan_hs_groups")
    model = HS
    if kind == "model":
        model = sat.StructuralModel.from_blocks("cfa", BLOCKS, {})
    fit = sem(model, schools, groups="school", equal=STEPS[step])
    assert list(fit.table.groups) == values["groups"]
    theirs, ours = values[step], found(fit)
    for word in ("visual", "textual", "speed"):
        ours.setdefault((word, "~1", "", 0), (0.0, np.nan))
        ours.setdefault((word, "~1", "", 1), (0.0, np.nan))
    rows = theirs["parameters"]
    keys = zip(rows["lhs"], rows["op"], rows["rhs"], rows["group"], strict=True)
    seen = 0
    for (lhs, op, rhs, group), est, se in zip(
        keys, rows["est"], rows["se"], strict=True
    ):
        turned = (rhs, op, lhs, group - 1)
        mine = ours.get((lhs, op, rhs, group - 1)) or ours[turned]
        assert mine[0] == pytest.approx(est, abs=2e-5), (lhs, op, rhs, group)
        assert np.nan_to_num(mine[1]) == pytest.approx(se, abs=1e-5)
        seen += 1
    assert seen == len(ours)
    assert float(fit.chi2) == pytest.approx(theirs["fit"]["chisq"], abs=1e-7)
    assert fit.df == theirs["fit"]["df"]
    measured = fit.fit_measures().set_index("term")["estimate"]
    for term, word, tol in (
        ("cfi", "cfi", 1e-7),
        ("tli", "tli", 1e-7),
        ("rmsea", "rmsea", 1e-7),
        ("srmr", "srmr", 1e-6),
        ("log_likelihood", "logl", 1e-6),
        ("baseline_chi2", "baseline.chisq", 1e-6),
    ):
        assert measured[term] == pytest.approx(theirs["fit"][word], abs=tol), term


def test_without_equal_parameters_groups_are_fits_of_their_own(schools):
    fit = sem(HS, schools, groups="school")
    alone = [sem(HS, schools.group(g), SemOptions(means=True)) for g in (0, 1)]
    assert float(fit.chi2) == pytest.approx(sum(float(a.chi2) for a in alone), abs=1e-9)
    assert fit.df == sum(a.df for a in alone)
    for name, one in zip(fit.table.groups, alone, strict=True):
        rows, ours = one.estimates(), fit.estimates()
        ours = ours[ours["group"] == name]
        assert ours["estimate"].to_numpy() == pytest.approx(
            rows["estimate"].to_numpy(), abs=1e-7
        )
        assert np.nan_to_num(ours["std_error"]) == pytest.approx(
            np.nan_to_num(rows["std_error"]), abs=1e-7
        )


def test_frames_and_moments_say_the_same(lavaan_answers, schools):
    by_frame = sem(HS, lavaan_answers["hs"], groups="school", equal="loadings")
    by_moments = sem(HS, schools, groups="school", equal="loadings")
    assert float(by_frame.chi2) == pytest.approx(float(by_moments.chi2), abs=1e-9)
    assert by_frame.table.groups == ("Grant-White", "Pasteur")
    assert not by_frame.batched
    assert int(by_frame.n[0]) == 301
    assert sat.read_result(by_frame.to_json()).chi2 == by_frame.chi2


def test_the_order_of_groups_moves_means_only(schools):
    words = ("loadings", "intercepts")
    fit, turned = (
        sem(HS, m, groups="school", equal=words)
        for m in (schools, schools.take([1, 0]))
    )
    assert float(fit.chi2) == pytest.approx(float(turned.chi2), abs=1e-8)
    ours, theirs = found(fit), found(turned)
    for factor, item in (("visual", "x1"), ("speed", "x7")):
        mean = ours[factor, "~1", "", 1][0]
        assert theirs[factor, "~1", "", 1][0] == pytest.approx(-mean, abs=1e-6)
        shift = theirs[item, "~1", "", 0][0] - ours[item, "~1", "", 0][0]
        assert shift == pytest.approx(mean, abs=1e-6)


def test_partial_invariance(schools):
    words = ("loadings", "intercepts")
    whole, part = (
        sem(HS, schools, groups="school", equal=words, free=free)
        for free in ((), ["x3 ~1", "visual =~ x3"])
    )
    assert part.df == whole.df - 2
    assert float(part.chi2) < float(whole.chi2) - 10
    rows = found(part)
    assert rows["x3", "~1", "", 0] != rows["x3", "~1", "", 1]
    assert rows["x2", "~1", "", 0] == rows["x2", "~1", "", 1]


def test_all_equal_is_the_fit_of_all_when_groups_are_copies(lavaan_answers):
    twice = lavaan_answers["hs"].assign(copy="a")
    both = sat.Moments.from_frame(
        type(twice)(np.concatenate([twice.to_numpy()] * 2), columns=twice.columns)
        .astype(dict.fromkeys(ITEMS, float))
        .assign(copy=["a"] * 301 + ["b"] * 301),
        ITEMS,
        by="copy",
    )
    words = ("loadings", "intercepts", "residuals", "means")
    words += ("lv.variances", "lv.covariances")
    fit = sem(HS, both, groups="copy", equal=words)
    one = sem(HS, lavaan_answers["hs"], SemOptions(means=True))
    assert fit.table.n_free == one.table.n_free
    assert float(fit.chi2) == pytest.approx(2 * float(one.chi2), abs=1e-8)
    half = fit.estimates()["std_error"].dropna().to_numpy()[:10]
    whole = one.estimates()["std_error"].dropna().to_numpy()[:10]
    assert half == pytest.approx(whole / np.sqrt(2), abs=1e-8)


def test_labels_and_values_by_group(schools):
    plain = sem(HS, schools, groups="school", equal="loadings", free=["speed =~ x9"])
    text = HS.replace("x9", "c(u, v)*x9")
    labelled = sem(text, schools, groups="school", equal="loadings")
    assert float(labelled.chi2) == pytest.approx(float(plain.chi2), abs=1e-8)
    one = sem(HS.replace("x9", "w*x9"), schools, groups="school")
    rows = found(one)
    assert rows["speed", "=~", "x9", 0] == rows["speed", "=~", "x9", 1]
    fixed = sem(HS.replace("x9", "c(0.5, NA)*x9"), schools, groups="school")
    rows = found(fixed)
    assert rows["speed", "=~", "x9", 0][0] == 0.5
    assert rows["speed", "=~", "x9", 1][0] != 0.5
    difference = sem(text + "\nd := u - v", schools, groups="school")
    last = difference.estimates().iloc[-1]
    rows = found(sem(text, schools, groups="school"))
    a, b = (rows["speed", "=~", "x9", g] for g in (0, 1))
    assert last["estimate"] == pytest.approx(a[0] - b[0], abs=1e-9)
    # the groups are independent: variances add up
    assert last["std_error"] == pytest.approx(np.hypot(a[1], b[1]), abs=1e-9)


def test_unit_variances_are_those_of_the_first_group(schools):
    marker, unit = (
        sem(
            HS,
            schools,
            SemOptions(identification=word),
            groups="school",
            equal=("loadings", "intercepts"),
        )
        for word in ("marker", "variance")
    )
    assert unit.df == marker.df
    assert float(unit.chi2) == pytest.approx(float(marker.chi2), abs=1e-8)
    rows, other = found(unit), found(marker)
    assert rows["visual", "~~", "visual", 0][0] == 1.0
    ratio = [other["visual", "~~", "visual", g][0] for g in (0, 1)]
    assert rows["visual", "~~", "visual", 1][0] == pytest.approx(
        ratio[1] / ratio[0], abs=1e-7
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": None}, "need groups"),
        ({"equal": "loading"}, "did you mean 'loadings'"),
        ({"free": ["visual =~ x4"]}, "no parameter of the model"),
        ({"by": "school"}, "use one of them"),
    ],
)
def test_what_is_asked_wrongly_is_said(change, message, lavaan_answers):
    given = {"groups": "school", "equal": "loadings"} | change
    with pytest.raises(errors.OptionError) as caught:
        sem(HS, lavaan_answers["hs"], **given)
    assert message in str(caught.value)


def test_groups_that_are_not_there(lavaan_answers, schools):
    one = lavaan_answers["hs"].query("school == 'Pasteur'")
    with pytest.raises(errors.OptionError, match="makes 1 group"):
        sem(HS, one, groups="school")
    with pytest.raises(errors.OptionError, match="grouped by"):
        sem(HS, schools, groups="sex")
    flat = lavaan_answers["hs"].copy()
    flat.loc[flat["school"] == "Pasteur", "x4"] = 3.0
    with pytest.raises(errors.DataError, match="Pasteur: x4 is constant"):
        sem(HS, flat, groups="school")
