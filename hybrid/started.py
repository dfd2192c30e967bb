"""MPI, started as this machine asks for, before all else that is compiled: that then finds this MPI and no other.

MPICH's ranks wait by asking again and again, and hold the cores that those they wait for need: three ranks on two cores take
twice the time. Where a machine has fewer cores than ranks they are to sleep in between; where each has its own, sleep would
only make answers late. Open MPI sees to this itself.
"""

from __future__ import annotations

import os

_RANKS = os.environ.get("MPI_LOCALNRANKS", "1")
if _RANKS.isdigit() and int(_RANKS) > (os.cpu_count() or 1):
    os.environ.setdefault("MPIR_CVAR_CH4_PROGRESS_THROTTLE", "1")

import mpi4py.MPI  # noqa: E402, F401
