"""Equations with time: discrete-time networks, and one network of space and time."""
