"""A service blueprint: the steps of a service, where it fails, what it is to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.gap.five.blueprint_toml import (
    blueprint_document,
    blueprint_state,
    steps_of_frame,
)
from satmetrics.gap.five.conformance import (
    ConformanceResult,
    conformance,
    nothing_measured,
)
from satmetrics.gap.five.steps import LANES, VISIBLE, Step
from satmetrics.gap.standard_spec import Standards
from satmetrics.survey.label import Label


@dataclass(frozen=True, repr=False)
class Blueprint(Record):
    """A service as steps in lanes, with fail points, standards and evidence.

    Attributes
    ----------
    id : short name.
    steps : in order of the service.
    label : what it is called, in English and Chinese.
    source : who drew it, and when.
    notes : sentences a reader should know.

    Raises
    ------
    SpecificationError
        If it has no steps or a step occurs twice.

    References
    ----------
    Shostack (1984), Designing services that deliver, Harvard Business Review 62(1),
    133-139.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> drawn = sat.quality.Blueprint.from_frame(
    ...     pd.DataFrame(
    ...         {
    ...             "id": ["call", "answer", "record"],
    ...             "lane": ["customer", "front stage", "back stage"],
    ...             "fail_point": [False, True, True],
    ...             "dimension": ["", "responsiveness", "reliability"],
    ...             "standard": ["", "within three rings", ""],
    ...             "column": ["", "rings", ""],
    ...             "comparison": ["", "<=", ""],
    ...             "target": [None, 3, None],
    ...         }
    ...     ),
    ...     id="telephone",
    ... )
    >>> drawn.without_standard()
    ('record',)
    >>> met = drawn.conformance(pd.DataFrame({"rings": [1, 2, 3, 5]}))
    >>> met.to_frame().query("level == 'step'")["estimate"].tolist()
    [0.75]
    """

    id: str
    steps: tuple[Step, ...]
    label: Label = field(default_factory=Label)
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "notes", tuple(self.notes))
        names = [step.id for step in self.steps]
        odd = [name for name in names if not name or names.count(name) > 1]
        if odd or not names:
            raise SpecificationError(
                f"blueprint {self.id!r}: "
                + (f"step {odd[0]!r} occurs twice or is empty" if odd else "no steps"),
                code="duplicate-id" if odd else "no-steps",
                column="id",
                value=odd[0] if odd else None,
                remedy="each step needs a name of its own",
            )

    @classmethod
    def from_toml(cls, text: str, *, where: str = "blueprint") -> Blueprint:
        """Read a blueprint from TOML text; a fault names `where` and the key.

        Raises
        ------
        SpecificationError
            If the text is not TOML, or a key is missing, unknown or contradictory.
        """
        return cls(**blueprint_state(text, where=where))

    @classmethod
    def read(cls, path: str | Path) -> Blueprint:
        """Read a blueprint from a TOML file."""
        return cls.from_toml(_toml.read_text(path), where=str(path))

    @classmethod
    @friendly_keywords
    def from_frame(
        cls,
        frame: object,
        *,
        id: str = "blueprint",
        label: Label | None = None,
    ) -> Blueprint:
        """Return a blueprint from a frame with one row per step.

        Parameters
        ----------
        frame : columns ``id, lane`` and any of ``label`` (or ``label_en``),
            ``label_zh, dimension, fail_point, standard, column, comparison, target,
            evidence`` (touchpoints with ";" between them) and ``minutes``.
        id, label : of the blueprint.

        Raises
        ------
        SpecificationError
            If a column is unknown or a step is at fault.
        """
        return cls(id, steps_of_frame(frame), label or Label())

    def to_toml(self) -> str:
        """Return the blueprint as TOML that `from_toml` brings back unchanged."""
        return blueprint_document(
            self.id, self.label, self.source, self.notes, self.steps
        )

    def save_toml(self, path: str | Path) -> Path:
        """Write `to_toml` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target

    def step(self, name: str) -> Step:
        """Return the step called `name`."""
        for own in self.steps:
            if own.id == name:
                return own
        names = [own.id for own in self.steps]
        raise SpecificationError(
            f"blueprint {self.id!r} has no step {name!r}",
            code="unknown-name",
            column="step",
            value=name,
            remedy=f"{did_you_mean(name, names)} there are {', '.join(names)}".strip(),
        )

    def fail_points(self) -> Table:
        """Return, by lane, how many steps there are and how many are likely to fail.

        Returns
        -------
        Table with columns lane, n, fail_points, unguarded (fail points without a
        standard) and minutes (sum of the expected times stated).
        """
        lanes = [lane for lane in LANES if any(s.lane == lane for s in self.steps)]
        parts = [[s for s in self.steps if s.lane == lane] for lane in lanes]
        fails = [[s for s in part if s.fail_point] for part in parts]
        return Table.of(
            {
                "lane": lanes,
                "n": [len(part) for part in parts],
                "fail_points": [len(part) for part in fails],
                "unguarded": [sum(s.standard is None for s in part) for part in fails],
                "minutes": [sum(s.minutes or 0.0 for s in part) for part in parts],
            },
            keys=("lane",),
        )

    def touchpoints(self) -> Table:
        """Return what customers see or touch, one row per piece of evidence.

        Returns
        -------
        Table with columns evidence, step, lane, visible (above the line of visibility)
        and fail_point.
        """
        pairs = [(touch, s) for s in self.steps for touch in s.evidence]
        return Table.of(
            {
                "evidence": [touch for touch, _ in pairs],
                "step": [s.id for _, s in pairs],
                "lane": [s.lane for _, s in pairs],
                "visible": [s.lane in VISIBLE for _, s in pairs],
                "fail_point": [s.fail_point for _, s in pairs],
            },
            keys=("evidence", "step"),
        )

    def without_standard(self) -> tuple[str, ...]:
        """Return the organisation's own steps for which no standard is set."""
        return tuple(s.id for s in self.steps if s.own and s.standard is None)

    def standards(self) -> Standards:
        """Return the standards that a column measures, as `quality.standards` takes.

        Each has the name and the dimension of its step; its words are the label.

        Raises
        ------
        SpecificationError
            If no standard names a column.
        """
        own = tuple(filter(None, (s.measured_standard() for s in self.steps)))
        if not own:
            raise nothing_measured(self.id)
        return Standards(self.id, own, self.label, self.source, notes=self.notes)

    def checklist(self, *, fail_points_only: bool = False) -> Table:
        """Return how many of the organisation's own steps have a standard.

        Parameters
        ----------
        fail_points_only : count steps that are likely to fail only.

        Returns
        -------
        Table with columns dimension (empty for steps without one), required, covered:
        what ``sat.five_gaps(standards=…)`` takes for gap 2.
        """
        wanted = [
            s for s in self.steps if s.own and (s.fail_point or not fail_points_only)
        ]
        names = list(dict.fromkeys(s.dimension for s in wanted))
        parts = [[s for s in wanted if s.dimension == name] for name in names]
        return Table.of(
            {
                "dimension": names,
                "required": [len(part) for part in parts],
                "covered": [sum(s.standard is not None for s in p) for p in parts],
            },
            keys=("dimension",),
        )

    @friendly_keywords
    def conformance(
        self,
        encounters: object,
        *,
        by: str | Sequence[str] | None = None,
        level: float = 0.95,
    ) -> ConformanceResult:
        """Return how often encounters meet the standards that a column measures.

        By step the share of encounters that meet its standard; by dimension and overall
        the share of all measured steps, ``Σ w s / Σ w m`` over encounters with s of m
        steps met. Limits are Wilson's, with n effective: Kish's for weights, divided by
        the design effect where encounters are clustered, or steps of one encounter are
        pooled.

        Parameters
        ----------
        encounters : a Survey or frame, one row per encounter (visit, call, mystery
            visit), with the columns that the standards name. Weights, clusters and
            strata of a survey are used.
        by : columns or roles that form groups.
        level : confidence level.

        Returns
        -------
        ConformanceResult
            What ``sat.five_gaps(delivery=…)`` takes for gap 3.

        Raises
        ------
        DataError
            If a column is absent or holds no numbers.
        SpecificationError
            If no standard names a column.

        References
        ----------
        Wilson (1927), doi:10.1080/01621459.1927.10502953.
        """
        return conformance(self.steps, encounters, by=by, level=level, name=self.id)

    def summary(self) -> Summary:
        """Return the steps in order, and fail points by lane."""
        steps = Table.of(
            {
                "step": [s.id for s in self.steps],
                "lane": [s.lane for s in self.steps],
                "label": [str(s.label) for s in self.steps],
                "fail": ["fail point" if s.fail_point else "" for s in self.steps],
                "standard": [str(s.standard or "none") for s in self.steps],
                "evidence": ["; ".join(s.evidence) for s in self.steps],
            },
            keys=("step", "lane"),
        )
        words = {name: name for name in steps.names}
        lanes = self.fail_points()
        missing = self.without_standard()
        note = f"no standard is set for {', '.join(missing)}" if missing else ""
        return Summary(
            f"Service blueprint {self.label or self.id}",
            (("source", self.source or "not stated"),),
            (
                section("Steps", steps, words, max_rows=60),
                section("Lanes", lanes, {name: name for name in lanes.names}),
            ),
            tuple(filter(None, (note, *self.notes))),
        )

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
