"""Names for people, in two languages."""

from __future__ import annotations

from dataclasses import dataclass

from satmetrics._result import Record


@dataclass(frozen=True)
class Label(Record):
    """A name for people, in English and Chinese.

    Attributes
    ----------
    en, zh : the texts; empty where there is none.
    """

    en: str = ""
    zh: str = ""

    def __str__(self) -> str:
        return self.en or self.zh

    def __bool__(self) -> bool:
        return bool(self.en or self.zh)
