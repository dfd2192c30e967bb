"""The paper's experiments around a run: error curves, classical PINN, transfer learning, oversampling against none."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from hybrid import pinn
from hybrid.comparison import at_points, grid, on_points
from hybrid.pinn import reaction
from hybrid.pinn.network import VALUE, Network
from hybrid.pinn.spacetime import at_time, spacetime_networks
from hybrid.problems import is_slow, kind_of
from hybrid.study.monitor import Monitor, relative, significant
from hybrid.symbols import coordinates, evaluate

if TYPE_CHECKING:
    from hybrid.study.run import Run

Array = npt.NDArray[np.float64]

EVERY = 20
"""Epochs between two measurements of a training's error."""


def cell_monitor(run: Run, networks: Sequence[Network]) -> Monitor | None:
    """‖χ_j - χ_j,FEM‖ / ‖χ_j,FEM‖ on the paper's grid of the cell while the networks train; none for slow coefficients."""
    if is_slow(run.problem):
        return None
    points = grid([(0.0, p) for p in run.problem.period], 101)
    exact = [on_points(c, points) for c in run.cell.correctors]

    def measure() -> dict[str, float]:
        found = np.concatenate([_values(network, points) for network in networks], axis=1)
        return {
            name: relative(found[:, j] - found[:, j].mean(), exact[j]) for j, name in enumerate(_names(run, len(exact)))
        }

    return Monitor(measure, EVERY, run.reporter.step)


def _names(run: Run, count: int) -> list[str]:
    return [f"chi_{j}" for j in range(1, count + 1)] if kind_of(run.problem) == "elliptic" else ["N"]


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
    return network if kind_of(problem) == "elliptic" else at_time(network, problem.T)


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
    solver: Any = pinn if kind_of(problem) == "elliptic" else reaction
    fresh = pinn.multiscale_networks if kind_of(problem) == "elliptic" else spacetime_networks
    shape = {k: arguments[k] for k in ("hidden", "seed")}
    networks = tuple(copy.deepcopy(n) for n in start) if start is not None else fresh(problem, **shape)
    network = _of_space(run, networks[0])
    monitor = Monitor(lambda: {"error": relative(_values(network, points)[:, 0], u)}, EVERY, run.reporter.step)
    depends = run.results["training"]["homogenized"]["loss"] if start is not None else ()
    titles = {"classical": "classical PINN", "transfer": "classical PINN from p (transfer)"}
    solution, meta = run.timed(
        titles[name], name,
        lambda: run.trained(
            name, networks, lambda **more: solver.solve_multiscale(problem, **arguments, **more), arguments, depends, monitor,
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
    """The cell problems with oversampled points and without, over several seeds: errors averaged over the last epochs."""
    found: dict[str, Any] = {"seeds": list(run.paper.seeds), "with": [], "without": [], "curves": {}}
    for kind in ("with", "without"):
        for seed in run.paper.seeds:
            arguments = dict(run.networks["cell"]) | {"seed": seed}
            if kind == "without":
                arguments |= {"periodicity": "penalty", "weights": run.paper.without}
            if kind == "with" and seed == run.networks["cell"]["seed"]:
                meta = run.results["training"]["cell"]
            else:
                meta = _cell_training(run, f"cell-{kind}-{seed}", f"cell, {kind} oversampling, seed {seed}", arguments)
            curve = meta["monitored"]
            found[kind].append(list(curve["averages"].values()))
            if seed == run.paper.seeds[0]:
                found["curves"][kind] = curve
    for kind in ("with", "without"):
        found[f"median_{kind}"] = np.median(np.array(found[kind]), axis=0).tolist()
    ratio = np.array(found["without"]) / np.array(found["with"])
    found["ratio"] = {"median": float(np.median(ratio)), "least": float(ratio.min()), "largest": float(ratio.max())}
    return found


def _cell_training(run: Run, name: str, title: str, arguments: dict[str, Any]) -> dict[str, Any]:
    solver: Any = pinn if kind_of(run.problem) == "elliptic" else reaction
    shape = {k: arguments[k] for k in ("seed", "hidden", "periodicity", "separate") if k in arguments}
    networks = solver.cell_networks(run.problem, **shape)
    monitor = cell_monitor(run, networks)
    _, meta = run.timed(
        title, "oversampling",
        lambda: run.trained(
            name, networks, lambda **more: solver.solve_cell(run.problem, **arguments, **more), arguments, (), monitor,
            run.paper.average["cell"],
        ),
    )  # fmt: skip
    return meta


def samples(run: Run) -> dict[str, Any]:
    """Values on grids for the figures; collective."""
    problem: Any = run.problem
    count, inner = (1001, 201) if problem.dim == 1 else (81, 61)
    points = grid(problem.domain, count)
    named = {"u": run.u, "v": run.v, "w": run.w, "p": run.p}
    found: dict[str, Any] = {
        "points": count,
        "coefficient": significant(_coefficient(problem, points), 5),
        **{name: significant(on_points(s, points)) for name, s in named.items()},
    }
    for name in ("classical", "transfer"):
        if hasattr(run, name):
            found[name] = significant(getattr(run, name).field.values(points))
    if is_slow(problem):
        found["cell"] = _slow_samples(run, points) if problem.dim == 1 else None
    else:
        cell = grid([(0.0, q) for q in problem.period], inner)
        found["cell"] = {
            "points": inner,
            "fem": [significant(at_points(c, cell)) for c in run.cell.correctors],
            "pinn": [significant(c.values(cell)) for c in run.chi.correctors],
        }
    return found


def _slow_samples(run: Run, points: Array) -> dict[str, Any]:
    """a*(x) and its derivative by both paths; collective."""
    fem, net = run.cell.coefficient, run.chi.coefficient
    at = points[::5]
    return {
        "x": significant(at[:, 0]),
        "a_fem": significant(fem(at)[:, 0, 0]), "a_pinn": significant(net(at)[:, 0, 0]),
        "slope_fem": significant(fem.gradient(at)[:, 0, 0, 0]), "slope_pinn": significant(net.gradient(at)[:, 0, 0, 0]),
        "nodes": significant(net.nodes[:, 0]), "slope_autodiff": significant(run.chi.slopes[:, 0, 0, 0]),
    }  # fmt: skip


def _coefficient(problem: Any, points: Array) -> Array:
    """The first entry of a(x, x/ε), or r(x/ε)."""
    values = coordinates(problem.slow, points) | coordinates(problem.fast, points / problem.eps)
    expression = problem.matrix[0, 0] if kind_of(problem) == "elliptic" else problem.r
    return np.broadcast_to(np.asarray(evaluate(expression, values), dtype=float), len(points))
