"""The names that `hybrid.pinn` exports, for both kinds of problem."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError, ReactionDiffusionProblem, pinn
from hybrid.pinn import LastLayer
from hybrid.pinn.intime import evolution, stages
from hybrid.pinn.steady import homogenized
from hybrid.symbols import cos, pi, sin, x, y

ELLIPTIC = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + sin(2 * pi * y[0]), f=1)
REACTION = ReactionDiffusionProblem(
    domain=[(0, 1)], eps=0.1, D=0.5, r=cos(2 * pi * y[0]), f=sin(pi * x[0]), u0=0, T=0.1
)


@pytest.mark.parametrize("problem", [ELLIPTIC, REACTION])
def test_both_kinds_go_through_the_same_names(problem: EllipticProblem | ReactionDiffusionProblem) -> None:
    small = {"hidden": (30,), "optimizer": LastLayer()}
    cell = pinn.solve_cell(problem, points=40, **small)  # type: ignore[call-overload]
    assert len(pinn.cell_networks(problem, hidden=(3,))) == 1
    p = pinn.solve_homogenized(problem, cell.coefficient, points=60, **small)
    assert p.trust["solution"].error is not None
    assert len(pinn.homogenized_networks(problem, hidden=(3,))[0].weights[0]) == 3
    arguments = pinn.preset("fast", "homogenized", problem)
    assert next(pinn.homogenized_rungs(problem, cell.coefficient, arguments)) == arguments
    networks = pinn.multiscale_networks(problem, hidden=(3,))
    u = pinn.solve_multiscale(problem, networks=networks, hidden=(3,), points=8, optimizer=LastLayer())
    assert np.isfinite(u.field.values([[0.5]])).all()


def test_another_kind_is_refused() -> None:
    for call in (
        lambda: pinn.solve_homogenized("problem", [[1.0]]),  # type: ignore[arg-type]
        lambda: pinn.solve_multiscale(3),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match="problem"):
            call()


def test_an_equation_of_another_kind_is_refused() -> None:
    for call in (
        lambda: homogenized.solve_homogenized(ELLIPTIC.multiscale(), optimizer=LastLayer()),
        lambda: stages.solve_stages(ELLIPTIC.multiscale()),
        lambda: evolution.solve_homogenized(REACTION.multiscale()),
    ):
        with pytest.raises(InputError, match="equation"):
            call()
