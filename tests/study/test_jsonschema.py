"""The schema of problem files: what is read fits it, and what is refused for its shape does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hybrid import InputError
from hybrid.paper.cases import case
from hybrid.paper.titles import TITLES
from hybrid.physics import kinds
from hybrid.study.files import data_of, from_data
from hybrid.study.jsonschema import DRAFT, schema
from hybrid.study.options import FemOptions, PinnOptions
from hybrid.sweep.jsonschema import schema as schema_of_sweeps

ROOT = Path(__file__).parents[2]
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool,
}  # fmt: skip
KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "pattern", "anyOf", "oneOf", "items",
    "properties", "required", "additionalProperties", "minProperties", "minItems", "maxItems", "minLength", "maxLength",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
}  # fmt: skip


def fits(value: Any, rule: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether JSON is what a schema says, for the words that ours has."""
    assert rule.keys() <= KNOWN, rule.keys() - KNOWN
    if "$ref" in rule:
        return fits(value, root["$defs"][rule["$ref"].rpartition("/")[2]], root)
    types = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", list(TYPES))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    limits = {
        "minimum": lambda low: value >= low, "maximum": lambda high: value <= high,
        "exclusiveMinimum": lambda low: value > low, "exclusiveMaximum": lambda high: value < high,
    }  # fmt: skip
    return (
        any(isinstance(value, TYPES[one]) for one in types)
        and ("boolean" in types or not isinstance(value, bool))
        and value in rule.get("enum", [value])
        and value == rule.get("const", value)
        and (not isinstance(value, str) or re.search(rule.get("pattern", ""), value) is not None)
        and (not number or all(within(rule[word]) for word, within in limits.items() if word in rule))
        and (not isinstance(value, list) or rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", 10**6))
        and (not isinstance(value, list) or all(fits(one, rule.get("items", {}), root) for one in value))
        and ("anyOf" not in rule or any(fits(value, one, root) for one in rule["anyOf"]))
        and ("oneOf" not in rule or sum(fits(value, one, root) for one in rule["oneOf"]) == 1)
        and (not isinstance(value, dict) or _object_fits(value, rule, root))
    )


def _object_fits(value: dict[str, Any], rule: dict[str, Any], root: dict[str, Any]) -> bool:
    properties = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    known = others or value.keys() <= properties.keys()
    rules = {name: properties.get(name, others if isinstance(others, dict) else {}) for name in value}
    inside = all(fits(one, rules[name], root) for name, one in value.items())
    return (
        known
        and inside
        and len(value) >= rule.get("minProperties", 0)
        and set(rule.get("required", [])) <= value.keys()
    )


def files() -> list[dict[str, Any]]:
    """All problem files here: those of the examples, and those in texts."""
    found = [path.read_text() for path in (ROOT / "examples").rglob("*.toml")]
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        found += re.findall(r"```toml\n(.*?)```", path.read_text(), re.DOTALL)
    return [data for data in map(tomllib.loads, found) if data.get("kind") in kinds()]


def test_files_here_fit() -> None:
    assert files()
    for data in files():
        assert fits(data, schema(), schema())
        assert fits(data, schema(data["kind"]), schema(data["kind"]))
        from_data(data, "here", "name", folder=ROOT / "examples")


@pytest.mark.parametrize("name", TITLES)
def test_cases_fit(name: str) -> None:
    data = data_of(case(name))
    assert fits(data, schema(), schema())
    assert [kind for kind in kinds() if fits(data, schema(kind), schema(kind))] == [data["kind"]]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "wave"}, {"T": 1}, {"eps": None}, {"eps": [1]}, {"domain": [0, 1]}, {"domain": []}, {"a": True},
        {"a": ["2", "2"]}, {"fem": 3}, {"fem": {"order": 1}}, {"fem": {"degree": 9}}, {"fem": {"degree": 2.5}},
        {"fem": {"cells": "hexahedra"}}, {"fem": {"tol": 1}}, {"pinn": {"hidden": 32}}, {"pinn": {"hidden": [32, 0]}},
        {"pinn": {"preset": "best"}}, {"pinn": {"budget": 0}},
    ],
)  # fmt: skip
def test_what_is_refused_does_not_fit(change: dict[str, Any]) -> None:
    given = data_of(case("elliptic-2d")) | {"fem": {}, "pinn": {}} | change
    data = {key: value for key, value in given.items() if value is not None}
    assert not fits(data, schema(), schema())
    with pytest.raises(InputError):
        from_data(data, "here", "name")


def test_everything_is_described() -> None:
    for kind in kinds():
        found = schema(kind)
        assert found["$schema"] == DRAFT
        properties = found["properties"] | {name: {} for name in ("fem", "pinn")}
        assert all(one["description"] for name, one in properties.items() if name not in {"fem", "pinn"})
        for table, options in (("fem", FemOptions), ("pinn", PinnOptions)):
            described = found["$defs"][table]["properties"]
            assert set(described) == set(options.model_fields)
            assert all(one["description"] for one in described.values())
    with pytest.raises(InputError, match="allowed is 'elliptic'"):
        schema("wave")


SWEEPS = [*(ROOT / "examples" / "studies").glob("*.toml"), ROOT / "hybrid" / "sweep" / "templates" / "sweep.toml"]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_sweep_files_here_fit(path: Path) -> None:
    rule, data = schema_of_sweeps(), tomllib.loads(path.read_text())
    assert fits(data, rule, rule)
    sample = {"eps": [0.1], "constants": {"k": {"low": 1, "high": 2, "scale": "log"}}}
    assert fits(data | {"mode": "sample", "count": 2, "figures": True, "axes": sample}, rule, rule)
    for bad in ({"mode": "random"}, {"axes": {"eps": 1}}, {"axes": {"eps": {"low": 1}}}, {"base": 1}, {"grid": {}}):
        assert not fits(data | bad, rule, rule)
