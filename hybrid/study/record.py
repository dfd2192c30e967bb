"""What a run leaves in `results.json`, with types: written as it comes, read again by tables, figures and later runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from hybrid import store
from hybrid.media.interpolated import relative_change

FORMAT = 2
"""Of the file."""

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""JSON has null where it is not finite."""


class _Part(BaseModel):
    """A part of the record: what is not set is not written, what a later version adds is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class ReferenceRecord(_Part):
    """u_ε."""

    dofs: int
    degree: int
    seconds: Number
    iterations: int
    error_estimate: float | None
    cells_per_period: int | None = None
    tolerance: float | None = None
    attempts: Sequence[Any] = ()
    cached: bool = False


class HomogenizedRecord(_Part):
    """The homogenized coefficient by both paths: a d×d list, a number, or {x, values}; `e_a` and slopes where it is slow."""

    fem: Any = None
    pinn: Any = None
    relative_difference: Number = math.nan
    e_a: Number = math.nan
    slopes: Any = None


class BoundsRecord(_Part):
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


class CertificateRecord(_Part):
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


class CellRecord(_Part):
    """Of the correctors by one path, in their order: relative L2 errors against the other one, and estimates."""

    errors: Sequence[Number] = ()
    error_estimates: Sequence[float | None] = ()


class CellsRecord(_Part):
    """Of both."""

    fem: CellRecord | None = None
    pinn: CellRecord | None = None


class SolveRecord(_Part):
    """What a solve by finite elements took: the reference, the cell problems, v or w."""

    dofs: int | None = None
    iterations: int | None = None
    seconds: Number = math.nan


class TrainingRecord(_Part):
    """How the networks of a part were trained; `loss` every `loss_every` of the `steps`."""

    kind: str
    optimizer: str
    loss: Sequence[Number]
    stopped: str
    seconds: Number
    steps: int | None = None
    loss_every: int = 1
    recovered: Sequence[str] = ()
    monitored: dict[str, Any] | None = None
    resumed: bool = False
    attempts: Sequence[dict[str, Any]] = ()
    parameters: int | None = None


class TrustRecord(_Part):
    """How far a number may be off; None where there is no estimate, and `how` says why."""

    estimate: float | None
    how: str
    resolved: bool


class LadderRecord(_Part):
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


class Request(_Part):
    """What was asked for: `hybrid run --from results.json` asks for the same.

    Attributes:
        problem: The problem file.
        title: Of the case.
        assumptions: Of the case.
        preset, seed, seeds, reference_tol: As for `hybrid.study.run.run`.
    """

    problem: dict[str, Any]
    title: str
    assumptions: Sequence[str]
    preset: str
    seed: int
    seeds: int = 1
    reference_tol: float | None = None


class Provenance(_Part):
    """Where the numbers come from."""

    versions: dict[str, str]
    ranks: int
    threads: int
    device: str
    seed: int
    problem_hash: str
    key: str
    petsc_options: dict[str, str]
    settings: dict[str, Any]
    assumptions: Sequence[str]
    finished: str
    request: Request | None = None


class Record(BaseModel):
    """Everything, as far as the run has come. Parts are put in place of others, and are never changed.

    Attributes:
        errors: e1 … e5 and their H1 twins, by quadrature; without a reference e3 and its twin.
        errors_grid: The same on a grid of `grid` points a side.
        published: Numbers that were published, by the same names.
        solves: What finite elements took, by the names "reference", "cell", "v" and "w".
        memory: The most that the ranks have had in memory, together, in bytes.
        samples: Values on grids, for figures.
    """

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    format: int = FORMAT
    case: str
    status: str
    preset: str
    eps: float
    errors: dict[str, Number] = {}
    errors_grid: dict[str, Number] = {}
    published: dict[str, float] = {}
    reference: ReferenceRecord | None = None
    homogenized: HomogenizedRecord = HomogenizedRecord()
    bounds: BoundsRecord | None = None
    certificate: dict[str, CertificateRecord] = {}
    cell: CellsRecord = CellsRecord()
    training: dict[str, TrainingRecord] = {}
    solves: dict[str, SolveRecord] = {}
    memory: int | None = None
    seconds: dict[str, Number] = {}
    provenance: Provenance
    grid: int | None = None
    trust: dict[str, TrustRecord] = {}
    unresolved: Sequence[str] = ()
    resolved: bool | None = None
    ladder: LadderRecord | None = None
    seeds: dict[str, Any] | None = None
    samples: dict[str, Any] | None = None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """From a file; None if there is none, or it is damaged."""
        data = store.read_json(path)
        try:
            return None if data is None else cls.model_validate(data)
        except ValidationError:
            return None

    def add(self, name: str, value: object) -> None:
        """What a caller adds to the record, under a name of its own."""
        setattr(self, name, value)

    @property
    def is_complete(self) -> bool:
        """Whether the run has come to its end."""
        measured = {"e3"} if self.is_bounded_alone else {"e1", "e2", "e3", "e4"}
        return self.status == "complete" and measured <= self.errors.keys()

    @property
    def is_bounded_alone(self) -> bool:
        """Whether errors are bounded and, for want of a reference, not measured."""
        return self.reference is None and bool(self.certificate)

    def plain(self) -> dict[str, Any]:
        """As JSON, with None for what is not finite, and under "undefined" the places of that."""
        tree, places = finite(self.model_dump(exclude_unset=True))
        return tree | ({"undefined": places} if places else {})

    def write(self, out: Path) -> None:
        """Write what there is; a complete result of an earlier run stays until this one is complete."""
        path, beside = out / "results.json", out / "results-incomplete.json"
        if self.status == "complete":
            store.write_json(path, self.plain())
            beside.unlink(missing_ok=True)
            return
        earlier = store.read_json(path)
        kept = earlier is not None and earlier.get("status") == "complete"
        store.write_json(beside if kept else path, self.plain())


def finite(tree: Any, place: str = "") -> tuple[Any, list[str]]:
    """The tree with None in place of numbers that are not finite, which JSON does not have, and the places of those."""
    if isinstance(tree, float) and not math.isfinite(tree):
        return None, [f"{place.removeprefix('.')}: {tree}, not a finite number"]
    if isinstance(tree, dict):
        pairs = {key: finite(value, f"{place}.{key}") for key, value in tree.items()}
        return {key: value for key, (value, _) in pairs.items()}, [t for _, found in pairs.values() for t in found]
    if isinstance(tree, list | tuple):
        if set(map(type, tree)) <= {float} and all(map(math.isfinite, tree)):  # samples: most of what there is
            return list(tree), []
        parts = [finite(value, f"{place}[{i}]") for i, value in enumerate(tree)]
        return [value for value, _ in parts], [text for _, found in parts for text in found]
    return tree, []
