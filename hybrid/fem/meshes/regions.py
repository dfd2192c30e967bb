"""Coefficients given region by region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mpi4py import MPI

import numpy as np
import sympy

import ufl
from dolfinx import fem, mesh

from hybrid.checks import check_matrix
from hybrid.failures import InputError
from hybrid.fem.meshes.tagged import TaggedMesh, check_tagged
from hybrid.symbols import evaluate, x, y


def piecewise(domain: TaggedMesh, values: Mapping[str | int, Any]) -> ufl.core.expr.Expr:
    """The coefficient a that is a_r in region r, as a d×d UFL matrix; collective.

    Args:
        domain: A mesh with regions.
        values: For the name or the number of every region a_r: a number, a symmetric d×d matrix, or SymPy expressions (one,
            or a matrix of them) of the point in the mesh, be it called x0, x1, x2 (`hybrid.symbols.x`, in a domain) or y0,
            y1, y2 (in a cell).

    Raises:
        InputError: A region that is not there, that is there and has no a_r, or that has one which is not a symmetric
            positive definite d×d matrix; a mesh with cells in no region.
    """
    check_tagged(domain)
    grid, dim = domain.mesh, domain.mesh.geometry.dim
    where = "coefficient"
    given = domain.numbered(values, "region", where)
    missing = [repr(name) for name, number in domain.region_names.items() if number not in given]
    if missing:
        raise InputError(where, f"region {', '.join(missing)} has none; every region of the mesh needs one")
    matrices = {number: _matrix(value, dim, _name(domain, number)) for number, value in given.items()}

    cells = grid.topology.index_map(grid.topology.dim)
    region = fem.Function(fem.functionspace(grid, ("DG", 0)), name="region")
    dofs = region.function_space.dofmap.list[:, 0]
    region.x.array[:] = np.nan
    region.x.array[dofs[domain.regions.indices]] = domain.regions.values
    region.x.scatter_forward()
    bare = grid.comm.allreduce(int(np.isnan(region.x.array[: cells.size_local]).sum()))
    if bare:
        raise InputError(where, f"{bare} cells of the mesh are in no region")
    for number, matrix in matrices.items():
        here = domain.regions.find(number)
        _check_positive(grid, here[here < cells.size_local], matrix, _name(domain, number))

    # Where it is a number times the identity, one function is enough for all regions; elsewhere they are told apart.
    coordinate = ufl.SpatialCoordinate(grid)
    symbols = {s: coordinate[i] for names in (x, y) for i, s in enumerate(names[:dim])}
    scalar = fem.Function(region.function_space, name="a")
    total = scalar * ufl.Identity(dim)
    for number, matrix in matrices.items():
        if not matrix.free_symbols and matrix == matrix[0, 0] * sympy.eye(dim):
            scalar.x.array[region.x.array == number] = float(matrix[0, 0])
            continue
        inside = ufl.And(ufl.gt(region, number - 0.5), ufl.lt(region, number + 0.5))
        entries = [[evaluate(matrix[i, j], symbols, "ufl") for j in range(dim)] for i in range(dim)]
        # By a condition and not by a factor: outside of its region an expression need not have a value.
        total += ufl.as_matrix([[ufl.conditional(inside, entry, 0.0) for entry in row] for row in entries])
    return total


def _name(domain: TaggedMesh, number: int) -> str:
    names = [name for name, n in domain.region_names.items() if n == number]
    return f"coefficient of region {names[0]!r}"


def _matrix(value: Any, dim: int, where: str) -> sympy.ImmutableMatrix:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    try:
        return check_matrix(value, dim, (*x[:dim], *y[:dim]))
    except InputError as error:
        raise InputError(where, error.what) from None


def _check_positive(grid: mesh.Mesh, cells: np.ndarray, matrix: sympy.ImmutableMatrix, where: str) -> None:
    """The matrix is finite and positive definite at the midpoints of a region's cells, or InputError on every rank."""
    dim = grid.geometry.dim
    points = mesh.compute_midpoints(grid, grid.topology.dim, cells)[:, :dim].T
    at = {s: points[i] for names in (x, y) for i, s in enumerate(names[:dim])}
    sample = np.empty((len(cells), dim, dim))
    with np.errstate(all="ignore"):
        for i in range(dim):
            for j in range(dim):
                sample[:, i, j] = evaluate(matrix[i, j], at)
    finite = np.isfinite(sample).all()
    lowest = float(np.linalg.eigvalsh(sample).min(initial=np.inf)) if finite else -np.inf
    lowest = grid.comm.allreduce(lowest, op=MPI.MIN)
    if lowest <= 0:
        what = f"its smallest eigenvalue is {lowest:.4g}" if lowest > -np.inf else "not a finite number everywhere"
        raise InputError(where, f"{what}; a must be positive definite")
