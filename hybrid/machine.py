"""What depends on the machine: its processor, and how the process holds on to memory."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import re
import resource
import signal
from pathlib import Path

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
"""glibc's numbers of what `mallopt` sets (malloc.h)."""


@functools.cache
def processor() -> str:
    """What -march=native looks at: homes, and caches in them, are shared between machines."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor() or platform.machine()


def threads() -> int | None:
    """How many OMP_NUM_THREADS gives to each process; None where it says nothing that is a number."""
    found = re.match(r"\s*(\d+)", os.environ.get("OMP_NUM_THREADS", ""))
    return None if found is None else int(found[1]) or None


def room_for(threads: int) -> int:
    """How many processes with so many threads each this one's cores suffice for, at least one."""
    return max(len(os.sched_getaffinity(0)) // threads, 1)


def keep_memory() -> None:
    """Let glibc keep what is freed for what comes next, where there is glibc; for programs, not for libraries.

    By default arrays of more than 32 MiB come from the kernel and go back to it each time, page by page: on a virtual machine
    a seventh of the time of a reference solve. The peak of memory is the same.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_M_TOP_PAD, 1 << 26)


def serve_another() -> None:
    """What a process does first that another one has started to work for it.

    Who interrupts that one interrupts both, and it ends this one; and where nobody listens any more there is to be an error,
    not a signal, which is a crash for PETSc.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    keep_memory()


def restart_peak_memory() -> None:
    """Let `peak_memory` count from now on, where the system can do that (Linux, proc(5))."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """The most memory that this process has had so far, in bytes."""
    with contextlib.suppress(OSError):  # getrusage starts from the peak of the process that started this one
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
