"""A few of the random media of `examples/benchmarks/random_certificates.py`: no error above its bound, no a* outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "benchmarks"))

import random_certificates


@pytest.mark.parametrize("seed", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_bounds_are_bounds(seed: int) -> None:
    row = random_certificates.tried(seed)
    assert "failed" not in row, row["failed"]
    assert not random_certificates.is_wrong(row)
    assert random_certificates.is_wrong(row | {"bounds": [0.99 * min(row["true"]), *row["bounds"][1:]]})
    assert random_certificates.is_wrong(row | {"outside": 1e-6})
