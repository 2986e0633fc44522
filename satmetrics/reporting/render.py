"""A report as HTML: one template, everything escaped."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from satmetrics.reporting.chapters import chapters, lead_picture
from satmetrics.reporting.first_page import first_page, line
from satmetrics.reporting.methods import exclusions, methods, versions
from satmetrics.reporting.parts import parts_of

if TYPE_CHECKING:
    from satmetrics.reporting.report import Report


def render(report: Report) -> str:
    """Return the document of a report."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = resources.files("satmetrics.reporting")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        (folder / "report.html.j2").read_text(encoding="utf-8")
    )
    style = (folder / "report.css").read_text(encoding="utf-8")
    parts = parts_of(report.results, report.labels)
    told = [
        {
            "number": number,
            "name": part.name or "unnamed data",
            "word": part.word,
            "chapters": chapters(part),
            "methods": methods(part),
            "exclusions": exclusions(part),
            "line": line(part),
        }
        for number, part in enumerate(parts, start=1)
    ]
    return template.render(
        title=report.title,
        language=report.language,
        style=Markup(style),
        page=first_page(parts[0]),
        picture=lead_picture(parts[0]),
        parts=told,
        versions=versions(),
    )
