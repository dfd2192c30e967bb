"""Radau IIA, an implicit Runge-Kutta method of order 2q - 1 that damps stiff components (Hairer, Wanner 1996, IV.5)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre


def radau(stages: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The matrix A, (q, q), and the nodes c, (q,), of the method with q stages; its last stage is the new value.

    The nodes are the roots of P_q - P_{q-1} on [0, 1], 1 among them, and A integrates polynomials of degree q - 1 exactly:
    Σ_j A_ij c_j^(k-1) = c_i^k / k.
    """
    difference = np.zeros(stages + 1)
    difference[stages], difference[stages - 1] = 1.0, -1.0
    nodes = (np.sort(legendre.legroots(difference).real) + 1) / 2
    # In Legendre polynomials, which stay well conditioned where powers do not.
    values = legendre.legvander(2 * nodes - 1, stages - 1)
    integrals = np.stack(
        [
            legendre.legval(2 * nodes - 1, legendre.legint(np.eye(stages)[k], lbnd=-1)) / 2
            for k in range(stages)
        ],
        axis=1,
    )  # fmt: skip
    return integrals @ np.linalg.inv(values), nodes
