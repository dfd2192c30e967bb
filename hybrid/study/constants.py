"""The [constants] of a problem file: numbers with names, for its expressions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from hybrid.failures import Faults, InputError
from hybrid.symbols import FUNCTIONS, parse_number, t, x, y

_TAKEN = {"pi", *FUNCTIONS, *map(str, (*x, *y, t))}
_NOT_EXPRESSIONS = {"kind", "name", "mesh", "constants", "fem", "pinn"}


def with_constants(data: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """The contents of a problem file with the values of its constants in place of their names.

    Args:
        data: The file; `constants` maps names to numbers, or to expressions without variables.
        faults: What is wrong is noted there: a name that is taken, a value that is no number, a constant that nothing uses.

    Returns:
        The file without that table.
    """
    table = data.get("constants")
    rest = {key: value for key, value in data.items() if key != "constants"}
    if table is None:
        return rest
    if not isinstance(table, dict):
        faults.note(InputError("constants", "must be a table, written [constants]"))
        return rest
    values: dict[str, ast.expr] = {}
    for name, value in table.items():
        where = f"constants.{name}"
        if not name.isidentifier() or name in _TAKEN:
            faults.note(InputError(where, "no name for a constant: it is taken, or not made of letters, digits and _"))
            continue
        values[name] = ast.Constant(1)  # a stand-in, if the value is faulty
        with faults.noted():
            parse_number(value, where)
            values[name] = ast.parse(str(value).strip() if isinstance(value, str) else repr(value), mode="eval").body
    used: set[str] = set()
    rest |= {key: _put(value, values, used) for key, value in rest.items() if key not in _NOT_EXPRESSIONS}
    faults.note(
        *(
            InputError(f"constants.{name}", "is in no expression; use it or leave it out")
            for name in values
            if name not in used
        )
    )
    return rest


def _put(value: Any, constants: Mapping[str, ast.expr], used: set[str]) -> Any:
    """An expression, or lists of them, with the values put in; what cannot be read stays as it is, to be refused as such."""
    if isinstance(value, list):
        return [_put(one, constants, used) for one in value]
    if isinstance(value, dict):  # values by region
        return {key: _put(one, constants, used) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    try:
        tree = ast.parse(value.strip(), mode="eval")
        found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & constants.keys()
        if not found:
            return value
        used |= found
        return ast.unparse(_Values(constants).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        used |= {name for name in constants if name in value}
        return value


class _Values(ast.NodeTransformer):
    def __init__(self, constants: Mapping[str, ast.expr]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.constants.get(node.id, node)
