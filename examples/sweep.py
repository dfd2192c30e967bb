"""A sweep in ten lines: five ε, two seeds each, and the order of the error of homogenization with its interval.

The table is left in results/sweep/results.csv too; run again, the script takes what is there.
"""

from hybrid.study.statistics import order
from hybrid.sweep.files import from_data
from hybrid.sweep.run import run

from mpi4py import MPI  # isort: skip

problem = {"kind": "elliptic", "domain": [[0, 1]], "a": "1 / (2 + sin(2*pi*y0))", "f": "1", "pinn": {"preset": "fast"}}
plan = from_data({"base": problem, "name": "sweep", "axes": {"eps": [1 / n for n in (8, 16, 32, 64)]}, "seeds": 2})
table = run(plan)

if MPI.COMM_WORLD.rank == 0:
    found = order(table["eps"].to_pylist(), table["e4"].to_pylist())
    print(f"{len(table)} runs; e4 falls with order {found.low:.3f} to {found.high:.3f}, most likely", found.order)
