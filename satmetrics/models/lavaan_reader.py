"""`models.from_lavaan`: lavaan's model syntax read into a model."""

from __future__ import annotations

from dataclasses import dataclass, field

from satmetrics._checks import friendly_keywords, one_of
from satmetrics.models.construct import KINDS, Construct, Kind, Mode, Path
from satmetrics.models.lavaan_text import (
    NUMBER,
    Statement,
    Term,
    fault,
    label_of,
    statements,
)
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import (
    HIGHER_APPROACHES,
    HigherApproach,
    HigherOrder,
    Interaction,
)

_FREE = "remove the line; parameters are estimated without constraints"
_ORDERED = "remove the line; answers are ordered by Moments.from_frame(…, ordinal=True)"
_NOT_HELD = {
    ":=": ("defines a parameter", "remove the line; sat.effects computes effects"),
    "==": ("constrains parameters", _FREE),
    "<": ("constrains parameters", _FREE),
    ">": ("constrains parameters", _FREE),
    "|": ("states thresholds", _ORDERED),
    "~*~": ("states scaling factors", _ORDERED),
}


@friendly_keywords
def from_lavaan(
    text: str,
    name: str = "lavaan",
    target: str | None = None,
    scale: tuple[float, float] | None = None,
    kind: Kind = "composite",
    approach: HigherApproach = "two-stage",
) -> StructuralModel:
    """Read a model from lavaan's model syntax.

    ``=~`` becomes mode A, ``<~`` mode B, ``<~`` with all weights fixed at 1 equal
    weights; ``~`` becomes paths, of open sign. What is measured by constructs is of
    higher order; ``a:b`` in a regression is an interaction of that name; an observed
    variable in a regression is a construct of one indicator. Comments (``#``, ``!``),
    semicolons and formulas over several lines are read. What only names a parameter or
    fixes a unit (``a*x``, ``NA*x``, ``start(0.5)*x``, the one loading fixed per block,
    a variance of 1, a free intercept) is left aside and said in the model's note. Free
    variances, free covariances of constructs that nothing leads to, and a residual
    variance of 0 of an only indicator are what a model here has anyway.

    Parameters
    ----------
    text : model syntax (of a file: ``Path(file).read_text()``).
    name : identifier of the model.
    target : the construct whose 0-100 index is wanted.
    scale : (minimum, maximum) of the answers.
    kind : "composite" or "factor" of the ``=~`` constructs with several indicators, as
        `sat.pls` reads it; "factor", as lavaan means it, is consistent PLS. `sat.sem`
        takes mode A for a factor in either case.
    approach : how higher-order constructs are estimated, see `HigherOrder`.

    Returns
    -------
    StructuralModel

    Raises
    ------
    SpecificationError
        If a line cannot be read, or states what a model here cannot hold: residual
        covariances, constraints, equal labels, fixed paths, thresholds, defined
        parameters, groups, an indicator of two constructs. The message names the line
        and what to do; nothing is dropped in silence.

    References
    ----------
    Rosseel (2012), lavaan: An R package for structural equation modeling, Journal of
    Statistical Software 48(2), 1-36, doi:10.18637/jss.v048.i02.

    Examples
    --------
    >>> import satmetrics as sat
    >>> model = sat.models.from_lavaan(
    ...     "Quality =~ q1 + q2 + q3; Satisfaction =~ s1 + s2; Satisfaction ~ Quality",
    ...     target="Satisfaction",
    ...     scale=(1, 10),
    ... )
    >>> model.names, model.indicators
    (('Quality', 'Satisfaction'), ('q1', 'q2', 'q3', 's1', 's2'))
    """
    one_of("kind", kind, KINDS)
    one_of("approach", approach, HIGHER_APPROACHES)
    found = _Reading()
    for statement in statements(text):
        found.take(statement)
    found.finish()
    return found.model(name, target, scale, kind, approach)


@dataclass
class _Block:
    """What measures one construct."""

    operator: str
    line: int
    terms: list[Term] = field(default_factory=list)

    @property
    def items(self) -> tuple[str, ...]:
        return tuple(term.names[0] for term in self.terms)


@dataclass
class _Reading:
    """What has been read so far."""

    blocks: dict[str, _Block] = field(default_factory=dict)
    paths: list[tuple[tuple[str, ...], str, int]] = field(default_factory=list)
    pairs: list[tuple[str, Term, int]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)

    def take(self, statement: Statement) -> None:
        """Sort one statement in."""
        line = statement.line
        if statement.operator in _NOT_HELD:
            what, remedy = _NOT_HELD[statement.operator]
            raise fault(
                line,
                f"{statement.text!r} {what}, which a model here cannot hold",
                code="not-held",
                remedy=remedy,
            )
        for left in statement.left:
            if left.modifiers or len(left.names) > 1 or left.constant:
                raise fault(
                    line,
                    f"{str(left)!r} stands left of {statement.operator}",
                    code="bad-term",
                    remedy="write a single name there",
                )
            for term in statement.right:
                self._one(statement.operator, left.names[0], term, line)

    def _one(self, operator: str, left: str, term: Term, line: int) -> None:
        if operator == "~":
            self._regression(left, term, line)
            return
        if len(term.names) > 1 or term.constant:
            raise fault(
                line,
                f"{str(term)!r} stands right of {operator}",
                code="bad-term",
                remedy="products of variables belong into a regression, ~",
            )
        if operator == "~~":
            self.pairs.append((left, term, line))
            return
        block = self.blocks.setdefault(left, _Block(operator, line))
        if block.operator != operator:
            raise fault(
                line,
                f"{left!r} is measured by {operator} here and by {block.operator} on "
                f"line {block.line}",
                code="mixed-modes",
                remedy="use one of them",
            )
        if term.names[0] in block.items:
            raise fault(
                line,
                f"{term.names[0]!r} measures {left!r} twice",
                code="duplicate-indicator",
                remedy="name it once",
            )
        block.terms.append(term)
        self._set_aside(term, line)

    def _regression(self, left: str, term: Term, line: int) -> None:
        if _fixed(term) or term.names == ("0",):
            raise fault(
                line,
                f"{left} ~ {term} fixes a parameter, which a model here cannot hold",
                code="fixed-path",
                remedy="leave the term out where it is 0, else let it be estimated",
            )
        self._set_aside(term, line)
        if term.constant:
            self.aside.append(f"{left} ~ 1 (line {line})")
            return
        if any(left == t and term.names == s for s, t, _ in self.paths):
            raise fault(
                line,
                f"{left} ~ {term} is there twice",
                code="duplicate-path",
                remedy="name it once",
            )
        self.paths.append((term.names, left, line))

    def _set_aside(self, term: Term, line: int) -> None:
        """Note modifiers that only name a parameter, start it, or fix a unit."""
        for modifier in term.modifiers:
            if NUMBER.fullmatch(modifier):
                continue
            label = label_of(modifier)
            if label in self.labels:
                raise fault(
                    line,
                    f"the label {label!r} stands on line {self.labels[label]} already "
                    "and makes two parameters equal",
                    code="equal-labels",
                    remedy="use each label once; parameters are estimated without "
                    "constraints",
                )
            if label is not None:
                self.labels[label] = line
            elif modifier != "NA" and not modifier.startswith("start("):
                raise fault(
                    line,
                    f"{modifier!r} before {':'.join(term.names)!r} cannot be held by a "
                    "model here",
                    code="bad-modifier",
                    remedy="leave the modifier out; groups are asked for with by=",
                )
            self._note(modifier, term, line)

    def _note(self, modifier: str, term: Term, line: int) -> None:
        self.aside.append(f"{modifier}*{':'.join(term.names)} (line {line})")

    def finish(self) -> None:
        """Check what can be checked only when all is read."""
        self._check_blocks()
        self._check_owners()
        for left, term, line in self.pairs:
            self._pair(left, term, line)

    def _check_blocks(self) -> None:
        for name, block in self.blocks.items():
            given = [(m, term) for term in block.terms for m in _fixed(term)]
            values = [float(m) for m, _ in given]
            if _mode(block) == "sum" and set(values) == {1.0}:
                continue
            if 0.0 in values or len(values) > 1:
                raise fault(
                    block.line,
                    f"loadings or weights of {name!r} are fixed at "
                    f"{', '.join(m for m, _ in given)}",
                    code="fixed-loadings",
                    remedy="fix one at most, which sets the unit; equal weights are "
                    "written <~ with 1* before each",
                )
            for modifier, term in given:
                self._note(modifier, term, block.line)

    def _check_owners(self) -> None:
        owner: dict[str, str] = {}
        for name, block in self.blocks.items():
            for item in block.items:
                if item in owner:
                    raise fault(
                        block.line,
                        f"{item!r} measures {owner[item]!r} and {name!r}",
                        code="shared-indicator",
                        remedy="give each indicator to one construct",
                    )
                owner[item] = name
        for sources, target, line in self.paths:
            for end in (*sources, target):
                if end in owner and end not in self.blocks:
                    raise fault(
                        line,
                        f"{end!r} is an indicator of {owner[end]!r} and part of a "
                        "regression",
                        code="indicator-path",
                        remedy=f"lead the path to or from {owner[end]!r}, or take "
                        f"{end!r} out of its indicators",
                    )

    def _pair(self, left: str, term: Term, line: int) -> None:
        """Take a variance or covariance, where a model here has it anyway."""
        right = term.names[0]
        both = {left, right}
        unknown = both - self._unexplained() - self._explained() - self._items()
        if unknown:
            raise fault(
                line,
                f"{left} ~~ {term} names {min(unknown)!r}, which is in no other line",
                code="unknown-variable",
                remedy="check the name, or remove the line",
            )
        fixed = _fixed(term)
        values = [float(m) for m in fixed]
        if left == right and values == [0.0] and self._alone(left):
            return
        free = both <= self._unexplained()
        unit = left == right and free and values == [1.0]
        if unit or (not fixed and (left == right or free)):
            self._set_aside(term, line)
            for modifier in fixed:
                self.aside.append(f"{left} ~~ {modifier}*{right} (line {line})")
            return
        what = "fixes a variance or covariance" if fixed else "lets residuals covary"
        raise fault(
            line,
            f"{left} ~~ {term} {what}, which a model here cannot hold",
            code="fixed-variance" if fixed else "residual-covariance",
            remedy="remove the line; or join the two by a path, or put items of one "
            "meaning into one construct",
        )

    def _items(self) -> set[str]:
        return {item for block in self.blocks.values() for item in block.items}

    def _explained(self) -> set[str]:
        return {target for _, target, _ in self.paths}

    def _unexplained(self) -> set[str]:
        """Return what nothing leads to; components are led to by what they measure."""
        everything = {*self.blocks, *(s for names, _, _ in self.paths for s in names)}
        return everything - self._explained() - self._items()

    def _alone(self, item: str) -> bool:
        return any(block.items == (item,) for block in self.blocks.values())

    def model(
        self,
        name: str,
        target: str | None,
        scale: tuple[float, float] | None,
        kind: Kind,
        approach: HigherApproach,
    ) -> StructuralModel:
        """Return the model that was read."""
        ends = (end for s, t, _ in self.paths for end in (*s, t))
        observed = [end for end in dict.fromkeys(ends) if end not in self.blocks]
        above, constructs = [], []
        for key, block in self.blocks.items():
            mode = _mode(block)
            inside = [item in self.blocks for item in block.items]
            if key in block.items:
                raise fault(
                    block.line,
                    f"{key!r} is measured by itself",
                    code="own-indicator",
                    remedy="use the observed variable in the regression directly",
                )
            if all(inside) and len(inside) > 1:
                above.append(HigherOrder(key, block.items, mode, approach=approach))
                continue
            if any(inside):
                raise fault(
                    block.line,
                    f"{key!r} is measured by {', '.join(block.items)}: by one "
                    "construct, or by constructs and observed variables",
                    code="mixed-order",
                    remedy="a construct of higher order has two or more constructs and "
                    "nothing else; make constructs of the observed variables first",
                )
            constructs.append(Construct(key, block.items, mode))
        constructs += [Construct(end, (end,)) for end in observed]
        products, paths = self._joined()
        note = f"read from lavaan syntax; left aside: {', '.join(self.aside)}"
        made = StructuralModel(
            name,
            tuple(constructs),
            paths,
            target=target,
            scale=scale,
            note=note if self.aside else "",
            higher=tuple(above),
            interactions=products,
        )
        return made.with_kinds(kind)

    def _joined(self) -> tuple[tuple[Interaction, ...], tuple[Path, ...]]:
        """Return interactions, each named once, and paths."""
        products: dict[frozenset[str], Interaction] = {}
        paths = []
        for names, target, line in self.paths:
            source = names[0]
            if len(names) > 2:
                raise fault(
                    line,
                    f"{':'.join(names)!r} is a product of {len(names)}",
                    code="bad-factors",
                    remedy="products of three are not estimated here",
                )
            if len(names) == 2:
                new = Interaction(":".join(names), names)
                source = products.setdefault(frozenset(names), new).name
            paths.append(Path(source, target, sign="?"))
        return tuple(products.values()), tuple(paths)


def _fixed(term: Term) -> list[str]:
    return [m for m in term.modifiers if NUMBER.fullmatch(m)]


def _mode(block: _Block) -> Mode:
    if block.operator == "=~":
        return "A"
    several = len(block.terms) > 1
    return "sum" if several and all(_fixed(term) for term in block.terms) else "B"
