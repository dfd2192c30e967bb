"""a* of the periodic cells in meshes/ by finite elements, against published values.

    python examples/inclusions.py            or            mpiexec -n 2 python examples/inclusions.py

A matrix of conductivity 1 with a square array of discs of conductivity 10, with a square array of holes, and with a simple
cubic array of spheres of conductivity 10; every radius is 1/4.
"""

from pathlib import Path

import hybrid

from mpi4py import MPI  # isort: skip

import numpy as np

MESHES = Path(__file__).parents[1] / "meshes"


def square_array_of_discs(f: float, k: float) -> float:
    """Discs of conductivity k (0: holes) and area fraction f: Perrins, McKenzie, McPhedran 1979, Transport properties of
    regular arrays of cylinders, equation (14). The error for radius 1/4, k = 10 and k = 0, against Rayleigh's method with
    multipoles up to order 31: 4e-10.
    """
    t = (1 + k) / (1 - k)
    return 1 - 2 * f / (t + f - 0.305827 * f**4 * t / (t**2 - 1.402958 * f**8) - 0.013362 * f**8 / t)


def cubic_array_of_spheres(f: float, k: float) -> float:
    """Spheres of conductivity k and volume fraction f: Sangani and Acrivos 1983, The effective conductivity of a periodic
    array of spheres, simple cubic. The error for k = 10 and the radii 0.25, 0.3, 0.4, against Rayleigh's method with all
    multipoles up to order 13 (McPhedran and McKenzie 1978): 3e-9, 3e-8, 2e-5.
    """
    l1, l2, l3, l4, l5 = ((k - 1) / (k + 2 * i / (2 * i - 1)) for i in range(1, 6))
    near = 1.305 * l2 * f ** (10 / 3) * (1 + 0.231 * l3 * f ** (11 / 3)) / (1 - 0.405 * l2 * f ** (7 / 3))
    far = 0.0723 * l3 * f ** (14 / 3) + 0.153 * l4 * f**6 + 0.0105 * l5 * f ** (22 / 3)
    return 1 - 3 * f / (-1 / l1 + f + near + far)


DISC, SPHERE = np.pi / 4**2, 4 / 3 * np.pi / 4**3
CELLS = {  # the mesh, the conductivity of each region, the published a*
    "inclusion-2d": ({"matrix": 1, "inclusion": 10}, square_array_of_discs(DISC, 10)),
    "perforated-2d": ({"matrix": 1}, square_array_of_discs(DISC, 0)),
    "inclusion-3d": ({"matrix": 1, "inclusion": 10}, cubic_array_of_spheres(SPHERE, 10)),
}


def homogenized(comm: MPI.Comm, name: str, degree: int = 3) -> np.ndarray:
    """a* of a cell in meshes/, (d, d)."""
    cell = hybrid.fem.read_mesh(MESHES / f"{name}.msh", comm)
    a = hybrid.fem.piecewise(cell, CELLS[name][0])
    box = [(0.0, 1.0)] * cell.mesh.geometry.dim
    return hybrid.fem.solve_cell_on_mesh(cell.mesh, box, a, degree=degree).coefficient


def main(comm: MPI.Comm) -> None:
    rows = [(name, homogenized(comm, name), published) for name, (_, published) in CELLS.items()]
    if comm.rank == 0:
        print(f"{'cell':15}{'a*':>12}{'published':>12}{'difference':>12}{'anisotropy':>12}")
        for name, a, published in rows:
            mean = np.trace(a) / len(a)
            print(
                f"{name:15}{mean:12.7f}{published:12.7f}{mean - published:12.1e}{abs(a - mean * np.eye(len(a))).max():12.1e}"
            )


if __name__ == "__main__":
    main(MPI.COMM_WORLD)
