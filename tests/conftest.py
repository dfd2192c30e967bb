"""Shared fixtures. Every test runs serially; those marked `mpi` also run under mpiexec, on all ranks at once."""

from __future__ import annotations

import gc
import itertools
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip
from petsc4py import PETSc  # isort: skip

import torch
from hypothesis import settings

from hybrid import EllipticProblem
from hybrid.symbols import cos, pi, sin, x, y

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


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Of several ranks one speaks."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if MPI.COMM_WORLD.rank and reporter is not None:
        config.pluginmanager.unregister(reporter)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On three ranks and more every test is met, with a third of its parameters: two ranks have met them all."""
    if MPI.COMM_WORLD.size < 3:
        return
    functions = [getattr(item, "originalname", item.name) for item in items]
    met: Counter[tuple[object, str]] = Counter()
    kept, left = [], []
    for item, function in zip(items, functions, strict=True):
        (left if met[item.parent, function] % 3 else kept).append(item)
        met[item.parent, function] += 1
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Under MPI a failure on one rank leaves the others waiting for it: say what failed and end them all."""
    if MPI.COMM_WORLD.size > 1:
        print(f"rank {MPI.COMM_WORLD.rank}: {node.nodeid}\n{report.longreprtext}", file=sys.stderr, flush=True)
        MPI.COMM_WORLD.Abort(1)
