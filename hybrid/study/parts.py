"""Parts of the record that not every run has, and what all parts are."""

from __future__ import annotations

import math
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict

from hybrid.media.interpolated import relative_change

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""JSON has null where it is not finite."""


class Part(BaseModel):
    """A part of the record: what is not set is not written, what a later version adds is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class BoundsRecord(Part):
    """a* between two matrices, in the order of quadratic forms, by each path, "fem" and "pinn", that has such bounds; and how
    far the two are apart, relative."""

    lower: dict[str, list[list[float]]] = {}
    upper: dict[str, list[list[float]]] = {}
    width: dict[str, float] = {}

    @classmethod
    def of(cls, **bounds: npt.NDArray[np.float64] | None) -> Self:
        """From [lower, upper] of paths, (2, d, d), or None."""
        known = {path: sides for path, sides in bounds.items() if sides is not None and np.isfinite(sides).all()}
        return cls(
            lower={path: sides[0].tolist() for path, sides in known.items()},
            upper={path: sides[1].tolist() for path, sides in known.items()},
            width={path: relative_change(sides[1] - sides[0], sides[0]) for path, sides in known.items()},
        )


class CertificateRecord(Part):
    """How far a reconstruction from one path may be from u_ε at the most, relative to u_ε, and what of that is not proved.

    Attributes:
        energy_bound: Of ‖a^½ ∇(u_ε - r)‖.
        l2_bound: Of ‖u_ε - r‖.
        a_lower, a_upper: Bounds of a*.
        up_to: "quadrature" and "rounding", in words.
        true_energy, true_l2: What the reference says of the same.
        effectivity: energy_bound over true_energy.
    """

    eps: float
    path: str
    energy_bound: Number
    l2_bound: Number
    a_lower: list[list[float]] | None
    a_upper: list[list[float]] | None
    up_to: dict[str, str]
    seconds: float
    true_energy: float | None = None
    true_l2: float | None = None
    effectivity: float | None = None


DIRECT = {"plain": "that does not know the period", "period": "that knows the period"}
"""Networks for the multiscale equation itself, in words."""


class DirectRecord(Part):
    """A network for the multiscale equation itself.

    Attributes:
        error, error_h1: Against the reference, relative: L2 and the H1 seminorm.
        estimate: How far `error` may be off, as the reference is.
        resolved: Whether that is little.
        seconds: Of the training.
        points: Along each side.
        why: It was not trained.
    """

    error: Number = math.nan
    error_h1: Number = math.nan
    estimate: float | None = None
    resolved: bool = False
    seconds: Number = math.nan
    points: int = 0
    steps: int | None = None
    parameters: int | None = None
    stopped: str = ""
    kind: str = ""
    why: str = ""


class LadderRecord(Part):
    """Relative errors of the reconstructions by both paths.

    Attributes:
        fem, pinn: In L2 by the names in `hybrid.comparison.ladder`, in the H1 seminorm by the same names with ``_h1``.
        estimates: How far those in L2 may be off (absolute), by path and name.
        why: They end before the last.
    """

    fem: dict[str, Number] = {}
    pinn: dict[str, Number] = {}
    estimates: dict[str, dict[str, float | None]] = {}
    why: str = ""

    def rungs(self, path: str) -> dict[str, tuple[float, float]]:
        """Errors in L2 and H1 by name."""
        found: dict[str, float] = getattr(self, path)
        return {name: (l2, found[f"{name}_h1"]) for name, l2 in found.items() if not name.endswith("_h1")}
