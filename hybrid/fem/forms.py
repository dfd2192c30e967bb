"""Variational forms, compiled for the processor at hand."""

from __future__ import annotations

import hashlib

import ufl
from dolfinx import fem

from hybrid.machine import processor

_TAG = hashlib.sha256(processor().encode()).hexdigest()[:8]
_FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", f"-DPROCESSOR_{_TAG}"]
"""Sums over quadrature points and basis functions may be reordered, which vectorizes them: with -O2 hexahedra take four
times as long. The name defined means nothing to the code: it keeps the kernels of different processors apart in the cache."""


def compiled(form: ufl.Form) -> fem.Form:
    """The form, ready to be assembled; collective."""
    return fem.form(form, jit_options={"cffi_extra_compile_args": _FLAGS})
