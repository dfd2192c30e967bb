"""The paper's tables, each beside what was measured here: one structure for HTML, Markdown and CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hybrid.paper.cases import case, names
from hybrid.paper.experimenttables import (
    baselines_tables,
    coarse_tables,
    direct_table,
    oversampling_table,
    seeds_tables,
)
from hybrid.study.tabular import Data, Table, range_of, text_of

_NOTATION = Table(
    "Table 1. Notation",
    ("solution", "cell problems", "homogenized equation"),
    (("p", "networks", "network"), ("v", "finite elements", "finite elements"), ("w", "networks", "finite elements")),
    "u_ε is the reference, by finite elements on a mesh that resolves ε. e1 = ‖p - u_ε‖/‖u_ε‖, e2 = ‖w - u_ε‖/‖u_ε‖, "
    "e3 = ‖p - w‖/‖w‖, e4 = ‖v - u_ε‖/‖u_ε‖; and, beyond the paper, e5 = ‖r - u_ε‖/‖u_ε‖ for the networks' reconstruction r "
    "with correctors, u_0 + ε χ_j(x/ε) ∂_j u_0 or u_0 (1 + ε N(x/ε)).",
)


def _errors(data: Data, name: str, title: str) -> Table:
    """Tables 2 to 5."""
    paper = case(name).published
    keys = ("e1", "e2", "e3", "e4", "e5")
    rows = [("paper", *(text_of(paper.get(k)) for k in keys), _ratio(paper))] if "e1" in paper else []
    if ("paper", name) in data:
        results = data["paper", name]
        grid = dict(results["errors_grid"]) | {k: v for k, v in results["averaged"].items() if k in keys}
        rows.append(("preset paper, as the paper measures", *(text_of(grid.get(k)) for k in keys), _ratio(grid)))
    for preset in ("fast", "accurate"):
        if (preset, name) in data:
            results = data[preset, name]
            errors, spread = results["errors"], results.get("seeds")
            trust = results.get("trust", {})  # not in what was recorded before there was one
            marks = {k: "" if trust.get(k, {"resolved": True})["resolved"] else " (!)" for k in keys}
            rows.append((f"preset {preset}", *(text_of(errors[k]) + marks[k] for k in keys), _ratio(errors)))
            if spread:
                cells = [range_of(spread[k]) if k in spread else "" for k in keys]
                rows.append((f"– its {len(spread['seeds'])} seeds", *cells, ""))
    note = (
        "“As the paper measures”: e1 and e3 averaged over the last epochs of the training, on the paper's grid. The other "
        "rows: relative L2 norms by quadrature on the reference mesh; (!): not known to a twentieth of itself."
    )
    return Table(title, ("", *keys, "e1 / e4"), rows, note)


def _ratio(errors: Mapping[str, float]) -> str:
    return f"{errors['e1'] / errors['e4']:.3g}" if "e1" in errors and "e4" in errors else ""


def _cells(data: Data) -> Table:
    """Correctors and e_a: paper, preset paper, fast, accurate."""
    rows = []
    wanted = [("elliptic-2d", "chi_1", 0), ("elliptic-2d", "chi_2", 1), ("elliptic-1d-slow", "e_a", 0)]
    wanted += [(f"reaction-diffusion-{n}", "N", 0) for n in (10, 50)]
    labels = {"chi_1": "χ₁", "chi_2": "χ₂", "e_a": "a*(x)", "N": "N"}
    for name, key, j in wanted:
        cells = [f"{labels[key]}, {name}", text_of(case(name).published.get(key))]
        for preset in ("paper", "fast", "accurate"):
            results = data.get((preset, name))
            if results is None:
                cells.append("–")
            elif key == "e_a":
                cells.append(text_of(results["homogenized"]["e_a"]))
            elif preset == "paper":
                cells.append(text_of(results["averaged"][key]))
            else:
                cells.append(text_of(results["cell"]["pinn"]["errors"][j]))
        rows.append(cells)
    return Table(
        "Cell problems: relative L2 errors against finite elements",
        ("", "paper", "preset paper", "preset fast", "preset accurate"),
        rows,
        "Preset paper: averaged over the last epochs on a grid of 101 points a side, as in the paper; a*(x) at the end. "
        "About 1e-7 is what the finite elements themselves are off by.",
    )


def exact_coefficient(name: str) -> float | None:
    """a* or r* where it is known in closed form or to many digits."""
    if name == "elliptic-1d":
        return math.sqrt(4 - 0.25)
    if name == "elliptic-2d":
        return 1.935359234812
    if name.startswith("reaction-diffusion"):
        return -1 / 4 if name.endswith("literal") else -1 / (16 * math.pi**2)
    return None


def _coefficients(data: Data) -> Table:
    rows = []
    for name in names():
        exact = exact_coefficient(name)
        if exact is None:
            continue
        cells = [name, f"{exact:.9f}"]
        for preset, path in (("accurate", "fem"), ("paper", "pinn"), ("fast", "pinn"), ("accurate", "pinn")):
            results = data.get((preset, name))
            if results is None:
                cells.append("–")
                continue
            value: Any = results["homogenized"][path]
            while isinstance(value, list):
                value = value[0]
            cells.append(f"{value:.9f}")
        rows.append(cells)
    return Table(
        "Homogenized coefficients a* (first entry) and r*",
        ("", "exact", "finite elements", "preset paper", "preset fast", "preset accurate"),
        rows,
        "1D: the harmonic mean. 2D: computed independently by a spectral method. Reaction–diffusion: -1/(8π²D), and -1/(2D) in "
        "the literal reading.",
    )


def _literal(data: Data) -> Table:
    rows = []
    keys = ("e1", "e2", "e3", "e4", "e5")
    for n in (10, 50):
        paper = case(f"reaction-diffusion-{n}").published
        rows.append((f"paper, ε = 1/{n}", *(text_of(paper.get(k)) for k in keys)))
        for suffix, label in (("", "unit cell"), ("-literal", "literal")):
            results = data.get(("accurate", f"reaction-diffusion-{n}{suffix}"))
            if results is not None:
                rows.append((f"accurate, {label}", *(text_of(results["errors"][k]) for k in keys)))
    return Table(
        "The two readings of section 5.4",
        ("", *keys),
        rows,
        "Unit cell: r(y) = cos(2πy) on [0, 1]. Literal: r(y) = cos(y) on [0, 2π].",
    )


def _seconds(data: Data) -> Table:
    rows = []
    keys = {"reference": "reference", "fem_cell": "cell, FEM", "fem_homogenized": "v and w, FEM",
            "pinn_cell": "cell, network", "pinn_homogenized": "p, network", "total": "total"}  # fmt: skip
    for preset in ("fast", "accurate", "paper"):
        for name in names():
            results = data.get((preset, name))
            if results is not None:
                rows.append((f"{name}, {preset}", *(f"{results['seconds'].get(k, 0.0):.1f}" for k in keys)))
    ranks = sorted({results["provenance"]["ranks"] for results in data.values()})
    note = f"The total has figures, seeds and experiments in it. Ranks: {', '.join(map(str, ranks))}."
    return Table("Wall time in seconds", ("", *keys.values()), rows, note)


def tables(data: Data, extras: Mapping[str, Any]) -> list[Table]:
    """All tables of the page, in its order.

    Args:
        data: Results by (preset, case).
        extras: The direct baselines by case, and "coarse-mesh".
    """
    return [
        _NOTATION,
        _errors(data, "elliptic-2d", "Table 2. 2D elliptic problem (section 5.2)"),
        _errors(data, "elliptic-1d-slow", "Table 3. 1D elliptic problem with slow dependency (section 5.3)"),
        _errors(data, "reaction-diffusion-10", "Table 4. Reaction–diffusion, ε = 1/10 (section 5.4.1)"),
        _errors(data, "reaction-diffusion-50", "Table 5. Reaction–diffusion, ε = 1/50 (section 5.4.2)"),
        _errors(data, "elliptic-1d", "1D elliptic problem without slow dependency (section 2.1)"),
        _cells(data),
        _coefficients(data),
        oversampling_table(data),
        direct_table(data),
        *baselines_tables(extras, data),
        *coarse_tables(extras),
        *seeds_tables(extras),
        _literal(data),
        _seconds(data),
    ]
