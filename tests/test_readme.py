"""The README's numbers are those that were recorded."""

from __future__ import annotations

import re
from pathlib import Path

from hybrid.paper.cases import case
from hybrid.paper.recorded import stored
from hybrid.study.table import number

ROOT = Path(__file__).resolve().parents[1]


def test_the_table_at_the_top() -> None:
    lines = [
        line for line in (ROOT / "README.md").read_text().splitlines() if re.match(r"\| [a-z-]+[0-9a-z-]* \(5", line)
    ]
    assert len(lines) == 4
    recorded = stored()
    for line in lines:
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        name = cells[0].split()[0]
        paper, errors = case(name).published, recorded.runs["accurate", name]["errors"]
        averaged = recorded.runs["paper", name]["averaged"]
        expected = [
            f"{paper['e1']:.6f}", number(averaged["e1"]), number(errors["e1"]), number(errors["e4"]), f"{paper['e3']:.6f}",
            number(errors["e3"]), number(errors["e5"]),
        ]  # fmt: skip
        assert cells[1:] == expected, name
