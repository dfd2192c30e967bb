"""What a run has found so far: stages timed, trained networks kept, results written as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpi4py import MPI

import torch

import hybrid
from hybrid import store
from hybrid.clock import clock
from hybrid.fem.reference import Reference
from hybrid.fem.settings import FemSettings
from hybrid.parallel import on_root
from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network
from hybrid.pinn.optimizers.checkpoint import Checkpoint, load_networks, save_networks
from hybrid.pinn.settings import NetworkSettings
from hybrid.study import results
from hybrid.study.adaptation import Adaptation
from hybrid.study.case import Case
from hybrid.study.monitor import Monitor, thinned
from hybrid.study.presets import Networks, Preset
from hybrid.study.progress import Reporter
from hybrid.study.record import FORMAT, Record, Request
from hybrid.study.shared import Shared

_NUMERICS = (hybrid.__version__, 4, kernel.load() is not None)
"""Part of the keys of trained networks, which are to be the same to the last bit: raise the number when rounding changes."""


class Recorder:
    """The case, its settings and its results; the stages are in `hybrid.study.run`.

    Attributes:
        u: The reference.
        cell: The cell problems by finite elements.
        chi: The cell problems by networks.
        v: The homogenized solution by finite elements.
        w: The same with the coefficient of the networks.
        p: The homogenized solution by networks.
        corrector_errors: Of `chi` against `cell`, relative, in their order.
        on_mesh: v, w, p and the reconstruction on the mesh of the reference; without one v, w and p on that of w.
        terms: Of reconstructions, by path, and `ended`, why they are not all there are.
        best: Which of the networks' reconstructions r is.
        fields: What else is to be drawn, by name.
    """

    u: Reference
    cell: Any
    chi: Any
    v: Any
    w: Any
    p: Any
    corrector_errors: list[float]
    on_mesh: dict[str, Any]
    terms: dict[str, Any]
    ended: str
    best: str

    def __init__(
        self, case: Case, comm: MPI.Comm, preset: Preset, elements: FemSettings, networks: Networks,
        adapted: Adaptation, request: Request, key: str, out: Path, resume: bool, reporter: Reporter,
        references: dict[str, Any], shared: Shared | None = None,
    ) -> None:  # fmt: skip
        self.case, self.problem, self.comm, self.out, self.reporter = case, case.problem, comm, out, reporter
        self.elements, self.networks, self.resume, self.preset = elements, networks, resume, preset
        self.fem, self.pinn = hybrid.fem, hybrid.pinn
        self.references = references  # where they are kept, and what to do while they are refined
        self.adapted = adapted
        self.shared = shared
        self.fields: dict[str, Field] = {}
        self.settled: dict[str, NetworkSettings] = {}  # settings of networks that were larger than the preset's
        self.refused = ""  # why the reference could not be refined as far as its errors ask for
        self.earlier = 0.0  # seconds of trainings and references that an earlier run did
        torch.set_num_threads(1)  # the same arithmetic on any number of ranks, and no fight over cores
        self.record = Record(
            format=FORMAT, case=case.problem.name, status="incomplete", preset=preset.name, eps=case.problem.eps, errors={},
            errors_grid={}, published=dict(case.published), training={}, seconds={},
            provenance=results.provenance(case, comm, networks, elements, key, preset.assumptions(case), request),
        )  # fmt: skip

    def timed[T](self, stage: str, name: str, task: Callable[[], T]) -> T:
        """Run a stage and add its seconds to the results, with those that an earlier run took for it."""
        start, before = clock(), self.earlier
        with self.reporter.stage(stage):
            result = task()
        seconds = clock() - start + self.earlier - before
        self.record.seconds[name] = self.record.seconds.get(name, 0.0) + seconds
        return result

    def once[T](self, key: object | None, settings: object, solve: Callable[[], T], *, numbers: bool = False) -> T:
        """A solution that another run may have found already; its seconds count here too, as those of a kept reference do.

        Args:
            key: Of the equation; None where it has none.
            settings: What else the solution depends on.
            solve: Finds it.
            numbers: It is a few numbers only, of which many are kept.
        """
        if self.shared is None or key is None:
            return solve()
        found, before = self.shared.get((key, settings, results.petsc_options()), solve, numbers=numbers)
        if before:
            self.earlier += before
            self.reporter.say("    this was there already, from another run")
        return found

    def write(self) -> None:
        """Write what there is, on rank 0."""
        if self.comm.rank == 0:
            self.record.write(self.out)

    def trained(
        self, name: str, networks: Sequence[Network], solve: Callable[..., Any], settings: NetworkSettings,
        depends_on: object, monitor: Monitor | None = None,
    ) -> tuple[Any, dict[str, Any]]:  # fmt: skip
        """Train and keep the weights; with --resume take those that are there, or go on where a killed training was.

        Args:
            name: Of the file.
            networks: To be trained.
            solve: Of `networks`, `train` and what else `hybrid.pinn.optimizers.training.train` takes.
            settings: What the training was asked for; part of its key.
            depends_on: What else it depends on. With a monitor the finite elements it is measured against count too.
            monitor: Measures the error meanwhile, on rank 0.

        Returns:
            What `solve` returns, and the history.
        """
        path = self.out / f"network-{name}.npz"
        measured = () if monitor is None else (self.elements, results.petsc_options(), monitor.last)
        key = store.key_of(*_NUMERICS, self.problem.digest, name, settings, depends_on, measured)
        meta = load_networks(path, networks, key, self.comm) if self.resume else None
        if meta is not None:
            for network in networks:
                network.to(settings.device or "cpu")
            self.earlier += meta["seconds"]
            return solve(networks=networks, train=False), meta | {"resumed": True}
        checkpoint = Checkpoint(self.out / f"training-{name}.npz", key, resume=self.resume)
        if not self.resume:
            on_root(self.comm, checkpoint.remove)
        if monitor is not None:
            monitor.networks = networks
        solution = solve(
            networks=networks, comm=self.comm, progress=monitor or self.reporter.step, checkpoint=checkpoint
        )
        history = asdict(solution.history)
        self.earlier += history.pop("earlier")

        def keep() -> dict[str, Any]:
            meta = {"kind": settings.how, **history, **thinned(history["loss"])}
            if monitor is not None:
                meta |= {"monitored": monitor.curve()}
            save_networks(path, getattr(solution, "networks", networks), key, meta)
            checkpoint.remove()
            return meta

        return solution, on_root(self.comm, keep)
