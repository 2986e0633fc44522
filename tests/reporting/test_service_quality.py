"""Service quality in a report: steps, five gaps, long tables, repeated notes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.gap.study import STEPS
from satmetrics.reporting.chapters import chapters
from satmetrics.reporting.first_page import first_page
from satmetrics.reporting.parts import parts_of
from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps


@pytest.fixture(scope="module")
def study(bank):
    return sat.servqual_study(bank, industry="retail banking")


@pytest.fixture(scope="module")
def five():
    drawn = simulate_five_gaps(FiveGapPopulation(units=3), rng=1)
    customers = sat.Survey(drawn.customers, "servqual", unit="unit", name="three")
    return {
        by: sat.five_gaps(
            *(customers, drawn.managers, drawn.employees),
            standards="s_{dimension}",
            delivery="d_{dimension}",
            by=by,
            n_draws=99,
            rng=1,
        )
        for by in (None, "unit")
    }


def chapters_of(*results):
    return {c.title: c for p in parts_of(results, {}) for c in chapters(p)}


class TestStudy:
    def test_every_step_has_its_number_its_names_and_its_table(self, study):
        chapter = chapters_of(study)["Service quality in eight steps"]
        first, *rest = chapter.blocks
        assert first.section.columns == ("step", "what", "名称", "came to")
        assert [row[0] for row in first.section.rows] == list("12345678")
        captions = [block.caption for block in rest]
        for k, name in enumerate(STEPS, 1):
            own = f"Step {k}: {name.en} · {name.zh}"
            table = next(b.section for b in rest if b.caption == own)
            assert table.rows, own
        assert any("rules of response quality" in text for text in captions)
        assert "Industry: retail banking" in chapter.lead

    def test_flags_are_told_once(self, study, bank):
        looked = sat.quality.response_quality(bank)
        made = chapters_of(study, looked)
        captions = [b.caption for b in made["Service quality in eight steps"].blocks]
        assert not any("rules of response quality" in text for text in captions)
        assert made["Response quality"].blocks

    def test_its_gaps_are_the_headline(self, study, bank):
        alone, with_gaps = (
            first_page(parts_of(results, {})[0])
            for results in ([study], [sat.gaps(bank)])
        )
        assert (alone.big, alone.priorities) == (with_gaps.big, with_gaps.priorities)
        assert "Gaps to expectations" in chapters_of(study)

    def test_a_plan_without_answers(self):
        plan = sat.servqual_study(instrument="servqual")
        chapter = chapters_of(plan)["Service quality in eight steps"]
        captions = [block.caption for block in chapter.blocks]
        assert len(captions) == 5
        assert "Step 4" in captions[-1]
        assert "no answers yet" in sat.report("Plan", plan).to_html()

    def test_overall_rows_are_named(self, study):
        chapter = chapters_of(study)["Service quality in eight steps"]
        step = next(b for b in chapter.blocks if "Step 8" in b.caption).section
        names = [row[step.columns.index("criterion")] for row in step.rows]
        assert "mean of items" in names
        assert all(names)


class TestFiveGaps:
    def test_the_headline_is_gap_5(self, five):
        page = first_page(parts_of([five[None]], {})[0])
        row = five[None].rows(5, "overall")
        assert page.big == f"{row['estimate'][0]:+.2f}".replace("-", "−")
        assert "customers get less than they expect" in page.unit

    def test_priorities_are_gaps_surely_below_zero(self, five):
        page = first_page(parts_of([five[None]], {})[0])
        overall = five[None].table.where(level="overall")
        below = overall.take(
            np.flatnonzero((overall["conf_high"] < 0) & (overall["gap"] < 5))
        )
        order = below["gap"][np.argsort(below["estimate"])][:3]
        told = [int(point.title.split(",")[0][4:]) for point in page.priorities]
        assert told == order.tolist()

    def test_one_chapter_each_and_what_gaps_mean_once(self, five):
        made = chapters_of(five[None], five["unit"])
        whole, units = (
            made[t] for t in ("The five-gap model", "The five-gap model, by unit")
        )
        meaning = "What each gap compares"
        assert whole.blocks[0].caption == meaning
        assert meaning not in [block.caption for block in units.blocks]
        assert not set(whole.notes) & set(units.notes)


def test_long_tables_are_folded_and_say_how_long(study, bank):
    html = sat.report("Bank", [study, sat.gaps(bank, by="unit")]).to_html()
    sizes = [int(n) for n in re.findall(r"<summary>Show all (\d+) rows", html)]
    assert {49, 44} <= set(sizes), "questionnaire and tabulation"
    assert min(sizes) > 24
    assert html.count("<details>") == html.count("</details>") == len(sizes)
    for table in re.findall(r"<tbody>(.*?)</tbody>", html, flags=re.DOTALL):
        folded = table.count("<tr>") in sizes
        assert folded or table.count("<tr>") <= 24


def test_every_result_has_a_chapter_and_no_note_is_told_twice(study, bank):
    results = [
        study,
        sat.gaps(bank),
        sat.quality.psychometrics(bank),
        sat.quality.response_quality(bank),
        sat.quality.psychometrics(bank, by="unit"),
        sat.instruments.load("servqual").check(bank),
    ]
    made = [c for p in parts_of(results, {}) for c in chapters(p)]
    titles = [chapter.title for chapter in made]
    assert len(titles) == len(set(titles)) == len(results)
    notes = [note for chapter in made for note in chapter.notes]
    assert len(notes) == len(set(notes))
    page = sat.report("Bank", results).to_html()
    tables = page.count('<figure class="tabular">')
    assert page.count("origin-simulated") >= tables
