"""What is run: a problem with what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.physics import Problem


@dataclass(frozen=True)
class Case:
    """A problem with what surrounds it.

    Attributes:
        problem: The equation; its name is the case's name.
        title: One line for lists and tables.
        published: Numbers that were published for it, by the names used in `results.json`, e.g. ``{"e1": 0.082994}``.
        assumptions: What was left open there and was chosen here.
        fem: Settings of the finite elements, by the names of a problem file's [fem] table.
        pinn: Settings of the networks, by the names of its [pinn] table.
    """

    problem: Problem
    title: str
    published: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    fem: Mapping[str, Any] = field(default_factory=dict)
    pinn: Mapping[str, Any] = field(default_factory=dict)
