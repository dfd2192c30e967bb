"""Keyword arguments with names and types, for where they travel."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, repr=False)
class Settings:
    """Arguments of a function. None is for one that is left to the function; the text of settings has only the others."""

    def arguments(self) -> dict[str, Any]:
        """Those that are set."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments().items())})"
