"""Coefficients that are constant on each region of a mesh of the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import ImmutableMatrix

from hybrid.failures import Faults, InputError
from hybrid.geometry import Geometry
from hybrid.media.base import Medium
from hybrid.media.cellmesh import CellMesh
from hybrid.media.distance import EdgeDistance, level_set
from hybrid.symbols import parse_number, y

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ByRegion:
    """What a problem file says of such a coefficient: the mesh, and what each region has."""

    path: Path
    given: Mapping[str | int, Any]


@dataclass(frozen=True)
class Regions(Medium):
    """a(y) = a_r for y in region r: finite elements take the mesh as it is, and networks the level sets of its regions.

    The expressions are a_1 + Σ_r (a_r - a_1) step(φ_r), with a function φ_r that is positive in region r alone
    (`hybrid.media.distance.EdgeDistance`).

    Attributes:
        mesh: Of the cell.
        values: For each region, in the order of their numbers, its number and a_r.
    """

    mesh: CellMesh
    values: tuple[tuple[int, tuple[tuple[float, ...], ...]], ...]

    @classmethod
    def read(cls, path: Path | str, given: Mapping[str | int, Any], name: str = "a") -> Regions:
        """From a Gmsh file with a mesh of the cell, and for the name or the number of each region a_r.

        Args:
            path: Of the file; the physical groups of its cells are the regions.
            given: Numbers, or symmetric matrices of them.
            name: Of the field, for messages.

        Raises:
            InputError: The mesh cannot be read; a region is unknown, given twice, or has no a_r; or an a_r is not a
                symmetric positive definite matrix. An `InputErrors` with all of them, where there are several.
        """
        faults, mesh = Faults(), None
        try:
            mesh = _meshes(str(Path(path).resolve()), _stamp(Path(path)))
        except InputError as error:
            faults.note(InputError("mesh", f"{path}: {error.what}"))
        values: dict[int, Array] = {}
        seen: set[int] = set()
        for key, value in given.items():
            where = f"{name}.{key}"
            with faults.noted():
                matrix = tensor(value, where, None if mesh is None else mesh.dim)
                if mesh is not None:
                    values[_number(mesh, key, where)] = matrix
            number = None if mesh is None else mesh.numbered(key)
            if number is not None and number in seen:
                faults.note(InputError(where, "this region is given twice, by its name and by its number"))
            seen |= set() if number is None else {number}
        missing = [] if mesh is None else [key for key, number in mesh.names.items() if number not in seen]
        if missing:
            faults.note(InputError(name, f"no value for {', '.join(missing)}; every region of the mesh needs one"))
        faults.report()
        assert mesh is not None
        return cls.of(mesh, values)

    @classmethod
    def of(cls, mesh: CellMesh, values: Mapping[int, Array], period: Sequence[float] | None = None) -> Regions:
        """From the a_r by the numbers of regions, each (d, d)."""
        sides = tuple(map(float, period if period is not None else np.ptp(mesh.points, axis=0)))
        ordered = sorted(values)
        first = _exact(values[ordered[0]])
        matrix, names = first, {number: key for key, number in mesh.names.items()}
        for number in ordered[1:]:
            change = _exact(values[number]) - first
            if not change.is_zero_matrix:
                matrix += change * sympy.Heaviside(_level_set(mesh, number, names[number], sides)(*y[: mesh.dim]))
        rows = tuple((n, tuple(map(tuple, np.asarray(values[n], dtype=float).tolist()))) for n in ordered)
        return cls(ImmutableMatrix(matrix), mesh, rows)

    def check(self, geometry: Geometry) -> None:
        """The mesh fills the cell of a problem, and the cells fill its domain.

        Raises:
            InputError: They do not.
        """
        try:
            self.mesh.check(geometry.period)
        except InputError as error:
            raise InputError("mesh and a", f"{self.mesh.path.name}: {error.what}") from None
        for i, ((low, high), p) in enumerate(zip(geometry.domain, geometry.period, strict=True)):
            ends = np.array([low, high]) / (geometry.eps * p)
            if np.abs(ends - np.round(ends)).max() > 1e-9 * max(1.0, *np.abs(ends)):
                count = max(round(float(ends[1] - ends[0])), 1)
                raise InputError(
                    "eps", f"{geometry.eps:.6g}: the mesh of u_eps is made of whole cells, and x{i} from {low:g} to {high:g} "
                    f"has {ends[1] - ends[0]:.6g} of them; take (high - low) / (n period), for instance "
                    f"{(high - low) / (count * p):.10g}, and begin at a multiple of eps period"
                )  # fmt: skip

    @property
    def tensors(self) -> dict[int, Array]:
        """a_r by the numbers of regions, (d, d) each."""
        return {number: np.array(rows) for number, rows in self.values}

    @property
    def plain(self) -> dict[str, Any]:
        """a_r by the names of regions, as in a problem file."""
        names = {number: key for key, number in self.mesh.names.items()}
        return {names[number]: _plain(rows) for number, rows in self.values}


def tensor(value: Any, where: str, dim: int | None) -> Array:
    """a_r as a matrix; a (1, 1) one of a number where the dimension is not known.

    Raises:
        InputError: It is no symmetric positive definite matrix of numbers.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        number = parse_number(value, where)
        if number <= 0:
            raise InputError(where, f"{number:g} is not allowed; it must be positive")
        return number * np.eye(dim or 1)
    rows = [[parse_number(entry, where) for entry in row] if isinstance(row, list | tuple) else [] for row in value]
    size = dim or len(rows)
    if len(rows) != size or any(len(row) != size for row in rows):
        raise InputError(where, f"{value!r} is no matrix of shape {size}×{size}, nor a number")
    found = np.array(rows)
    if np.abs(found - found.T).max() > 1e-12 * np.abs(found).max():
        raise InputError(where, "not a symmetric matrix")
    if np.linalg.eigvalsh(found)[0] <= 1e-14 * np.abs(found).max():
        raise InputError(where, f"not positive: its smallest eigenvalue is {np.linalg.eigvalsh(found)[0]:.4g}")
    return found


def _number(mesh: CellMesh, key: str | int, where: str) -> int:
    number = mesh.numbered(key)
    if number is None:
        listed = ", ".join(f"{name} ({n})" if name != str(n) else name for name, n in mesh.names.items())
        raise InputError(where, f"{mesh.path.name} has no such region; there are {listed}")
    return number


def _exact(rows: Array) -> sympy.Matrix:
    """Numbers that SymPy finds equal where they are."""
    return sympy.Matrix(np.asarray(rows).shape[0], np.asarray(rows).shape[1], [
        sympy.Integer(int(v)) if float(v).is_integer() else sympy.Float(float(v)) for v in np.ravel(rows)
    ])  # fmt: skip


def _plain(rows: Sequence[Sequence[float]]) -> Any:
    a = np.array(rows)
    return float(a[0, 0]) if (a == a[0, 0] * np.eye(len(a))).all() else a.tolist()


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _meshes(path: str, stamp: tuple[int, int]) -> CellMesh:
    return CellMesh.read(Path(path))


@lru_cache(maxsize=64)
def _level_set(mesh: CellMesh, region: int, name: str, period: tuple[float, ...]) -> Any:
    plain = "".join(c if c.isalnum() else "_" for c in name)
    return level_set(f"edge_of_{plain}", mesh.dim, lambda: EdgeDistance(mesh, region, period))
