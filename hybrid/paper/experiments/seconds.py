"""What it all takes."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.paper.cases import names
from hybrid.paper.experiment import Experiment, Recorded
from hybrid.report.tabular import Table

_PARTS = {
    "reference": "reference", "fem_cell": "cell, FEM", "fem_homogenized": "v and w, FEM", "pinn_cell": "cell, network",
    "pinn_homogenized": "p, network", "total": "total",
}  # fmt: skip


class Seconds(Experiment):
    """The wall time of every run."""

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """By preset, case and stage."""
        rows = []
        for preset in ("fast", "accurate", "paper"):
            for name in names():
                if (results := recorded.run(preset, name)) is not None:
                    rows.append((f"{name}, {preset}", *(f"{results['seconds'].get(k, 0.0):.1f}" for k in _PARTS)))
        ranks = sorted({results["provenance"]["ranks"] for results in recorded.runs.values()})
        note = f"The total has figures, seeds and experiments in it. Ranks: {', '.join(map(str, ranks))}."
        return [Table("Wall time in seconds", ("", *_PARTS.values()), rows, note)]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None."""
        return []
