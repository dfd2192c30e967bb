"""Guaranteed bounds of the error of a reconstruction, with no fine mesh and no fine solve."""

from hybrid.bounds.certificate import Certificate, Reconstruction, certify

__all__ = ["Certificate", "Reconstruction", "certify"]
