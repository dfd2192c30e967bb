"""What solvers are given by their callers: networks to start from, which are never changed, and numbers."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from hybrid.errors import InputError
from hybrid.pinn.network import Network


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


def positive_counts(**counts: Any) -> None:
    """Refuse what is not a positive integer, or a sequence of such.

    Raises:
        InputError: With the name of the argument.
    """
    for name, value in counts.items():
        for one in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
            if isinstance(one, bool) or not isinstance(one, int) or one < 1:
                raise InputError(name, f"{value!r}; allowed are whole numbers from 1")


def checked_reaction(coefficient: Any) -> float:
    """r* as a finite number.

    Raises:
        InputError: It is none.
    """
    try:
        number = float(coefficient)
    except (TypeError, ValueError):
        raise InputError("coefficient", f"{coefficient!r}; allowed is a number, r*") from None
    if not math.isfinite(number):
        raise InputError("coefficient", f"{number}; allowed is a finite number, r*")
    return number
