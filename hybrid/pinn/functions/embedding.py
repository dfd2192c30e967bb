"""First layers: affine scaling of a box to [-1, 1]^d, and an exactly periodic embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hybrid.pinn.functions.network import Embedding


class AffineEmbedding:
    """e(x) = the coordinates of x scaled so that the box becomes [-1, 1]^d, and waves along each of them.

    Args:
        box: One (low, high) for each dimension.
        waves: How many of the sin and cos of π m s, m = 1, 2, …, of each scaled coordinate s are added, for functions that
            oscillate; none by default. Or vectors k: then sin k·s and cos k·s are added, plane waves.
    """

    def __init__(self, box: Sequence[Sequence[float]], waves: int | Sequence[Sequence[float]] = 0) -> None:
        self.waves: list[tuple[int, float]] = []
        self.planes: list[tuple[float, ...]] = []
        if isinstance(waves, int):
            self.waves = [(i, math.pi * m) for i in range(len(box)) for m in range(1, waves + 1)]
        else:
            self.planes = [tuple(map(float, k)) for k in waves]
        self.box = tuple((float(low), float(high)) for low, high in box)
        bounds = torch.tensor(box, dtype=torch.float64)
        self.middle, self.scale = bounds.mean(1), 2 / (bounds[:, 1] - bounds[:, 0])
        self.width = len(box) + 2 * len(self.waves) + 2 * len(self.planes)
        self.is_linear = not self.waves and not self.planes

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, d + 2 d waves)."""
        count, dim = operators.shape[0], operators.shape[-1]
        d = points.shape[1]
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        scale = self.scale.to(points.device)
        scaled = (points - self.middle.to(points.device)) * scale
        jet[0, :, :d] = scaled
        for i in range(dim):
            jet[1 + i, :, i] = scale[i]
        for column, (i, k) in enumerate(self.waves):
            _wave(jet, d + 2 * column, i, scaled[:, i], k, float(self.scale[i]), operators)
        for column, vector in enumerate(self.planes):
            plane = torch.tensor(vector, dtype=points.dtype, device=points.device)
            _plane(jet, d + 2 * column, scaled @ plane, plane * scale, operators)
        return jet


class PeriodicEmbedding:
    """e(y) = ( sin(2π m y_i / p_i), cos(2π m y_i / p_i) ), i = 1..d, m = 1..harmonics: every network of it is periodic."""

    def __init__(self, period: Sequence[float], harmonics: int = 1) -> None:
        self.box = tuple((0.0, float(p)) for p in period)
        self.frequencies = [
            (i, 2 * math.pi * m / p) for i, p in enumerate(period) for m in range(1, harmonics + 1)
        ]  # fmt: skip
        self.width = 2 * len(self.frequencies)

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 2 d harmonics)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        for column, (i, k) in enumerate(self.frequencies):
            _wave(jet, 2 * column, i, points[:, i], k, 1.0, operators)
        return jet


def _plane(jet: Tensor, column: int, phase: Tensor, slope: Tensor, operators: Tensor) -> None:
    """Put sin and cos of a phase with this constant gradient into two columns of the jet."""
    dim = operators.shape[-1]
    sine, cosine = torch.sin(phase), torch.cos(phase)
    for at, value, first in ((column, sine, cosine), (column + 1, cosine, -sine)):
        jet[0, :, at] = value
        if dim:
            jet[1 : 1 + dim, :, at] = slope[:, None] * first
            jet[1 + dim :, :, at] = -torch.einsum("kij,i,j->k", operators, slope, slope)[:, None] * value


def _wave(jet: Tensor, column: int, i: int, s: Tensor, k: float, scale: float, operators: Tensor) -> None:
    """Put sin(k s) and cos(k s) into two columns of the jet; s is `scale` times coordinate i, up to a constant."""
    dim = operators.shape[-1]
    sine, cosine = torch.sin(k * s), torch.cos(k * s)
    k = k * scale
    for at, value, slope in ((column, sine, k * cosine), (column + 1, cosine, -k * sine)):
        jet[0, :, at] = value
        if dim:
            jet[1 + i, :, at] = slope
            jet[1 + dim :, :, at] = -k * k * operators[:, i, i, None] * value


class SideBySide:
    """Two embeddings of the first and of the remaining coordinates, next to each other.

    Args:
        first: Of the first `split` coordinates.
        second: Of the others.
        split: How many coordinates the first one takes.
    """

    def __init__(self, first: Embedding, second: Embedding, split: int) -> None:
        self.first, self.second, self.split = first, second, split
        self.width = first.width + second.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width). Second derivatives across the two parts vanish, those within are the parts' own."""
        count, dim, k = operators.shape[0], operators.shape[-1], self.split
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        own = slice(0, k if dim else 0), slice(k if dim else 0, dim)
        parts = zip((self.first, self.second), (points[:, :k], points[:, k:]), own, strict=True)
        column = 0
        for embedding, at, inside in parts:
            part = embedding.jet(at, operators[:, inside, inside])
            size = inside.stop - inside.start
            columns = slice(column, column + embedding.width)
            jet[0, :, columns] = part[0]
            jet[1 + inside.start : 1 + inside.stop, :, columns] = part[1 : 1 + size]
            jet[1 + dim :, :, columns] = part[1 + size :]
            column += embedding.width
        return jet


class Together:
    """Two embeddings of the same coordinates, next to each other."""

    def __init__(self, first: Embedding, second: Embedding) -> None:
        self.first, self.second = first, second
        self.width = first.width + second.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width)."""
        return torch.cat([self.first.jet(points, operators), self.second.jet(points, operators)], dim=2)


class AtTime:
    """An embedding of space and time, the time held fixed: what is left is one of space.

    Args:
        embedding: Of (x, t).
        time: t.
    """

    def __init__(self, embedding: Embedding, time: float) -> None:
        self.embedding, self.time, self.width = embedding, time, embedding.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width) of points, (n, d)."""
        count, dim = operators.shape[0], operators.shape[-1]
        joint = torch.cat([points, torch.full_like(points[:, :1], self.time)], dim=1)
        if not dim:
            return self.embedding.jet(joint, operators)
        padded = torch.zeros(count, dim + 1, dim + 1, dtype=operators.dtype, device=operators.device)
        padded[:, :dim, :dim] = operators
        jet = self.embedding.jet(joint, padded)
        return torch.cat([jet[: 1 + dim], jet[2 + dim :]])
