"""Functions in expressions whose values are computed from data, where no formula has them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy

from hybrid.failures import InputError


class Computed(sympy.Function):  # type: ignore[misc]
    """A function of the coordinates of a point; a subclass for each, as SymPy wants it."""

    @classmethod
    @abstractmethod
    def values(cls, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """At points, (n, d) -> (n,)."""

    @classmethod
    def at(cls, module: str, coordinates: list[Any]) -> Any:
        """In the arithmetic of a back end, "numpy" or "torch".

        Raises:
            InputError: The back end is UFL, which has no such functions.
        """
        if module == "torch":
            import torch

            like = torch.broadcast_tensors(*coordinates)
            points = torch.stack([c.reshape(-1) for c in like], dim=1).detach().cpu().numpy()
            return torch.as_tensor(cls.values(points), device=like[0].device).reshape(like[0].shape)
        if module != "numpy":
            raise InputError("expression", f"{cls.__name__} has values at points, and no form in {module}")
        arrays = np.broadcast_arrays(*coordinates)
        return cls.values(np.stack([c.ravel() for c in arrays], axis=1)).reshape(arrays[0].shape)
