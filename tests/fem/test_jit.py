"""Compiled forms: what a process that was killed while it compiled has left is compiled again."""

from __future__ import annotations

import time
from pathlib import Path

from mpi4py import MPI

import ufl
from dolfinx import fem, mesh

from hybrid.fem.algebra.jit import compiled


def test_a_form_that_was_left_unfinished_is_compiled_again() -> None:
    domain = mesh.create_unit_interval(MPI.COMM_SELF, 4)
    x = ufl.SpatialCoordinate(domain)
    form = ufl.sin(x[0]) ** 7 * ufl.dx(metadata={"quadrature_degree": 40})
    first = compiled(form)
    path = Path(first.module.__file__)
    source = path.with_name(path.name.split(".")[0] + ".c")
    done = source.with_suffix(".c.cached")
    assert done.exists()
    done.unlink()  # as if the compiler had not come to its end
    begun = time.monotonic()
    again = compiled(form)
    assert done.exists()
    assert time.monotonic() - begun < 60
    assert fem.assemble_scalar(again) == fem.assemble_scalar(first)
