"""A whole run from a problem file, laminate.toml, as `hybrid run examples/laminate.toml --preset fast` makes it, and its page.

Results, figures and fields are left in results/laminate/; `run` returns what is in results.json, all that the page is made of.
"""

from pathlib import Path

from hybrid.report import report
from hybrid.study.files import read
from hybrid.study.run import run

from mpi4py import MPI  # isort: skip

case = read(Path(__file__).with_name("laminate.toml"))
results = run(case, MPI.COMM_WORLD, preset="fast")

if MPI.COMM_WORLD.rank == 0:
    print("the page is", report(Path("results/laminate")))
    print("every number resolved:", results["resolved"])
    print("a* =", results["homogenized"]["pinn"][0][0])
    print("e1 =", results["errors"]["e1"])
