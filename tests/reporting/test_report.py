"""The document: complete, self-contained, escaped, readable."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics._display import Section
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics.errors import DataError, OptionError
from satmetrics.reporting.blocks import Grid, Names, grid
from satmetrics.reporting.report import Report
from satmetrics.reporting.words import plain, signed

VOID = {"meta", "img", "br", "source", "hr", "link", "input"}


class Page(HTMLParser):
    """Checks nesting and gathers what a test asks for."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text, self.ids, self.links = [], [], [], set(), []
        self.feed(html)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        found = dict(attrs)
        if "id" in found:
            assert found["id"] not in self.ids, "ids are unique"
            self.ids.add(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def first_section(html):
    """Return the text of the first page."""
    return Page(html[html.index('<section class="first"') : html.index("<nav")]).words()


@pytest.fixture(scope="module")
def full(fit, boot, by_wave, by_both, found_gaps, mobile_fit):
    results = [fit, boot, by_wave, by_both, sat.assess(fit), found_gaps, mobile_fit]
    return sat.report("Airlines 2026", results)


@pytest.fixture(scope="module")
def html(full):
    return full.to_html()


class TestDocument:
    def test_is_one_file_that_loads_nothing(self, html):
        page = Page(html)
        assert page.of("script") == []
        assert page.of("link") == []
        assert page.of("iframe") == []
        sources = [a.get("src") or a.get("srcset") for a in page.of("img")]
        sources += [a["srcset"] for a in page.of("source")]
        assert sources
        assert all(s.startswith("data:image/svg+xml;base64,") for s in sources)
        style = html[html.index("<style>") : html.index("</style>")]
        assert "url(" not in style
        assert "@import" not in style
        assert "&#" not in style, "quotes of the style sheet are not escaped"

    def test_pictures_hold_no_scripts_or_dates(self, html):
        import base64

        codes = re.findall(r"base64,([A-Za-z0-9+/=]+)", html)
        for code in codes:
            svg = base64.b64decode(code).decode("utf-8")
            assert "<script" not in svg
            assert "dc:date" not in svg

    def test_same_results_give_the_same_document(self, mobile_fit):
        one, two = (sat.report("x", [mobile_fit]).to_html() for _ in range(2))
        assert one == two

    def test_language_title_and_policy(self, html):
        page = Page(html)
        assert page.of("html") == [{"lang": "en"}]
        assert "<title>Airlines 2026</title>" in html
        policy = next(a for a in page.of("meta") if "http-equiv" in a)
        assert policy["content"].startswith("default-src 'none'")
        assert any(a.get("name") == "viewport" for a in page.of("meta"))

    def test_every_picture_has_words_and_every_link_a_target(self, html):
        page = Page(html)
        assert all(len(a["alt"]) > 20 for a in page.of("img"))
        assert page.links
        assert all(link[1:] in page.ids for link in page.links)

    def test_origin_stands_beside_every_figure_and_table(self, html):
        captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, re.S)
        assert len(captions) == html.count("<figure")
        for caption in captions:
            assert "SIMULATED" in caption or "REAL" in caption

    def test_tables_scroll_in_a_box_of_their_own(self, html):
        boxes = html.count('<div class="table"')
        assert boxes == html.count("<table>") > 10

    def test_wide_tables_and_diagrams_say_that_they_scroll(self, html):
        hints = html.count('<p class="hint"')
        diagrams = html.count('class="whole"')
        assert diagrams >= 1
        wide = Grid(Section("", ("a", "b"), (("x" * 30, "1" * 30),)), "", "", "")
        slim = Grid(Section("", ("a", "b"), (("x", "1.00"),)), "", "", "")
        assert (wide.wide, slim.wide) == (True, False)
        assert diagrams < hints < diagrams + html.count('<div class="table"')
        style = html[html.index("<style>") : html.index("</style>")]
        assert ".hint { display: none" in style
        assert "max-content" in style

    def test_styles_for_phone_print_and_dark(self, html):
        for rule in ("max-width: 600px", "@page", "size: A4", "break-after: page"):
            assert rule in html
        assert "prefers-color-scheme: dark" in html

    def test_methods_come_last_and_say_what_was_done(self, html):
        page = Page(
            html[html.index('<section class="methods"') : html.index("</main>")]
        )
        words = page.words()
        for fact in (
            "partial least squares",
            "inner scheme path",
            "metric standardized",
            "listwise",
            "200 draws",
            "model form after Tenenhaus",
            "not an official score",
            "rule of thumb",
            "171 rows left out",
            "satmetrics 0.1.0",
            "numpy",
        ):
            assert fact in words, fact
        assert html.rindex('class="chapter"') < html.index('<section class="methods"')

    def test_numbers_of_the_tables_are_those_of_the_results(self, html, by_both):
        frame = by_both.to_frame().query("construct == 'Satisfaction'")
        for row in frame.itertuples():
            cells = [row.company, row.wave, f"{row.n:,}", f"{row.estimate:.1f}"]
            pattern = r"\s*".join(rf"<td[^>]*>{re.escape(c)}</td>" for c in cells)
            assert re.search(pattern, html), cells


class TestFirstPage:
    def test_index_change_priorities_caveat(self, html, by_wave, fit):
        words = first_section(html)
        row = by_wave.to_frame().query("construct == 'Satisfaction'").iloc[-1]
        assert f"{row.estimate:.1f} out of 100" in words
        span = f"between {row.conf_low:.1f} and {row.conf_high:.1f}"
        assert f"with 95 % certainty {span}" in words
        moved = sat.changes(by_wave).to_frame().query("construct == 'Satisfaction'")
        last = moved.iloc[-1]
        assert f"{last.estimate:+.1f}".replace("-", "−") in words
        assert last.conf_low < 0 < last.conf_high
        assert "no clear change" in words
        ranked = sat.priorities(fit).to_frame()
        for name in ranked["construct"][:3]:
            assert fit.model.title(name) in words
        assert words.count("Bear in mind.") == 1
        assert "simulated" in words

    def test_priorities_say_that_they_are_over_all_waves(self, html, fit, mobile_fit):
        ranked = sat.priorities(fit).table
        level = f"over all waves it stands at {ranked['performance'][0]:.1f} of 100"
        assert level in first_section(html)
        single = first_section(sat.report("x", [mobile_fit]).to_html())
        assert "over all waves" not in single
        assert re.search(r"now \d\d\.\d of 100", single)

    def test_no_jargon(self, html, found_gaps, patients):
        pages = [html]
        pages += [sat.report("x", [r]).to_html() for r in (found_gaps, patients)]
        for page in pages:
            words = first_section(page)
            for jargon in ("PLS", "p-value", "bootstrap", "loading", "R²", "Holm"):
                assert not re.search(rf"\b{jargon}", words, re.IGNORECASE), jargon

    def test_units_that_moved_are_named(self, html, by_both):
        moved = sat.changes(by_both).to_frame()
        last = moved.query("construct == 'Satisfaction' and wave == '2026-1'")
        words = first_section(html)
        for row in last.itertuples():
            clear = row.conf_low > 0 or row.conf_high < 0
            word = "up" if row.estimate > 0 else "down"
            assert (f"{row.company} {word}" in words) == clear

    def test_gaps_alone(self, found_gaps, bank):
        made = sat.report("Bank", [found_gaps], labels=bank.instrument)
        words = first_section(made.to_html())
        overall = found_gaps.rows("overall").to_frame().iloc[0]
        assert f"{overall.estimate:+.2f}".replace("-", "−") in words
        assert "customers get less than they expect" in words
        worst = found_gaps.rows("dimension").to_frame().nsmallest(3, "estimate")
        for row in worst.itertuples():
            assert f"{-row.estimate:.2f} points short" in words
        assert "out of 100" not in words

    def test_printed_table_alone(self, patients):
        words = first_section(sat.report("Patients", patients).to_html())
        assert "contradicts itself in Assurance" in words
        assert "REAL" in words

    def test_real_figures_carry_another_caveat(self, mobile_fit):
        words = first_section(sat.report("Phones", mobile_fit).to_html())
        assert "72.5 out of 100" in words
        assert "not what causes what" in words
        assert "simulated" not in words.casefold()

    def test_self_selected_answers_are_said(self, bank):
        frame = bank.frame
        with pytest.warns(sat.errors.SourceWarning):
            survey = sat.Survey(frame, "servqual", source="source")
        words = first_section(sat.report("x", sat.gaps(survey)).to_html())
        assert "chose to answer of their own accord" in words

    def test_many_left_out_are_said(self, airlines):
        survey = sat.Survey(airlines.frame, scale=(1, 10), weight="weight")
        made = sat.report("x", [sat.pls("ecsi", survey)])
        words = first_section(made.to_html())
        assert "171 of 1,440 people (12 %) were left out" in words

    def test_few_answers_are_said(self, airlines):
        frame = airlines.frame.dropna().head(60)
        survey = sat.Survey(frame, scale=(1, 10))
        words = first_section(sat.report("x", [sat.pls("ecsi", survey)]).to_html())
        assert "Only 60 people answered" in words

    def test_groups_without_a_whole(self, by_both):
        words = first_section(sat.report("x", by_both).to_html())
        assert "62 to 73 out of 100" in words
        assert "Birch Airways · 2026-1 is lowest" in words


class TestAnyResults:
    def test_any_subset_in_any_order(self, fit, boot, by_both, found_gaps, patients):
        pool = [fit, boot, by_both, found_gaps, patients, sat.assess(fit)]
        chosen = [[r] for r in pool]
        chosen += [[b, a] for a, b in itertools.combinations(pool[1:4], 2)]
        chosen += [pool[::-1], [sat.effects(fit), sat.models.load("acsi")]]
        for results in chosen:
            made = Page(sat.report("x", results).to_html()).words()
            assert "Bear in mind." in made
            assert "Methods and what was left out" in made

    def test_priorities_and_changes_are_added_once(self, fit, by_wave):
        bare = sat.report("x", [fit, by_wave]).contents()["caption"].tolist()
        given = [fit, by_wave, sat.priorities(fit), sat.changes(by_wave)]
        full = sat.report("x", given).contents()["caption"].tolist()
        assert "Priorities for Satisfaction" in bare
        assert sorted(bare) == sorted(full)

    def test_batch_of_fits(self, airlines):
        batch = sat.pls("ecsi", airlines, by="company")
        assert "Alder Air" in sat.report("x", batch).to_html()

    def test_gaps_by_unit(self, bank):
        made = sat.report("x", sat.gaps(bank, by="branch"))
        words = Page(made.to_html()).words()
        assert "Gaps by dimension and branch" in words
        assert "Northgate" in words

    def test_data_sets_form_parts(self, html):
        words = Page(html).words()
        for name in ("airline_waves", "bank_servqual", "ecsi_mobile"):
            assert name in words
        assert html.count('class="part"') == 3
        assert "Also in this report" in words

    def test_a_model_of_ones_own(self):
        rng = np.random.default_rng(2)
        mood = rng.normal(size=(200, 1))
        answers = np.clip(np.round(5 + mood + rng.normal(size=(200, 4))), 1, 9)
        frame = pd.DataFrame(answers, columns=list("abcd"))
        model = sat.StructuralModel.from_blocks(
            "own", {"Care": ["a", "b"], "Joy": ["c", "d"]}, {"Care": ["Joy"]}
        )
        words = Page(sat.report("x", sat.pls(model, frame)).to_html()).words()
        assert "the author's own model" in words
        assert "official score" not in words


@pytest.fixture(scope="module")
def many(airlines, fit):
    frame = airlines.frame
    frame["company"] += (frame["respondent"] % 5).astype(str)
    survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
    return sat.index(fit, survey, by=["company", "wave"])


class TestManyUnits:
    def test_figures_grow_and_keep_to_the_last_wave(self, many):
        frame = sat.report("x", many).to_frame()
        assert "Change of the index to 2026-1" in frame["caption"].tolist()

    def test_rows_have_room(self, many):
        import base64

        html = sat.report("x", many).to_html()
        code = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', html)[1]
        svg = base64.b64decode(code).decode("utf-8")
        height = float(re.search(r'height="([\d.]+)pt"', svg)[1])
        assert height / 72 > 20 * 0.25, "20 units, a quarter of an inch each"


class TestNumbers:
    def test_whole_numbers_that_are_keys_have_no_separator(self, airlines, fit):
        frame = airlines.frame
        frame["wave"] = frame["wave"].map({"2025-1": 2024, "2025-2": 2025}).fillna(2026)
        frame["wave"] = frame["wave"].astype(int)
        frame["company"] = (
            frame["company"].astype("category").cat.codes.astype(int) + 1200
        )
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        both = [sat.index(fit, survey, by=by) for by in ("wave", ["company", "wave"])]
        words = Page(sat.report("x", [fit, *both]).to_html()).words()
        for key in (1200, 2024, 2026):
            assert str(key) in words
            assert f"{key:,}" not in words
        assert "from the answers of" in words

    @pytest.mark.parametrize("value", [-0.0, -0.04, 0.04])
    def test_zero_has_no_sign(self, value):
        assert plain(value) == "0.0"
        assert signed(value) == "0.0"
        assert (plain(-10.0), signed(-0.1), signed(0.1)) == ("−10.0", "−0.1", "+0.1")
        table = Table.of({"estimate": [value]})
        made = grid("", table, {"estimate": "x"}, Context(), Names(), decimals=1)
        assert made.section.rows == (("0.0",),)


class TestHoles:
    def test_a_wave_without_answers_is_said_and_not_bridged(self, airlines, fit):
        frame = airlines.frame
        frame.loc[frame["wave"] == "2025-2", "CUSA1"] = None
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        with pytest.warns(sat.errors.MissingDataWarning):
            result = sat.index(fit, survey, by="wave")
        words = first_section(sat.report("x", result).to_html())
        assert "cannot be told: 2025-2 or 2026-1 has no index" in words
        ax = sat.plot.index(result)
        assert [t.get_text() for t in ax.get_xticklabels()][1] == "2025-2"
        (line,) = (m for m in ax.get_lines() if m.get_gid() == "estimate")
        assert np.isnan(line.get_ydata()[1]), "the line breaks"

    def test_last_wave_without_an_index(self, airlines, fit):
        frame = airlines.frame
        frame.loc[frame["wave"] == "2026-1", "CUSA1"] = None
        survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
        with pytest.warns(sat.errors.MissingDataWarning):
            both = [
                sat.index(fit, survey, by=by) for by in ("wave", ["company", "wave"])
            ]
        html = sat.report("x", both).to_html()
        Page(html)
        assert "Satisfaction, 2025-2" in first_section(html)

    def test_no_wave_with_an_index(self, by_wave, by_both):
        none = [
            dataclasses.replace(
                r,
                table=r.table.extended(
                    {"estimate": np.full(len(r.table), np.nan)}, keys=r.table.names
                ),
                joint=None,
            )
            for r in (by_wave, by_both)
        ]
        made = sat.report("x", [*none, *(sat.changes(r) for r in none)])
        html = made.to_html()
        assert Page(html).of("img") == [], "there is nothing to draw"

    def test_no_index_among_the_results(self, boot, fit):
        words = first_section(sat.report("x", sat.assess(fit)).to_html())
        assert "there is no index or gap among these results" in words


class TestEscaping:
    evil = "<script>alert(1)</script>"

    def test_labels_are_text(self):
        rng = np.random.default_rng(2)
        mood = rng.normal(size=(200, 1))
        answers = np.clip(np.round(5 + mood + rng.normal(size=(200, 4))), 1, 9)
        columns = ["a", self.evil + "b", "c", "d"]
        frame = pd.DataFrame(answers, columns=columns)
        frame["unit"] = np.where(np.arange(200) % 2, self.evil, '" onload="x')
        model = sat.StructuralModel.from_blocks(
            self.evil,
            {self.evil: columns[:2], 'Joy"': columns[2:]},
            {self.evil: ['Joy"']},
            target='Joy"',
            scale=(1, 9),
        )
        survey = sat.Survey(frame, unit="unit", name=self.evil)
        fit = sat.pls(model, survey)
        results = [
            fit,
            sat.index(fit, survey, by="unit"),
            sat.bootstrap(fit, survey, n_draws=50, rng=1),
            sat.assess(fit),
        ]
        html = sat.report(self.evil, results).to_html()
        page = Page(html)
        assert page.of("script") == []
        assert not any("onload" in attrs for _, attrs in page.tags)
        assert self.evil in page.words()

    def test_labels_argument_too(self, found_gaps):
        made = sat.report("x", found_gaps, labels={"tangibles": self.evil})
        page = Page(made.to_html())
        assert page.of("script") == []
        assert self.evil in page.words()


class TestResult:
    def test_json_brings_back_the_same_document(self, mobile_fit, patients):
        made = sat.report("x", [mobile_fit, patients], labels={"a": "b"})
        again = sat.read_result(made.to_json())
        assert isinstance(again, Report)
        assert again.to_html() == made.to_html()

    def test_contents(self, full, html):
        frame = full.to_frame()
        assert list(frame) == ["chapter", "kind", "caption", "data", "origin"]
        tables = (frame["kind"] == "table").sum()
        assert tables == html.count("<table>")
        lead = 1
        assert (frame["kind"] == "figure").sum() + lead == html.count("<picture>")

    def test_summary(self, full):
        text = str(full.summary())
        assert "Airlines 2026" in text
        assert "PlsFit" in text
        assert "<table>" in full._repr_html_()

    def test_save(self, mobile_fit, tmp_path):
        made = sat.report("x", mobile_fit)
        path = made.save(tmp_path / "a b.html")
        assert path.read_text(encoding="utf-8") == made.to_html()
        with pytest.raises(DataError, match="no folder"):
            made.save(tmp_path / "missing" / "a.html")

    def test_a_folder_is_no_file(self, mobile_fit, tmp_path):
        made = sat.report("x", [mobile_fit])
        with pytest.raises(DataError, match=r"is a folder; name a file.*report\.html"):
            made.save(tmp_path)

    def test_frozen(self, full):
        with pytest.raises(AttributeError):
            full.title = "other"


class TestErrors:
    def test_nothing(self):
        with pytest.raises(OptionError, match="pass results"):
            sat.report("x", [])

    def test_unknown_object_is_named_with_its_place(self, fit):
        with pytest.raises(OptionError, match="result 2 is a DataFrame"):
            sat.report("x", [fit, pd.DataFrame()])

    def test_report_in_a_report(self, full):
        with pytest.raises(OptionError, match="result 1 is a Report"):
            sat.report("x", [full])

    def test_swapped(self, fit):
        with pytest.raises(OptionError, match="Title"):
            sat.report(fit, "x")

    @pytest.mark.parametrize("title", ["", "  ", None])
    def test_title(self, fit, title):
        with pytest.raises(OptionError, match="title"):
            sat.report(title, fit)

    def test_language(self, fit):
        with pytest.raises(OptionError, match="language"):
            sat.report("x", fit, language="tlh")

    def test_keyword(self, fit):
        with pytest.raises(OptionError, match="labels"):
            sat.report("x", fit, label={})


def test_template_and_style_are_package_data():
    from importlib import resources

    folder = resources.files("satmetrics.reporting")
    assert (folder / "report.html.j2").is_file()
    assert (folder / "report.css").is_file()
