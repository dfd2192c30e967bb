"""What a sweep file may be, as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from hybrid.study.jsonschema import DRAFT, Json, Plain
from hybrid.study.jsonschema import schema as of_problems
from hybrid.sweep.files import SweepOptions

_PATHS = "fields by their paths in the problem file, eps, pinn.seed, constants.k, fem.degree for instance"


def schema() -> Json:
    """Of sweep files; a table [base] is a problem file that may lack what the axes have."""
    problems, options = of_problems(), SweepOptions.model_json_schema(schema_generator=Plain)
    within = [one | {"required": ["kind"]} for one in problems["oneOf"]]
    values: Json = {"type": "array", "minItems": 1}
    drawn: Json = {
        "type": "object", "required": ["low", "high"], "additionalProperties": False,
        "properties": {
            "low": {"type": "number"}, "high": {"type": "number"}, "scale": {"enum": ["linear", "log"]},
            "whole": {"type": "boolean"},
        },
    }  # fmt: skip
    nested: Json = {"type": "object", "additionalProperties": {"anyOf": [values, drawn]}}
    own: Json = {
        "base": {
            "description": "a problem file relative to this file, the name of a case, or the problem itself",
            "anyOf": [{"type": "string", "minLength": 1}, *within],
        },
        "axes": {
            "description": f"the values of {_PATHS}; where mode is sample also a table {{ low, high, scale, whole }}",
            "type": "object", "additionalProperties": {"anyOf": [values, drawn, nested]},
        },
        "runs": {
            "description": f"where mode is list, for each run the values of {_PATHS}",
            "type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1},
        },
        "set": {"description": f"what all runs have in place of what the base has: {_PATHS}", "type": "object"},
    }  # fmt: skip
    return {
        "$schema": DRAFT, "title": "A sweep file of hybrid", "$defs": problems["$defs"], "type": "object",
        "properties": own | options["properties"], "required": ["base"], "additionalProperties": False,
    }  # fmt: skip
