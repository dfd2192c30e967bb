"""What every problem file has, whatever its kind: as JSON Schema, and as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.checks import check_domain, check_period
from hybrid.failures import InputError
from hybrid.study.case import REFERENCES
from hybrid.symbols import parse_number

_NUMBER: Mapping[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string"}]}
COMMON: Mapping[str, Mapping[str, Any]] = {
    "domain": {
        "description": "one [low, high] for each of 1 to 3 dimensions", "type": "array", "minItems": 1, "maxItems": 3,
        "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": _NUMBER},
    },
    "eps": {"description": "the scale of what oscillates with y = x/eps, positive", **_NUMBER},
    "period": {
        "description": "of the coefficient in y, 1 where it is left out; one number, or one for each dimension",
        "anyOf": [*_NUMBER["anyOf"], {"type": "array", "minItems": 1, "maxItems": 3, "items": _NUMBER}],
    },
    "mesh": {
        "description": "a Gmsh file with a mesh of the cell, relative to this file; the coefficient then is a table with a "
        "value for each region, by the name or the number of its physical group",
        "type": "string", "minLength": 1,
    },
    "name": {
        "description": "what the problem is called, and the folder of its results; the file's name where it is left out",
        "type": "string", "minLength": 1, "maxLength": 100,
    },
    "layers": {
        "description": "whether reconstructions go beyond the first order, to layers at the boundary and the second order: "
        "true or false; left out they do, but in space, where that takes longer than all the rest",
        "type": "boolean",
    },
    "direct": {
        "description": "whether a run also trains networks on the equation with x/eps itself, without homogenization, true or "
        "false",
        "type": "boolean",
    },
    "certify": {
        "description": "whether a run also proves bounds of the errors of reconstructions, true or false", "type": "boolean",
    },
    "reference": {
        "description": "what errors are measured with: fem, u_eps on a mesh that resolves eps, or none, where they are bounded "
        "alone, at any eps",
        "enum": list(REFERENCES),
    },
}  # fmt: skip
"""The fields of every problem, as JSON Schema."""
CONSTANTS: Mapping[str, Any] = {
    "description": "numbers with names, for the expressions of the file",
    "type": "object", "additionalProperties": _NUMBER,
}  # fmt: skip


def domain_of(value: Any) -> tuple[tuple[float, float], ...]:
    """Sides, each (low, high).

    Raises:
        InputError: It is something else.
    """
    if not isinstance(value, list) or not value or not all(isinstance(i, list) and len(i) == 2 for i in value):
        raise InputError("domain", f"{value!r}; allowed is one [low, high] for each dimension, e.g. [[0, 1], [0, 1]]")
    return check_domain([(parse_number(low, "domain"), parse_number(high, "domain")) for low, high in value])


def period_of(value: Any, dim: int | None) -> tuple[float, ...]:
    """One for each dimension; with a domain that is not known, those that are given.

    Raises:
        InputError: It is something else, or of another dimension.
    """
    if not isinstance(value, list):
        return check_period(parse_number(value, "period"), dim or 1)
    return check_period([parse_number(p, "period") for p in value], len(value) if dim is None else dim)


def name_of(value: Any) -> str:
    """A name is also a folder: one plain path component.

    Raises:
        InputError: It is something else.
    """
    good = isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable() and not set(value) & set("/\\")
    if not good or value.startswith("."):
        raise InputError("name", f"{value!r}; allowed is a plain name, it becomes a folder")
    return value
