"""Damped Gauss-Newton steps: what the methods of `hybrid.pinn.optimizers.gaussnewton` do."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.base import Iteration
from hybrid.pinn.optimizers.kinds import LastLayer


class Model(Protocol):
    """The linearized least-squares problem of a step."""

    def step(self, damping: float) -> tuple[Tensor, float] | None:
        """The damped step and the reduction of r·r that the model promises; None if it is singular to rounding."""


class NormalModel:
    """The model in the space of the parameters.

    Args:
        gradient: Jᵀr, (p,).
        normal: JᵀJ, (p, p); it is changed.
        floor: Of the scale of the columns, relative to the largest.
    """

    def __init__(self, gradient: Tensor, normal: Tensor, floor: float) -> None:
        self.scale = _floored(normal.diagonal().clamp_min(0).sqrt(), floor)
        self.gradient = gradient / self.scale
        self.normal = normal.div_(self.scale).div_(self.scale[:, None])

    def step(self, damping: float) -> tuple[Tensor, float] | None:
        """By Cholesky's factors."""
        change = _solved(self.normal, -self.gradient, damping)
        if change is None:
            return None
        predicted = -float(2 * self.gradient @ change + change @ (self.normal @ change))
        return change / self.scale, predicted


class ResidualModel:
    """The same model in the space of the residuals.

    Args:
        residual: r, (m,).
        jacobian: J, (m, p); it is changed.
        floor: Of the scale of the columns, relative to the largest.
    """

    def __init__(self, residual: Tensor, jacobian: Tensor, floor: float) -> None:
        self.scale = _floored(jacobian.norm(dim=0), floor)
        self.residual, self.jacobian = residual, jacobian.div_(self.scale)
        self.kernel = self.jacobian @ self.jacobian.T

    def step(self, damping: float) -> tuple[Tensor, float] | None:
        """By Cholesky's factors."""
        dual = _solved(self.kernel, -self.residual, damping)
        if dual is None:
            return None
        change, image = self.jacobian.T @ dual, self.kernel @ dual
        return change / self.scale, -float(2 * self.residual @ image + image @ image)


def _floored(norms: Tensor, floor: float) -> Tensor:
    return norms.clamp_min(float(norms.max()) * floor + 1e-300)


def _solved(matrix: Tensor, right: Tensor, damping: float) -> Tensor | None:
    damped = matrix.clone()
    damped.diagonal().add_(damping)
    factor, failed = torch.linalg.cholesky_ex(damped)
    return None if failed else torch.cholesky_solve(right[:, None], factor)[:, 0]


class _Damped(Iteration):
    """Steps that are damped more until one of them reduces the loss."""

    def __init__(self, system: System, damping: float, floor: float) -> None:
        self.system, self.damping, self.floor, self.growth = system, damping, floor, 2.0
        self.all = list(system.network.parameters())
        self.free = self.all
        self.loss = system.loss()

    @abstractmethod
    def linearized(self) -> Model:
        """The model at the network as it is."""

    def solved(self) -> None:
        """What else is to be done with the network after the free parameters have changed."""

    @torch.no_grad()
    def step(self) -> str:
        model, before, theta = self.linearized(), parameters_to_vector(self.all), parameters_to_vector(self.free)
        squares = self.loss * self.system.outputs
        while True:
            found = self.system.shares.agreed(model.step(self.damping))
            if found is not None:
                change, predicted = found
                vector_to_parameters(theta + change, self.free)
                self.solved()
                loss = self.system.loss()
                if loss < self.loss:
                    break
            self.damping, self.growth = self.damping * self.growth, 2 * self.growth
            if self.damping > 1e12:
                vector_to_parameters(before, self.all)
                return "no step reduces the loss"
        # Beyond one is rounding, where the model promises next to nothing.
        gain = min((squares - loss * self.system.outputs) / max(predicted, 1e-300), 1.0)
        self.damping, self.growth = max(self.damping * max(0.1, 1 - (2 * gain - 1) ** 3), 1e-15), 2.0
        self.loss = loss
        return ""

    def state(self) -> dict[str, Any]:
        parameters = parameters_to_vector(self.all).detach()
        return {"parameters": parameters, "damping": self.damping, "growth": self.growth, "loss": self.loss}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        vector_to_parameters(state["parameters"].to(self.all[0].device).clone(), self.all)
        self.damping, self.growth, self.loss = state["damping"], state["growth"], state["loss"]


class AllLayers(_Damped):
    """Levenberg-Marquardt."""

    def linearized(self) -> Model:
        """The model at the network as it is."""
        system = self.system
        size = sum(p.numel() for p in self.all)
        if system.count < size:
            found = list(system.jacobian())
            residuals = system.shares.gathered([residual for residual, _ in found])
            jacobians = system.shares.gathered([jacobian for _, jacobian in found])
            return ResidualModel(torch.cat(residuals), torch.cat(jacobians), self.floor)
        return NormalModel(*_normal(system, system.jacobian(), size), self.floor)


class HiddenLayers(_Damped):
    """Variable projection."""

    def __init__(self, system: System, damping: float, floor: float, ridge: float) -> None:
        super().__init__(system, damping, floor)
        network = system.network
        self.free = [p for p in network.parameters() if p is not network.weights[-1]]
        self.last = LastLayer(ridge)
        self.started = False

    def solved(self) -> None:
        """The last layer, by least squares."""
        self.last.solve(self.system)

    def step(self) -> str:
        """One step."""
        if not self.started:
            self.solved()
            self.loss, self.started = self.system.loss(), True
        return super().step()

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return super().state() | {"started": self.started}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        super().restore(state)
        self.started = state["started"]

    @torch.no_grad()
    def linearized(self) -> Model:
        """The model at the network as it is."""
        size = sum(p.numel() for p in self.free)
        return NormalModel(*_normal(self.system, self.projected(), size), self.floor)

    def projected(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each own share the residuals and P J for the hidden parameters, (rows · outputs, hidden parameters)."""
        system, shares = self.system, self.system.shares
        bases = _orthonormal(system)
        parameters, last = list(system.network.parameters()), system.network.weights[-1]
        before = sum(p.numel() for p in itertools.takewhile(lambda p: p is not last, parameters))
        after = before + last.numel()
        blocks = []
        for basis, (residual, jacobian) in zip(bases, system.jacobian(), strict=True):
            hidden = torch.cat([jacobian[:, :before], jacobian[:, after:]], dim=1)
            if system.coupled:  # features has the rows of a point together, the Jacobian those of an output
                each = system.outputs // system.copies
                order = torch.arange(len(basis), device=basis.device).reshape(-1, each).T.reshape(-1)
                blocks.append((basis[order], residual, hidden.reshape(system.copies, len(basis), -1)))
            else:
                blocks.append((basis, residual, hidden.reshape(-1, len(basis), hidden.shape[1])))
        inside = shares.total([basis.T @ hidden for basis, _, hidden in blocks])
        for basis, residual, hidden in blocks:
            hidden -= basis @ inside
            yield residual, hidden.reshape(-1, hidden.shape[2])


def _orthonormal(system: System) -> list[Tensor]:
    """The own rows of an orthonormal basis of the range of the last layer's matrix, by a QR of QRs; collective."""
    shares = system.shares
    factors = [torch.linalg.qr(matrix) for matrix, _ in system.features()]
    if shares.count == 1:
        return [q for q, _ in factors]
    triangles = shares.gathered([r for _, r in factors])
    sizes = [len(r) for r in triangles]
    parts = torch.linalg.qr(torch.cat(triangles))[0].split(sizes)
    return [q @ parts[k] for k, (q, _) in zip(shares.own, factors, strict=True)]


def _normal(system: System, blocks: Iterator[tuple[Tensor, Tensor]], size: int) -> tuple[Tensor, Tensor]:
    """Jᵀr and JᵀJ, summed over the shares; collective."""
    joint = system.shares.total(
        torch.cat([(jacobian.T @ residual)[None], _gram(jacobian)]) for residual, jacobian in blocks
    )
    assert joint.shape == (size + 1, size)
    return joint[0], joint[1:]


_BLOCK = 192


def _gram(jacobian: Tensor) -> Tensor:
    """JᵀJ, of which only the blocks on and above the diagonal are computed."""
    size = jacobian.shape[1]
    result = torch.empty(size, size, dtype=jacobian.dtype, device=jacobian.device)
    for begin in range(0, size, _BLOCK):
        own = slice(begin, begin + _BLOCK)
        torch.mm(jacobian[:, own].T, jacobian[:, begin:], out=result[own, begin:])
        result[begin + _BLOCK :, own] = result[own, begin + _BLOCK :].T
    return result
