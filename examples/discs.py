"""A mesh as the medium of a problem file, discs.toml: an array of discs, by finite elements and by networks.

The reference is solved on copies of the mesh, the cell problems on the mesh itself; the networks take their points from it, and
have kinks along the edge of the disc.
"""

from pathlib import Path

from hybrid.study.files import read
from hybrid.study.run import run

from mpi4py import MPI  # isort: skip

results = run(read(Path(__file__).with_name("discs.toml")), MPI.COMM_WORLD, preset="fast")

if MPI.COMM_WORLD.rank == 0:
    print("every number resolved:", results["resolved"])
    print("e1 =", results["errors"]["e1"], "e4 =", results["errors"]["e4"], "e5 =", results["errors"]["e5"])
    print("a* by networks =", results["homogenized"]["pinn"][0][0])
    print("a* =", results["homogenized"]["fem"][0][0])
