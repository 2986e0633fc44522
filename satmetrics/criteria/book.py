"""Weights stored by industry: fixed numbers with their source, as TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics._display import Section, Summary, number
from satmetrics._result import Context, Record
from satmetrics.criteria.weights import CriteriaWeights, known_weights, shares_of
from satmetrics.errors import SpecificationError
from satmetrics.survey.item import STATUSES, Status

_TOP = ("schema", "label", "weights")
_ENTRY = ("industry", "values", "source", "status", "method")


@dataclass(frozen=True, repr=False)
class StoredWeights(Record):
    """Weights of the criteria of one industry.

    Attributes
    ----------
    industry : the industry.
    points : pairs (criterion, points), or a mapping; none negative. They need not sum
        to 100.
    source : who gave or estimated them, when and where.
    status : "verified", "recalled" or "unverified".
    method : how they were found, such as "points shared out by 388 respondents".
    """

    industry: str
    points: tuple[tuple[str, float], ...]
    source: str = ""
    status: Status = "unverified"
    method: str = ""

    def __post_init__(self) -> None:
        given = dict(self.points)
        shares_of(given, what=f"the weights of {self.industry!r}")
        pairs = tuple((str(name), float(value)) for name, value in given.items())
        object.__setattr__(self, "points", pairs)
        if not self.industry or self.status not in STATUSES:
            raise SpecificationError(
                f"weights of industry {self.industry!r}, status {self.status!r}",
                code="bad-weights",
                column="industry" if not self.industry else "status",
                value=self.status,
                remedy=f"name the industry; status is one of {', '.join(STATUSES)}",
            )

    def __repr__(self) -> str:
        shown = ", ".join(f"{k} {v:g}" for k, v in self.points)
        return f"{self.industry}: {shown} ({self.status})"

    def weights(self) -> CriteriaWeights:
        """Return them as weights that sum to 1, taken as known without error."""
        shares, notes = shares_of(dict(self.points))
        return known_weights(
            shares,
            Context(name=self.source, notes=notes),
            method=self.method or "stored",
            industry=self.industry,
            facts=(("source", self.source or "not stated"), ("status", self.status)),
            remarks=("stored numbers, taken as known without error",),
        )


@dataclass(frozen=True, repr=False)
class WeightBook(Record):
    """Weights of criteria by industry, read from and saved to TOML.

    Attributes
    ----------
    entries : one per industry.
    label : what the book is called.

    Examples
    --------
    >>> import satmetrics as sat
    >>> book = sat.quality.WeightBook.from_toml('''
    ... schema = 1
    ... [[weights]]
    ... industry = "retail banking"
    ... values = { reliability = 40, responsiveness = 35, tangibles = 25 }
    ... source = "own survey, 2026"
    ... status = "verified"
    ... ''')
    >>> book.for_industry("retail banking").as_points()["reliability"]
    40.0
    """

    entries: tuple[StoredWeights, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", tuple(self.entries))
        names = self.industries
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise SpecificationError(
                f"industry {twice[0]!r} occurs twice",
                code="duplicate-id",
                column="industry",
                value=twice[0],
                remedy="keep one set of weights per industry and book",
            )

    @property
    def industries(self) -> tuple[str, ...]:
        """The industries, in order."""
        return tuple(entry.industry for entry in self.entries)

    @friendly_keywords
    def for_industry(self, industry: str) -> CriteriaWeights:
        """Return the weights of an industry.

        Raises
        ------
        SpecificationError
            If the book has none, with the nearest name.
        """
        for entry in self.entries:
            if entry.industry == industry:
                return entry.weights()
        hint = did_you_mean(industry, self.industries)
        listed = ", ".join(self.industries) or "none"
        raise SpecificationError(
            f"no weights are stored for industry {industry!r}",
            code="unknown-industry",
            column="industry",
            value=industry,
            remedy=f"{hint} there are {listed}".strip(),
        )

    @friendly_keywords
    def with_weights(
        self,
        weights: CriteriaWeights | Mapping[str, float],
        *,
        industry: str = "",
        source: str = "",
        status: Status = "unverified",
        method: str = "",
    ) -> WeightBook:
        """Return the book with the weights of one more industry, or with other ones.

        Parameters
        ----------
        weights : what a weighting function returned, or ``{criterion: points}``.
        industry : the industry; that of the weights when empty.
        source, status, method : see `StoredWeights`.

        Raises
        ------
        SpecificationError
            If no industry is named.
        """
        points = weights
        if isinstance(weights, CriteriaWeights):
            industry = industry or weights.industry
            source = source or weights.context.name
            method = method or weights.method
            points = weights.as_points()
        entry = StoredWeights(industry, tuple(points.items()), source, status, method)  # type: ignore[union-attr]
        others = tuple(e for e in self.entries if e.industry != entry.industry)
        return replace(self, entries=(*others, entry))

    @classmethod
    def from_toml(cls, text: str, *, where: str = "weights") -> WeightBook:
        """Read a book from TOML text; a fault names `where` and the key.

        Raises
        ------
        SpecificationError
            If the text is not TOML, or a key is missing, unknown or of a wrong kind.
        """
        document = _toml.parse(text, where=where)
        _toml.check_schema(document, where=where)
        _toml.check_keys(document, _TOP, where=where)
        entries = document.get("weights", [])
        if not isinstance(entries, list):
            raise _toml.wrong(where, "weights", entries, "tables headed [[weights]]")
        label = document.get("label", "")
        return cls(tuple(_entry(e, where) for e in entries), str(label))

    @classmethod
    def read(cls, path: str | Path) -> WeightBook:
        """Read a book from a TOML file."""
        return cls.from_toml(_toml.read_text(path), where=str(path))

    def to_toml(self) -> str:
        """Return the book as TOML that `from_toml` brings back unchanged."""
        entries = [
            {
                "industry": entry.industry,
                "values": dict(entry.points),
                "source": entry.source,
                "status": entry.status,
                "method": entry.method,
            }
            for entry in self.entries
        ]
        return _toml.write({"schema": 1, "label": self.label, "weights": entries})

    def save(self, path: str | Path) -> Path:
        """Write `to_toml` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target

    def summary(self) -> Summary:
        """Return the weights of every industry, printable as text and HTML."""
        rows = tuple(
            (entry.industry, name, number(value, 1), entry.status, entry.source)
            for entry in self.entries
            for name, value in entry.points
        )
        heading = ("industry", "criterion", "points", "status", "source")
        return Summary(
            f"Weights by industry {self.label}".strip(),
            (("industries", str(len(self.entries))),),
            (Section("", heading, rows, 2),),
        )

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _entry(entry: object, where: str) -> StoredWeights:
    if not isinstance(entry, dict):
        raise _toml.wrong(where, "weights", entry, "tables headed [[weights]]")
    place = f"{where}, weights of {entry.get('industry', '?')!r}"
    _toml.check_keys(entry, _ENTRY, where=place)
    values = entry.get("values")
    if not isinstance(values, dict) or not values:
        raise _toml.wrong(place, "values", values, "values = { criterion = points, … }")
    texts = {
        key: _toml.text_of(entry, key, place, None if key == "industry" else "")
        for key in _ENTRY
        if key != "values"
    }
    texts["status"] = texts["status"] or "unverified"
    return StoredWeights(points=tuple(values.items()), **texts)  # type: ignore[arg-type]
