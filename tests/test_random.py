"""Random problems, a few of the 200 of `examples/benchmarks/random_problems.py`: no number that is called resolved is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "benchmarks"))

import random_problems

QUICK = ((1, "fast"), (7, "fast"), (8, "fast"), (8, "accurate"))
LINES, DECAYS, LAYERS = ((6, "fast"), (7, "accurate")), ((47, "fast"),), ((2, "fast"),)


@pytest.mark.parametrize(
    ("seed", "preset"),
    [*QUICK, *(pytest.param(*one, marks=pytest.mark.slow) for one in (*LINES, *DECAYS, *LAYERS))],
)
def test_what_is_called_resolved_is_right(seed: int, preset: str) -> None:
    row = random_problems.tried(seed, preset)
    assert "failed" not in row, row["failed"]
    assert len(row["numbers"]) >= 3
    assert [number for number in row["numbers"] if random_problems.is_wrong(*number[1:])] == []
    assert row["resolved"], row["unresolved"]


def test_a_wrong_number_would_be_seen() -> None:
    """The same comparison with an answer that is off by a thousandth."""
    row = random_problems.tried(7, "fast")
    name, off, estimate, resolved = next(n for n in row["numbers"] if n[0] == "a_fem")
    assert name == "a_fem"
    assert resolved
    assert random_problems.is_wrong(off + 1e-3, estimate, resolved)
