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
    """Rows r = Σ over terms of Σ_c coefficients[c] · jet[c] - target, one for each point and output.

    Attributes:
        terms: Pairs of points, (n, d), and coefficients, (C, n). More than one pair ties values at different points
            together, as a periodic condition does.
        target: g, (n, outputs).
        operators: The second-order operators A_k of the jets, (K, d, d).
        weight: Weights of the squares, (n,): of a quadrature rule, or one over the number of points.
    """

    terms: Sequence[tuple[Tensor, Tensor]]
    target: Tensor
    operators: Tensor
    weight: Tensor

    def to(self, device: str) -> Rows:
        """The same rows on a device."""
        terms = [(points.to(device), coefficients.to(device)) for points, coefficients in self.terms]
        return Rows(terms, self.target.to(device), self.operators.to(device), self.weight.to(device))


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
        self.rows = rows
        self._parts = []
        for part in rows:
            root = part.weight.sqrt()
            terms = [(network.embedding.jet(p, part.operators), c * root) for p, c in part.terms]
            self._parts.append((terms, part.target * root[:, None], part.operators))

    def features(self) -> tuple[Tensor, Tensor]:
        """The rows as a linear system for the last layer: matrix (rows, width) and right-hand sides (rows, outputs)."""
        blocks: list[Tensor] = []
        targets: list[Tensor] = []
        for terms, target, operators in self._parts:
            parts = [_contract(c, self.network.hidden_jet(jet, operators)) for jet, c in terms]
            blocks.append(torch.stack(parts).sum(0))
            targets.append(target)
        return torch.cat(blocks), torch.cat(targets)

    def residuals(self) -> Tensor:
        """All residuals, (rows, outputs)."""
        matrix, target = self.features()
        return matrix @ self.network.weights[-1].T - target

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
        net = self.network
        outputs = net.weights[-1].shape[0]
        all_residuals: list[Tensor] = []
        all_rows: list[Tensor] = []
        for terms, target, operators in self._parts:
            residual, derivatives = -target, []
            for jet, coefficients in terms:
                tape: list[Tape] = []
                last = _contract(coefficients, net.hidden_jet(jet, operators, tape))
                residual = residual + last @ net.weights[-1].T
                sweeps = [self._sweep(k, coefficients, last, tape, operators) for k in range(outputs)]
                derivatives.append(torch.stack(sweeps))
            all_residuals.append(residual.T)
            all_rows.append(derivatives[0] if len(derivatives) == 1 else torch.stack(derivatives).sum(0))
        residuals, jacobian = torch.cat(all_residuals, 1), torch.cat(all_rows, 1)
        return residuals.reshape(-1), jacobian.reshape(-1, jacobian.shape[-1])

    def _sweep(self, k: int, coefficients: Tensor, last: Tensor, tape: Sequence[Tape], operators: Tensor) -> Tensor:
        """Derivatives of output k's rows, (n, parameters), in the order of `Network.parameters`."""
        net = self.network
        n, outputs = len(last), net.weights[-1].shape[0]
        bar = coefficients[:, :, None] * net.weights[-1][k]
        by_weight: list[Tensor] = []
        by_bias: list[Tensor] = []
        for layer in reversed(range(len(tape))):
            pre = Tanh.adjoint(tape[layer].pre, bar, operators)
            by_weight.insert(0, torch.einsum("cnw,cnv->nwv", pre, tape[layer].inputs).reshape(n, -1))
            by_bias.insert(0, pre[0])
            bar = pre @ net.weights[layer]
        last_layer = torch.zeros(n, outputs, last.shape[1], dtype=last.dtype, device=last.device)
        last_layer[:, k] = last
        return torch.cat([*by_weight, last_layer.reshape(n, -1), *by_bias], dim=1)


def _contract(coefficients: Tensor, jet: Tensor) -> Tensor:
    return torch.einsum("cn,cnw->nw", coefficients, jet)
