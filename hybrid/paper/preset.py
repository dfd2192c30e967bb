"""The preset `paper`: what the text states, and what it leaves open, marked as assumed."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.failures import InputError
from hybrid.paper.settings import paper_settings
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.case import Case
from hybrid.study.presets import OWN, Networks, Preset


@dataclass(frozen=True)
class Paper(Preset):
    """For the paper's cases, and for problems of one of its kinds the settings of the section that is nearest."""

    name: str = "paper"
    adapts: bool = False
    fixed: tuple[str, ...] = ("optimizer", "formulation", "periodicity", "boundary")
    origin: str = "what the text states"

    def settings(self, case: Case) -> Networks:
        """For "cell", "homogenized" and "classical".

        Raises:
            InputError: In space, or where a jumps.
        """
        ours = ", ".join(preset.name for preset in OWN)
        if case.problem.flux.interfaces:
            what = f"'paper', whose strong form needs the derivatives of a, which jumps; allowed are {ours}"
            raise InputError("preset", what)
        if case.problem.dim == 3:
            raise InputError("preset", f"'paper', but the paper has no problem in 3 dimensions; allowed are {ours}")
        return {part: NetworkSettings(**one) for part, one in paper_settings(case.problem).arguments.items()}

    def assumptions(self, case: Case) -> tuple[str, ...]:
        """What the text does not state."""
        return paper_settings(case.problem).assumed

    def key(self, case: Case) -> object:
        """All of the settings."""
        return paper_settings(case.problem)


PAPER = Paper()
