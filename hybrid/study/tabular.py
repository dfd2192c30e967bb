"""A table of text, for HTML, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.study.table import number

Results = Mapping[str, Any]
Data = Mapping[tuple[str, str], Results]
"""Results by (preset, case)."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: Above it.
        head: Column titles.
        rows: The cells; rows whose first cell starts with "paper" are set apart.
        note: Below it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """As a GitHub table."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.head, *self.rows)]
        rule = "|" + "|".join(["---"] + ["---:"] * (len(self.head) - 1)) + "|"
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:], "", self.note, ""])

    def comma_separated(self) -> str:
        """As CSV, the title in front of each row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.head, *self.rows):
            writer.writerow([self.title, *row])
        return text.getvalue()


def text_of(value: float | None) -> str:
    """A number as text, a dash for none."""
    return "–" if value is None else number(value)


def range_of(values: Sequence[float]) -> str:
    """The least and the largest."""
    low, high = text_of(min(values)), text_of(max(values))
    return low if low == high else f"{low} … {high}"
