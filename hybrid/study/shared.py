"""What several runs in one process have in common, computed once: cell problems do not know ε."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_KEPT = 4
"""Solutions, at the most; those that were not used for the longest time go."""


@dataclass
class Shared:
    """Solutions by their keys, with the seconds that they took.

    A caller gives the same one to all runs on the same communicator; a run by itself has one of its own.
    """

    _known: OrderedDict[str, Any] = field(default_factory=OrderedDict)

    def get[T](self, key: str, solve: Callable[[], T]) -> tuple[T, bool]:
        """A solution, and whether it was there already."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key], True
        found = self._known[key] = solve()
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found, False
