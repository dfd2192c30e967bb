"""Trained networks and trainings under way, in files. Nothing in them is ever executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import torch

from hybrid import store
from hybrid.failures import InputError
from hybrid.parallel import on_root
from hybrid.pinn.functions.network import Network


class Checkpoint:
    """The file that holds a training under way.

    Args:
        path: Of the file.
        key: Of what is trained: a file with another key is not this training's and is written over.
        resume: Whether to take up what an earlier session has left.
    """

    def __init__(self, path: Path, key: str, *, resume: bool) -> None:
        self.path, self.key, self.resume = path, key, resume

    def part(self, index: int) -> Checkpoint:
        """For one of several trainings that belong together."""
        return Checkpoint(
            self.path.with_name(f"{self.path.stem}-{index}{self.path.suffix}"),
            f"{self.key}-{index}",
            resume=self.resume,
        )

    def save(self, state: dict[str, Any]) -> None:
        """Put a state in place of the one before; a kill at any instant leaves one of the two."""
        arrays: dict[str, np.ndarray] = {}
        tree = _packed(state, arrays)
        # No fsync: a kill loses nothing without it, and a power cut that does is found out by the checksum.
        store.save_arrays(self.path, self.key, tree, arrays, sync=False)

    def load(self, comm: MPI.Comm | None = None) -> dict[str, Any] | None:
        """The state that was saved, or None if there is none of this training; collective.

        Raises:
            InputError: The file is damaged, or of another version.
        """
        if not self.resume:
            return None

        found = on_root(comm, lambda: store.load_arrays(self.path, self.key))
        return None if found is None else _unpacked(*found)

    def remove(self) -> None:
        """Take it away, those of its parts, and what a killed process was writing."""
        stem, suffix = self.path.stem, self.path.suffix
        for pattern in (f"{stem}{suffix}", f"{stem}-[0-9]*{suffix}", f".{stem}*{suffix}.*"):
            for path in self.path.parent.glob(pattern):
                path.unlink(missing_ok=True)


def save_networks(path: Path, networks: Sequence[Network], key: str, meta: Mapping[str, Any]) -> None:
    """Save weights with the key of what they were trained for, and whatever JSON belongs to them."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in _states(networks).items()}
    store.save_arrays(path, key, dict(meta), arrays)


def load_networks(
    path: Path, networks: Sequence[Network], key: str, comm: MPI.Comm | None = None
) -> dict[str, Any] | None:
    """Load weights into networks of the same shapes; collective, rank 0 reads.

    Returns:
        What they were saved with; None if there is no such file, or one for another key.

    Raises:
        InputError: The file is damaged, or of another version.
    """
    found = on_root(comm, lambda: store.load_arrays(path, key))
    if found is None:
        return None
    meta, arrays = found
    states = _states(networks)
    if {n: tuple(t.shape) for n, t in states.items()} != {n: a.shape for n, a in arrays.items()}:
        raise InputError(str(path), "holds networks of other shapes; remove it to train them again")
    with torch.no_grad():
        for name, tensor in states.items():
            tensor.copy_(torch.tensor(arrays[name]))
    return dict(meta)


def _states(networks: Sequence[Network]) -> dict[str, torch.Tensor]:
    return {
        f"{i}.{name}": tensor for i, network in enumerate(networks) for name, tensor in network.state_dict().items()
    }


def _packed(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A tree of dictionaries, lists, tensors and numbers as JSON; the tensors go into `arrays`."""
    if isinstance(tree, torch.Tensor):
        name = f"array{len(arrays)}"
        arrays[name] = tree.detach().cpu().numpy()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, _packed(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        if len(tree) > 8 and all(type(value) is float for value in tree):
            return {"floats": _packed(torch.tensor(tree, dtype=torch.float64), arrays)["tensor"]}
        return {"list": [_packed(value, arrays) for value in tree]}
    return tree


def _unpacked(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return torch.from_numpy(arrays[content].copy())
    if kind == "floats":
        return arrays[content].tolist()
    if kind == "dict":
        return {key: _unpacked(value, arrays) for key, value in content}
    return [_unpacked(value, arrays) for value in content]
