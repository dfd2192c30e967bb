"""The singular functions of all corners of a box at many points, by the compiled kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.network import hessian_pairs

_MANY = 8000
"""Points from which on the kernel is asked: trainings have fewer, and keep their numbers to the last bit."""


def corner_jets(
    points: Tensor,
    box: Sequence[tuple[float, float]],
    diagonal: Sequence[float],
    strengths: Iterable[tuple[Sequence[int], float]],
    operators: Tensor,
) -> Tensor | None:
    """The jet (C, n) of the sum of the corners' functions.

    Args:
        points: (n, d) with d = 2 or 3.
        box: The box.
        diagonal: The a*_ii.
        strengths: Which sides each corner is on, 1 for the upper ones, and the factor of its function.
        operators: (K, d, d).

    Returns:
        The jet; None where the points are few or there is no kernel.
    """
    if len(points) < _MANY:
        return None
    dim = len(box)
    pairs = hessian_pairs(dim)
    order = 0 if not operators.shape[-1] else 2 if len(operators) else 1
    found = points.new_zeros((1, 1 + dim, 1 + dim + len(pairs))[order], len(points))
    root = [a**0.5 for a in diagonal]
    sides = [high - low for low, high in box]
    at = points.contiguous()
    for upper, strength in strengths:
        corner = [ends[bool(side)] for ends, side in zip(box, upper, strict=True)]
        inward = [-1.0 if side else 1.0 for side in upper]
        if not kernel.add_corner(at, corner, inward, root, sides, strength, order, found):
            return None
    if order < 2:
        return found
    entries = torch.stack([operators[:, i, j] if i == j else operators[:, i, j] + operators[:, j, i] for i, j in pairs])
    return torch.cat([found[: 1 + dim], entries.T @ found[1 + dim :]])
