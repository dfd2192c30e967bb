"""Settings of networks: no name that a network is made by can be forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields

import pytest

from hybrid.pinn.cells import cell, sourcecell
from hybrid.pinn.intime import evolution, spacetime, stages
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.settings import NetworkSettings, Shape
from hybrid.pinn.steady import homogenized, multiscale

MAKERS = (
    cell.cell_networks, homogenized.homogenized_networks, multiscale.multiscale_networks, evolution.homogenized_networks,
    sourcecell.cell_networks, spacetime.spacetime_networks, stages.stage_networks,
)  # fmt: skip
SOLVERS = (
    cell.solve_cell, homogenized.solve_homogenized, multiscale.solve_multiscale, evolution.solve_homogenized,
    sourcecell.solve_cell, spacetime.solve_spacetime, stages.solve_stages,
)  # fmt: skip


def named(functions: tuple[Callable[..., object], ...]) -> set[str]:
    parameters = [one for function in functions for one in inspect.signature(function).parameters.values()]
    return {one.name for one in parameters if one.kind == inspect.Parameter.KEYWORD_ONLY}


def test_the_shape_is_all_that_networks_are_made_by() -> None:
    assert {one.name for one in fields(Shape)} == named(MAKERS)


def test_settings_are_all_that_solvers_take() -> None:
    running = {"networks", "train", "comm", "progress", "checkpoint"}
    assert {one.name for one in fields(NetworkSettings)} == (named(SOLVERS) | Training.__annotations__.keys()) - running


def test_only_what_is_set_is_handed_on() -> None:
    settings = NetworkSettings(hidden=(8,), optimizer=LastLayer(), points=9, seed=0, boundary="hard")
    assert settings.arguments() == {
        "hidden": (8,),
        "seed": 0,
        "optimizer": LastLayer(),
        "points": 9,
        "boundary": "hard",
    }
    assert settings.shape.arguments() == {"hidden": (8,), "seed": 0}
    with pytest.raises(TypeError, match="unknown"):
        NetworkSettings(hidden=(8,), optimizer=LastLayer(), points=9, unknown=1)  # type: ignore[call-arg]
