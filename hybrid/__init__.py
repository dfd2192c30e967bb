"""hybrid: homogenization by finite elements and by neural networks, measured against each other.

import hybrid
problem = hybrid.EllipticProblem(domain=[(0, 1), (0, 1)], eps=1/8, a=..., f=...)
hybrid.fem      finite elements (DOLFINx)
hybrid.pinn     physics-informed neural networks (torch)
hybrid.comparison   errors e1…e5 between the two
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from hybrid._version import __version__
from hybrid.errors import InputError, SolverError
from hybrid.problems import EllipticProblem, ReactionDiffusionProblem

if TYPE_CHECKING:
    from hybrid import comparison, fem, pinn, study

__all__ = [
    "EllipticProblem",
    "InputError",
    "ReactionDiffusionProblem",
    "SolverError",
    "__version__",
    "comparison",
    "fem",
    "pinn",
    "study",
]

# The DOLFINx wheel wants to be imported before dolfinx and petsc4py; conda, Debian and the official images have none.
if importlib.util.find_spec("dolfinx_solver") is not None:
    importlib.import_module("dolfinx_solver")


def __getattr__(name: str) -> Any:
    """Load the heavy halves on first use: who only wants networks needs no DOLFINx, and the other way round."""
    if name in {"fem", "pinn", "comparison", "study"}:
        return importlib.import_module(f"hybrid.{name}")
    raise AttributeError(f"module 'hybrid' has no attribute {name!r}")
