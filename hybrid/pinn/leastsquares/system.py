"""Linear equations for a network at collocation points, as weighted least squares.

Optimizers see a list of `Rows` (`hybrid.pinn.leastsquares.rows`): the loss is the sum of their squares, its gradient by one
adjoint sweep through the network, the Jacobian by the same sweep with the derivative of every row kept apart, and the last
layer, in which rows are linear, by least squares. Under MPI every rank has its shares of the collocation points, and sums
over all points do not depend on how many ranks there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpi4py import MPI

import torch
from torch import Tensor

from hybrid.failures import InputError
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares.parts import Part, Term, pieces
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.shares import MOST, Shares
from hybrid.pinn.leastsquares.sweep import Sweep, Tape

_SHARE = 1024
"""Residuals that are worth a share of their own."""
_BATCH = 128
"""Residuals that torch differentiates at once, where it has to."""


class System:
    """The rows of a problem together with the embedded points, computed once.

    Args:
        network: The unknown.
        rows: The same on every rank.
        comm: The ranks that share the rows; None for this process alone.

    Attributes:
        count: How many residuals there are, on all ranks.
        shares: Of this rank.
        copies: How many systems of the same form the rows are: the last layer has one matrix for all of them.

    Raises:
        InputError: A network whose last layer is not linear.
    """

    def __init__(self, network: Network, rows: Sequence[Rows], comm: MPI.Comm | None = None) -> None:
        if type(network).jet is not Network.jet:
            what = "has a jet of its own; only hidden_jet may be another one, the last layer stays linear"
            raise InputError("networks", f"{type(network).__name__} {what}")
        self.network = network
        self.coupled = any(part.mixes for part in rows)
        self.outputs = network.weights[-1].shape[0]
        self.copies = min(part.copies for part in rows) if self.coupled else 1
        self.count = sum(part.target.numel() for part in rows)
        self.shares = Shares(comm, share_count(rows))
        self.sweep = Sweep(network)
        self._own = [
            [
                self._embed(part)
                for part in (rows_of.share(k, self.shares.count) for rows_of in rows)
                if len(part.target)
            ]
            for k in self.shares.own
        ]

    def _embed(self, rows: Rows) -> Part:
        """The rows in the network's precision."""
        dtype = self.network.weights[-1].dtype
        root = rows.weight.sqrt()
        operators = (rows.operators + rows.operators.mT) / 2  # A:∇²u sees the symmetric part, the adjoint relies on it
        mixes: Sequence[Tensor | None] = rows.mixes or [None] * len(rows.terms)
        terms: dict[int, Term] = {}  # operators at the same points share one sweep through the network
        for (points, coefficients), mix in zip(rows.terms, mixes, strict=True):
            if id(points) not in terms:
                terms[id(points)] = Term(self.network.embedding.jet(points, operators).to(dtype), [])
            mix = None if mix is None else mix.to(dtype)
            terms[id(points)].operators.append(((coefficients * root).to(dtype), mix))
        target = (rows.target * root[:, None]).to(dtype)
        return Part(list(terms.values()), target, operators)

    @torch.no_grad()
    def features(self) -> list[tuple[Tensor, Tensor]]:
        """The rows of each own share as a linear system for the last layer W.

        Returns:
            Matrices (rows, width) and right-hand sides (rows, outputs), for Wᵀ; where outputs are coupled, and are m for each
            copy of the system, matrices (rows · m, m · width) and a right-hand side for each copy, for its part of W flattened.
        """
        return [self._features(parts) for parts in self._own]

    def _features(self, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
        blocks: list[Tensor] = []
        targets: list[Tensor] = []
        each = self.outputs // self.copies
        for part in parts:
            identity = torch.eye(each, dtype=part.target.dtype, device=part.target.device)
            for piece in pieces(part):
                block: Tensor | None = None
                for term in part.terms:
                    last, _ = self.sweep.forward(term.at(piece), part.operators)
                    for coefficients, mix in term.operators:
                        row = contract(coefficients[:, piece], last)
                        if self.coupled:
                            own = identity if mix is None else mix[:each, :each]
                            row = torch.einsum("ij,nw->nijw", own, row)
                        block = row if block is None else block.add_(row)
                assert block is not None
                blocks.append(block.flatten(0, 1).flatten(1) if self.coupled else block)
            target = part.target.reshape(-1, self.copies, each).transpose(1, 2).reshape(-1, self.copies)
            targets.append(target if self.coupled else part.target)
        return torch.cat(blocks), torch.cat(targets)

    def residuals(self) -> Tensor:
        """The residuals of the own shares, (rows, outputs), for torch to differentiate."""
        return torch.cat([self._residuals(parts) for parts in self._own])

    def _residuals(self, parts: Sequence[Part]) -> Tensor:
        found = []
        for part in parts:
            residual = -part.target
            for term in part.terms:
                last = self.network.hidden_jet(term.jet, part.operators)
                for coefficients, mix in term.operators:
                    residual = residual + contract(coefficients, last) @ self._output(mix).T
            found.append(residual)
        return torch.cat(found)

    @torch.no_grad()
    def loss(self) -> float:
        """The sum of the weighted squares, divided by the number of outputs; collective."""
        return float(self.shares.total(self._squares(parts) for parts in self._own)) / self.outputs

    def _squares(self, parts: Sequence[Part]) -> Tensor:
        found = [self._residual(part, piece)[0].square().sum() for part in parts for piece in pieces(part)]
        return torch.stack(found).sum()[None]

    @torch.no_grad()
    def gradient(self) -> tuple[float, list[Tensor]]:
        """The loss and its derivatives by the parameters, in the order of `Network.parameters`; collective.

        One adjoint sweep takes the rows in pieces whose jets stay in the processor's cache: that makes it fast.
        """
        total = self.shares.total((self._differentiated if self.sweep.own else self._gradient)(p) for p in self._own)
        gradients, at = [], 1
        for parameter in self.network.parameters():
            gradients.append(total[at : at + parameter.numel()].reshape(parameter.shape))
            at += parameter.numel()
        return float(total[0]), gradients

    def _differentiated(self, parts: Sequence[Part]) -> Tensor:
        """The same as `_gradient` by torch, for hidden layers that it does not know."""
        with torch.enable_grad():
            loss = self._residuals(parts).square().sum() / self.outputs
            found = torch.autograd.grad(loss, list(self.network.parameters()), materialize_grads=True)
        return torch.cat([loss.detach()[None], *(g.reshape(-1) for g in found)])

    def _gradient(self, parts: Sequence[Part]) -> Tensor:
        """The loss of a share and its derivatives, in one vector."""
        gradients = [torch.zeros_like(p) for p in self.network.parameters()]
        loss = torch.zeros(1, dtype=gradients[0].dtype, device=gradients[0].device)
        for part in parts:
            outputs = part.target.shape[1]
            for piece in pieces(part):
                residual, swept = self._residual(part, piece)
                loss += residual.square().sum() / outputs
                for term, tape, lasts in swept:
                    self._accumulate(gradients, 2 / outputs * residual, term, tape, lasts, part.operators, piece)
        return torch.cat([loss, *(g.reshape(-1) for g in gradients)])

    def _residual(self, part: Part, piece: slice) -> tuple[Tensor, list[tuple[Term, list[Tape], list[Tensor]]]]:
        """Residuals of a piece of the rows, and for each term what its adjoint sweep needs."""
        residual, swept = -part.target[piece], []
        for slot, term in enumerate(part.terms):
            hidden, tape = self.sweep.forward(term.at(piece), part.operators, slot)
            lasts = [contract(coefficients[:, piece], hidden) for coefficients, _ in term.operators]
            for last, (_, mix) in zip(lasts, term.operators, strict=True):
                residual.addmm_(last, self._output(mix).T)
            swept.append((term, tape, lasts))
        return residual, swept

    def _accumulate(
        self, gradients: list[Tensor], bar_out: Tensor, term: Term, tape: Sequence[Tape], lasts: Sequence[Tensor],
        operators: Tensor, piece: slice,
    ) -> None:  # fmt: skip
        """Add what one term contributes to the gradient of the loss."""
        net, depth = self.network, len(tape)
        bar: Tensor | None = None
        for last, (coefficients, mix) in zip(lasts, term.operators, strict=True):
            own = bar_out if mix is None else bar_out @ mix
            gradients[depth].addmm_(own.T, last)
            adjoint = own @ net.weights[-1]
            part = coefficients[:, piece]
            bar = self.sweep.last(part, adjoint) if bar is None else bar + part[:, :, None] * adjoint
        assert bar is not None
        if term.jet.shape[1] == 1:
            bar = bar.sum(1, keepdim=True)
        for layer in reversed(range(depth)):
            pre = self.sweep.adjoint(tape[layer], bar, operators)
            inputs = tape[layer].inputs
            # This way round the product is faster than that of the transposes.
            gradients[layer] += (inputs.reshape(-1, inputs.shape[-1]).T @ pre.view(-1, pre.shape[-1])).T
            gradients[depth + 1 + layer] += pre[0].sum(0)
            if layer:
                bar = self.sweep.before(pre, layer)

    def jacobian(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each own share the residuals, (rows · outputs,), and their derivatives by the parameters, (rows · outputs,
        parameters), output first.

        A row depends on the network at its own points only, so one adjoint sweep with the points kept apart gives the
        derivatives of all rows: the outer product of a layer's adjoint and its input, at each point.
        """
        return map(self._jacobian_by_torch if self.sweep.own else self._jacobian, self._own)

    def _jacobian_by_torch(self, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
        """Row by row, for hidden layers that the sweep does not know."""
        parameters = list(self.network.parameters())
        with torch.enable_grad():
            residuals = self._residuals(parts).T.reshape(-1)
        blocks = []
        for one in torch.eye(len(residuals), dtype=residuals.dtype, device=residuals.device).split(_BATCH):
            found = torch.autograd.grad(
                residuals, parameters, one, retain_graph=True, is_grads_batched=True, materialize_grads=True
            )
            blocks.append(torch.cat([g.reshape(len(one), -1) for g in found], dim=1))
        return residuals.detach(), torch.cat(blocks)

    @torch.no_grad()
    def _jacobian(self, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
        all_residuals: list[Tensor] = []
        all_rows: list[Tensor] = []
        for part in parts:
            outputs = part.target.shape[1]
            derivatives = []
            residual, swept = self._residual(part, slice(None))
            for term, tape, lasts in swept:
                sweeps = [self._sweep(k, term, lasts, tape, part.operators) for k in range(outputs)]
                derivatives.append(torch.stack(sweeps))
            all_residuals.append(residual.T)
            all_rows.append(derivatives[0] if len(derivatives) == 1 else torch.stack(derivatives).sum(0))
        residuals, jacobian = torch.cat(all_residuals, 1), torch.cat(all_rows, 1)
        return residuals.reshape(-1), jacobian.reshape(-1, jacobian.shape[-1])

    def _output(self, mix: Tensor | None) -> Tensor:
        """The last layer behind a coupling of the outputs, (outputs, width)."""
        weight = self.network.weights[-1]
        return weight if mix is None else mix @ weight

    def _sweep(self, k: int, term: Term, lasts: Sequence[Tensor], tape: Sequence[Tape], operators: Tensor) -> Tensor:
        """Derivatives of output k's rows, (n, parameters), in the order of `Network.parameters`."""
        net = self.network
        n, outputs, width = len(lasts[0]), net.weights[-1].shape[0], lasts[0].shape[1]
        bar = torch.stack([c[:, :, None] * self._output(mix)[k] for c, mix in term.operators]).sum(0)
        by_weight: list[Tensor] = []
        by_bias: list[Tensor] = []
        for layer in reversed(range(len(tape))):
            pre = self.sweep.adjoint(tape[layer], bar, operators)
            by_weight.insert(0, torch.einsum("cnw,cnv->nwv", pre, tape[layer].inputs).reshape(n, -1))
            by_bias.insert(0, pre[0])
            bar = pre @ net.weights[layer]
        last_layer = torch.zeros(n, outputs, width, dtype=bar.dtype, device=bar.device)
        for last, (_, mix) in zip(lasts, term.operators, strict=True):
            if mix is None:
                last_layer[:, k] += last
            else:
                last_layer += mix[k][:, None] * last[:, None, :]
        return torch.cat([*by_weight, last_layer.reshape(n, -1), *by_bias], dim=1)


def share_count(rows: Sequence[Rows]) -> int:
    """Into how many shares rows are cut; it depends on how many they are, and on nothing else."""
    return max(1, min(MOST, sum(part.target.numel() for part in rows) // _SHARE))


def contract(coefficients: Tensor, jet: Tensor) -> Tensor:
    """Σ_c coefficients[c] jet[c], (n, w); channel by channel, because einsum makes n tiny products of matrices of it."""
    total = coefficients[0, :, None] * jet[0]
    for c in range(1, len(coefficients)):
        total.addcmul_(coefficients[c, :, None], jet[c])
    return total
