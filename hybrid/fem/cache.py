"""References on disk: written on any number of ranks, read on any other."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.parallel import on_root

Lattice = tuple[Sequence[Sequence[float]], Sequence[int]]
"""A box and the number of its cells in each direction."""

FORMAT = 3
"""Of the files, and of what is computed: raise it when either changes."""
LIMIT = 20 * 2**30
"""Bytes that all references may take; beyond it those that were not used for the longest time go."""
_ENTRY = re.compile(r"[0-9a-f]{16}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{8}(\.old)?")
_PARTS, _OFFSET = 64, 0.6180339887498949


def default_folder() -> Path:
    """``$HYBRID_CACHE``, or ``hybrid/references`` in the user's cache."""
    chosen = os.environ.get("HYBRID_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "hybrid" / "references"


class ReferenceCache:
    """A folder with one subfolder for each reference: ``0.bin`` …, one from each rank that wrote, and ``meta.json``.

    A ``.bin`` file is the keys of dofs' positions, sorted, as int64, and then their values as float64, both little-endian.
    A damaged, incomplete or foreign entry is said in one line and is none; neither is what cannot be written an error.

    Args:
        folder: All ranks have to see it; that of rank 0 counts. `default_folder` if None.
        warn: Called on every rank with one line of text; by default Python's warnings, on rank 0.
    """

    def __init__(self, folder: Path | None = None, warn: Callable[[str], None] | None = None) -> None:
        self.folder = default_folder() if folder is None else folder
        self._warn = warn

    def load(self, key: str, space: fem.FunctionSpace, lattice: Lattice) -> tuple[fem.Function, dict[str, Any]] | None:
        """The function and what was kept with it, or None; collective."""
        comm = space.mesh.comm
        entry = comm.bcast(self.folder) / key
        meta, problem = on_root(comm, lambda: _read_meta(entry, key))
        if meta is None and not problem:
            return None
        values = np.empty(0)
        if meta is not None:
            values, problem = _read_values(entry, meta["shards"], position_keys(space, lattice), comm.rank, comm.size)
        problems = [found for found in comm.allgather(problem) if found]
        if meta is None or problems:
            self._say(comm, f"{problems[0]}; the reference is computed again")
            return None
        function = fem.Function(space)
        function.x.array[: len(values)] = values
        function.x.scatter_forward()
        if comm.rank == 0:
            with suppress(OSError):
                os.utime(entry / "meta.json")  # the last use
        return function, meta["kept"]

    def save(self, key: str, function: fem.Function, lattice: Lattice, kept: dict[str, Any]) -> bool:
        """Keep a function, and JSON with it; collective.

        Returns:
            Whether that was done. If not, it was said why.
        """
        comm = function.function_space.mesh.comm
        folder = comm.bcast(self.folder)
        work = on_root(comm, lambda: _begin(folder, key))
        shard: dict[str, Any] | str = (
            work if isinstance(work, str) else _write_values(work, comm.rank, function, lattice)
        )
        shards = comm.allgather(shard)
        problem = next((found for found in shards if isinstance(found, str)), "")
        if isinstance(work, Path):
            problem = on_root(comm, lambda: _finish(work, key, shards, kept, problem))
        if problem:
            self._say(comm, f"the reference cannot be kept in {folder} ({problem}); the run goes on without that")
        return not problem

    def _say(self, comm: Any, text: str) -> None:
        if self._warn is not None:
            self._warn(text)
        elif comm.rank == 0:
            warnings.warn(text, stacklevel=4)


def position_keys(space: fem.FunctionSpace, lattice: Lattice) -> npt.NDArray[np.int64]:
    """A whole number for the position of each owned dof, the same on any number of ranks.

    Positions are counted in 64ths of a mesh cell. The offset keeps Lagrange points, which sit at fixed fractions of a cell,
    away from the places where the count changes: rounding, which differs between partitions, then makes no difference.

    Raises:
        OverflowError: A mesh too large for 64 bits.
    """
    domain, counts = lattice
    if math.prod(_PARTS * n + 1 for n in counts) >= 2**63:
        raise OverflowError("too many mesh cells for keys of 64 bits")
    points = space.tabulate_dof_coordinates()[: space.dofmap.index_map.size_local]
    keys = np.zeros(len(points), np.int64)
    for i, ((low, high), n) in enumerate(zip(domain, counts, strict=True)):
        place = np.floor((points[:, i] - low) * (_PARTS * n / (high - low)) + _OFFSET)
        keys = keys * (_PARTS * n + 1) + place.astype(np.int64)
    return keys


def _read_meta(entry: Path, key: str) -> tuple[dict[str, Any] | None, str]:
    """What describes an entry, or None and, if there is one but no good, a line of text."""
    path = entry / "meta.json"
    try:
        if not entry.exists():
            return None, ""
        found = json.loads(path.read_text(encoding="utf-8"))
        digest = found.pop("sha256")
        fits = digest == _digest(found) and (found["format"], found["key"]) == (FORMAT, key)
        return (found, "") if fits else (None, f"{path}: damaged or of another origin")
    except OSError as error:
        return None, f"{path}: cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, f"{path}: damaged or of another origin"


def _digest(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _read_values(
    entry: Path, shards: Sequence[dict[str, Any]], keys: npt.NDArray[np.int64], rank: int, size: int
) -> tuple[npt.NDArray[np.float64], str]:
    """This rank's values, and a line of text if something is wrong; the ranks share the checksums."""
    values = np.full(len(keys), np.nan)
    for number, shard in enumerate(shards):
        path, count = entry / f"{number}.bin", shard["dofs"]
        try:
            if path.stat().st_size != 16 * count:
                return values, f"{path}: truncated or of another origin"
            if number % size == rank:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
                        return values, f"{path}: damaged, its checksum is wrong"
            if count:
                known = np.memmap(path, "<i8", "r", shape=(2, count))
                at = np.minimum(np.searchsorted(known[0], keys), count - 1)
                hit = known[0][at] == keys
                values[hit] = known[1].view("<f8")[at[hit]]
        except OSError as error:
            return values, f"{path}: cannot be read ({error.strerror})"
    return values, "" if np.isfinite(values).all() else f"{entry}: some values are missing"


def _write_values(work: Path, rank: int, function: fem.Function, lattice: Lattice) -> dict[str, Any] | str:
    """This rank's file; its size and checksum, or a line of text that says what is wrong."""
    try:
        keys = position_keys(function.function_space, lattice)
        values = function.x.array[: len(keys)]
        order = np.argsort(keys)
        if (np.diff(keys[order]) <= 0).any() or not np.isfinite(values).all():
            return "two dofs in one place, or values that are not finite"
        data = keys[order].astype("<i8").tobytes() + values[order].astype("<f8").tobytes()
        with (work / f"{rank}.bin").open("wb") as file:
            file.write(data)
    except OSError as error:
        return error.strerror or str(error)
    except OverflowError as error:
        return str(error)
    return {"dofs": len(keys), "sha256": hashlib.sha256(data).hexdigest()}


def _begin(folder: Path, key: str) -> Path | str:
    work = folder / f".{key}.{secrets.token_hex(4)}"
    try:
        work.mkdir(parents=True)
    except OSError as error:
        return error.strerror or str(error)
    return work


def _finish(work: Path, key: str, shards: Sequence[Any], kept: dict[str, Any], problem: str) -> str:
    """Give the finished folder its name, or take it away; what went wrong. Concurrent runs may do the same."""
    folder, old = work.parent, work.with_name(work.name + ".old")
    try:
        if problem:
            return problem
        meta = {
            "format": FORMAT,
            "key": key,
            "shards": shards,
            "kept": kept,
            "written": time.strftime("%Y-%m-%d %H:%M"),
        }
        (work / "meta.json").write_text(json.dumps(meta | {"sha256": _digest(meta)}, indent=1), encoding="utf-8")
        with suppress(FileNotFoundError):
            (folder / key).rename(old)
        try:
            work.rename(folder / key)
        except OSError:
            if not (folder / key / "meta.json").exists():  # else another run was faster; its reference is as good
                raise
        _prune(folder, keep=key)
    except OSError as error:
        return error.strerror or str(error)
    finally:
        for left in (work, old):
            _remove(left)
    return ""


def _prune(folder: Path, keep: str) -> None:
    """Take away what was not used for long, once there is too much, and what killed runs have left."""
    entries = []
    for path in folder.iterdir():
        with suppress(OSError):  # another run prunes too
            if _UNFINISHED.fullmatch(path.name) and time.time() - path.stat().st_mtime > 86_400:
                _remove(path)
            elif _ENTRY.fullmatch(path.name):
                files = [file.stat() for file in path.iterdir()]
                entries.append((max(f.st_mtime for f in files), sum(f.st_size for f in files), path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total > LIMIT and path.name != keep:
            _remove(path)
            total -= size


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
