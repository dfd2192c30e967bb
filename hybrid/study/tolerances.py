"""What counts as resolved in a run."""

from __future__ import annotations

from typing import Any

from hybrid.media.interpolated import relative_change
from hybrid.study.adaptation import ASKED, COARSE
from hybrid.study.recorder import Recorder
from hybrid.study.trust import Tolerances
from hybrid.trust import estimate_of

_CORRECTORS_OF_JUMPS = 1e-2
"""What the χ_j of a coefficient that jumps are asked for, relative."""
_ROUNDING = 1e-11


def tolerances_of(run: Recorder) -> Tolerances:
    """What counts as resolved."""
    jumps, adapted = run.problem.flux.interfaces, run.adapted
    corrector = max(_CORRECTORS_OF_JUMPS if jumps else adapted.pinn, ASKED[run.problem.dim].correctors * adapted.fem)
    return Tolerances(adapted.fem, adapted.pinn, COARSE if jumps and run.case.fem.tol is None else 0.0, corrector)


def is_proved(cell: Any) -> bool:
    """Whether bounds of a* prove the finite elements' estimate of it: a difference from the network is then the network's."""
    bounds, own = getattr(cell, "bounds", None), estimate_of(cell.trust, "coefficient")
    if bounds is None or own.error is None:
        return False
    off = max(relative_change(side - cell.coefficient, cell.coefficient) for side in bounds)
    return off <= (1 + 1e-6) * own.error + _ROUNDING
