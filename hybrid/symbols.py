"""One SymPy expression, four uses: UFL, torch, NumPy and LaTeX.

A coefficient is written once, in the slow variables x0, x1, x2, the fast variables y0, y1, y2 and the time t. The same
tree walk turns it into every back end in the same order of operations, so that the finite elements and the networks are
given the same function to rounding. Texts from users go through `parse`, which builds the expression from an allow-list
and never evaluates them as code.
"""

from __future__ import annotations

import ast
import importlib
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Abs, Expr, Symbol, acos, asin, atan, cos, cosh, exp, log, pi, sin, sinh, sqrt, tan, tanh

from hybrid.computed import Computed
from hybrid.failures import InputError

__all__ = ["Abs", "acos", "asin", "atan", "cos", "cosh", "evaluate", "exp", "latex", "log", "numpy_function", "parse",
           "parse_number", "pi", "sin", "sinh", "sqrt", "t", "tan", "tanh", "x", "y"]  # fmt: skip

x: tuple[Symbol, ...] = sympy.symbols("x0:3", real=True)
y: tuple[Symbol, ...] = sympy.symbols("y0:3", real=True)
t: Symbol = Symbol("t", real=True)

FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan,
    "sinh": sinh, "cosh": cosh, "tanh": tanh, "exp": exp, "log": log, "sqrt": sqrt,
    "abs": lambda u: sympy.Max(u, -u),  # SymPy's Abs has no real derivative where it cannot see that u is real
    "min": sympy.Min, "max": sympy.Max,
    "step": sympy.Heaviside,
}  # fmt: skip

# SymPy's name of a function -> its name in a back end, where the two differ.
_NAMES = {
    "numpy": {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "Abs": "abs", "Max": "maximum", "Min": "minimum"},
    "torch": {"Abs": "abs", "Max": "maximum", "Min": "minimum"},
    "ufl": {"log": "ln", "Abs": "algebra.Abs", "Max": "max_value", "Min": "min_value"},
}


def _function(module: str, name: str) -> Callable[..., Any]:
    path = _NAMES[module].get(name, name)
    try:
        return operator.attrgetter(path)(importlib.import_module(module))
    except AttributeError:
        raise InputError("expression", f"the function {name} has no counterpart in {module}") from None


def _step(module: str, value: Any) -> Any:
    """Heaviside's step, 1/2 at zero; what SymPy's derivatives of min and max contain."""
    if module == "ufl":
        import ufl

        return 0.5 * (1 + ufl.sign(value))
    return 0.5 * (1 + _function(module, "sign")(value))


def as_steps(expression: Expr) -> Expr:
    """The expression with every Piecewise written as a sum of products of Heaviside's steps, which all back ends know.

    Raises:
        InputError: A condition that is not made of <, >, and, or, not.
    """

    def indicator(condition: Any) -> Expr:
        match condition:
            case sympy.StrictGreaterThan() | sympy.GreaterThan():
                return sympy.Heaviside(condition.lhs - condition.rhs)
            case sympy.StrictLessThan() | sympy.LessThan():
                return sympy.Heaviside(condition.rhs - condition.lhs)
            case sympy.And():
                return sympy.Mul(*map(indicator, condition.args))
            case sympy.Or():
                return 1 - sympy.Mul(*(1 - indicator(c) for c in condition.args))
            case sympy.Not():
                return 1 - indicator(condition.args[0])
        if condition in {sympy.true, sympy.false}:
            return sympy.Integer(bool(condition))
        raise InputError("expression", f"the condition {condition} is not a comparison of two numbers")

    def pieces(*branches: Any) -> Expr:
        total, rest = sympy.S.Zero, sympy.S.One
        for value, condition in branches:
            inside = indicator(condition)
            total, rest = total + rest * inside * value, rest * (1 - inside)
        return total

    return expression.replace(sympy.Piecewise, pieces)


def evaluate(
    expression: Expr | float,
    values: Mapping[Symbol, Any],
    module: str = "numpy",
    number: Callable[[float], Any] = float,
) -> Any:
    """The expression at the given values of its symbols, in the arithmetic of `module`: "numpy", "torch" or "ufl".

    Args:
        expression: A SymPy expression of x, y and t.
        values: What each symbol stands for: arrays, tensors or UFL expressions of one shape.
        module: The back end.
        number: What stands for a number beside symbols.

    Returns:
        An array, tensor or UFL expression; a float where the expression is constant.

    Raises:
        InputError: A function without a counterpart in the back end, or a symbol without a value.
    """
    seen: dict[Any, Any] = {}
    varies: dict[Any, bool] = {}  # SymPy looks through the whole tree for every node anew

    def has_symbols(node: Any) -> bool:
        if node not in varies:
            varies[node] = node.is_Symbol or any(map(has_symbols, node.args))
        return varies[node]

    def walk(node: Expr) -> Any:
        if node not in seen:
            seen[node] = visit(node)
        return seen[node]

    def visit(node: Expr) -> Any:
        if node in values:
            return values[node]
        if not has_symbols(node):
            return number(float(node))
        if node.is_Add:
            return reduce(operator.add, map(walk, node.args))
        if node.is_Mul:
            return reduce(operator.mul, map(walk, node.args))
        if node.is_Pow:
            base, exponent = node.args
            if exponent == sympy.S.Half:
                return _function(module, "sqrt")(walk(base))
            if exponent == -sympy.S.Half:
                return 1 / _function(module, "sqrt")(walk(base))
            if exponent.is_Integer:
                power = walk(base) ** abs(int(exponent))
                return power if exponent > 0 else 1 / power
            return walk(base) ** walk(exponent)
        if node.is_Symbol:
            raise InputError("expression", f"{node} has no value here; known are {', '.join(map(str, values))}")
        if isinstance(node, sympy.Heaviside):
            return _step(module, walk(node.args[0]))
        arguments = list(map(walk, node.args))
        if isinstance(node, Computed):
            return node.at(module, arguments)
        if isinstance(node, sympy.Max | sympy.Min):
            return reduce(lambda a, b: _pair(module, type(node).__name__, a, b), arguments)
        return _function(module, type(node).__name__)(*arguments)

    whole = sympy.sympify(expression, strict=True)
    return walk(whole) if has_symbols(whole) else float(whole)


def _pair(module: str, name: str, a: Any, b: Any) -> Any:
    """Max and Min of two; torch takes no plain numbers here."""
    if module == "torch":
        import torch

        like = a if isinstance(a, torch.Tensor) else b
        a, b = (v if isinstance(v, torch.Tensor) else torch.full_like(like, v) for v in (a, b))
    return _function(module, name)(a, b)


def coordinates(symbols: Sequence[Symbol], points: Any) -> dict[Symbol, Any]:
    """Give each symbol its column of the points, (n, d)."""
    return {symbol: points[:, i] for i, symbol in enumerate(symbols)}


def numpy_function(
    expression: Expr | float, symbols: Sequence[Symbol] = x
) -> Callable[[npt.ArrayLike], npt.NDArray[np.float64]]:
    """The expression as a function of points, (n, d) -> (n,), the columns being the first d of `symbols`."""

    def function(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        array = np.asarray(points, dtype=np.float64)
        value = evaluate(expression, coordinates(symbols[: array.shape[1]], array))
        return np.broadcast_to(np.asarray(value, dtype=np.float64), array.shape[:1])

    return function


def latex(expression: Expr) -> str:
    """The expression as LaTeX, with x_0 and y_0 for the symbols."""
    return str(sympy.latex(expression, symbol_names={s: f"{s.name[0]}_{s.name[1]}" for s in (*x, *y)}))


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_LONGEST, _LARGEST_POWER = 2000, 100


def parse(text: str, symbols: Iterable[Symbol], where: str) -> Expr:
    """Read an expression from text, e.g. ``"2 + sin(2*pi*y0)*cos(2*pi*y1)"``.

    Allowed are numbers, + - * / **, parentheses, `pi`, the functions in `FUNCTIONS` and the given symbols; nothing else
    is looked at, and no text is ever executed.

    Args:
        text: What the user wrote.
        symbols: The variables that may appear.
        where: The place (file and field) that an error message names.

    Raises:
        InputError: With the part that is not allowed.
    """
    known = {s.name: s for s in symbols} | {"pi": pi}

    def refuse(what: str) -> InputError:
        return InputError(where, f"{what} in {text if len(text) < 200 else text[:200] + '…'!r}")

    def real(number: Expr) -> Expr:
        if (number.is_number and number.is_finite is not True) or (
            number.is_number and number.is_extended_real is not True
        ):
            raise refuse("a value that is not a finite real number")
        return number

    def walk(node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=bool()):
                raise refuse("a truth value is not a number")
            case ast.Constant(value=int() | float() as value):
                if not math.isfinite(value) or abs(value) > 1e15:
                    raise refuse("a number above 1e15")
                return sympy.Integer(value) if isinstance(value, int) else sympy.Rational(repr(value))
            case ast.Name(id=name):
                if name not in known:
                    raise refuse(f"unknown name {name!r} (allowed: {', '.join(known)}; {', '.join(FUNCTIONS)})")
                return known[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return walk(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base, exponent = walk(left), real(walk(right))
                if exponent.is_number and abs(exponent) > _LARGEST_POWER:
                    raise refuse(f"a power above {_LARGEST_POWER}")
                if base.is_number and exponent.is_number and abs(base) > 1 and exponent * sympy.log(abs(base)) > 700:
                    raise refuse("a number above 1e300")
                return real(base**exponent)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](walk(left), walk(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                count = len(arguments)
                if (count != 1) if name not in {"min", "max"} else (count < 2):
                    raise refuse(f"{name} takes {'one argument' if name not in {'min', 'max'} else 'two or more'}")
                return real(FUNCTIONS[name](*map(walk, arguments)))
            case ast.Call(func=ast.Name(id=name)):
                raise refuse(f"unknown function {name!r} (allowed: {', '.join(FUNCTIONS)})")
        raise refuse(f"{ast.unparse(node)!r} is not allowed")

    if len(text) > _LONGEST:
        raise InputError(where, f"an expression of {len(text)} characters; at most {_LONGEST} are read")
    try:
        with warnings.catch_warnings(action="ignore"):
            expression = walk(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise refuse("not an expression (a number, a variable, or + - * / ** and functions of them)") from None
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise refuse("a value that is not a finite real number")
    return expression


def parse_number(value: Any, where: str) -> float:
    """A number, or an expression without variables such as ``"2*pi"``.

    Raises:
        InputError: Neither of the two, or not finite.
    """
    if isinstance(value, str):
        value = float(parse(value, (), where))
    if isinstance(value, int) and abs(value) > 10**300:
        raise InputError(where, "a number above 1e300")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(where, f'{value!r} is not a finite number (or an expression such as "2*pi")')
    return float(value)
