"""The names of the paper's cases and their titles: what is listed, and refused, before SymPy is there."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid.failures import InputError

TITLES: Mapping[str, str] = {
    "elliptic-1d": "1D elliptic equation without slow dependency (section 2.1)",
    "elliptic-2d": "2D elliptic equation (section 5.2)",
    "elliptic-1d-slow": "1D elliptic equation with slow dependency (section 5.3)",
    **{
        f"reaction-diffusion-{count}{'-literal' * literal}": (
            f"reaction-diffusion, ε = 1/{count}{', read literally' if literal else ''} (section 5.4)"
        )
        for literal in (False, True)
        for count in (10, 50)
    },
}


def names() -> list[str]:
    """The names of the cases."""
    return list(TITLES)


def check_name(name: str) -> None:
    """Refuse what is no case.

    Raises:
        InputError: With the names of the cases.
    """
    if name not in TITLES:
        raise InputError(name, f"no such case or file; cases are {', '.join(TITLES)}, and a problem file ends in .toml")
