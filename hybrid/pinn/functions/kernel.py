"""The compiled kernels, where there is a C compiler; DOLFINx needs one at run time too."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from hybrid.clock import compiling
from hybrid.machine import processor

SOURCE = Path(__file__).with_name("kernel.c")
_SINGULAR = Path(__file__).with_name("singular.c")
_SUMS = Path(__file__).with_name("sums.c")
_HEADER = Path(__file__).with_name("tanh.h")
_MOST = 32
"""Sums at a time, as `sums.c` has it too."""
FLAGS = {
    SOURCE: ("-O3", "-march=native", "-fPIC", "-fno-trapping-math"),
    _SUMS: ("-O3", "-march=native", "-fPIC", "-fno-trapping-math", "-ffp-contract=off"),
    _SINGULAR: ("-O3", "-march=native", "-fPIC", "-ffast-math"),
}
"""Without the last one of the sweeps comparisons count as side effects, and loops with tanh are not vectorized; it changes no
number. With that of the singular functions log and atan2 come from the C library's vectors, good to a few units in the last
place; the linker must not see it, which would have it round small numbers to zero in the whole process."""


@functools.cache
def load() -> ctypes.CDLL | None:
    """The library of the sweeps, compiled on first use and kept in the user's cache for this processor; None where that fails.

    The environment variable HYBRID_KERNEL=0 leaves it out.
    """
    library = _compiled(SOURCE)
    for precision in ("double", "single") if library is not None else ():
        for name, pointers in (("forward", 3), ("adjoint", 4)):
            function = getattr(library, f"{name}_{precision}")
            function.restype = None
            function.argtypes = [ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int, *[ctypes.c_void_p] * pointers]
    return library


@functools.cache
def _singular() -> ctypes.CDLL | None:
    library = _compiled(_SINGULAR)
    for name in ("corner", "octant") if library is not None else ():
        function = getattr(library, name)
        function.restype = None
        function.argtypes = [ctypes.c_ssize_t, ctypes.c_int, *[ctypes.c_void_p] * 5, ctypes.c_double, ctypes.c_void_p]
    return library


@functools.cache
def _sums() -> ctypes.CDLL | None:
    library = _compiled(_SUMS)
    if library is not None:
        library.sums.restype = None
        library.sums.argtypes = [ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int, *[ctypes.c_void_p] * 6]
    return library


def _compiled(source: Path) -> ctypes.CDLL | None:
    if os.environ.get("HYBRID_KERNEL") == "0":
        return None
    compiler = shlex.split(os.environ.get("CC", "cc"))
    try:
        text = source.read_bytes() + _HEADER.read_bytes() + repr((compiler, FLAGS[source], processor())).encode()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"
        path = cache / f"{source.stem}-{hashlib.sha256(text).hexdigest()[:16]}.so"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with compiling():
                _compile(compiler, source, path)
        return ctypes.CDLL(str(path))
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None


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


def add_corner(
    points: Tensor, corner: Sequence[float], inward: Sequence[float], root: Sequence[float], sides: Sequence[float],
    strength: float, order: int, out: Tensor,
) -> bool:  # fmt: skip
    """Add the singular function of one corner, of a square or of a cube, to `out`, (channels, n), if the kernel can.

    The channels are the value, with order 1 the gradient, with order 2 the upper triangle of the Hessian too; see
    `hybrid.pinn.steady.corners` and `hybrid.pinn.steady.edges` for what the numbers mean.

    Returns:
        Whether it has done so.
    """
    library = _singular() if points.device.type == "cpu" and points.dtype == out.dtype == torch.float64 else None
    if library is None or not (points.is_contiguous() and out.is_contiguous()):
        return False
    numbers = [torch.tensor(each, dtype=torch.float64) for each in (corner, inward, root, sides)]
    pointers = [each.data_ptr() for each in (points, *numbers)]
    (library.corner if points.shape[1] == 2 else library.octant)(
        len(points), order, *pointers, strength, out.data_ptr()
    )
    return True


def can_sum(count: int) -> bool:
    """Whether `sums` can have so many of them."""
    return count <= _MOST and _sums() is not None


def sums(embedded: Tensor, weight: Tensor, bias: Tensor, counts: Sequence[int], last: Tensor) -> Tensor:
    """Sums over a hidden layer that lose no digits, (sums, n), on the CPU in float64, where `can_sum`.

    Args:
        embedded: The layer's input e, (inputs, n).
        weight: (width, inputs).
        bias: (width,).
        counts: How many sums there are of s = tanh(weight e + bias), of 1 - s² and of s (1 - s²).
        last: What these are multiplied with, (width, sums).
    """
    library = _sums()
    assert library is not None
    out = embedded.new_empty(sum(counts), embedded.shape[1])
    operands = [each.contiguous() for each in (embedded, weight, bias, last)]
    numbers = (ctypes.c_int * 3)(*counts)
    library.sums(embedded.shape[1], len(embedded), len(weight), numbers, *(x.data_ptr() for x in (*operands, out)))
    return out


def _compile(compiler: list[str], source: Path, path: Path) -> None:
    """Into a file of its own and then renamed: several ranks may do so at once."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part, whole = Path(folder, "part.o"), Path(folder, "whole.so")
        for step in (
            (*FLAGS[source], "-c", str(source), "-o", str(part)),
            ("-shared", str(part), "-lm", "-o", str(whole)),
        ):
            subprocess.run([*compiler, *step], check=True, capture_output=True, timeout=120)
        whole.replace(path)
