"""Least squares for a network's last layer: what `LastLayer` of `hybrid.pinn.optimizers.kinds` does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.base import Iteration
from hybrid.pinn.optimizers.firstorder import copies, put


@torch.no_grad()
def solve(system: System, ridge: float) -> None:
    """Put the least-squares solution into the last layer; collective."""
    shares, blocks = system.shares, system.features()
    square = shares.total([matrix.square().sum(0) for matrix, _ in blocks])
    scale = square.sqrt().clamp_min(torch.finfo(square.dtype).tiny)
    width = len(scale)
    rows = []
    for matrix, target in blocks:
        joint = torch.cat([matrix / scale, target], dim=1)
        # Of a tall share the R factor says all there is to say; it is what has to travel.
        several = shares.count > 1 and len(joint) > 2 * width
        rows.append(torch.linalg.qr(joint, mode="r")[1] if several else joint)
    solution = damped(torch.cat(shares.gathered(rows)), width, ridge) / scale[:, None]
    last = system.network.weights[-1]
    last.copy_(shares.agreed(solution.T.reshape(last.shape)))


_WIDE = 2000
"""Columns from which normal equations are tried: a product of matrices runs faster than QR, and takes a third of the work."""
_PIVOT = 5e-6
"""The smallest pivot, of columns of norm one, with which a step of refinement still gains four digits."""
_REFINED, _SETTLED = 3, 1e-6
"""Steps of refinement, and how little the last of them has to change."""


def damped(joint: Tensor, width: int, ridge: float) -> Tensor:
    """Least squares for the first `width` columns, of norm one, and the others as right-hand sides, with the ridge."""
    found = _by_normal_equations(joint[:, :width], joint[:, width:]) if width >= _WIDE and ridge < _PIVOT**2 else None
    if found is not None:
        return found
    below = torch.zeros(width, joint.shape[1], dtype=joint.dtype, device=joint.device)
    below[:, :width].fill_diagonal_(ridge)
    joint = torch.cat([joint, below])
    return torch.linalg.lstsq(joint[:, :width], joint[:, width:], driver="gels").solution


def _by_normal_equations(matrix: Tensor, right: Tensor) -> Tensor | None:
    """Least squares by Cholesky's factor of AᵀA and refinement; None where the columns are too nearly dependent for that.

    The ridge is nothing beside pivots that pass. A quarter of the columns is tried first: it costs little and mostly tells.
    """
    for columns in (matrix.shape[1] // 4, matrix.shape[1]):
        part = matrix[:, :columns].cpu().numpy()
        gram = torch.from_numpy(part.T @ part).to(matrix.device)  # numpy sees that it is symmetric: half of the work
        factor, failed = torch.linalg.cholesky_ex(gram)
        if failed or not bool((factor.diagonal() > _PIVOT).all()):
            return None
    found = torch.zeros_like(right[: matrix.shape[1]])
    for _ in range(_REFINED):
        change = torch.cholesky_solve(matrix.T @ (right - matrix @ found), factor)
        found = found + change
    # Pivots do not bound the condition number: what still changes has not converged.
    return found if bool(change.norm() <= _SETTLED * found.norm()) else None


class LinearSolve(Iteration):
    """One step is all there is."""

    def __init__(self, ridge: float, system: System) -> None:
        self.ridge, self.system = ridge, system
        self.loss = system.loss()

    def step(self) -> str:
        """All there is to do."""
        solve(self.system, self.ridge)
        self.loss = self.system.loss()
        return ""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {"parameters": copies(self.system), "loss": self.loss}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        put(self.system, state["parameters"])
        self.loss = state["loss"]
