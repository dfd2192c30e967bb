"""The paper's tables, each beside what was measured here: one structure for HTML, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.study.cases import case, names
from hybrid.study.table import number

Results = Mapping[str, Any]
Data = Mapping[tuple[str, str], Results]
"""Results by (preset, case)."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: Above it.
        head: Column titles.
        rows: The cells; rows whose first cell starts with "paper" are set apart.
        note: Below it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """As a GitHub table."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.head, *self.rows)]
        rule = "|" + "|".join(["---"] + ["---:"] * (len(self.head) - 1)) + "|"
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:], "", self.note, ""])

    def comma_separated(self) -> str:
        """As CSV, the title in front of each row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.head, *self.rows):
            writer.writerow([self.title, *row])
        return text.getvalue()


def _text(value: float | None) -> str:
    return "–" if value is None else number(value)


def _range(values: Sequence[float]) -> str:
    low, high = _text(min(values)), _text(max(values))
    return low if low == high else f"{low} … {high}"


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
    paper = case(name).paper
    keys = ("e1", "e2", "e3", "e4", "e5")
    rows = [("paper", *(_text(paper.get(k)) for k in keys), _ratio(paper))] if "e1" in paper else []
    if ("paper", name) in data:
        results = data["paper", name]
        grid = dict(results["errors_grid"]) | {k: v for k, v in results["averaged"].items() if k in keys}
        rows.append(("preset paper, as the paper measures", *(_text(grid.get(k)) for k in keys), _ratio(grid)))
    for preset in ("fast", "accurate"):
        if (preset, name) in data:
            results = data[preset, name]
            errors, spread = results["errors"], results.get("seeds")
            rows.append((f"preset {preset}", *(_text(errors[k]) for k in keys), _ratio(errors)))
            if spread:
                cells = [_range(spread[k]) if k in spread else "" for k in keys]
                rows.append((f"– its {len(spread['seeds'])} seeds", *cells, ""))
    note = (
        "“As the paper measures”: e1 and e3 averaged over the last epochs of the training, on the paper's grid. The other "
        "rows: relative L2 norms by quadrature on the reference mesh."
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
        cells = [f"{labels[key]}, {name}", _text(case(name).paper.get(key))]
        for preset in ("paper", "fast", "accurate"):
            results = data.get((preset, name))
            if results is None:
                cells.append("–")
            elif key == "e_a":
                cells.append(_text(results["homogenized"]["e_a"]))
            elif preset == "paper":
                cells.append(_text(results["averaged"][key]))
            else:
                cells.append(_text(results["cell"]["pinn"]["errors"][j]))
        rows.append(cells)
    return Table(
        "Cell problems: relative L2 errors against finite elements",
        ("", "paper", "preset paper", "preset fast", "preset accurate"),
        rows,
        "Preset paper: averaged over the last epochs on a grid of 101 points a side, as in the paper; a*(x) at the end.",
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


def _direct(data: Data) -> Table:
    rows = []
    for name in names():
        results, paper = data.get(("paper", name)), case(name).paper
        if results is None or name.endswith("literal"):
            continue
        cells = [name]
        for key in ("classical", "transfer"):
            cells += [_text(paper.get(key)), _text(results[key]["error"])]
        rows.append((*cells, _text(results["averaged"]["e1"])))
    return Table(
        "Classical PINN, and the classical PINN started from NH-PINN's network (transfer learning)",
        ("", "classical: paper", "classical: here", "transfer: paper", "transfer: here", "NH-PINN: here"),
        rows,
        "Relative L2 errors against the reference with the paper's settings, averaged over its last epochs.",
    )


def oversampling_pairs(study: Results, optimizer: str) -> list[tuple[str, int, float, float]]:
    """(corrector, seed, error with oversampling, error without)."""
    rows = {(r["corrector"], r["seed"], r["kind"]): r["error"] for r in study["rows"] if r["optimizer"] == optimizer}
    return [(name, seed, e, rows[name, seed, "without"]) for (name, seed, kind), e in rows.items() if kind == "with"]


def _oversampling(data: Data) -> Table:
    rows = []
    labels = {"chi_1": "χ₁", "chi_2": "χ₂", "N": "N (1D)"}
    optimizers = {"adam": "Adam", "levenberg-marquardt": "Levenberg–Marquardt"}
    for name in ("elliptic-2d", "reaction-diffusion-10"):
        results = data.get(("paper", name))
        if results is None:
            continue
        paper = case(name).paper
        for key in ("chi_1", "chi_2", "N"):
            if key in paper:
                rows.append((f"paper, {labels[key]}", _text(paper[key]), _text(paper.get(f"{key}_without")), ""))
        for optimizer, label in optimizers.items():
            for key, seed, one, other in oversampling_pairs(results["oversampling"], optimizer):
                text = f"{label}, {labels[key]}, seed {seed}"
                rows.append((text, _text(one), _text(other), f"{other / one:.2g}"))
    return Table(
        "Oversampling against none: relative L2 errors of the correctors",
        ("", "with", "without", "without / with"),
        rows,
        "Adam: the paper's network and points, averaged over its last epochs. Levenberg–Marquardt: the same loss and points, "
        "60 steps with a smaller network, 16-16 (every layer trained).",
    )


def _baselines(extras: Mapping[str, Any], data: Data) -> list[Table]:
    tables = []
    for name in ("elliptic-1d", "elliptic-2d"):
        found = extras.get(name)
        if not found:
            continue
        labels = {"strong": "strong form", "first-order": "first-order system", "ritz": "energy (Ritz) form"}
        rows = [
            (
                labels[row["formulation"]] + (", with the fast frequency" if row["fast_frequency"] else ""),
                _text(row["error"]),
                f"{row['seconds']:.1f}",
                str(row["parameters"]),
                str(row["points"]),
                str(row["steps"]),
                row["stopped"],
            )
            for row in found["rows"]
        ]
        results = data.get(("accurate", name))
        if results is not None:
            seconds = results["seconds"]
            time = seconds["pinn_cell"] + seconds["pinn_homogenized"]
            rows.append(
                ("NH-PINN, preset accurate (e1)", _text(results["errors"]["e1"]), f"{time:.1f}", "", "", "", "")
            )
            rows.append(
                ("– with first-order correctors (e5)", _text(results["errors"]["e5"]), f"{time:.1f}", "", "", "", "")
            )
            seconds_fem = seconds["reference"]
            estimate = results["reference"]["error_estimate"]
            rows.append(
                ("finite elements that resolve ε (estimate)", _text(estimate), f"{seconds_fem:.1f}", "", "", "", "")
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
                    "why it stopped",
                ),
                rows,
                f"Relative L2 error of u against the reference; hidden layers {found['hidden']}, "
                "u = 0 on the boundary exactly. “With the fast frequency”: sin and cos of 2πx_i/ε are inputs beside x.",
            )
        )
    return tables


def _literal(data: Data) -> Table:
    rows = []
    keys = ("e1", "e2", "e3", "e4", "e5")
    for n in (10, 50):
        paper = case(f"reaction-diffusion-{n}").paper
        rows.append((f"paper, ε = 1/{n}", *(_text(paper.get(k)) for k in keys)))
        for suffix, label in (("", "unit cell"), ("-literal", "literal")):
            results = data.get(("accurate", f"reaction-diffusion-{n}{suffix}"))
            if results is not None:
                rows.append((f"accurate, {label}", *(_text(results["errors"][k]) for k in keys)))
    return Table(
        "The two readings of section 5.4",
        ("", *keys),
        rows,
        "Unit cell: r(y) = cos(2πy) on [0, 1]. Literal: r(y) = cos(y) on [0, 2π].",
    )


def _coarse(extras: Mapping[str, Any]) -> list[Table]:
    found = extras.get("coarse-mesh")
    if not found:
        return []
    rows = [
        (f"{cells:.3g}", _text(error)) for cells, error in zip(found["cells_per_period"], found["errors"], strict=True)
    ]
    rows.append(("predicted where the mesh is coarse: 9/17", _text(found["predicted"])))
    return [
        Table(
            "Section 2.2: linear elements on meshes that do not see the oscillation",
            ("mesh cells per period", "relative L2 error"),
            rows,
            f"a = 1 + 15 sin²(x/ε), ε = {found['eps']:g}: a* = {found['coefficient']:.6f} (4 exactly), mean 8.5. The elements "
            "see the mean, so that u_FEM ≈ 8/17 u_0.",
        )
    ]


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
        _oversampling(data),
        _direct(data),
        *_baselines(extras, data),
        *_coarse(extras),
        _literal(data),
        _seconds(data),
    ]
