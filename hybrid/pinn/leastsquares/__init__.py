"""One language for every loss: rows that are linear in a network, at points, shared out over ranks."""
