"""What counts as resolved in a run."""

from __future__ import annotations

from typing import Any

from hybrid.study.adaptation import ASKED, COARSE
from hybrid.study.recorder import Recorder
from hybrid.study.trust import Tolerances

_CORRECTORS_OF_JUMPS = 1e-2
"""What the χ_j of a coefficient that jumps are asked for, relative."""


def tolerances_of(run: Recorder) -> Tolerances:
    """What counts as resolved."""
    jumps, adapted = run.problem.flux.interfaces, run.adapted
    corrector = max(_CORRECTORS_OF_JUMPS if jumps else adapted.pinn, ASKED[run.problem.dim].correctors * adapted.fem)
    return Tolerances(adapted.fem, adapted.pinn, COARSE if jumps and run.case.fem.tol is None else 0.0, corrector)


def is_proved(cell: Any) -> bool:
    """Whether the finite elements' a* is between bounds: a difference from the network is then the network's."""
    return getattr(cell, "bounds", None) is not None
