"""Section 5.4: r(x/ε) = cos(x/ε) on the cell [0, 1] of the appendix, and read literally."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.paper.cases import case, paper_cases
from hybrid.paper.experiment import Experiment, Recorded
from hybrid.paper.experiments.nhpinn import KEYS
from hybrid.report.tabular import Table, text_of


class Readings(Experiment):
    """The two readings."""

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Both beside the paper's numbers."""
        rows: list[tuple[str, ...]] = []
        apart = []
        for literal in paper_cases():
            if not literal.literal_of:
                continue
            plain = case(literal.literal_of)
            apart.append(len(rows))
            count = round(1 / plain.problem.eps)
            rows.append((f"paper, ε = 1/{count}", *(text_of(plain.published.get(k)) for k in KEYS)))
            for name, label in ((plain.problem.name, "unit cell"), (literal.name, "literal")):
                if (results := recorded.run("accurate", name)) is not None:
                    rows.append((f"accurate, {label}", *(text_of(results["errors"][k]) for k in KEYS)))
        note = "Unit cell: r(y) = cos(2πy) on [0, 1]. Literal: r(y) = cos(y) on [0, 2π]."
        return [Table("The two readings of section 5.4", ("", *KEYS), rows, note, tuple(apart))]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None: e4 of both is in what is said of the reference."""
        return []
