"""Pages: of a run, of a sweep, and what every page shares with that of the reproduction."""

from __future__ import annotations

from hybrid.report.door import report as report
