"""One expression, the same numbers everywhere."""

from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

import ufl
from dolfinx import fem
from dolfinx.mesh import create_unit_square

from hybrid import InputError
from hybrid.symbols import FUNCTIONS, as_steps, evaluate, latex, numpy_function, parse, parse_number, x, y

NUMBERS = st.integers(-5, 5) | st.floats(-3, 3).map(lambda v: round(v, 3))
LEAVES = st.sampled_from([str(s) for s in (*x[:2], *y[:2])]) | NUMBERS.map(lambda v: f"({v})") | st.just("pi")


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(inner, inner).map(lambda t: f"({t[0]} / (2 + cos({t[1]})))")
        | st.tuples(st.sampled_from(["sin", "cos", "tanh", "atan"]), inner).map(lambda t: f"{t[0]}({t[1]})")
        | st.tuples(inner, st.integers(2, 3)).map(lambda t: f"sin({t[0]})**{t[1]}")
        | inner.map(lambda e: f"sqrt(1 + ({e})**2)")
        | inner.map(lambda e: f"exp(-abs({e}))")
    )


EXPRESSIONS = st.recursive(LEAVES, _grow, max_leaves=6)
POINTS = st.lists(st.floats(-2, 2), min_size=4, max_size=4)


def _close(a: float, b: float, scale: float = 1.0) -> bool:
    return abs(a - b) <= 1e-13 * max(1.0, abs(a), abs(b), scale)


@given(EXPRESSIONS, POINTS)
def test_back_ends_agree(text: str, point: list[float]) -> None:
    symbols = (*x[:2], *y[:2])
    expression = parse(text, symbols, "test")
    by_numpy = float(evaluate(expression, dict(zip(symbols, np.array(point), strict=True))))
    by_torch = float(
        evaluate(expression, dict(zip(symbols, torch.tensor(point, dtype=torch.float64), strict=True)), "torch")
    )
    coefficients = dict(zip(symbols, map(ufl.as_ufl, point), strict=True))
    by_ufl = float(ufl.as_ufl(evaluate(expression, coefficients, "ufl"))(()))
    assert _close(by_numpy, by_torch)
    assert _close(by_numpy, by_ufl)


@given(EXPRESSIONS, POINTS)
def test_symbolic_derivatives_agree_with_automatic_ones(text: str, point: list[float]) -> None:
    symbols = (*x[:2], *y[:2])
    smooth = text.replace("abs(", "atan(")
    expression = parse(smooth, symbols, "test")
    values = {s: torch.tensor(v, dtype=torch.float64, requires_grad=True) for s, v in zip(symbols, point, strict=True)}
    value = torch.as_tensor(evaluate(expression, values, "torch"))
    for s in symbols:
        symbolic = float(evaluate(sympy.diff(expression, s), {k: v.detach() for k, v in values.items()}, "torch"))
        automatic = 0.0
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value, values[s], retain_graph=True, allow_unused=True)
            automatic = 0.0 if gradient is None else float(gradient)
        assert symbolic == pytest.approx(automatic, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    "text",
    [
        "2 + sin(2*pi*x0)*cos(2*pi*x1)",
        "max(x0, x1, 0.3) + min(x0, 1/2)",
        "exp(x0)/(1 + x1**2) - sqrt(x0 + 1)",
        "abs(x0 - x1)**3",
    ],
)
def test_compiled_ufl_agrees_with_numpy(text: str) -> None:
    mesh = create_unit_square(MPI.COMM_SELF, 3, 3)
    space = fem.functionspace(mesh, ("Lagrange", 2))
    expression = parse(text, x[:2], "test")
    coordinate = ufl.SpatialCoordinate(mesh)
    values = dict(zip(x[:2], coordinate, strict=True))
    by_ufl = ufl.as_ufl(evaluate(expression, values, "ufl"))
    compiled = fem.Expression(by_ufl, space.element.interpolation_points)
    function = fem.Function(space)
    function.interpolate(compiled)
    expected = numpy_function(expression)(space.tabulate_dof_coordinates()[:, :2])
    assert np.abs(function.x.array - expected).max() < 1e-13 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "step"])
def test_every_function_has_its_derivative_in_every_back_end(name: str) -> None:
    inner = "x0/4 + 1/3"
    text = f"{name}({inner}, x0)" if name in {"min", "max"} else f"{name}({inner})"
    mesh = create_unit_square(MPI.COMM_SELF, 1, 1)
    coordinate = ufl.SpatialCoordinate(mesh)
    for expression in (parse(text, x[:1], "test"), sympy.diff(parse(text, x[:1], "test"), x[0])):
        point = 0.37
        by_numpy = float(evaluate(expression, {x[0]: np.array(point)}))
        by_torch = float(evaluate(expression, {x[0]: torch.tensor(point, dtype=torch.float64)}, "torch"))
        by_ufl = float(ufl.as_ufl(evaluate(expression, {x[0]: coordinate[0]}, "ufl"))((point, 0.0)))
        assert _close(by_numpy, by_torch)
        assert _close(by_numpy, by_ufl)


def test_pieces_become_steps() -> None:
    """Conditions with and, or, not; the values are those of SymPy's own Piecewise."""
    u, v = x[0] < sympy.S.Half, x[1] >= sympy.S.One / 3
    piecewise = sympy.Piecewise((1, u & v), (x[0], sympy.Not(u) | (x[1] > 0.9)), (3, x[0] > 2), (7, True))
    steps = as_steps(2 * piecewise)
    assert not steps.has(sympy.Piecewise)
    points = np.random.default_rng(0).random((50, 2))
    exact = [float(2 * piecewise.subs(dict(zip(x[:2], p, strict=True)))) for p in points]
    assert numpy_function(steps)(points) == pytest.approx(np.array(exact))
    with pytest.raises(InputError, match="not a comparison"):
        as_steps(sympy.Piecewise((1, sympy.Eq(x[0], 1)), (2, True)))


def test_absolute_values_of_roots_can_be_differentiated() -> None:
    slope = sympy.diff(parse("abs(sqrt(2 + sin(x0)) - 1)", x[:1], "a"), x[0])
    assert float(evaluate(slope, {x[0]: np.array(0.3)})) == pytest.approx(
        math.cos(0.3) / 2 / math.sqrt(2 + math.sin(0.3))
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2 + z0", "unknown name 'z0'"),
        ("2 + x2", "unknown name 'x2'"),
        ("gamma(x0)", "unknown function 'gamma'"),
        ("__import__('os').system('true')", "not allowed"),
        ("().__class__", "not allowed"),
        ("[1, 2]", "not allowed"),
        ("x0 if x1 else 1", "not allowed"),
        ("True", "not a number"),
        ("9**9**9**9", "power above"),
        ("(" * 400 + "x0" + ")" * 400, "not an expression"),
        ("1/0", "not a finite real number"),
        ("sqrt(-2)", "not a finite real number"),
        ("x0 +", "not an expression"),
        ("x0, x1", "not allowed"),
        ("sin(x0, x1)", "one argument"),
        ("1+" * 2000 + "1", "characters"),
        ("1e400", "1e15"),
        ("((((9**99)**99)**99)**99)**99", "above 1e300"),
        ("acos(2)", "not a finite real number"),
        ("(-8)**(1/3)", "not a finite real number"),
        ("x0**(0/0)", "not a finite real number"),
    ],
)
def test_the_parser_refuses(text: str, part: str) -> None:
    with pytest.raises(InputError, match="field: ") as caught:
        parse(text, x[:2], "field")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers() -> None:
    assert parse_number("2*pi", "period") == pytest.approx(2 * math.pi)
    assert parse_number(3, "eps") == 3.0
    for bad in (True, "x0", None, float("nan"), [1]):
        with pytest.raises(InputError, match="eps"):
            parse_number(bad, "eps")


def test_latex_writes_indices() -> None:
    assert latex(parse("x0*y1", (*x, *y), "a")) == "x_0 y_1"


def test_a_symbol_without_a_value_is_named() -> None:
    with pytest.raises(InputError, match="y1"):
        evaluate(x[0] + y[1], {x[0]: 1.0})
