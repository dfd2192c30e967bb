"""The strengths of known functions, found together with a network's last layer: all of it is linear least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.kinds import LastLayer


def joined_rows(rows: Sequence[Rows], columns: Tensor) -> list[Rows]:
    """Rows whose targets have the functions' own rows, (n, functions), beside them; they are zero but in the first part."""
    first, *others = rows
    parts = [replace(first, target=torch.cat([first.target, columns], dim=1))]
    for part in others:
        zero = torch.zeros(len(part.target), columns.shape[1], dtype=columns.dtype)
        parts.append(replace(part, target=torch.cat([part.target, zero], dim=1)))
    return parts


@torch.no_grad()
def fit_last_layer(network: Network, rows: Sequence[Rows], columns: Tensor) -> Tensor:
    """The last layer of a network with one output, (1, width), that goes best with some strengths of the functions."""
    matrix, targets = _system(network, rows, columns)
    width = matrix.shape[1]
    return _least_squares(torch.cat([matrix, targets[:, 1:]], dim=1), targets[:, :1])[:width].T.contiguous()


@torch.no_grad()
def fit_jointly(network: Network, rows: Sequence[Rows], columns: Tensor) -> tuple[float, ...]:
    """Both at once: the last layer is put into the network."""
    matrix, targets = _system(network, rows, columns)
    width = matrix.shape[1]
    found = _least_squares(torch.cat([matrix, targets[:, 1:]], dim=1), targets[:, :1])
    network.weights[-1].copy_(found[:width].T)
    return tuple(found[width:, 0].tolist())


@torch.no_grad()
def fit_strengths(network: Network, rows: Sequence[Rows], columns: Tensor) -> tuple[float, ...]:
    """Those that go best with the network as it is: after `fit_last_layer` the same as there."""
    matrix, targets = _system(network, rows, columns)
    rest = targets[:, :1] - matrix @ network.weights[-1].double().T
    return tuple(_least_squares(targets[:, 1:], rest)[:, 0].tolist())


def _system(network: Network, rows: Sequence[Rows], columns: Tensor) -> tuple[Tensor, Tensor]:
    parts = System(network, joined_rows(rows, columns)).features()
    return torch.cat([matrix for matrix, _ in parts]), torch.cat([target for _, target in parts])


def _least_squares(matrix: Tensor, right: Tensor) -> Tensor:
    scale = matrix.norm(dim=0).clamp_min(1e-300)
    joint = torch.cat([matrix / scale, right], dim=1)
    return LastLayer().damped(joint, matrix.shape[1]) / scale[:, None]
