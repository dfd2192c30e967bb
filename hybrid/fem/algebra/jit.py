"""Forms, compiled for the processor at hand: one process compiles at a time, and what a killed one left is compiled again."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from mpi4py import MPI

import ufl
from dolfinx import fem, jit

from hybrid.clock import compiling
from hybrid.machine import processor

_TAG = hashlib.sha256(processor().encode()).hexdigest()[:8]
_FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", f"-DPROCESSOR_{_TAG}"]
"""Sums over quadrature points and basis functions may be reordered, which vectorizes them: with -O2 hexahedra take four
times as long. The name defined means nothing to the code: it keeps the kernels of different processors apart in the cache."""

_FOUND = 0.25
"""Seconds in which a form is found that is compiled already, at the most."""
_UNFINISHED = re.compile(r"remove (.+\.c)\) or increase timeout")
"""How FFCx says that a file of its cache has been begun and was not finished in time."""


def compiled(form: ufl.Form) -> fem.Form:
    """The form, ready to be assembled; collective."""
    comm = next(iter(form.subdomain_data())).ufl_cargo().comm
    options: dict[str, object] = {"cffi_extra_compile_args": _FLAGS}
    with compiling(_FOUND), _alone(comm) as alone:  # waiting for others that compile is no work either
        if alone and comm.size == 1:
            options["timeout"] = 1  # nobody else is compiling: what is unfinished stays so
        try:
            return fem.form(form, jit_options=options)
        except (RuntimeError, TimeoutError) as error:
            collective = "JIT" in str(error)  # FFCx has failed, which DOLFINx tells all ranks
            if not collective or not comm.bcast(alone and _removed(str(error)) if comm.rank == 0 else None):
                raise
        return fem.form(form, jit_options=options)


@contextlib.contextmanager
def _alone(comm: MPI.Comm) -> Iterator[bool]:
    """Whether no other process compiles forms while the block lasts, as rank 0 knows; the system ends it for killed ones."""
    if comm.rank:
        yield False
        return
    with contextlib.ExitStack() as held:
        alone = False
        with contextlib.suppress(OSError):  # a file system without locks
            folder = Path(jit.get_options()["cache_dir"])
            folder.mkdir(parents=True, exist_ok=True)
            file = held.enter_context((folder / ".hybrid.lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
            alone = True
        yield alone


def _removed(message: str) -> bool:
    """Whether the message was about an unfinished file, which is gone now."""
    found = _UNFINISHED.search(message)
    if found is None:
        return False
    Path(found[1]).unlink(missing_ok=True)
    return True
