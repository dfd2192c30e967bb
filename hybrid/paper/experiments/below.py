"""Beyond the paper: reconstructions whose errors are below e4, the error of u_0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hybrid.paper.cases import paper_cases
from hybrid.paper.experiment import Experiment, Recorded
from hybrid.report.tabular import Table, text_of
from hybrid.study.table import RUNGS


class Below(Experiment):
    """Boundary layers and second order, of the preset `accurate`."""

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """The errors of all reconstructions by networks."""
        rows = []
        for shown in paper_cases():
            ladder: dict[str, Any] = (recorded.run("accurate", shown.name) or {}).get("ladder") or {}
            found: dict[str, float] = ladder.get("pinn", {})
            for part, norm in (("", "L2"), ("_h1", "H1")) if found else ():
                values = [text_of(found[name + part]) if name in found else "" for name in RUNGS]
                rows.append(("" if part else shown.name, norm, *values))
        note = (
            "Relative errors against the reference. First order: the oscillation put back. Layers: the homogenized solution as "
            "the boundary makes it from afar, and half-strip layers behind each face. Second order: the next cell functions."
        )
        return [Table("Below e4", ("", "norm", *RUNGS.values()), rows, note)] if rows else []

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None: e5 / e4 is said of the networks that are solved well."""
        return []
