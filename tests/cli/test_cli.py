"""The commands as a user types them."""

from __future__ import annotations

import io
import re
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

import satmetrics as sat
from satmetrics import cli


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*words):
        return runner.invoke(cli.app, [str(word) for word in words])

    return call


@pytest.fixture(scope="session")
def chinese_book(tmp_path_factory):
    """An Excel file of the airlines with numbered Chinese headers."""
    frame = sat.datasets.load("airline_waves").frame
    model = sat.models.load("ecsi")
    texts = [label.zh for c in model.constructs for label in c.labels]
    pairs = zip(model.indicators, texts, strict=True)
    names = {item: f"Q{i} {zh}" for i, (item, zh) in enumerate(pairs, start=1)}
    roles = {"company": "公司", "wave": "波次", "weight": "权重"}
    roles |= {"respondent": "编号", "source": "访问方式"}
    companies = dict(
        zip(
            sorted(set(frame["company"])), ("东航", "南航", "国航", "海航"), strict=True
        )
    )
    frame["company"] = frame["company"].map(companies)
    path = tmp_path_factory.mktemp("book") / "航空 调查.xlsx"
    frame.rename(columns={**names, **roles}).to_excel(path, index=False)
    return path


@pytest.fixture
def english_file(tmp_path):
    """A CSV file of the airlines, columns named as the items, no study."""
    frame = sat.datasets.load("airline_waves").frame
    path = tmp_path / "airlines.csv"
    frame.to_csv(path, index=False, encoding="utf-8")
    return path


def test_excel_with_chinese_headers_from_init_to_report(run, chinese_book, tmp_path):
    """The same survey under other headers gives the same index."""
    book = tmp_path / chinese_book.name
    book.write_bytes(chinese_book.read_bytes())
    made = run("init", book, "--model", "ecsi")
    assert made.exit_code == 0, made.output
    assert "24 of 24 items found" in made.output
    assert (tmp_path / "study.toml").is_file()
    looked = run("check", book)
    assert looked.exit_code == 0
    assert "model ecsi: 24 of 24 items have a column" in looked.output
    assert "1,440 of 1,440" in looked.output
    told = run("report", book, "--title", "航空 2026", "--draws", 100)
    assert told.exit_code == 0, told.output
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>航空 2026</title>" in html
    assert "东航" in html
    assert "REAL (as supplied)" in html
    fit = sat.pls("ecsi", sat.datasets.load("airline_waves"))
    rows = sat.index(fit, sat.datasets.load("airline_waves"), by="wave").to_frame()
    last = rows.query("construct == 'Satisfaction'")["estimate"].iloc[-1]
    assert f'<p class="big">{last:.1f}</p>' in html


class TestDemo:
    def test_writes_the_file_and_says_what_was_found(self, run, tmp_path):
        done = run("demo")
        assert done.exit_code == 0, done.output
        path = tmp_path / "satmetrics-demo.html"
        assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert path.name in done.output
        assert "satmetrics init" in done.output
        assert len(done.output.splitlines()) <= 14
        for word in ("SIMULATED", "REAL"):
            assert word in done.output


class TestInit:
    def test_does_not_write_over_a_file(self, run, english_file, tmp_path):
        assert run("init", english_file, "--model", "ecsi").exit_code == 0
        again = run("init", english_file, "--model", "ecsi")
        assert again.exit_code == 2
        assert "--force" in again.output
        assert run("init", english_file, "--model", "ecsi", "--force").exit_code == 0
        other = run("init", english_file, "--model", "ecsi", "--out", "other.toml")
        assert other.exit_code == 0
        assert (tmp_path / "other.toml").is_file()

    def test_needs_a_model_or_an_instrument(self, run, english_file):
        done = run("init", english_file)
        assert done.exit_code == 2
        assert "--model ecsi" in done.output

    def test_unknown_model(self, run, english_file):
        done = run("init", english_file, "--model", "ecssi")
        assert done.exit_code == 2
        assert "did you mean 'ecsi'" in done.output

    def test_says_what_it_doubts(self, run, tmp_path):
        frame = sat.datasets.load("airline_waves").frame.assign(weight="1,234")
        frame.to_csv(tmp_path / "a.csv", index=False)
        done = run("init", "a.csv", "--model", "ecsi")
        assert done.exit_code == 0, done.output
        assert "weight = weight" in done.output
        assert "note: column 'weight' is the weight: " in done.output
        stopped = run("check", "a.csv")
        assert stopped.exit_code == 1
        assert "weight column 'weight' holds texts" in stopped.output

    def test_folder(self, run, tmp_path):
        done = run("init", tmp_path, "--model", "ecsi")
        assert done.exit_code == 1
        assert "is a folder, not a file" in done.output

    def test_instrument(self, run, tmp_path):
        frame = sat.datasets.load("bank_servqual").frame
        frame.to_csv(tmp_path / "bank.csv", index=False)
        done = run("init", "bank.csv", "--instrument", "servqual")
        assert done.exit_code == 0, done.output
        told = run("report", "bank.csv")
        assert told.exit_code == 0, told.output
        html = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "Gaps to expectations" in html
        assert "note: " in told.output, "mixed sources are noted"


class TestReport:
    def test_without_a_study(self, run, english_file, tmp_path):
        done = run("report", english_file, "--model", "ecsi", "--draws", 100)
        assert done.exit_code == 0, done.output
        assert (tmp_path / "report.html").is_file()

    def test_names_the_cure_when_nothing_is_named(self, run, english_file, tmp_path):
        done = run("report", english_file)
        assert done.exit_code == 2
        assert "satmetrics init" in done.output
        assert not (tmp_path / "report.html").exists()

    def test_out_and_study(self, run, english_file, tmp_path):
        run("init", english_file, "--model", "ecsi", "--out", "mine.toml")
        done = run(
            *("report", english_file, "--study", "mine.toml"),
            *("--out", "here.html", "--draws", 100),
        )
        assert done.exit_code == 0, done.output
        assert (tmp_path / "here.html").is_file()

    def test_folder_that_is_not_there(self, run, english_file):
        done = run(
            *("report", english_file, "--model", "ecsi", "--draws", 100),
            *("--out", "no/such/r.html"),
        )
        assert done.exit_code == 1
        assert "no folder" in done.output


class TestCheck:
    def test_says_what_was_read(self, run, english_file):
        done = run("check", english_file, "--model", "ecsi")
        assert done.exit_code == 0, done.output
        for text in ("utf-8", "1,440", "IMAG1", "1,269 of 1,440 rows answer all"):
            assert text.casefold() in done.output.casefold(), text

    def test_unmapped_items_are_listed(self, run, english_file, tmp_path):
        frame = pd.read_csv(english_file).drop(columns=["CUSL2"])
        frame.to_csv(tmp_path / "less.csv", index=False)
        run("init", "less.csv", "--model", "ecsi")
        done = run("check", "less.csv")
        assert "without a column: CUSL2" in done.output
        told = run("report", "less.csv")
        assert told.exit_code == 1
        assert "CUSL2" in told.output

    def test_findings_of_the_instrument(self, run, tmp_path):
        frame = sat.datasets.load("bank_servqual").frame
        frame.to_csv(tmp_path / "sound.csv", index=False)
        sound = run("check", "sound.csv", "--instrument", "servqual")
        assert sound.exit_code == 0, sound.output
        assert "nothing looks odd" in sound.output
        frame = frame.assign(p_tan1=8 - frame["p_tan1"]).drop(columns="e_emp3")
        frame.to_csv(tmp_path / "odd.csv", index=False)
        odd = run("check", "odd.csv", "--instrument", "servqual")
        assert odd.exit_code == 0, odd.output
        assert "'p_tan1': looks reversed" in odd.output
        assert "21 of 22 columns" in odd.output
        assert "nothing looks odd" not in odd.output

    def test_unreadable(self, run, tmp_path):
        (tmp_path / "bad.csv").write_text("", encoding="utf-8")
        done = run("check", "bad.csv")
        assert done.exit_code == 1
        assert done.output.startswith("error: ")
        assert "Traceback" not in done.output

    def test_absent_file(self, run):
        done = run("check", "none.csv")
        assert done.exit_code == 1
        assert "there is no file" in done.output

    def test_answers_off_the_scale(self, run, english_file, tmp_path):
        frame = pd.read_csv(english_file)
        frame.loc[3, "CUSA1"] = 98
        frame.to_csv(tmp_path / "codes.csv", index=False)
        done = run("report", "codes.csv", "--model", "ecsi")
        assert done.exit_code == 1
        assert "CUSA1" in done.output
        assert "98" in done.output


class TestCatalogue:
    def test_models(self, run):
        text = run("models").output
        for name in sat.models.names():
            model = sat.models.load(name)
            for word in (name, model.label.en, model.label.zh, model.citation):
                assert word in text

    def test_instruments(self, run):
        text = run("instruments").output
        for name in sat.instruments.names():
            spec = sat.instruments.load(name)
            for word in (name, spec.label.en, spec.label.zh, spec.status):
                assert word in text
        assert "asks: minimum, desired, perception of 22 items" in text
        assert "importance of each dimension" in text
        assert "10 dimensions, a concept without items" in text

    def test_version(self, run):
        done = run("--version")
        assert done.exit_code == 0
        assert done.output.strip() == f"satmetrics {sat.__version__}"

    def test_help_names_every_command(self, run):
        text = run("--help").output
        commands = {"demo", "init", "report", "check", "models", "instruments"}
        assert commands <= set(re.findall(r"\w+", text))


class TestConsole:
    def test_western_windows_console(self, monkeypatch):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="cp1252")
        monkeypatch.setattr(sys, "stdout", stream)
        cli._say("−1.9 → 顾客满意")
        stream.flush()
        assert raw.getvalue().decode("cp1252").strip() == "-1.9 -> ????"

    def test_warnings_are_notes_and_not_errors(self, capsys):
        import warnings

        with cli._told():
            warnings.warn("beware", sat.errors.SourceWarning, stacklevel=1)
            warnings.warn("beware", sat.errors.SourceWarning, stacklevel=1)
        assert capsys.readouterr().err == "note: beware\n"

    def test_faults_of_our_own_are_not_swallowed(self):
        with pytest.raises(ZeroDivisionError), cli._told():
            1 / 0  # noqa: B018
