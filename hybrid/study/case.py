"""What is run: a problem with what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybrid.physics import Problem
from hybrid.study.options import FemOptions, PinnOptions

REFERENCES = ("fem", "none")


@dataclass(frozen=True)
class Case:
    """A problem with what surrounds it.

    Attributes:
        problem: The equation; its name is the case's name.
        title: One line for lists and tables.
        published: Numbers that were published for it, by the names used in `results.json`, e.g. ``{"e1": 0.082994}``.
        assumptions: What was left open there and was chosen here.
        fem: The [fem] table of a problem file.
        pinn: The [pinn] table.
        certify: Whether a run also bounds the errors of reconstructions by both paths (`hybrid.bounds`).
        reference: "fem": u_ε is solved for, to measure errors with; "none": it is not, and errors are bounded alone.
        layers: Whether reconstructions go beyond the first order; in space only where asked for, by default.
        direct: Whether a run also trains networks on the multiscale equation itself (`hybrid.study.direct`).
    """

    problem: Problem
    title: str
    published: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    fem: FemOptions = field(default_factory=FemOptions)
    pinn: PinnOptions = field(default_factory=PinnOptions)
    certify: bool = False
    reference: str = "fem"
    layers: bool | None = None
    direct: bool = False

    @property
    def has_reference(self) -> bool:
        """Whether u_ε is solved for."""
        return self.reference != "none"

    @property
    def is_bounded(self) -> bool:
        """Whether a run proves bounds of errors."""
        return self.certify or not self.has_reference
