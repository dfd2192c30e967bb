"""The reconstruction that a bound is for, on the whole box and zone by zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.bounds.fields import CellFields, Fast
from hybrid.bounds.layers import Layer, layers_of
from hybrid.bounds.slow import Jet, Slow, Smooth
from hybrid.bounds.terms import Carried, Cutoff, Products, products
from hybrid.bounds.twoscale import Piece
from hybrid.equation import Equation

Array = npt.NDArray[np.float64]

LAYERS = 2
"""Periods across a layer."""
_STEEPEST = 4
"""Power of the cutoff."""


@dataclass(frozen=True)
class Reconstruction:
    """r, and what it is made of (`hybrid.bounds.terms`)."""

    equation: Equation
    slow: Slow
    cell: CellFields
    star: Array
    layers: Sequence[Layer]
    cutoff: Cutoff | None
    smooth: Smooth | None = None

    @classmethod
    def of(cls, equation: Equation, slow: Slow, correctors: Array, star: Array) -> Reconstruction:
        """With layers in the plane, and with a cutoff in space."""
        cell = CellFields.of(equation, correctors)
        origin = [low / equation.eps for low, _ in equation.domain]
        if equation.dim == 2:
            depth = min(LAYERS, *(round(n) for n in equation.periods))
            smooth = Smooth(slow, equation.domain)
            return cls(equation, slow, cell, star, layers_of(cell, depth, origin), None, smooth)
        # η is about 1 - exp(-n t): as steep as it costs to turn χ_j off against what it costs to be without.
        size, slope = ((cell.torus.values(f) ** 2).sum() for f in (cell.chi, cell.torus.gradient(cell.chi)))
        powers = [int(np.clip(round(p * math.sqrt(slope / max(size, 1e-300))), 1, _STEEPEST)) for p in equation.period]
        return cls(equation, slow, cell, star, (), Cutoff(powers))

    @property
    def steps(self) -> list[float]:
        """ε times the cell."""
        return [self.equation.eps * p for p in self.equation.period]

    def boundary(self, axes: Sequence[Array]) -> tuple[Array, Array]:
        """η and its derivatives on a tensor grid of x."""
        shape = [len(axis) for axis in axes]
        if self.cutoff is None:
            return np.ones(shape), np.zeros((len(axes), *shape))
        return self.cutoff.on(axes, self.equation.domain, self.steps)

    def weight(self, layer: Layer, axes: Sequence[Array], jet: Jet) -> tuple[Array, Array]:
        """g_F = ∂_n u_0 times what falls from one at the face to zero at the opposite one; and its derivatives."""
        n = layer.axis
        low, high = self.equation.domain[n]
        s = ((high - axes[n] if layer.upper else axes[n] - low) / (high - low)).reshape(
            [-1 if i == n else 1 for i in range(len(axes))]
        )
        fall, slope = (1 - s) ** 2 * (1 + 2 * s), (6 * s * s - 6 * s) * (-1 if layer.upper else 1) / (high - low)
        slopes = jet.hessian[n] * fall
        slopes[n] += jet.slope[n] * slope
        return jet.slope[n] * fall, slopes

    def products(self, zone: Sequence[Piece]) -> tuple[Products, Fast, Jet]:
        """All terms on the pieces of a zone."""
        equation, axes = self.equation, [piece.nodes for piece in zone]
        begins = [low / equation.eps for low, _ in equation.domain]
        y = [begin + p * piece.places for begin, p, piece in zip(begins, equation.period, zone, strict=True)]
        fast, jet = self.cell.on(y), self.slow.jet(axes)
        carried: list[Carried] = []
        tails, slopes = np.zeros(jet.value.shape), np.zeros(jet.slope.shape)
        for layer in self.layers:
            weight, slope = self.weight(layer, axes, jet)
            tails, slopes = tails + layer.tail * weight, slopes + layer.tail * slope
            number = zone[layer.axis].high if layer.upper else zone[layer.axis].low
            if number is not None and number < layer.depth:
                carried.append(Carried(*layer.on(number, zone[layer.axis].places, y), weight, slope))
        eta, eta_slopes = self.boundary(axes)
        smooth = self.smooth.on(axes) if self.smooth is not None else ()
        terms = products(jet, eta, eta_slopes, fast, self.star, equation.eps, carried, tails, slopes, smooth)
        return terms, fast, jet

    def on(self, axes: Sequence[Array]) -> Array:
        """r on a tensor grid of x, (n_1, …)."""
        eps = self.equation.eps
        eta, _ = self.boundary(axes)
        jet, y = self.slow.jet(axes), [axis / eps for axis in axes]
        found = jet.value + eps * eta * (self.cell.at(y) * jet.slope).sum(axis=0)
        for layer in self.layers:
            low, high = self.equation.domain[layer.axis]
            t = (axes[layer.axis] - low) / self.steps[layer.axis]
            found = found + eps * self.weight(layer, axes, jet)[0] * layer.at(
                t, round((high - low) / self.steps[layer.axis]), y
            )
        return np.asarray(found)
