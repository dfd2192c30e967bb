"""Files that are written whole or not at all. Nothing here is ever executed on loading."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from hybrid.failures import InputError


def write_atomically(path: Path, write: Callable[[IO[bytes]], object], *, sync: bool = True) -> None:
    """Write beside the file and rename, so that a reader sees the old contents or the new, never a part.

    Args:
        path: The file.
        write: Writes the contents into the file that it is given.
        sync: Whether the disk has to have it before the rename, for the case of a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            write(file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk does not say which file it was
    finally:
        beside.unlink(missing_ok=True)


def prepare(folder: Path) -> None:
    """Make a folder with a log file in it, and take away what killed processes were writing there.

    Raises:
        InputError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.txt").touch()
        for left in folder.glob(".*.*.[0-9]*"):
            left.unlink()
    except OSError as error:
        raise InputError("--out", f"{folder} cannot be written ({error.strerror})") from None


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


VERSION = 3
"""Of the files that `save_arrays` writes."""


def save_arrays(path: Path, key: str, meta: object, arrays: Mapping[str, np.ndarray], *, sync: bool = True) -> None:
    """Save arrays with a key, whatever JSON belongs to them, a version and a checksum of everything."""
    text = json.dumps({"version": VERSION, "key": key, "meta": meta})
    digest = np.array(_digest(text, arrays))
    contents: dict[str, Any] = {"meta": np.array(text), "digest": digest, **arrays}
    write_atomically(path, lambda file: np.savez(file, **contents), sync=sync)


def load_arrays(path: Path, key: str) -> tuple[Any, dict[str, np.ndarray]] | None:
    """What `save_arrays` has saved.

    Returns:
        The JSON and the arrays; None if there is no such file, or one with another key.

    Raises:
        InputError: The file is damaged, or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            text, digest = str(file["meta"]), str(file["digest"]) if "digest" in file.files else ""
            arrays = {name: file[name] for name in file.files if name not in {"meta", "digest"}}
        saved = json.loads(text)
        version, found = saved.get("version", 1), saved["key"]
    except FileNotFoundError:
        return None
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, MemoryError, OverflowError,
        zipfile.BadZipFile, zlib.error,
    ):  # fmt: skip
        raise InputError(str(path), "damaged, cannot be read; remove it to compute again what was in it") from None
    if version != VERSION:
        raise InputError(
            str(path), f"written in version {version} of its format, this is {VERSION}; remove it to compute it again"
        )
    if digest != _digest(text, arrays):
        raise InputError(str(path), "damaged, its checksum is wrong; remove it to compute again what was in it")
    return None if found != key else (saved["meta"], arrays)


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return total.hexdigest()
