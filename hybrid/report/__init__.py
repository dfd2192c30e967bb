"""Pages: a run, a sweep, and what every page shares with that of the reproduction."""
