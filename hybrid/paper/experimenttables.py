"""Tables of the experiments: oversampling, classical PINN and transfer, direct baselines, coarse meshes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.paper.cases import case, names
from hybrid.study.tabular import Data, Results, Table, text_of


def oversampling_pairs(study: Results, optimizer: str) -> list[tuple[str, int, float, float]]:
    """(corrector, seed, error with oversampling, error without)."""
    rows = {(r["corrector"], r["seed"], r["kind"]): r["error"] for r in study["rows"] if r["optimizer"] == optimizer}
    return [(name, seed, e, rows[name, seed, "without"]) for (name, seed, kind), e in rows.items() if kind == "with"]


def oversampling_table(data: Data) -> Table:
    """Errors of the correctors with oversampled points and without."""
    rows = []
    labels = {"chi_1": "χ₁", "chi_2": "χ₂", "N": "N (1D)"}
    optimizers = {"adam": "Adam", "levenberg-marquardt": "Levenberg–Marquardt"}
    for name in ("elliptic-2d", "reaction-diffusion-10"):
        results = data.get(("paper", name))
        if results is None:
            continue
        paper = case(name).published
        for key in ("chi_1", "chi_2", "N"):
            if key in paper:
                rows.append((f"paper, {labels[key]}", text_of(paper[key]), text_of(paper.get(f"{key}_without")), ""))
        for optimizer, label in optimizers.items():
            for key, seed, one, other in oversampling_pairs(results["oversampling"], optimizer):
                text = f"{label}, {labels[key]}, seed {seed}"
                rows.append((text, text_of(one), text_of(other), f"{other / one:.2g}"))
    return Table(
        "Oversampling against none: relative L2 errors of the correctors",
        ("", "with", "without", "without / with"),
        rows,
        "Adam: the paper's network and points, averaged over its last epochs. Levenberg–Marquardt: the same loss and points, "
        "60 steps with a smaller network, 16-16 (every layer trained).",
    )


def direct_table(data: Data) -> Table:
    """Classical PINN and transfer learning beside NH-PINN."""
    rows = []
    for name in names():
        results, paper = data.get(("paper", name)), case(name).published
        if results is None or name.endswith("literal"):
            continue
        cells = [name]
        for key in ("classical", "transfer"):
            cells += [text_of(paper.get(key)), text_of(results[key]["error"])]
        rows.append((*cells, text_of(results["averaged"]["e1"])))
    return Table(
        "Classical PINN, and the classical PINN started from NH-PINN's network (transfer learning)",
        ("", "classical: paper", "classical: here", "transfer: paper", "transfer: here", "NH-PINN: here"),
        rows,
        "Relative L2 errors against the reference with the paper's settings, averaged over its last epochs.",
    )


def baselines_tables(extras: Mapping[str, Any], data: Data) -> list[Table]:
    """The direct baselines, one table for each dimension."""
    tables = []
    for name in ("elliptic-1d", "elliptic-2d"):
        found = extras.get(name)
        if not found:
            continue
        labels = {"strong": "strong form", "first-order": "first-order system", "ritz": "energy (Ritz) form"}
        rows = [
            (
                labels[row["formulation"]] + (", with the fast frequency" if row["fast_frequency"] else ""),
                text_of(row["error"]),
                f"{row['seconds']:.1f}",
                str(row["parameters"]),
                str(row["points"]),
                str(row["steps"]),
                "steps" if row["stopped"] == "all steps done" else "stagnated",
            )
            for row in found["rows"]
        ]
        results = data.get(("accurate", name))
        if results is not None:
            seconds = results["seconds"]
            time = seconds["pinn_cell"] + seconds["pinn_homogenized"]
            rows.append(
                ("NH-PINN, preset accurate (e1)", text_of(results["errors"]["e1"]), f"{time:.1f}", "", "", "", "")
            )
            rows.append(
                ("– with first-order correctors (e5)", text_of(results["errors"]["e5"]), f"{time:.1f}", "", "", "", "")
            )
            seconds_fem = seconds["reference"]
            estimate = results["reference"]["error_estimate"]
            rows.append(
                ("finite elements that resolve ε (estimate)", text_of(estimate), f"{seconds_fem:.1f}", "", "", "", "")
            )
        tables.append(
            Table(
                f"Direct networks, solved well: {name}, ε = 1/8",
                (
                    "every layer trained, Levenberg–Marquardt",
                    "error",
                    "seconds",
                    "parameters",
                    "points a side",
                    "steps",
                    "stopped by",
                ),
                rows,
                f"Relative L2 error of u against the reference; hidden layers {found['hidden']}, "
                "u = 0 on the boundary exactly. “With the fast frequency”: sin and cos of 2πx_i/ε are inputs beside x.",
            )
        )
    return tables


def coarse_tables(extras: Mapping[str, Any]) -> list[Table]:
    """Linear elements on coarse meshes, if that study was run."""
    found = extras.get("coarse-mesh")
    if not found:
        return []
    rows = [
        (f"{cells:.3g}", text_of(error))
        for cells, error in zip(found["cells_per_period"], found["errors"], strict=True)
    ]
    rows.append(("predicted where the mesh is coarse: 9/17", text_of(found["predicted"])))
    return [
        Table(
            "Section 2.2: linear elements on meshes that do not see the oscillation",
            ("mesh cells per period", "relative L2 error"),
            rows,
            f"a = 1 + 15 sin²(x/ε), ε = {found['eps']:g}: a* = {found['coefficient']:.6f} (4 exactly), mean 8.5. The elements "
            "see the mean, so that u_FEM ≈ 8/17 u_0.",
        )
    ]


def seeds_tables(extras: Mapping[str, Any]) -> list[Table]:
    """The presets from many seeds, if that study was run."""
    found = extras.get("seeds")
    if not found:
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
            "Relative L2 errors against spectral solutions and series; of the cell problems the worse corrector. fast: frozen "
            "random hidden layers, the last one by least squares. accurate: every layer trained. One thread.",
        )
    ]
