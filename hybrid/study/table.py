"""The table at the end of a run: the paper's numbers and the measured ones side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from hybrid.problems import is_slow, kind_of
from hybrid.study.cases import Case

_MEANING = {
    "e1": "NH-PINN against the reference",
    "e2": "a* of the network, FEM solve",
    "e3": "network against FEM, same a*",
    "e4": "FEM homogenization",
    "e5": "network with correctors",
}


def rows_of(case: Case, results: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """(name, meaning, paper, measured by quadrature, measured on the paper's grid), as text."""
    rows = []
    for name, meaning in _MEANING.items():
        paper = case.paper.get(name)
        values = [results[where].get(name) for where in ("errors", "errors_grid")]
        rows.append(
            (
                name,
                meaning,
                "–" if paper is None else f"{paper:.6f}",
                *("–" if v is None else number(v) for v in values),
            )
        )
    elliptic = kind_of(case.problem) == "elliptic"
    for j, error in enumerate(results["cell"].get("pinn", {}).get("errors", []), start=1):
        paper = case.paper.get(f"chi_{j}" if elliptic else "N")
        name = f"χ_{j}" if elliptic else "N"
        rows.append(
            (name, "corrector, network against FEM", "–" if paper is None else f"{paper:.6f}", number(error), "–")
        )
    if is_slow(case.problem):
        paper, found = case.paper.get("e_a"), results["homogenized"]["e_a"]
        rows.append(("e_a", "a*(x), network against FEM", "–" if paper is None else f"{paper:.6f}", number(found), "–"))
    return rows  # type: ignore[return-value]


def number(value: float) -> str:
    """Six decimals as in the paper, or an exponent where they would show nothing."""
    return f"{value:.6f}" if value >= 1e-3 else f"{value:.2e}"


def table_of(case: Case, results: Mapping[str, Any]) -> Table:
    """A table for the terminal."""
    table = Table(title=f"{case.problem.name}, preset {results['preset']}: relative L2 errors", title_justify="left")
    for heading in ("", "what", "paper", "measured", "on the grid"):
        table.add_column(heading, justify="left" if heading in {"", "what"} else "right", no_wrap=heading != "what")
    for row in rows_of(case, results):
        table.add_row(*row)
    fem, pinn = (_coefficient(results["homogenized"][k]) for k in ("fem", "pinn"))
    name = "a*" if kind_of(case.problem) == "elliptic" else "r*"
    estimate = results["reference"].get("error_estimate")
    kinds = {part: training["kind"] for part, training in results["training"].items()}
    text = " and ".join(sorted(set(kinds.values())))
    table.caption_justify = "left"
    difference = results["homogenized"]["relative_difference"]
    table.caption = (
        f"{name}: FEM {fem}, network {pinn} (relative difference {difference:.1e})\n"
        f"reference: {results['reference']['dofs']} dofs, its own error about {estimate or 0:.1e}\n"
        f"networks: {text}"
    )
    return table


def _coefficient(value: Any) -> str:
    """A number, a matrix, or the range of a*(x)."""
    if isinstance(value, dict):
        values = np.array(value["values"])[:, 0, 0]
        return f"a*(x) from {values.min():.6f} to {values.max():.6f}"
    a = np.atleast_2d(np.array(value))
    if np.abs(a - a[0, 0] * np.eye(len(a))).max() < 1e-6 * abs(a[0, 0]):
        return f"{a[0, 0]:.9f}"
    return "[" + "; ".join(" ".join(f"{entry:.7f}" for entry in row) for row in a) + "]"
