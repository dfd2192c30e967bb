"""The presets from many seeds, as `examples/benchmarks/presets.py` has measured them."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.paper.experiment import Experiment, Recorded
from hybrid.report.tabular import Table, text_of


class Seeds(Experiment):
    """How much errors depend on the random initial weights; recorded once, not run again with the rest."""

    files = ("seeds",)

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """By part and preset."""
        found = recorded.apart.get("seeds")
        if found is None:
            return []
        rows = [
            (
                row["part"],
                row["preset"],
                str(len(row["runs"])),
                text_of(row["median"]["error"]),
                text_of(row["worst"]),
                f"{row['ratio']:.1f}",
                text_of(row["median"]["a*"]) if "a*" in row["median"] else "–",
                f"{row['median']['seconds']:.2f}",
            )
            for row in found["table"]
        ]
        return [
            Table(
                "The presets from many seeds",
                ("", "preset", "seeds", "median error", "worst", "worst / median", "a*, median", "seconds, median"),
                rows,
                "Relative L2 errors against spectral solutions and series; of the cell problems the worse corrector. fast: "
                "frozen random hidden layers, the last one by least squares. accurate: every layer trained. One thread.",
            )
        ]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None."""
        return []
