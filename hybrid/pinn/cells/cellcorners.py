"""Corner functions of cell problems whose interfaces y_i = c cross: correctors and fluxes where four values of a meet.

Around a crossing a takes one value in each quadrant, and div(a ∇u) = 0 has the solutions u = r^λ φ(θ),

    (a φ')' + λ² a φ = 0,   φ and a φ' continuous around the circle,

of which those with λ < 1 have infinite gradients (Kellogg 1975). The flux of one is a∇u = curl ψ, ψ = -r^λ a φ'(θ) / λ.
Both are features beside those of a network, cut off at the next interface by (1 - r²/R²)⁴, with strengths by least squares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial.legendre import legder, leggauss, legval
from torch import Tensor, nn

from hybrid.equation import Equation
from hybrid.media.regions import Regions
from hybrid.pinn.cells.cellpieces import cell_pieces
from hybrid.pinn.functions.network import Embedding, Network, product_jet
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]

_DEGREE = 20
"""Of the polynomials in each quadrant that find λ and φ."""
_MOST = 4.0
"""λ from here on are as smooth as what networks have no trouble with."""
_LEAST = 1e-5
"""What rounding makes of λ = 0 is less."""
_WHOLE = 1e-7
"""A λ that is as near to a whole number is that of polynomials."""
_CUTOFF = 4
_NEAR = 1e-6
"""Where a is looked at beside a crossing, as a part of the way to the next one."""
_QUARTER = math.pi / 2
_PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))


def exponents(quadrants: Sequence[float]) -> list[tuple[float, Array]]:
    """λ and (α_k, β_k), (4, 2): φ = α_k cos λs + β_k sin λs on quadrant k, s counted from where it begins.

    Args:
        quadrants: a on the quadrants, counterclockwise from that of positive coordinates.
    """
    nodes, share = leggauss(_DEGREE + 4)
    ends, inner = [[0.5, -0.5], [0.5, 0.5]], []
    for k in range(2, _DEGREE + 1):
        bubble = np.zeros(k + 1)
        bubble[k], bubble[k - 2] = 1.0, -1.0
        inner.append(bubble)
    shapes = [np.array(c) for c in (*ends, *inner)]
    values = np.stack([legval(nodes, c) for c in shapes])
    slopes = np.stack([legval(nodes, legder(c)) for c in shapes]) * 2 / _QUARTER
    stiff, mass = ((t * share * _QUARTER / 2) @ t.T for t in (slopes, values))
    size = 4 * _DEGREE
    one, other = np.zeros((size, size)), np.zeros((size, size))
    for k, a in enumerate(quadrants):
        own = [k, (k + 1) % 4, *range(4 + k * (_DEGREE - 1), 4 + (k + 1) * (_DEGREE - 1))]
        one[np.ix_(own, own)] += a * stiff
        other[np.ix_(own, own)] += a * mass
    root = np.linalg.inv(np.linalg.cholesky(other))
    squares, vectors = np.linalg.eigh(root @ one @ root.T)
    found = []
    for square, vector in zip(squares, (root.T @ vectors).T, strict=True):
        rate = math.sqrt(max(square, 0.0))
        if not _LEAST < rate < _MOST or abs(rate - round(rate)) < _WHOLE:
            continue
        start, end = vector[:4], np.roll(vector[:4], -1)
        turn = rate * _QUARTER
        found.append((rate, np.stack([start, (end - start * math.cos(turn)) / math.sin(turn)], axis=1)))
    return found


Crossing = tuple[Tensor, float, list[tuple[float, Tensor]]]
"""Where it is, how far the next interface is, and of each function λ and (α_k, β_k)."""


def _crossings(equation: Equation) -> list[Crossing]:
    medium, sides = equation.medium, [] if isinstance(equation.flux, Regions) else cell_pieces(equation, 8)
    found: list[Crossing] = []
    in_plane = len(sides) == len(_PAIRS[0]) and all(pieces[0].cut for pieces in sides)
    if not in_plane or medium.depends_on or not medium.isotropic:
        return found
    lengths = [[pieces[k].high - pieces[k].low for k in range(-1, len(pieces))] for pieces in sides]
    for i, j in itertools.product(*(range(len(pieces)) for pieces in sides)):
        place = np.array([sides[0][i].low, sides[1][j].low])
        reach = min(*lengths[0][i : i + 2], *lengths[1][j : j + 2])
        around = place + _NEAR * reach * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        values = evaluate(medium.matrix[0, 0], coordinates(equation.fast, np.mod(around, equation.period)))
        a = np.broadcast_to(np.asarray(values, dtype=float), 4)
        functions: list[tuple[float, Tensor]] = []
        for rate, parts in exponents(a / a.max()):
            fluxes = a[:, None] / a.max() * np.stack([parts[:, 1], -parts[:, 0]], axis=1)
            functions += [(rate, torch.as_tensor(t / np.abs(t).max())) for t in (parts, fluxes)]
        if functions:
            found.append((torch.as_tensor(place), reach, functions))
    return found


class CornerEmbedding:
    """The functions of all crossings of a cell in the plane, for an a of y alone that is a number; width 0 elsewhere."""

    def __init__(self, equation: Equation) -> None:
        self.period = torch.tensor(equation.period, dtype=torch.float64)
        self.corners = _crossings(equation)
        self.width = sum(len(functions) for _, _, functions in self.corners)

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width)."""
        found = [self._around(points, operators, *corner) for corner in self.corners]
        channels = 1 + operators.shape[-1] + operators.shape[0]
        return torch.cat([torch.zeros(channels, len(points), 0, dtype=torch.float64), *found], dim=2)

    def _around(
        self, points: Tensor, operators: Tensor, place: Tensor, reach: float, functions: Sequence[tuple[float, Tensor]]
    ) -> Tensor:
        """Those of one crossing: the real parts of (α - iβ) (z e^{-iθ_k})^λ on quadrant k, lengths in units of `reach`."""
        away = points - place
        away = (away - self.period * torch.round(away / self.period)) / reach
        quadrant = torch.where(away[:, 1] >= 0, (away[:, 0] < 0).long(), 2 + (away[:, 0] >= 0).long())
        turned = torch.complex(away[:, 0], away[:, 1]) * torch.exp(-1j * _QUARTER * quadrant)
        turned = torch.where(turned.abs() < 1e-300, torch.full_like(turned, 1e-300), turned)
        dim, own = operators.shape[-1], []
        for rate, parts in functions:
            strength = torch.complex(parts[quadrant, 0], -parts[quadrant, 1])
            back = torch.exp(-1j * _QUARTER * quadrant)
            powers = [strength * turned**rate]
            powers.append(strength * rate * turned ** (rate - 1) * back / reach)
            powers.append(strength * rate * (rate - 1) * turned ** (rate - 2) * back**2 / reach**2)
            rows = [powers[0].real, *([powers[1].real, -powers[1].imag] if dim else [])]
            second = [[powers[2].real, -powers[2].imag], [-powers[2].imag, -powers[2].real]]
            rows += [torch.stack([float(m[i, j]) * second[i][j] for i, j in _PAIRS]).sum(0) for m in operators]
            own.append(torch.stack(rows))
        return product_jet(torch.stack(own, dim=2), self._cutoff(away, operators, reach), operators)

    def _cutoff(self, away: Tensor, operators: Tensor, reach: float) -> Tensor:
        """(1 - |z|²)⁴, zero further away."""
        left, dim, n = (1 - away.square().sum(1)).clamp_min(0.0), operators.shape[-1], _CUTOFF
        rows = [left**n]
        rows += [-2 * n * away[:, i] * left ** (n - 1) / reach for i in range(dim)]
        for m in operators:
            along = torch.einsum("ni,ij,nj->n", away, m, away)
            rows.append(
                (4 * n * (n - 1) * left ** (n - 2) * along - 2 * n * float(m.trace()) * left ** (n - 1)) / reach**2
            )
        return torch.stack(rows)[:, :, None]


class CornerNetwork(Network):
    """A network whose last layer sees the first of what is embedded too, the corner functions, as they are.

    Args:
        embedding: Begins with them.
        own: How many there are.
        hidden: Widths of the hidden layers.
        outputs: Number of functions.
        seed: Of the initial weights.
        scale: Factor on the initial hidden weights.
    """

    def __init__(
        self, embedding: Embedding, own: int, hidden: Sequence[int], outputs: int, seed: int, *, scale: float = 1.0
    ) -> None:
        super().__init__(embedding, hidden, outputs, seed, scale=scale)
        self.own = own
        first, last = self.weights[0].detach()[:, own:], self.weights[-1].detach()
        self.weights[0] = nn.Parameter(first * math.sqrt(embedding.width / (embedding.width - own)))
        self.weights[-1] = nn.Parameter(torch.cat([torch.zeros(outputs, own, dtype=last.dtype), last], dim=1))

    def hidden_jet(self, jet: Tensor, operators: Tensor) -> Tensor:
        """The corner functions, and what else is embedded through the layers."""
        return torch.cat([jet[:, :, : self.own], super().hidden_jet(jet[:, :, self.own :], operators)], dim=2)
