"""Guaranteed bounds of the error of a reconstruction, with no fine mesh and no fine solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid.lazy import lazily

if TYPE_CHECKING:
    from hybrid.bounds.certificate import Certificate, certify
    from hybrid.bounds.reconstruction import Reconstruction
    from hybrid.bounds.truth import true_errors

__all__ = ["Certificate", "Reconstruction", "certify", "true_errors"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Certificate": "certificate",
        "Reconstruction": "reconstruction",
        "certify": "certificate",
        "true_errors": "truth",
    },
)
