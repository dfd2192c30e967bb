"""Linear equations for a network at collocation points, as weighted least squares.

Everything solved here is linear in the unknown function, so that one residual is

    r(x) = c_0(x) u + Σ_i c_i(x) ∂_i u + Σ_k c_{d+k}(x) A_k:∇²u - g(x),

a contraction of the network's jet with coefficients known beforehand. Optimizers see a list of such `Rows`: the loss is
the sum of their squares, its gradient comes by automatic differentiation, the Jacobian by one adjoint sweep with the
derivative of every row kept apart, and the last layer, in which rows are linear, by least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hybrid.pinn.network import Network, Tanh, Tape


@dataclass(frozen=True)
class Rows:
    """Rows r_i = Σ over terms of Σ_j mix[i, j] Σ_c coefficients[c] · jet_j[c] - target_i, for each point and output i.

    Attributes:
        terms: Pairs of points, (n, d), and coefficients, (C, n). More than one pair ties values at different points
            together, as a periodic condition does, or different operators, as the stages of a Runge-Kutta method do.
        target: g, (n, outputs).
        operators: The second-order operators A_k of the jets, (K, d, d).
        weight: Weights of the squares, (n,): of a quadrature rule, or one over the number of points.
        mixes: For each term the matrix, (outputs, outputs), that couples the outputs; none where each has its own rows.
    """

    terms: Sequence[tuple[Tensor, Tensor]]
    target: Tensor
    operators: Tensor
    weight: Tensor
    mixes: Sequence[Tensor] = ()

    def to(self, device: str) -> Rows:
        """The same rows on a device."""
        terms = [(points.to(device), coefficients.to(device)) for points, coefficients in self.terms]
        mixes = [mix.to(device) for mix in self.mixes]
        return Rows(terms, self.target.to(device), self.operators.to(device), self.weight.to(device), mixes)


@dataclass(frozen=True)
class _Term:
    jet: Tensor
    coefficients: Tensor
    mix: Tensor | None


@dataclass(frozen=True)
class _Part:
    """Rows with their points embedded and their weights multiplied in."""

    terms: Sequence[_Term]
    target: Tensor
    operators: Tensor


def behind_factor(coefficients: Tensor, factor: Tensor, operators: Tensor) -> Tensor:
    """The coefficients that act on N as the given ones act on u = φ N (Leibniz' rule).

    Args:
        coefficients: For u, (1 + d + K, n).
        factor: The jet of φ, (1 + d + K, n, 1).
        operators: A_k, (K, d, d).
    """
    dim = operators.shape[-1]
    phi = factor[..., 0]
    cross = 2 * torch.einsum("kn,kij,jn->in", coefficients[1 + dim :], operators, phi[1 : 1 + dim])
    value = (coefficients * phi).sum(0, keepdim=True)
    return torch.cat([value, coefficients[1 : 1 + dim] * phi[0] + cross, coefficients[1 + dim :] * phi[0]])


class Equations:
    """The rows of a problem together with the embedded points, computed once."""

    def __init__(self, network: Network, rows: Sequence[Rows]) -> None:
        self.network = network
        self.coupled = any(part.mixes for part in rows)
        self._parts = [self._embed(part) for part in rows]

    def _embed(self, rows: Rows) -> _Part:
        root = rows.weight.sqrt()
        mixes = rows.mixes or [None] * len(rows.terms)
        terms = [
            _Term(self.network.embedding.jet(points, rows.operators), coefficients * root, mix)
            for (points, coefficients), mix in zip(rows.terms, mixes, strict=True)
        ]
        return _Part(terms, rows.target * root[:, None], rows.operators)

    def _last(self, term: _Term, operators: Tensor, tape: list[Tape] | None = None) -> Tensor:
        """The term's operator on the last hidden layer, (n, width)."""
        return _contract(term.coefficients, self.network.hidden_jet(term.jet, operators, tape))

    def features(self) -> tuple[Tensor, Tensor]:
        """The rows as a linear system for the last layer W.

        Returns:
            Matrix (rows, width) and right-hand sides (rows, outputs), for Wᵀ; where outputs are coupled, matrix
            (rows · outputs, outputs · width) and one right-hand side, for W flattened.
        """
        blocks: list[Tensor] = []
        targets: list[Tensor] = []
        for part in self._parts:
            lasts = [self._last(term, part.operators) for term in part.terms]
            if self.coupled:
                identity = torch.eye(part.target.shape[1], dtype=part.target.dtype, device=part.target.device)
                full = [
                    torch.einsum("ij,nw->nijw", identity if term.mix is None else term.mix, last)
                    for term, last in zip(part.terms, lasts, strict=True)
                ]
                blocks.append(torch.stack(full).sum(0).reshape(part.target.numel(), -1))
                targets.append(part.target.reshape(-1, 1))
            else:
                blocks.append(torch.stack(lasts).sum(0))
                targets.append(part.target)
        return torch.cat(blocks), torch.cat(targets)

    def residuals(self) -> Tensor:
        """All residuals, (rows, outputs)."""
        found = []
        for part in self._parts:
            residual = -part.target
            for term in part.terms:
                residual = residual + self._last(term, part.operators) @ self._output(term).T
            found.append(residual)
        return torch.cat(found)

    def loss(self) -> Tensor:
        """The sum of the weighted squares, divided by the number of outputs."""
        r = self.residuals()
        return (r * r).sum() / r.shape[1]

    @torch.no_grad()
    def jacobian(self) -> tuple[Tensor, Tensor]:
        """Residuals (rows · outputs,) and their derivatives by the parameters (rows · outputs, parameters), output first.

        A row depends on the network at its own points only, so one adjoint sweep with the points kept apart gives the
        derivatives of all rows: the outer product of a layer's adjoint and its input, at each point.
        """
        all_residuals: list[Tensor] = []
        all_rows: list[Tensor] = []
        for part in self._parts:
            outputs = part.target.shape[1]
            residual, derivatives = -part.target, []
            for term in part.terms:
                tape: list[Tape] = []
                last = self._last(term, part.operators, tape)
                residual = residual + last @ self._output(term).T
                sweeps = [self._sweep(k, term, last, tape, part.operators) for k in range(outputs)]
                derivatives.append(torch.stack(sweeps))
            all_residuals.append(residual.T)
            all_rows.append(derivatives[0] if len(derivatives) == 1 else torch.stack(derivatives).sum(0))
        residuals, jacobian = torch.cat(all_residuals, 1), torch.cat(all_rows, 1)
        return residuals.reshape(-1), jacobian.reshape(-1, jacobian.shape[-1])

    def _output(self, term: _Term) -> Tensor:
        """The last layer as the term sees it, (outputs, width)."""
        weight = self.network.weights[-1]
        return weight if term.mix is None else term.mix @ weight

    def _sweep(self, k: int, term: _Term, last: Tensor, tape: Sequence[Tape], operators: Tensor) -> Tensor:
        """Derivatives of output k's rows, (n, parameters), in the order of `Network.parameters`."""
        net = self.network
        n, outputs = len(last), net.weights[-1].shape[0]
        bar = term.coefficients[:, :, None] * self._output(term)[k]
        by_weight: list[Tensor] = []
        by_bias: list[Tensor] = []
        for layer in reversed(range(len(tape))):
            pre = Tanh.adjoint(tape[layer].pre, bar, operators)
            by_weight.insert(0, torch.einsum("cnw,cnv->nwv", pre, tape[layer].inputs).reshape(n, -1))
            by_bias.insert(0, pre[0])
            bar = pre @ net.weights[layer]
        last_layer = torch.zeros(n, outputs, last.shape[1], dtype=last.dtype, device=last.device)
        if term.mix is None:
            last_layer[:, k] = last
        else:
            last_layer[:] = term.mix[k][:, None] * last[:, None, :]
        return torch.cat([*by_weight, last_layer.reshape(n, -1), *by_bias], dim=1)


def _contract(coefficients: Tensor, jet: Tensor) -> Tensor:
    return torch.einsum("cn,cnw->nw", coefficients, jet)
