"""Expressions as text that `hybrid.symbols.parse` reads back as the same expressions."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr
from sympy.printing.str import StrPrinter

_LONG = 10**15
"""Whole numbers above are not read."""


class _Printer(StrPrinter):  # type: ignore[misc]
    """SymPy's text, with the names of `hybrid.symbols.FUNCTIONS` and every digit of a number."""

    def _print_Heaviside(self, step: Any) -> str:
        return f"step({self._print(step.args[0])})"

    def _print_Max(self, largest: Any) -> str:
        return f"max({', '.join(map(self._print, largest.args))})"

    def _print_Min(self, least: Any) -> str:
        return f"min({', '.join(map(self._print, least.args))})"

    def _print_Abs(self, absolute: Any) -> str:
        return f"abs({self._print(absolute.args[0])})"

    def _print_Exp1(self, e: Any) -> str:
        return "exp(1)"

    def _print_Float(self, number: Any) -> str:
        return repr(float(number))

    def _print_Rational(self, number: Any) -> str:
        if max(abs(number.p), number.q) > _LONG and sympy.Rational(decimal := repr(float(number))) == number:
            return decimal
        return f"{number.p}/{number.q}"


def written(expression: Expr) -> float | str:
    """The expression for a problem file, where numbers without quotes are floating-point ones."""
    if isinstance(expression, sympy.Float):
        return float(expression)
    return str(_Printer().doprint(expression))
