"""What solvers are given by their callers: networks to start from, which are never changed, and numbers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.constant import Constant
from hybrid.pinn.functions.network import VALUE, Network


def started(networks: Sequence[Network], count: int | None = None, progress: Any = None) -> tuple[Network, ...]:
    """Copies of given networks, which are then trained.

    Args:
        networks: As given.
        count: How many there have to be; any number by default.
        progress: Of the training; one with a method `follow` is told the copies, so that it can watch them.

    Raises:
        InputError: Another number, or something else than networks.
    """
    if isinstance(networks, Network) or not all(isinstance(n, Network) for n in networks):
        raise InputError("networks", "allowed is a tuple of networks")
    if count is not None and len(networks) != count:
        raise InputError("networks", f"{len(networks)} networks; {count} are asked for")
    own = tuple(copy.deepcopy(network) for network in networks)
    if hasattr(progress, "follow"):
        progress.follow(own)
    return own


def check_networks(
    networks: Any, count: int, dim: int, outputs: Sequence[int] | None, operators: int
) -> tuple[Network, ...]:
    """Networks to start from.

    Args:
        networks: Any number of them.
        count: Of the correctors: one network for all, or one for each.
        dim: Coordinates of a point.
        outputs: For each corrector, any of these; None for any.
        operators: Dimension of the operators that will be asked for.

    Raises:
        InputError: They do not fit.
    """
    if isinstance(networks, Network) or not all(isinstance(n, Network) for n in networks):
        raise InputError("networks", "not a sequence of networks (hybrid.pinn.Network)")
    networks = tuple(networks)
    if len(networks) not in {1, count}:
        raise InputError(
            "networks", f"{len(networks)} of them; allowed are {' or '.join(map(str, sorted({1, count})))}"
        )
    for network in networks:
        found = network.weights[-1].shape[0]
        each, rest = divmod(found, count if len(networks) == 1 else 1)
        if rest or not each or (outputs is not None and each not in outputs):
            raise InputError("networks", f"{found} outputs do not fit {count} correctors in this formulation")
        at = torch.full((1, dim), 0.3, dtype=torch.float64)
        device = network.weights[-1].device
        try:
            with torch.no_grad():
                slopes = torch.zeros(0, operators, operators, dtype=torch.float64)
                jet = network.hidden_jet(network.embedding.jet(at.to(device), slopes).to(network.weights[-1]), slopes)
            fits = jet.shape == (1 + operators, 1, network.weights[-1].shape[1])
            network.embedding.jet(at.to(device), VALUE)
        except (IndexError, RuntimeError, ValueError):
            fits = False
        if not fits:
            raise InputError("networks", f"not networks of the {dim} coordinates here")
    return networks


def positive_counts(**counts: Any) -> None:
    """Refuse what is not a positive integer, or a sequence of such.

    Raises:
        InputError: With the name of the argument.
    """
    for name, value in counts.items():
        for one in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
            if isinstance(one, bool) or not isinstance(one, int) or one < 1:
                raise InputError(name, f"{value!r}; allowed are whole numbers from 1")


def constant_reaction(equation: Equation) -> float:
    """c, where it is a number; 0 where there is none.

    Raises:
        InputError: It is none.
    """
    if equation.reaction is None:
        return 0.0
    if not isinstance(equation.reaction, Constant):
        raise InputError("equation", f"c is a {type(equation.reaction).__name__}; allowed is a number")
    return float(equation.reaction.values[0, 0])
