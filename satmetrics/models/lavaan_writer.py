"""`models.to_lavaan`: a model written in lavaan's model syntax."""

from __future__ import annotations

from satmetrics._checks import expect, friendly_keywords
from satmetrics.errors import SpecificationError
from satmetrics.models.construct import Construct, Mode
from satmetrics.models.files import load
from satmetrics.models.lavaan_text import syntactic
from satmetrics.models.model import StructuralModel


@friendly_keywords
def to_lavaan(model: StructuralModel | str) -> str:
    """Write a model in lavaan's model syntax.

    Mode A is written ``=~``, mode B ``<~``, equal weights ``<~`` with weights fixed at
    1. A construct of one indicator is measured without error; where it bears the
    indicator's name it is the observed variable. A higher-order construct is measured
    by its components; an interaction is written ``a:b``. Labels, scales, signs,
    statuses, the target, kinds, reversed items, names of interactions and approaches
    are not part of the syntax and are not written.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name.

    Returns
    -------
    Text for lavaan, semopy, or cSEM (where ``=~`` is a factor, ``<~`` a composite).

    Raises
    ------
    SpecificationError
        If a name cannot be written: names start with a letter and hold letters,
        digits, dots and underscores; and what has indicators or components is not
        named as an indicator of something else.

    References
    ----------
    Rosseel (2012), lavaan: An R package for structural equation modeling, Journal of
    Statistical Software 48(2), 1-36, doi:10.18637/jss.v048.i02.

    Examples
    --------
    >>> import satmetrics as sat
    >>> print(sat.models.to_lavaan("swics"))
    # model swics
    Satisfaction =~ SATOV + SATEX + SATID
    Dialogue =~ DIAEA + DIARE + DIAWI
    Loyalty =~ LOYRE + LOYRC + LOYCH
    Dialogue ~ Satisfaction
    Loyalty ~ Satisfaction + Dialogue
    <BLANKLINE>
    """
    spec = load(model) if isinstance(model, str) else model
    expect(
        "to_lavaan",
        spec,
        StructuralModel,
        "a model",
        remedy="pass a StructuralModel or a catalogue name such as 'ecsi'",
    )
    _check_names(spec)
    lines = [f"# model {' '.join(spec.name.split())}"]
    for construct in spec.constructs:
        lines += _measured(construct)
    lines += [_block(h.name, h.mode, h.components) for h in spec.higher]
    return "\n".join([*lines, *_regressions(spec)]) + "\n"


def _measured(construct: Construct) -> list[str]:
    items = construct.indicators
    if items == (construct.name,):
        return []
    lines = [_block(construct.name, construct.mode, items)]
    if len(items) == 1 and construct.mode == "A":
        lines.append(f"{items[0]} ~~ 0*{items[0]}")
    return lines


def _block(name: str, mode: Mode, items: tuple[str, ...]) -> str:
    operator = "=~" if mode == "A" else "<~"
    fixed = "1*" if mode == "sum" else ""
    return f"{name} {operator} {' + '.join(fixed + item for item in items)}"


def _regressions(spec: StructuralModel) -> list[str]:
    products = {i.name: ":".join(i.factors) for i in spec.interactions}
    into: dict[str, list[str]] = {}
    for path in spec.paths:
        source = products.get(path.source, path.source)
        into.setdefault(path.target, []).append(source)
    order = [name for name in spec.nodes if name in into]
    return [f"{target} ~ {' + '.join(into[target])}" for target in order]


def _check_names(spec: StructuralModel) -> None:
    parts = (*spec.names, *(h.name for h in spec.higher), *spec.indicators)
    bad = [name for name in dict.fromkeys(parts) if not syntactic(name)]
    if bad:
        more = f" and {len(bad) - 1} more" if bad[1:] else ""
        raise SpecificationError(
            f"lavaan cannot read the name {bad[0]!r}{more}",
            code="bad-name",
            column=bad[0],
            value=tuple(bad),
            remedy="rename: a letter first, then letters, digits, dots and underscores",
        )
    observed = {c.name for c in spec.constructs if c.indicators == (c.name,)}
    twice = (set(parts[: -len(spec.indicators)]) - observed) & set(spec.indicators)
    if twice:
        name = min(twice)
        raise SpecificationError(
            f"{name!r} names a construct and an indicator, which lavaan takes for one",
            code="bad-name",
            column=name,
            value=name,
            remedy="give the construct another name",
        )
