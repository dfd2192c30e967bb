"""Equations without time on the domain: homogenized, and directly the multiscale one."""
