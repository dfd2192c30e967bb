"""Files that are written whole or not at all, and trained networks among them. Nothing here is ever executed on loading."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from hybrid.pinn.network import Network


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write beside the file and rename, so that a reader sees the old contents or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON atomically, indented, but lists of numbers on one line."""
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    text = re.sub(r"\[\n\s+([-+\d.eE,\s]+?)\s+\]", lambda match: "[" + " ".join(match[1].split()) + "]", text)
    write_atomically(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any] | None:
    """Read JSON; None if there is no such file or it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def key_of(*parts: object) -> str:
    """A short hash of whatever determines a result."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def save_networks(path: Path, networks: Sequence[Network], key: str, meta: Mapping[str, Any]) -> None:
    """Save weights with the key of what they were trained for, and whatever JSON belongs to them."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in _states(networks).items()}
    text = json.dumps({"key": key, "meta": dict(meta), "digest": _digest(arrays)})
    write_atomically(path, lambda file: np.savez(file, meta=np.array(text), **arrays))  # type: ignore[arg-type]


def load_networks(path: Path, networks: Sequence[Network], key: str) -> dict[str, Any] | None:
    """Load weights into networks of the same shapes.

    Returns:
        What they were saved with; None if the file is missing, damaged, or for another key.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            saved = json.loads(str(file["meta"]))
            arrays = {name: file[name] for name in file.files if name != "meta"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        return None
    if not isinstance(saved, dict) or saved.get("key") != key or saved.get("digest") != _digest(arrays):
        return None
    states = _states(networks)
    if {n: tuple(t.shape) for n, t in states.items()} != {n: a.shape for n, a in arrays.items()}:
        return None
    with torch.no_grad():
        for name, tensor in states.items():
            tensor.copy_(torch.tensor(arrays[name]))
    return dict(saved["meta"])


def _states(networks: Sequence[Network]) -> dict[str, torch.Tensor]:
    return {
        f"{i}.{name}": tensor for i, network in enumerate(networks) for name, tensor in network.state_dict().items()
    }


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        total.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return total.hexdigest()
