"""Sums over fixed shares of the collocation points, the same to the last bit on any number of ranks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from mpi4py import MPI

import numpy as np
import torch
from torch import Tensor

MOST = 12
"""Shares at the most: 2, 3, 4, 6 and 12 ranks divide them evenly."""


class Shares:
    """Which shares of a sum this rank computes, and their total.

    Rounding makes the value of a sum depend on how it is bracketed, and a training multiplies such differences step by
    step. So what is summed is cut into shares that do not depend on the ranks, and their sums are added in one order.

    Args:
        comm: The ranks; None for this process alone.
        count: How many shares there are, at most `MOST` of use.
    """

    def __init__(self, comm: MPI.Comm | None, count: int) -> None:
        self.comm = comm if comm is not None and comm.size > 1 else None
        self.count = count
        rank, size = (self.comm.rank, self.comm.size) if self.comm is not None else (0, 1)
        self._owner = [k * size // count for k in range(count)]
        self.own = [k for k in range(count) if self._owner[k] == rank]

    def total(self, parts: Iterable[Tensor]) -> Tensor:
        """The sum of all shares' tensors, in the order of the shares; collective.

        Args:
            parts: Of this rank's shares, all of one shape, which the other ranks' have too.
        """
        if self.comm is None:
            total, *others = parts
            if others:
                total = total.clone()
            for part in others:
                total += part
            return total
        comm, own = self.comm, list(parts)
        # Each rank adds one slice of all shares, then the slices are put together.
        example = comm.bcast((own[0].shape, own[0].dtype, own[0].device.type) if comm.rank == 0 else None)
        shape, dtype, device = example
        size = int(np.prod(shape))
        flat = [part.detach().cpu().reshape(-1).numpy() for part in own]
        bounds = [size * r // comm.size for r in range(comm.size + 1)]
        widths = [b - a for a, b in itertools.pairwise(bounds)]
        kind = torch.zeros(0, dtype=dtype).numpy().dtype
        sent = [part[a:b] for a, b in itertools.pairwise(bounds) for part in flat]
        send = np.concatenate(sent) if sent else np.zeros(0, kind)
        mine = widths[comm.rank]
        shares_of = [self._owner.count(r) for r in range(comm.size)]
        received = np.empty((self.count, mine), kind)
        comm.Alltoallv([send, [w * len(own) for w in widths]], [received, [mine * c for c in shares_of]])
        slice_total = received[0].copy()
        for row in received[1:]:
            slice_total += row
        result = np.empty(size, kind)
        comm.Allgatherv(slice_total, [result, widths])
        return torch.from_numpy(result).reshape(shape).to(device)

    def agreed[T](self, thing: T) -> T:
        """What rank 0 has computed, on all ranks, whose processors may round differently; collective."""
        return thing if self.comm is None else self.comm.bcast(thing)

    def gathered(self, parts: list[Tensor]) -> list[Tensor]:
        """The tensors of all shares, in their order; collective."""
        if self.comm is None:
            return parts
        found = self.comm.allgather([part.detach().cpu().numpy() for part in parts])
        device = parts[0].device if parts else "cpu"
        return [torch.from_numpy(array).to(device) for of_rank in found for array in of_rank]
