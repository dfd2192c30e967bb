"""The compiled kernel of the sweeps, where there is a C compiler; DOLFINx needs one at run time too."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from hybrid.machine import processor

SOURCE = Path(__file__).with_name("kernel.c")
FLAGS = ("-O3", "-march=native", "-fno-trapping-math", "-fPIC", "-shared")
"""Without the third one comparisons count as side effects, and loops with tanh are not vectorized; it changes no number."""


@functools.cache
def load() -> ctypes.CDLL | None:
    """The library, compiled on first use and kept in the user's cache for this processor; None where that fails.

    The environment variable HYBRID_KERNEL=0 leaves it out.
    """
    if os.environ.get("HYBRID_KERNEL") == "0":
        return None
    compiler = shlex.split(os.environ.get("CC", "cc"))
    try:
        text = SOURCE.read_bytes() + repr((compiler, FLAGS, processor())).encode()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"
        path = cache / f"kernel-{hashlib.sha256(text).hexdigest()[:16]}.so"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            _compile(compiler, path)
        library = ctypes.CDLL(str(path))
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None
    for precision in ("double", "single"):
        for name, pointers in (("forward", 3), ("adjoint", 4)):
            function = getattr(library, f"{name}_{precision}")
            function.restype = None
            function.argtypes = [ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int, *[ctypes.c_void_p] * pointers]
    return library


def activate(z: Tensor, operators: Tensor, out: Tensor) -> bool:
    """Put the jet of tanh(z), (C, n, w), into `out`, if the kernel can: on the CPU, in contiguous memory of one of its kinds.

    Returns:
        Whether it has done so.
    """
    kind = {torch.float64: "double", torch.float32: "single"}.get(z.dtype)
    library = load() if z.device.type == "cpu" and kind is not None else None
    if library is None or not (z.is_contiguous() and out.is_contiguous()):
        return False
    operators = operators.to(z.dtype).contiguous()
    pointers = (operators.data_ptr(), z.data_ptr(), out.data_ptr())
    getattr(library, f"forward_{kind}")(z[0].numel(), operators.shape[-1], len(operators), *pointers)
    return True


def _compile(compiler: list[str], path: Path) -> None:
    """Into a file of its own and then renamed: several ranks may do so at once."""
    handle, beside = tempfile.mkstemp(suffix=".so", dir=path.parent)
    os.close(handle)
    try:
        subprocess.run([*compiler, *FLAGS, str(SOURCE), "-o", beside], check=True, capture_output=True, timeout=120)
        Path(beside).replace(path)
    finally:
        Path(beside).unlink(missing_ok=True)
