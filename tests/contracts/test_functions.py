"""What is true of one public function is true of all: words, docs, keywords."""

from __future__ import annotations

import inspect

import pytest

import satmetrics as sat
from satmetrics.errors import OptionError

SPACES = {
    "": sat,
    "quality.": sat.quality,
    "assessment.": sat.assessment,
    "indices.": sat.indices,
    "metrics.": sat.metrics,
    "drivers.": sat.drivers,
    "models.": sat.models,
}
FUNCTIONS = {
    prefix + name: value
    for prefix, space in SPACES.items()
    for name in space.__all__
    if inspect.isfunction(value := getattr(space, name))
}
TAKING = {n: f for n, f in FUNCTIONS.items() if inspect.signature(f).parameters}
ONE_WORD = {
    "rng": {"seed", "random_state", "random"},
    "level": {"alpha", "confidence", "conf_level"},
    "n_draws": {"draws", "n_boot", "n_sim", "repetitions"},
    "by": {"group", "groups", "groupby", "group_by"},
    "min_answered": {"min_share", "min_items"},
}
"""The one word for a thing, and words that no function has beside it."""


@pytest.mark.parametrize("name", TAKING)
def test_documented_whole(name):
    doc = inspect.getdoc(TAKING[name]) or ""
    for part in ("Parameters\n", "Examples\n", ">>> "):
        assert part in doc, part
    assert "Returns\n" in doc or "Raises\n" in doc
    described = doc.split("Parameters\n", 1)[1]
    for word in inspect.signature(TAKING[name]).parameters:
        assert word in described, f"{word} is not described"


@pytest.mark.parametrize("name", TAKING)
def test_a_keyword_that_does_not_exist_is_answered(name):
    words = list(inspect.signature(TAKING[name]).parameters)
    longest = max(words, key=len)
    with pytest.raises(OptionError, match=f"did you mean '{longest}'") as caught:
        TAKING[name](**{longest + "_": 1})
    assert caught.value.code == "unknown-keyword"
    assert caught.value.column == longest + "_"


@pytest.mark.parametrize("name", TAKING)
def test_one_word_for_one_thing(name):
    words = list(inspect.signature(TAKING[name]).parameters)
    for word, others in ONE_WORD.items():
        if word == "by" and word in words:
            others = others - {"groups"}  # of one model, beside a batch of fits
        assert not others.intersection(words), f"call it {word}"
    if "data" in words:
        fitted = ("model", "fit", "hierarchy", "formula")
        assert words.index("data") == int(words[0] in fitted), words


@pytest.mark.parametrize("name", TAKING)
def test_options_are_keywords_with_the_shared_defaults(name):
    parameters = inspect.signature(TAKING[name]).parameters
    for word, default in (("level", 0.95), ("rng", None), ("min_answered", 0.5)):
        if word in parameters:
            assert parameters[word].kind is inspect.Parameter.KEYWORD_ONLY
            assert parameters[word].default == default
