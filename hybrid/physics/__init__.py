"""One file for each physics: its equations, its checks, its effective coefficient, its letters."""

from hybrid.physics.base import Notation, Problem, check_problem, kinds, of_kind, register
from hybrid.physics.elliptic import EllipticProblem
from hybrid.physics.reaction_diffusion import ReactionDiffusionProblem

__all__ = [
    "EllipticProblem",
    "Notation",
    "Problem",
    "ReactionDiffusionProblem",
    "check_problem",
    "kinds",
    "of_kind",
    "register",
]
