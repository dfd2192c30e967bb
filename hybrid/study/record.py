"""What a run leaves in `results.json`, with types: written as it comes, read again by tables, figures and later runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid import store
from hybrid.study.parts import BoundsRecord, CertificateRecord, DirectRecord, LadderRecord, Number, Part

FORMAT = 2
"""Of the file."""


class ReferenceRecord(Part):
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


class HomogenizedRecord(Part):
    """The homogenized coefficient by both paths: a d×d list, a number, or {x, values}; `e_a` and slopes where it is slow."""

    fem: Any = None
    pinn: Any = None
    relative_difference: Number = math.nan
    e_a: Number = math.nan
    slopes: Any = None


class CellRecord(Part):
    """Of the correctors by one path, in their order: relative L2 errors against the other one, and estimates."""

    errors: Sequence[Number] = ()
    error_estimates: Sequence[float | None] = ()


class CellsRecord(Part):
    """Of both."""

    fem: CellRecord | None = None
    pinn: CellRecord | None = None


class SolveRecord(Part):
    """What a solve by finite elements took: the reference, the cell problems, v or w."""

    dofs: int | None = None
    iterations: int | None = None
    seconds: Number = math.nan


class TrainingRecord(Part):
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


class TrustRecord(Part):
    """How far a number may be off; None where there is no estimate, and `how` says why."""

    estimate: float | None
    how: str
    resolved: bool


class Request(Part):
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


class Provenance(Part):
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
        direct: Networks for the multiscale equation itself, "plain" and "period", where they were asked for.
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
    direct: dict[str, DirectRecord] = {}
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
