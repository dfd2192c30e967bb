"""Boundary layers of the faces of a box, by networks on half-strips.

w = c + exp(-β z_n) N(z), N of random features of exp(-β z_n / 2) and of the medium's periodic inputs: periodic along the face,
and away from it what a medium that is periodic there too leaves of it. The last layer and c, linear both, are least squares.
β is about the rate of the slowest part. A part of rate λ is N's first input to the power 2λ/β - 2, which is smooth enough; to
that of λ/β - 1, with exp(-β z_n) for input, it was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hybrid.equation import Equation
from hybrid.faces import Face, Layer, SlowLayer, faces_of, nodes_of
from hybrid.interfaces import BROKEN
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.cells.cellrows import cell_operator
from hybrid.pinn.cells.secondcells import check_smooth
from hybrid.pinn.functions.embedding import PeriodicEmbedding, Together
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.inputs import MediumEmbedding
from hybrid.pinn.functions.network import VALUE, Embedding, Network
from hybrid.pinn.functions.strips import Decay, Seen
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows, behind_factor
from hybrid.pinn.leastsquares.system import contract
from hybrid.pinn.sizes import CELLS
from hybrid.pinn.steady.strengths import fit_jointly
from hybrid.separation import frozen_at
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]

_WANTED = 1e-4
"""Of a layer, relative to the correctors: what comes after it, of second order, is more."""


def solve_layers(
    equation: Equation, correctors: Sequence[Field], coefficient: Array, *, seed: int = 0
) -> tuple[Layer[Field], ...]:
    """The layers of all faces.

    Args:
        equation: The cell problems, of a smooth A that does not depend on x.
        correctors: Their solutions.
        coefficient: a*, which says about how fast layers decay.
        seed: Of the features.

    Raises:
        InputError: A jumps.
    """
    check_smooth(equation)
    cell, _ = sampling.periodic_grid(equation.period, 16)
    size = max(float(np.abs(chi.values(cell.numpy())).max()) for chi in correctors)
    data = [_Data(chi.values, chi.network.embedding) for chi in correctors]
    return tuple(
        _climbed(equation, face, data[face.axis], _rate(equation, face, coefficient), size, seed)
        for face in faces_of(equation)
    )


def solve_slow_layers(
    equation: Equation, correctors: Sequence[Field], coefficient: SlowCoefficient, *, seed: int = 0
) -> tuple[SlowLayer[Field], ...]:
    """The same at nodes of each face, for a smooth A that depends on x too.

    Args:
        equation: The cell problems.
        correctors: Their solutions, functions of x and y.
        coefficient: a*(x).
        seed: Of the features.

    Raises:
        InputError: A jumps.
    """
    check_smooth(equation)
    varying = [s in equation.medium.depends_on for s in equation.slow]
    nodes = {face: nodes_of(face, equation, varying) for face in faces_of(equation)}
    cell = sampling.periodic_grid(equation.period, 16)[0].numpy()
    size = max(
        float(np.abs(_at(node, chi)(cell)).max()) for each in nodes.values() for node in each for chi in correctors
    )
    found = []
    for face, places in nodes.items():
        parts = []
        for node, star in zip(places, coefficient(places), strict=True):
            frozen = frozen_at(equation, node)
            medium: Embedding = PeriodicEmbedding(frozen.period)
            if not frozen.medium.matrix.has(*BROKEN):
                medium = Together(medium, MediumEmbedding(frozen))
            data = _Data(_at(node, correctors[face.axis]), medium)
            parts.append(_climbed(frozen, face, data, _rate(frozen, face, star), size, seed))
        values = np.stack([part.function.values(face.first_period(equation)) for part in parts])
        found.append(SlowLayer.of(equation, places, parts, values, size))
    return tuple(found)


def _at(node: Array, corrector: Field) -> Callable[[Array], Array]:
    """χ(x, ·)."""
    return lambda points: corrector.values(np.hstack([np.broadcast_to(node, points.shape), points]))


@dataclass(frozen=True)
class _Data:
    """Of a face.

    Attributes:
        values: χ_n as a function of y.
        medium: Inputs of y.
    """

    values: Callable[[Array], Array]
    medium: Embedding


def _climbed(equation: Equation, face: Face, data: _Data, rate: float, scale: float, seed: int) -> Layer[Field]:
    """The first that is good enough, or the best."""
    tried: list[Layer[Field]] = []
    for sizes in CELLS[equation.dim].beyond.layer:
        tried.append(_solved(equation, face, data, rate, scale, seed, sizes))
        if tried[-1].estimate.within(_WANTED):
            break
    return min(tried, key=lambda layer: math.inf if layer.estimate.error is None else layer.estimate.error)


def _rate(equation: Equation, face: Face, a: Array) -> float:
    """Of the slowest part in a medium that is a* everywhere."""
    n = face.axis
    others = [k for k in range(equation.dim) if k != n]
    return min(2 * math.pi / equation.period[k] * math.sqrt(a[k, k] / a[n, n]) for k in others)


def _solved(
    equation: Equation, face: Face, data: _Data, rate: float, scale: float, seed: int, sizes: tuple[int, int, int]
) -> Layer[Field]:
    dim, n = equation.dim, face.axis
    offset, signs = (torch.tensor(part) for part in (face.offset(equation), face.signs(equation)))
    decay = Decay(n, rate)
    features, deep, along = sizes
    embedding = Together(Decay(n, rate / 2), Seen(data.medium, offset, signs))
    network = Network(embedding, (features,), 1, seed)
    depth = math.log(1 / CELLS[dim].beyond.ends) / rate
    strip = [(0.0, depth) if k == n else (0.0, p) for k, p in enumerate(equation.period)]

    def rows(shift: float) -> list[Rows]:
        """On the face and in the strip."""
        at = [
            depth * ((torch.arange(deep, dtype=torch.float64) + shift) / deep) ** 2 if k == n
            else (torch.arange(along, dtype=torch.float64) + shift) * high / along
            for k, (_, high) in enumerate(strip)
        ]  # fmt: skip
        points = sampling.product(at)
        coefficients, _, operators = cell_operator(equation, offset + signs * points)
        coefficients[1 : 1 + dim] *= signs[:, None]
        operators = operators * signs[:, None] * signs
        size = float(coefficients[1 + dim :].abs().max()) * rate**2
        inside = behind_factor(coefficients / size, decay(points, operators), operators)
        face_points = sampling.product([torch.zeros(1, dtype=torch.float64) if k == n else x for k, x in enumerate(at)])
        value = data.values((offset + signs * face_points).numpy())
        target = -torch.tensor(value)[:, None]
        one = torch.ones(1, len(face_points), dtype=torch.float64)
        weights = [torch.full((len(p),), 1 / len(p), dtype=torch.float64) for p in (face_points, points)]
        zero = torch.zeros(len(points), 1, dtype=torch.float64)
        # At the end w is c: without that a flux through the strip would be left open.
        end = face_points.clone()
        end[:, n] = depth
        small = one * math.exp(-decay.rate * depth)
        return [
            Rows([(face_points, one)], target, VALUE, weights[0]),
            Rows([(points, inside)], zero, operators, weights[1]),
            Rows([(end, small)], torch.zeros_like(target), VALUE, weights[0]),
        ]

    fitted = rows(0.5)
    (tail,) = fit_jointly(network, fitted, torch.ones(len(fitted[0].target), 1, dtype=torch.float64))
    off = []
    for part, shift in zip(rows(0.97), (tail, 0.0, 0.0), strict=True):
        (points, coefficients), target = part.terms[0], part.target[:, 0]
        value = contract(coefficients, network.evaluate(points, part.operators))[:, 0] + shift
        off.append(float((value - target).square().mean().sqrt()))
    estimate = Estimate(sum(off) / scale if scale else 0.0, "the residual in the strip and at both ends of it")
    w = Field(network, 0, dim, factor=decay, shift=tail)
    return Layer(face, tail, w, depth / equation.period[n], estimate)
