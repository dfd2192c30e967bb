"""What presets are called, ours and those that callers bring: known before anything heavy is loaded."""

from __future__ import annotations

_BROUGHT: list[str] = []


def bring(name: str) -> None:
    """Let problem files and the command ask for a preset of the caller's (`hybrid.study.presets.Preset`)."""
    if name not in _BROUGHT:
        _BROUGHT.append(name)


def brought() -> tuple[str, ...]:
    """The names of those."""
    return tuple(_BROUGHT)
