"""Sweeps: many runs of a problem whose fields vary, distributed over processes, and what they say together."""
