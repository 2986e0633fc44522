"""`models.template`: a satisfaction model put together for an industry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords, one_of, positive_int
from satmetrics.errors import OptionError
from satmetrics.models.construct import Construct, Path, as_tuple
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import HigherOrder
from satmetrics.survey.label import Label

TARGET = "Satisfaction"
QUALITY = "Quality"


@friendly_keywords
def template(
    industry: str,
    constructs: Sequence[str] | None = None,
    *,
    second_order: Sequence[str] = (),
    indicators: int | Mapping[str, int] | None = None,
    scale: tuple[float, float] = (1, 10),
    name: str | None = None,
) -> StructuralModel:
    """Put together a satisfaction model in the style of the Chinese standards.

    GB/T 19038-2009 and CAS 103-2004 let the model vary by industry: in whether it has
    quality of product, of service, customised and reliability quality, and in how many
    questions are asked. Their texts were not read: this is a template, not the model of
    either, and its status is "unverified".

    The rule of paths: image leads to expectation, satisfaction and loyalty; expectation
    to every quality, to value and satisfaction; every quality to value and
    satisfaction; value to satisfaction; satisfaction to complaints (−) and loyalty;
    complaints to loyalty (open). What is left out takes its paths with it.

    Parameters
    ----------
    industry : "durables" (quality of product and of service), "nondurables" (of
        product), "services" (of service) or "other" (customised and reliability
        quality).
    constructs : the constructs, in place of those of the industry: any of Image,
        Expectation, ProductQuality, ServiceQuality, CustomisedQuality,
        ReliabilityQuality, Value (performance/price), Complaints, Loyalty, and
        Satisfaction, which must be there.
    second_order : two or more of the quality constructs that are to be components of
        one construct of higher order, Quality, which takes over their paths; all are
        flat when empty.
    indicators : questions per construct: one number for all but complaints, or
        construct → number; those of the template where not named. Beyond the questions
        the template knows, codes are numbered.
    scale : (minimum, maximum) of the answers; complaints are yes or no, 1 or 0.
    name : identifier; ``template_`` and the industry when None.

    Returns
    -------
    StructuralModel, whose target is Satisfaction and whose TOML text reads back.

    Raises
    ------
    OptionError
        If an industry or construct is not known, satisfaction is missing or alone, or
        the second order names what is not there.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.models.template("services").names
    ('Image', 'Expectation', 'ServiceQuality', 'Value', 'Satisfaction', 'Complaints', \
'Loyalty')
    >>> small = sat.models.template(
    ...     "durables",
    ...     ["ProductQuality", "ServiceQuality", "Satisfaction", "Loyalty"],
    ...     second_order=["ProductQuality", "ServiceQuality"],
    ...     indicators={"Loyalty": 2},
    ... )
    >>> [(path.source, path.target) for path in small.paths]
    [('Quality', 'Satisfaction'), ('Satisfaction', 'Loyalty')]
    """
    form = _form()
    variants = {entry["id"]: entry for entry in form["industry"]}
    one_of("industry", industry, tuple(variants))
    wanted = variants[industry]["constructs"] if constructs is None else constructs
    entries = _chosen(form, as_tuple(wanted))
    parts = _second_order(entries, as_tuple(second_order))
    counts = _counts(entries, indicators)
    return StructuralModel(
        name=f"template_{industry}" if name is None else name,
        constructs=tuple(
            _construct(entry, counts[key]) for key, entry in entries.items()
        ),
        paths=_paths(form, tuple(entries), parts),
        target=TARGET,
        scale=scale,
        label=Label(**variants[industry]["label"]),
        citation=form["citation"],
        source=form["source"],
        status="unverified",
        note=form["note"],
        higher=(HigherOrder(QUALITY, parts, label=Label(**form["quality"])),)
        if parts
        else (),
    )


@cache
def _form() -> dict[str, Any]:
    file = resources.files("satmetrics.models") / "forms" / "industry.toml"
    return _toml.parse(file.read_text(encoding="utf-8"), where="industry.toml")


def _chosen(form: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    """Return the wanted constructs, in the template's order."""
    known = {entry["id"]: entry for entry in form["construct"]}
    for name in wanted:
        if name not in known:
            raise _fault(
                "constructs", name, "no construct of the template", tuple(known)
            )
    if TARGET not in wanted or len(set(wanted)) < 2:
        raise OptionError(
            f"constructs={list(wanted)}",
            code="bad-constructs",
            column="constructs",
            value=wanted,
            remedy=f"name {TARGET} and at least one more",
        )
    return {key: entry for key, entry in known.items() if key in wanted}


def _second_order(entries: dict[str, Any], parts: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(key for key, entry in entries.items() if entry.get("quality"))
    for name in parts:
        if name not in known:
            raise _fault("second_order", name, "no quality construct here", known)
    if parts and len(set(parts)) < 2:
        raise OptionError(
            f"second_order={list(parts)}",
            code="bad-components",
            column="second_order",
            value=parts,
            remedy="name two or more quality constructs, or none",
        )
    return tuple(key for key in known if key in parts)


def _fault(
    argument: str, name: object, what: str, known: tuple[str, ...]
) -> OptionError:
    return OptionError(
        f"{argument} names {name!r}, {what}",
        code="unknown-construct",
        column=argument,
        value=name,
        remedy=f"{did_you_mean(name, known)} there are {', '.join(known) or 'none'}",
    )


def _counts(
    entries: dict[str, Any], indicators: int | Mapping[str, int] | None
) -> dict[str, int]:
    asked = {key: int(entry["asked"]) for key, entry in entries.items()}
    if indicators is None:
        return asked
    if not isinstance(indicators, Mapping):
        number = positive_int("indicators", indicators)
        return {k: n if "scale" in entries[k] else number for k, n in asked.items()}
    for name, count in indicators.items():
        if name not in asked:
            raise _fault("indicators", name, "not in the model", tuple(asked))
        asked[name] = positive_int(f"indicators of {name}", count)
    return asked


def _construct(entry: dict[str, Any], count: int) -> Construct:
    known = entry["indicators"][:count]
    label, first = entry["label"], entry["indicators"][0]["id"]
    more = range(len(known) + 1, count + 1)
    ends = entry.get("scale")
    return Construct(
        entry["id"],
        (*(item["id"] for item in known), *(f"{first[:3]}{k:02d}" for k in more)),
        scale=None if ends is None else (ends[0], ends[1]),
        label=Label(**label),
        labels=(
            *(Label(**item["label"]) for item in known),
            *(
                Label(f"{label['en']}, question {k}", f"{label['zh']}，第{k}题")
                for k in more
            ),
        ),
    )


def _paths(
    form: dict[str, Any], present: tuple[str, ...], parts: tuple[str, ...]
) -> tuple[Path, ...]:
    """Return the rule's paths among what is present, those of components led above."""
    above = dict.fromkeys(parts, QUALITY)
    found: dict[tuple[str, str], Path] = {}
    for entry in form["path"]:
        source, target = entry["source"], entry["target"]
        if source in present and target in present:
            ends = (above.get(source, source), above.get(target, target))
            found[ends] = Path(*ends, sign=entry["sign"], status="unverified")
    return tuple(found.values())
