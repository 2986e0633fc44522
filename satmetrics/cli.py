"""The command line: a thin face over the same functions."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from satmetrics.errors import OptionError, SatmetricsError, SpecificationError

if TYPE_CHECKING:
    from satmetrics.models.model import StructuralModel
    from satmetrics.survey.instrument import Instrument
    from satmetrics.survey.study import Study
    from satmetrics.survey.survey import Survey

STUDY = "study.toml"
MOST_FINDINGS = 20
PLAIN = str.maketrans(
    {
        "−": "-",
        "→": "->",
        "·": "-",
        "–": "-",
        "…": "...",
        "≥": ">=",
        "†": "*",
        "‡": "**",
    }
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Satisfaction and service quality, from answers to decisions.",
)

File = Annotated[Path, typer.Argument(help="CSV, Excel or SPSS file with the answers.")]
StudyFile = Annotated[
    Path | None,
    typer.Option("--study", help=f"{STUDY} to read with; by default beside the file."),
]
ModelName = Annotated[
    str, typer.Option("--model", help="model: a catalogue id, or a .toml file.")
]
InstrumentName = Annotated[
    str,
    typer.Option("--instrument", help="instrument: a catalogue id, or a .toml file."),
]


def main() -> None:
    """Run the command line."""
    app()


def _say(text: str, *, err: bool = False) -> None:
    """Print a text; what the console cannot show is replaced, never an error."""
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(PLAIN)
        text = plain.encode(encoding, errors="replace").decode(encoding)
    typer.echo(text, err=err)


@contextmanager
def _told() -> Iterator[None]:
    """Show warnings as notes, and an error as one message with its cure."""
    fault: SatmetricsError | OSError | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (SatmetricsError, OSError) as error:
            fault = error
    for note in dict.fromkeys(str(w.message) for w in caught):
        _say(f"note: {note}", err=True)
    if fault is not None:
        _say(f"error: {fault}", err=True)
        usage = isinstance(fault, (OptionError, SpecificationError))
        raise typer.Exit(2 if usage else 1)


def _version(wanted: bool) -> None:
    if wanted:
        from satmetrics import __version__

        _say(f"satmetrics {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="show the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def demo() -> None:
    """Write satmetrics-demo.html into this folder, from the data that ship."""
    with _told():
        from satmetrics.reporting.demo import FILE, demo_report, found

        made = demo_report()
        path = made.save(FILE)
        for text in found(made):
            _say(text)
        _say(f"\nThe report is {path.resolve()}; open it in a browser.")
        _say("With a file of your own:")
        _say("  satmetrics init answers.xlsx --model ecsi")
        _say("  satmetrics report answers.xlsx")


@app.command()
def init(
    file: File,
    model: ModelName = "",
    instrument: InstrumentName = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", help=f"file to write; {STUDY} beside FILE by default."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="write over a file that is there.")
    ] = False,
) -> None:
    """Look at FILE and write an editable study.toml: column, item, scale, role."""
    with _told():
        from satmetrics.reporting.asked import item_specs
        from satmetrics.survey.draft import init_study
        from satmetrics.survey.study import Study

        structure, asked = _named(model, instrument, None)
        target = file.parent / STUDY if out is None else out
        if target.exists() and not force:
            raise OptionError(
                f"{target} is there already",
                code="file-exists",
                value=str(target),
                remedy="--force writes over it, --out names another file",
            )
        text = init_study(
            file,
            item_specs(structure, asked),
            model_id=model,
            instrument_id=instrument,
        )
        target.write_text(text, encoding="utf-8")
        _drafted(Study.from_toml(text, where=str(target)), file, target)


def _drafted(study: Study, file: Path, target: Path) -> None:
    played = ", ".join(f"{role} = {column}" for role, column in study.roles.items())
    mapped = set(study.items.values())
    absent = [item for item in study.item_ids if item not in mapped]
    _say(f"{target} is written: {len(mapped)} of {len(study.item_ids)} items found.")
    _say(f"roles: {played or 'none found'}")
    if absent:
        shown = ", ".join(absent[:12]) + (" …" if len(absent) > 12 else "")
        _say(f"items still without a column: {shown}")
    _say("Look it through, then:")
    name = f'"{file}"' if " " in str(file) else str(file)
    _say(f"  satmetrics check {name}")
    _say(f"  satmetrics report {name}")


@app.command()
def report(
    file: File,
    study: StudyFile = None,
    model: ModelName = "",
    instrument: InstrumentName = "",
    out: Annotated[Path, typer.Option("--out", help="file to write.")] = Path(
        "report.html"
    ),
    title: Annotated[str, typer.Option("--title", help="title of the report.")] = "",
    draws: Annotated[
        int, typer.Option("--draws", min=100, help="resamples behind the intervals.")
    ] = 1000,
) -> None:
    """Write one HTML report of what FILE allows."""
    with _told():
        from satmetrics.reporting.demo import found
        from satmetrics.reporting.report import report as make_report
        from satmetrics.reporting.standard import standard_results

        survey, structure, asked = _open(file, study, model, instrument)
        if structure is None and asked is None:
            raise OptionError(
                "neither a model nor an instrument is named",
                code="no-model",
                column="model",
                remedy=f"satmetrics init {file} --model ecsi writes a {STUDY}; or give "
                "--model or --instrument here",
            )
        done = standard_results(survey, structure, asked, n_draws=draws, rng=1)
        made = make_report(title or file.stem, done.results, labels=done.labels)
        path = made.save(out)
        for text in found(made):
            _say(text)
        for text in done.skipped:
            _say(f"note: {text}", err=True)
        _say(f"The report is {path.resolve()}; open it in a browser.")


@app.command()
def check(
    file: File,
    study: StudyFile = None,
    model: ModelName = "",
    instrument: InstrumentName = "",
) -> None:
    """Read FILE and say what was read: encoding, rows, roles, items, exclusions."""
    with _told():
        from satmetrics.survey.survey import as_survey

        survey, structure, asked = _open(file, study, model, instrument)
        _say(str(as_survey(survey).summary()))
        for what, wanted in (
            (f"model {structure.name}" if structure else "", structure),
            (f"instrument {asked.id}" if asked else "", asked),
        ):
            if wanted is not None:
                _say(_coverage(what, wanted, survey))
        if asked is not None and asked.items:
            for finding in _findings(asked, survey):
                _say(f"  {finding}")


def _findings(asked: Instrument, survey: Survey) -> list[str]:
    """Return what looks odd in the answers to an instrument."""
    here = set(asked.columns()) & set(survey.columns)
    if not here:
        return []
    found = list(asked.check(survey).findings) or ["nothing looks odd"]
    more = len(found) - MOST_FINDINGS
    if more > 0:
        found = [*found[:MOST_FINDINGS], f"… and {more} more: instrument.check(survey)"]
    return found


def _coverage(what: str, wanted: StructuralModel | Instrument, survey: Survey) -> str:
    """Return how many items have a column, and how many rows answer all of them."""
    import numpy as np

    from satmetrics.models.model import StructuralModel

    items = (
        wanted.indicators if isinstance(wanted, StructuralModel) else wanted.columns()
    )
    there = [item for item in items if item in survey.columns]
    absent = [item for item in items if item not in survey.columns]
    complete = int(np.isfinite(survey.answers(there)).all(axis=1).sum())
    text = f"{what}: {len(there)} of {len(items)} items have a column"
    if there:
        text += f"; {complete:,} of {survey.n:,} rows answer all of these"
    if absent:
        text += f"; without a column: {', '.join(absent[:12])}"
        text += " …" if len(absent) > 12 else ""
    return text


def _open(
    file: Path, study: Path | None, model: str, instrument: str
) -> tuple[Survey, StructuralModel | None, Instrument | None]:
    """Read the file with its study; return the survey and what it was asked with."""
    from satmetrics.survey.readers import read
    from satmetrics.survey.study import Study

    beside = file.parent / STUDY
    chosen = study or (beside if beside.is_file() else None)
    plan = Study() if chosen is None else Study.read(chosen)
    folder = chosen.parent if chosen is not None else None
    structure, asked = _named(
        model or plan.model, instrument or plan.instrument, folder, needed=False
    )
    survey = read(file, chosen, instrument=asked)
    return survey, structure, asked or survey.instrument


def _named(
    model: str, instrument: str, folder: Path | None, *, needed: bool = True
) -> tuple[StructuralModel | None, Instrument | None]:
    from satmetrics.reporting.asked import load_instrument, load_model

    if needed and not (model or instrument):
        raise OptionError(
            "neither a model nor an instrument is named",
            code="no-model",
            column="model",
            remedy="give --model ecsi, or --instrument servqual; satmetrics models and "
            "satmetrics instruments list them",
        )
    return (
        load_model(model, folder) if model else None,
        load_instrument(instrument, folder) if instrument else None,
    )


@app.command("models")
def list_models() -> None:
    """List the models of the catalogue."""
    with _told():
        from satmetrics import models

        for name in models.names():
            found = models.load(name)
            _entry(name, found.label.en, found.label.zh, found.citation, found.status)


@app.command("instruments")
def list_instruments() -> None:
    """List the instruments of the catalogue."""
    with _told():
        from satmetrics.survey import instruments

        for name in instruments.names():
            found = instruments.load(name)
            _entry(name, found.label.en, found.label.zh, found.citation, found.status)
            _say(f"    asks: {_asks(found)}")


def _asks(found: Instrument) -> str:
    """Return how many items an instrument asks, in which forms."""
    if not found.items:
        return f"{len(found.dimensions)} dimensions, a concept without items"
    forms = ", ".join(form.id for form in found.forms if form.per_item)
    parts = ", ".join(form.id for form in found.forms if not form.per_item)
    more = f"; {parts} of each dimension" if parts else ""
    return f"{forms} of {len(found.items)} items{more}"


def _entry(name: str, en: str, zh: str, citation: str, status: str) -> None:
    _say(f"{name}: {en} / {zh}")
    _say(f"    {citation}")
    _say(f"    status: {status}")


if __name__ == "__main__":
    main()
