"""hybrid: homogenization by finite elements and by neural networks, measured against each other.

import hybrid
problem = hybrid.EllipticProblem(domain=[(0, 1), (0, 1)], eps=1/8, a=..., f=...)
hybrid.fem      finite elements (DOLFINx)
hybrid.pinn     physics-informed neural networks (torch)
hybrid.comparison   errors e1…e5 between the two
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hybrid.started  # noqa: F401  before all else
from hybrid._version import __version__
from hybrid.failures import InputError, SolverError
from hybrid.lazy import lazily

if TYPE_CHECKING:
    from hybrid import comparison, fem, paper, pinn, study
    from hybrid.physics import EllipticProblem, ReactionDiffusionProblem

__all__ = [
    "EllipticProblem",
    "InputError",
    "ReactionDiffusionProblem",
    "SolverError",
    "__version__",
    "comparison",
    "fem",
    "paper",
    "pinn",
    "study",
]

# On first use: who only wants networks needs no DOLFINx, who asks for help no SymPy, and the other way round.
__getattr__, __dir__ = lazily(__name__, {"EllipticProblem": "physics", "ReactionDiffusionProblem": "physics"})
