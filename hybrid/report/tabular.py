"""A table of text, for HTML, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.study.table import number


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: Above it.
        head: Column titles.
        rows: The cells.
        note: Below it.
        apart: Which rows are set apart from the others.
        words: Which columns hold text, not numbers.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    apart: tuple[int, ...] = ()
    words: tuple[int, ...] = (0,)

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


def span(values: Sequence[float]) -> str:
    """From the least to the largest, in two digits."""
    low, high = f"{min(values):.2g}", f"{max(values):.2g}"
    return low if low == high else f"{low} to {high}"


def listed(words: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def stage(name: str) -> str:
    """A stage of a run in words, from its name among the seconds of `results.json`."""
    return {"ladder": "beyond u0", "direct": "direct networks"}.get(name, name.replace("_", " "))
