"""The two ways a run ends badly, and what the command makes of them."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave is wrong: one line with the place, what is wrong and what is allowed (exit code 2)."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)  # both, so that it survives the way from one rank to another
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class SolverError(RuntimeError):
    """A linear solver or a training failed: its name, the reason and what to try (exit code 1)."""
