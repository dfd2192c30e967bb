"""The paper's experiments around a run: error curves, classical PINN, transfer learning, oversampling against none."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from hybrid import comparison, pinn
from hybrid.comparison import grid, on_points
from hybrid.pinn import LevenbergMarquardt
from hybrid.pinn.cellrows import cell_rows
from hybrid.pinn.network import VALUE, Network
from hybrid.pinn.spacetime import at_time, spacetime_networks
from hybrid.pinn.training import train as train_network
from hybrid.study.monitor import Monitor, relative
from hybrid.study.results import plain, relative_difference, settled

if TYPE_CHECKING:
    from hybrid.study.run import Run

Array = npt.NDArray[np.float64]

EVERY = 20
"""Epochs between two measurements of a training's error."""


def cell_monitor(run: Run, networks: Sequence[Network]) -> Monitor | None:
    """‖χ_j - χ_j,FEM‖ / ‖χ_j,FEM‖ on the paper's grid of the cell while the networks train; none for slow coefficients."""
    if run.problem.flux.depends_on:
        return None
    points = grid([(0.0, p) for p in run.problem.period], 101)
    exact = [_centred(on_points(c, points)) for c in run.cell.correctors]

    def measure() -> dict[str, float]:
        found = np.concatenate([_values(network, points) for network in networks], axis=1)
        return {name: relative(_centred(found[:, j]), exact[j]) for j, name in enumerate(_names(run, found.shape[1]))}

    return Monitor(measure, EVERY, run.reporter.step, separate=len(networks) > 1)


def _centred(values: Array) -> Array:
    return np.asarray(values - values.mean())


def _names(run: Run, count: int) -> list[str]:
    return [f"chi_{j}" for j in range(1, count + 1)] if run.problem.kind == "elliptic" else ["N"]


def _values(network: Network, points: Array) -> Array:
    """All outputs at the points, (n, outputs), in the precision of the training."""
    return network.evaluate(torch.tensor(points), VALUE)[0].numpy()


def homogenized_monitor(run: Run, networks: Sequence[Network]) -> Monitor:
    """e1 and e3 on the paper's grid while the homogenized network trains."""
    points = _test_points(run)
    u, w = on_points(run.u, points), on_points(run.w, points)
    network = _of_space(run, networks[0])

    def measure() -> dict[str, float]:
        p = _values(network, points)[:, 0]
        return {"e1": relative(p, u), "e3": relative(p, w)}

    return Monitor(measure, EVERY, run.reporter.step)


def _test_points(run: Run) -> Array:
    return grid(run.problem.domain, run.paper.grid)


def _of_space(run: Run, network: Network) -> Network:
    """The network of x that is compared: for space-time networks that at t = T."""
    problem: Any = run.problem
    return network if problem.kind == "elliptic" else at_time(network, problem.T)


def of_the_paper(run: Run) -> None:
    """Classical PINN, transfer learning, and oversampling against none, each into the results."""
    monitored = {part: run.results["training"][part].get("monitored") for part in ("cell", "homogenized")}
    run.results["averaged"] = {
        name: value for curve in monitored.values() if curve for name, value in curve["averages"].items()
    }
    run.results["stated"] = list(run.paper.stated)
    run.write()
    for name, start in (("classical", None), ("transfer", run.p.networks)):
        run.results[name] = _direct(run, name, start)
        run.write()
    if run.paper.without is not None:
        run.results["oversampling"] = oversampling_study(run)
        run.write()


def _direct(run: Run, name: str, start: Sequence[Network] | None) -> dict[str, Any]:
    """The classical PINN on the multiscale equation, from scratch or from the network of NH-PINN (paper, section 2.2)."""
    problem: Any = run.problem
    arguments = run.networks["classical"]
    points = _test_points(run)
    u = on_points(run.u, points)
    fresh = pinn.multiscale_networks if problem.kind == "elliptic" else spacetime_networks
    shape = {k: arguments[k] for k in ("hidden", "seed")}
    networks = tuple(copy.deepcopy(n) for n in start) if start is not None else fresh(problem, **shape)
    network = _of_space(run, networks[0])
    monitor = Monitor(lambda: {"error": relative(_values(network, points)[:, 0], u)}, EVERY, run.reporter.step)
    depends = run.results["training"]["homogenized"]["loss"] if start is not None else ()
    titles = {"classical": "classical PINN", "transfer": "classical PINN from p (transfer)"}
    solution, meta = run.timed(
        titles[name], name,
        lambda: run.trained(
            name, networks, lambda **more: run.pinn.solve_multiscale(problem, **arguments, **more), arguments, depends, monitor,
            run.paper.average["classical"],
        ),
    )  # fmt: skip
    setattr(run, name, solution)
    curve = meta["monitored"]
    return {
        "error": curve["averages"]["error"], "final": relative(solution.field.values(points), u),
        "monitored": curve, "seconds": meta["seconds"], "kind": meta["kind"],
    }  # fmt: skip


def oversampling_study(run: Run) -> dict[str, Any]:
    """The cell problems with oversampled points and without: errors averaged over the last epochs, by corrector and seed.

    The first seed trains all correctors, the other ones the first corrector only. The same loss is also minimized by
    Levenberg-Marquardt, which shows what it is worth when the training is not what limits it.
    """
    own = run.networks["cell"]["seed"]
    found: dict[str, Any] = {"rows": [], "curves": {}}
    for kind in ("with", "without"):
        for seed in range(own, own + len(run.paper.seeds)):
            arguments = dict(run.networks["cell"]) | {"seed": seed}
            if kind == "without":
                arguments |= {"periodicity": "penalty", "weights": run.paper.without}
            if kind == "with" and seed == own:
                meta = run.results["training"]["cell"]
            else:
                meta = _cell_training(run, f"cell-{kind}-{seed}", f"cell, {kind}, seed {seed}", arguments, seed == own)
            curve = meta["monitored"]
            if seed == own:
                found["curves"][kind] = curve
            for name, error in curve["averages"].items():
                found["rows"].append(
                    {"optimizer": "adam", "corrector": name, "seed": seed, "kind": kind, "error": error}
                )
        found["rows"] += _second_order(run, kind)
    return found


def _second_order(run: Run, kind: str) -> list[dict[str, Any]]:
    """The same points and weights, a smaller network, Levenberg-Marquardt."""
    given = run.networks["cell"]
    names = ("points", "oversampling", "weights", "periodicity")
    arguments = {k: given[k] for k in names if k in given} | {"hidden": (16, 16)}
    arguments["optimizer"] = LevenbergMarquardt(steps=60)
    if kind == "without":
        arguments |= {"periodicity": "penalty", "weights": run.paper.without}
    rows = []
    for seed in range(given["seed"], given["seed"] + len(run.paper.seeds)):
        chosen = arguments | {"seed": seed}
        networks = run.pinn.cell_networks(run.problem, **shape_of(chosen))
        solve = partial(run.pinn.solve_cell, run.problem, **chosen)
        train = partial(run.trained, f"cell-lm-{kind}-{seed}", networks, solve, chosen, ())
        chi, _ = run.timed(f"cell, {kind}, Levenberg-Marquardt, seed {seed}", "oversampling", train)
        errors = comparison.cell_errors(run.problem, chi, run.cell, run.comm)
        for name, error in zip(_names(run, len(errors)), errors, strict=True):
            rows.append(
                {"optimizer": "levenberg-marquardt", "corrector": name, "seed": seed, "kind": kind, "error": error}
            )
    return rows


def _cell_training(run: Run, name: str, title: str, arguments: dict[str, Any], every: bool) -> dict[str, Any]:
    """Train all correctors, or the first one only."""
    problem: Any = run.problem
    networks = run.pinn.cell_networks(problem, **shape_of(arguments))
    networks = networks if every else networks[:1]
    monitor = cell_monitor(run, networks)

    def first_only(networks: Any, train: bool = True, **training: Any) -> Any:
        if not train:
            return SimpleNamespace()
        keys = ("periodicity", "points", "oversampling", "weights")
        rows = cell_rows(problem, *(arguments.get(k, 2) for k in keys))
        history = train_network(
            networks[0], [part.output(0) for part in rows], optimizer=arguments["optimizer"],
            precision=arguments.get("precision", "double"), **training,
        )  # fmt: skip
        return SimpleNamespace(history=history)

    solve = first_only
    if every or problem.kind != "elliptic" or problem.dim == 1:
        solve = partial(run.pinn.solve_cell, problem, **arguments)
    _, meta = run.timed(
        title, "oversampling",
        lambda: run.trained(name, networks, solve, arguments, every, monitor, run.paper.average["cell"]),
    )  # fmt: skip
    return meta


def spread(run: Run, count: int) -> dict[str, Any]:
    """The networks' errors from several seeds, the first being those of the run itself; collective."""
    problem: Any = run.problem
    first = run.networks["cell"]["seed"]
    found: dict[str, Any] = {"seeds": list(range(first, first + count))}

    def add(errors: dict[str, float], cell: list[float], difference: float) -> None:
        for name in ("e1", "e2", "e3"):
            found.setdefault(name, []).append(errors[name])
        found.setdefault("cell", []).append(cell)
        found.setdefault("coefficient", []).append(difference)

    add(
        run.results["errors"],
        run.results["cell"]["pinn"]["errors"],
        run.results["homogenized"]["relative_difference"],
    )
    space = run.u.function.function_space
    # The mesh that is good enough for the first seed is for the others, as its estimate has shown.
    mesh = settled(run.w) or settled(run.v)
    elements = run.elements["homogenized"] | mesh | {"tol": None, "estimate": False}
    for seed in found["seeds"][1:]:
        cell, homogenized = (
            {**run.networks[part], **run.settled.get(part, {}), "seed": seed} for part in ("cell", "homogenized")
        )

        def task(seed: int = seed, cell: Any = cell, homogenized: Any = homogenized) -> None:
            chi, _ = run.trained(
                f"cell-seed-{seed}", run.pinn.cell_networks(problem, **shape_of(cell)),
                lambda **more: run.pinn.solve_cell(problem, **cell, **more), cell, (),
            )  # fmt: skip
            w = run.fem.solve_homogenized(problem, chi.coefficient, run.comm, **elements)
            p, _ = run.trained(
                f"homogenized-seed-{seed}", run.pinn.homogenized_networks(problem, **shape_of(homogenized)),
                lambda **more: run.pinn.solve_homogenized(problem, chi.coefficient, **homogenized, **more), homogenized,
                plain(chi.coefficient),
            )  # fmt: skip
            errors = comparison.errors(run.u, w=comparison.to_space(w, space), p=comparison.to_space(p, space))
            difference = relative_difference(chi.coefficient, run.cell.coefficient)
            add(errors, comparison.cell_errors(problem, chi, run.cell, run.comm), difference)

        run.timed(f"the networks again, seed {seed}", "seeds", task)
    return found


def shape_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a solver's arguments that determine its networks."""
    names = ("seed", "hidden", "formulation", "periodicity", "scale", "separate", "method", "stages", "steps", "waves",
             "frequencies", "medium", "separable")  # fmt: skip
    return {name: arguments[name] for name in names if name in arguments}
