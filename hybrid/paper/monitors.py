"""The errors of the paper's networks while they train, on its grids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from hybrid.comparison import grid, on_points
from hybrid.paper.settings import paper_settings
from hybrid.pinn.functions.network import VALUE, Network
from hybrid.pinn.intime.spacetime import at_time
from hybrid.study.monitor import Measure, Monitor, relative
from hybrid.study.recorder import Recorder
from hybrid.study.samples import grid_count

Array = npt.NDArray[np.float64]

EVERY = 20
"""Epochs between two measurements of a training's error."""
CELL_GRID = 101
"""Points along each side of the cell on which correctors are compared."""


def monitor(run: Recorder, part: str, measure: Measure, *, separate: bool = False) -> Monitor:
    """Measures as often, and averages over as many epochs, as the paper does for a part."""
    return Monitor(measure, EVERY, run.reporter.step, paper_settings(run.problem).average[part], separate=separate)


def cell_monitor(run: Recorder, networks: Sequence[Network]) -> Monitor | None:
    """‖χ_j - χ_j,FEM‖ / ‖χ_j,FEM‖ on the paper's grid of the cell while the networks train; none for slow coefficients."""
    if run.problem.flux.depends_on:
        return None
    points = grid(run.problem.cell, CELL_GRID)
    exact = [_centred(on_points(c, points)) for c in run.cell.correctors]

    def measure() -> dict[str, float]:
        found = np.concatenate([values_of(network, points) for network in networks], axis=1)
        own = zip(run.problem.correctors, found.T, exact, strict=False)  # the first one may be trained alone
        return {name: relative(_centred(values), known) for name, values, known in own}

    return monitor(run, "cell", measure, separate=len(networks) > 1)


def homogenized_monitor(run: Recorder, networks: Sequence[Network]) -> Monitor:
    """e1 and e3 on the paper's grid while the homogenized network trains."""
    points = test_points(run)
    u, w = on_points(run.u, points), on_points(run.w, points)
    network = of_space(run, networks[0])

    def measure() -> dict[str, float]:
        p = values_of(network, points)[:, 0]
        return {"e1": relative(p, u), "e3": relative(p, w)}

    return monitor(run, "homogenized", measure)


def values_of(network: Network, points: Array) -> Array:
    """All outputs at the points, (n, outputs), in the precision of the training."""
    return network.evaluate(torch.tensor(points), VALUE)[0].numpy()


def test_points(run: Recorder) -> Array:
    """The grid on which solutions are compared."""
    return grid(run.problem.domain, grid_count(run.problem))


def of_space(run: Recorder, network: Network) -> Network:
    """The network of x that is compared: for space-time networks that at t = T."""
    time = run.problem.multiscale().time
    return network if time is None else at_time(network, time.until)


def _centred(values: Array) -> Array:
    return np.asarray(values - values.mean())
