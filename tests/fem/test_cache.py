"""References on disk: any number of ranks writes, any other reads, and nothing damaged gets through."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from dolfinx import fem

from hybrid.fem import cache as module
from hybrid.fem.cache import ReferenceCache, default_folder, position_keys
from hybrid.fem.meshes.box import box

pytestmark = pytest.mark.mpi
KEY = "0123456789abcdef"
BOX = [(-1.0, 0.5), (0.0, np.pi)]
COUNTS = [5, 4]


def some_function(comm: MPI.Comm) -> fem.Function:
    function = fem.Function(fem.functionspace(box(comm, BOX, COUNTS), ("Lagrange", 3)))
    function.interpolate(lambda x: np.sin(5 * x[0]) + x[1] / 3)
    function.x.scatter_forward()
    return function


@pytest.fixture
def folder(comm: MPI.Comm, tmp_path: Path) -> Path:
    return Path(comm.bcast(str(tmp_path)))


def test_what_some_ranks_write_others_read(comm: MPI.Comm, folder: Path) -> None:
    """Written on all but one, read on all; written on all, read on each alone."""
    fewer = comm.Split(int(comm.rank < max(comm.size - 1, 1)))
    kept = {"seconds": 0.1 + 0.2, "error_estimate": None}
    if comm.rank < max(comm.size - 1, 1):
        assert ReferenceCache(folder).save(KEY, some_function(fewer), (BOX, COUNTS), kept)
    comm.Barrier()
    for readers in (comm, MPI.COMM_SELF):
        wanted = some_function(readers)
        found = ReferenceCache(folder).load(KEY, wanted.function_space, (BOX, COUNTS))
        assert found is not None
        assert np.abs(found[0].x.array - wanted.x.array).max() < 1e-14
        assert found[1] == kept
        assert ReferenceCache(folder).load("f" * 16, wanted.function_space, (BOX, COUNTS)) is None
        comm.Barrier()
        ReferenceCache(folder).save(KEY, some_function(comm), (BOX, COUNTS), kept)
    fewer.Free()


def test_the_same_ranks_read_the_same_bits(comm: MPI.Comm, folder: Path) -> None:
    function = some_function(comm)
    ReferenceCache(folder).save(KEY, function, (BOX, COUNTS), {})
    found = ReferenceCache(folder).load(KEY, function.function_space, (BOX, COUNTS))
    assert found is not None
    assert np.array_equal(found[0].x.array, function.x.array)
    assert sorted(p.name for p in folder.iterdir()) == [KEY]


@pytest.mark.parametrize("shape", ["simplex", "box"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_every_dof_has_its_key_whatever_the_partition(comm: MPI.Comm, dim: int, shape: str) -> None:
    domain, counts = [(-np.pi, np.pi), (0.0, 1.0), (0.0, 0.7)][:dim], [7, 3, 2][:dim]
    for degree in range(1, 5):
        spaces = [fem.functionspace(box(c, domain, counts, shape), ("Lagrange", degree)) for c in (comm, MPI.COMM_SELF)]
        shared, alone = (position_keys(space, (domain, counts)) for space in spaces)
        assert np.array_equal(np.sort(np.concatenate(comm.allgather(shared))), np.unique(alone))
        assert len(np.unique(alone)) == len(alone)


def _cut(entry: Path) -> None:
    path = entry / "0.bin"
    path.write_bytes(path.read_bytes()[:-5])


def _flip(entry: Path) -> None:
    path = entry / "0.bin"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 + 9] ^= 1
    path.write_bytes(data)


def _foreign(entry: Path) -> None:
    (entry / "0.bin").write_text("not ours")


def _gone(entry: Path) -> None:
    (entry / "0.bin").unlink()


def _meta_gone(entry: Path) -> None:
    (entry / "meta.json").unlink()


def _meta_cut(entry: Path) -> None:
    path = entry / "meta.json"
    path.write_text(path.read_text()[:-7])


def _meta_foreign(entry: Path) -> None:
    (entry / "meta.json").write_text('["something", "else"]')


def _meta_changed(entry: Path) -> None:
    path = entry / "meta.json"
    path.write_text(path.read_text().replace("12.5", "12.6"))


def _file_instead(entry: Path) -> None:
    for path in entry.iterdir():
        path.unlink()
    entry.rmdir()
    entry.write_text("a file")


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (_cut, "0.bin: truncated"),
        (_flip, "0.bin: damaged"),
        (_foreign, "0.bin: truncated or of another origin"),
        (_gone, "0.bin: cannot be read (No such file"),
        (_meta_gone, "meta.json: cannot be read (No such file"),
        (_meta_cut, "meta.json: damaged"),
        (_meta_foreign, "meta.json: damaged"),
        (_meta_changed, "meta.json: damaged"),
        (_file_instead, "meta.json: cannot be read"),
    ],
)
def test_what_is_damaged_is_named_and_overwritten(comm: MPI.Comm, folder: Path, damage, name: str) -> None:  # type: ignore[no-untyped-def]
    said: list[str] = []
    cache, function = ReferenceCache(folder, said.append), some_function(comm)
    assert cache.save(KEY, function, (BOX, COUNTS), {"seconds": 12.5})
    if comm.rank == 0:
        damage(folder / KEY)
    comm.Barrier()
    assert cache.load(KEY, function.function_space, (BOX, COUNTS)) is None
    assert len(said) == 1
    assert f"{folder / KEY}" in said[0]
    assert name in said[0]
    assert said[0].endswith("computed again")
    assert cache.save(KEY, function, (BOX, COUNTS), {})
    assert cache.load(KEY, function.function_space, (BOX, COUNTS)) is not None


def test_an_entry_of_another_mesh_is_refused(comm: MPI.Comm, folder: Path) -> None:
    said: list[str] = []
    cache = ReferenceCache(folder, said.append)
    assert cache.save(KEY, some_function(comm), (BOX, COUNTS), {})
    other = fem.functionspace(box(comm, BOX, [6, 4]), ("Lagrange", 3))
    assert cache.load(KEY, other, (BOX, [6, 4])) is None
    assert "values are missing" in said[0]


def test_a_folder_that_cannot_be_written_is_said_and_no_more(comm: MPI.Comm, folder: Path) -> None:
    if comm.rank == 0:
        (folder / "file").write_text("")
    comm.Barrier()
    said: list[str] = []
    assert not ReferenceCache(folder / "file" / "here", said.append).save(KEY, some_function(comm), (BOX, COUNTS), {})
    assert len(said) == 1
    assert "cannot be kept" in said[0]
    assert str(folder) in said[0]


def test_one_rank_that_fails_speaks_for_all(comm: MPI.Comm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on machines that do not share the folder."""
    last = comm.rank == comm.size - 1
    function, said = some_function(comm), []
    cache = ReferenceCache(folder, said.append)
    with monkeypatch.context() as patch:
        if last:
            patch.setattr(module, "_write_values", lambda *_: "no such folder")
        assert not cache.save(KEY, function, (BOX, COUNTS), {})
    comm.Barrier()
    assert not list(folder.iterdir())
    assert "no such folder" in said[0]
    comm.Barrier()
    assert cache.save(KEY, function, (BOX, COUNTS), {})
    if last:
        monkeypatch.setattr(module, "_read_values", lambda *_: (np.empty(0), "somewhere: not seen"))
    assert cache.load(KEY, function.function_space, (BOX, COUNTS)) is None
    assert "not seen" in said[1]


def test_values_that_are_not_finite_are_not_kept(comm: MPI.Comm, folder: Path) -> None:
    function, said = some_function(comm), []
    function.x.array[:] = np.nan
    assert not ReferenceCache(folder, said.append).save(KEY, function, (BOX, COUNTS), {})
    assert "not finite" in said[0]


def test_there_is_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comm = MPI.COMM_SELF
    folder = folder / str(MPI.COMM_WORLD.rank)
    function = some_function(comm)
    size = 16 * function.x.array.size
    monkeypatch.setattr(module, "LIMIT", 3.9 * size)
    (folder / "mine").mkdir(parents=True)
    left = folder / f".{KEY}.00112233"
    left.mkdir()
    os.utime(left, (1.0, 1.0))
    keys = [f"{n}" * 16 for n in range(5)]
    for age, key in enumerate(keys):
        assert ReferenceCache(folder).save(key, function, (BOX, COUNTS), {})
        for path in (folder / key).iterdir():
            os.utime(path, (time.time() - 100 + age,) * 2)
    assert sorted(p.name for p in folder.iterdir()) == [*keys[2:], "mine"]


def test_where_references_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_CACHE", "/somewhere")
    assert default_folder() == Path("/somewhere")
    monkeypatch.setenv("HYBRID_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_folder() == Path("/cache/hybrid/references")


def test_meta_is_plain_json(folder: Path) -> None:
    folder = folder / str(MPI.COMM_WORLD.rank)
    ReferenceCache(folder).save(KEY, some_function(MPI.COMM_SELF), (BOX, COUNTS), {"seconds": 1.0})
    meta = json.loads((folder / KEY / "meta.json").read_text())
    assert meta["key"] == KEY
    assert meta["kept"] == {"seconds": 1.0}
