"""Periodic cell problems: correctors, energies, bounds; where the medium is smooth, jumps, or depends on x."""
