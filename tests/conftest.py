"""Shared fixtures. Every test runs serially; those marked `mpi` also run under mpiexec, on all ranks at once."""

from __future__ import annotations

import gc
import itertools
import math
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip
from petsc4py import PETSc  # isort: skip

import numpy as np
import torch
from hypothesis import settings
from sympy import Expr

from hybrid import EllipticProblem
from hybrid.symbols import cos, exp, pi, sin, x, y

settings.register_profile("here", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("here")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds references of the user's or of another test."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path_factory.mktemp("cache")))


_TESTS = itertools.count(1)


@pytest.fixture(autouse=True)
def free_communicators(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every mesh has communicators, of which MPICH has 2048: those of meshes in cycles are freed on all ranks at once."""
    yield
    if MPI.COMM_WORLD.size > 1 and request.node.get_closest_marker("mpi") is not None and next(_TESTS) % 25 == 0:
        gc.collect()
        PETSc.garbage_cleanup(MPI.COMM_WORLD)


@pytest.fixture
def comm() -> MPI.Comm:
    return MPI.COMM_WORLD


@pytest.fixture
def paper() -> EllipticProblem:
    """The problem of the paper's section 5.2."""
    return EllipticProblem(
        domain=[(0, 1), (0, 1)],
        eps=1 / 8,
        a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
        f=sin(x[0]) + cos(x[1]),
        name="paper",
    )


@pytest.fixture
def layers(comm: MPI.Comm, tmp_path: Path) -> Callable[..., Path]:
    """Writes a Gmsh file, format 2.2: the box [0, side]^dim, uniform, of `dim` 1, 2 or 3, with the regions "soft" (1), where
    y_0 < cut side, and "hard" (2); `nudge` moves a node of the right side along it. The same path on all ranks."""
    folder = Path(comm.bcast(str(tmp_path)))

    def write(dim: int, count: int = 8, cut: float = 0.5, side: float = 1.0, nudge: float = 0.0) -> Path:
        path = folder / f"layers-{dim}-{count}-{cut}-{side}-{nudge}.msh"
        axis = [side * i / count for i in range(count + 1)]
        points = list(itertools.product(axis, repeat=dim))
        points[-2] = (*points[-2][:-1], points[-2][-1] + nudge)
        steps = [(count + 1) ** (dim - 1 - i) for i in range(dim)]
        corners = [1 + sum(map(operator.mul, at, steps)) for at in itertools.product(range(count), repeat=dim)]
        ways = list(itertools.permutations(steps))  # along edges from one corner of a box to the opposite one
        cells = [tuple(itertools.accumulate(way, initial=corner)) for corner in corners for way in ways]
        middle = [sum(points[n - 1][0] for n in cell) / len(cell) for cell in cells]
        rows = [
            f"{i} {(1, 2, 4)[dim - 1]} 2 {g} {g} {' '.join(map(str, cell))}"
            for i, (cell, x) in enumerate(zip(cells, middle), 1)
            for g in [1 if x < cut * side else 2]
        ]
        names = f'{dim} 1 "soft"\n{dim} 2 "hard"'
        padded = [(*point, *(0.0, 0)[dim - 1 :]) for point in points]
        nodes = "\n".join(f"{i} {x!r} {y!r} {z!r}" for i, (x, y, z) in enumerate(padded, 1))
        if comm.rank == 0:
            path.write_text(
                f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$PhysicalNames\n2\n{names}\n$EndPhysicalNames\n"
                f"$Nodes\n{len(points)}\n{nodes}\n$EndNodes\n"
                f"$Elements\n{len(rows)}\n" + "\n".join(rows) + "\n$EndElements\n"
            )
        comm.Barrier()
        return path

    return write


_WHOLE_RUNS = {"study", "paper"}


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Of several ranks one speaks."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if MPI.COMM_WORLD.rank and reporter is not None:
        config.pluginmanager.unregister(reporter)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On three ranks and more every test is met but long ones, with a fifth of its parameters, and of whole runs a third of the
    tests: two ranks have met them all."""
    if MPI.COMM_WORLD.size < 3:
        return
    functions = [getattr(item, "originalname", item.name) for item in items]
    met: Counter[tuple[object, str]] = Counter()
    kept, left = [], []
    for item, function in zip(items, functions, strict=True):
        whole = item.path.parent.name in _WHOLE_RUNS
        key, each = (item.parent, "" if whole else function), 3 if whole else 5
        (left if met[key] % each or item.get_closest_marker("long") else kept).append(item)
        met[key] += 1
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Under MPI a failure on one rank leaves the others waiting for it: say what failed and end them all."""
    if MPI.COMM_WORLD.size > 1:
        print(f"rank {MPI.COMM_WORLD.rank}: {node.nodeid}\n{report.longreprtext}", file=sys.stderr, flush=True)
        MPI.COMM_WORLD.Abort(1)


@pytest.fixture
def random_medium() -> Callable[[int], tuple[object, int]]:
    """From a seed to a smooth a of contrasts to 100, a number or a matrix, and the dimension: every fifth in space."""
    return _random


def _random(seed: int) -> tuple[object, int]:
    """Smooth media of contrasts to 100: exp of a trigonometric polynomial; turned matrices of two of them."""
    rng = np.random.default_rng(seed)
    dim = 2 if seed % 5 else 3

    def scalar(largest: float) -> Expr:
        waves = [
            (rng.integers(-2, 3, dim), rng.uniform(-1, 1), rng.uniform(0, 2 * math.pi))
            for _ in range(4 if dim < 3 else 2)
        ]
        size = math.log(largest) / 2 / sum(abs(c) for _, c, _ in waves)
        return exp(sum(size * c * cos(2 * pi * sum(int(n) * y[i] for i, n in enumerate(k)) + s) for k, c, s in waves))

    contrast = 10 ** rng.uniform(0.2, 2)
    if seed % 3:
        return scalar(contrast), dim
    one, other, angle = scalar(contrast / 2 + 1), scalar(contrast / 2 + 1), rng.uniform(0, math.pi)
    c, s = math.cos(angle), math.sin(angle)
    rows = [[one * c * c + other * s * s, (one - other) * c * s], [(one - other) * c * s, one * s * s + other * c * c]]
    if dim == 3:
        rows = [[*rows[0], 0], [*rows[1], 0], [0, 0, one]]
    return rows, dim
