"""Periodic cell problems: correctors, energies, bounds, and which inputs and points a medium asks for."""
