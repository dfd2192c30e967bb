"""What a cell solver finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.media.interpolated import SlowCoefficient
from hybrid.trust import Estimate


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero, on the mesh of the cell; those of this rank's nodes one after another, d for each,
            where a depends on x.
        seconds: Wall time.
        error_estimates: Estimated relative L2 errors of the χ_j, where they were asked for (0 for a corrector that vanishes).
        nodes: The values of x that this rank's correctors belong to, (n, d), where a depends on x.
        trust: Estimates of relative errors: of a* ("coefficient") and of the correctors ("chi_1" …).
        bounds: Of a* from below and above, (2, d, d), where they were computed: [lower, upper].
        notes: What the linear solver did differently from what was asked for, a line each.
        attempts: What was tried, coarsest first, with the numbers of unknowns and what they led to.
    """

    coefficient: npt.NDArray[np.float64] | SlowCoefficient
    correctors: tuple[fem.Function, ...]
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    nodes: npt.NDArray[np.float64] | None = None
    trust: Mapping[str, Estimate] = field(default_factory=dict)
    bounds: npt.NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    attempts: tuple[Mapping[str, object], ...] = ()
