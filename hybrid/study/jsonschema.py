"""What a problem file may be, as JSON Schema (draft 2020-12): editors complete and check files by it.

A file says where its schema is in its first line, `#:schema problem.schema.json`.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import NullableSchema, WithDefaultSchema

from hybrid.physics import kinds, of_kind
from hybrid.study.common import COMMON, CONSTANTS
from hybrid.study.options import FemOptions, PinnOptions

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


class Plain(GenerateJsonSchema):
    """In a file a setting is left out, never null."""

    def nullable_schema(self, schema: NullableSchema) -> Json:
        """What it may be if it is there."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: WithDefaultSchema) -> Json:
        """Without the default, None."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: names are titles enough."""
        return False


def schema(kind: str | None = None) -> Json:
    """Of the problem files of a kind; of all of them without one.

    Raises:
        InputError: There is no such kind.
    """
    tables: Json = {
        "fem": FemOptions.model_json_schema(schema_generator=Plain),
        "pinn": PinnOptions.model_json_schema(schema_generator=Plain),
    }
    heads: Json = {"$schema": DRAFT, "title": "A problem file of hybrid", "$defs": tables}
    if kind is not None:
        return heads | _of(kind)
    return heads | {"type": "object", "oneOf": [_of(one) for one in kinds()]}


def _of(kind: str) -> Json:
    physics = of_kind(kind)
    own = {name: field.schema() for name, field in physics.fields.items()}
    return {
        "type": "object",
        "properties": {
            "kind": {"description": physics.notation.title, "const": kind}, **COMMON, **own,
            "constants": CONSTANTS, "fem": {"$ref": "#/$defs/fem"}, "pinn": {"$ref": "#/$defs/pinn"},
        },
        "required": ["kind", "domain", "eps", *own],
        "additionalProperties": False,
    }  # fmt: skip
