"""The page of a sweep: true to its rows, complete or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from hybrid import InputError
from hybrid.report import report, sweepplots
from hybrid.report.sweeprows import Sweep, read
from hybrid.report.sweeptables import fixed, statistics
from hybrid.report.sweepwords import order_of, sentences

sys.path.insert(0, str(Path(__file__).parent))
from pages import check_page, failed, leave_sweep, row

EPS = (0.25, 0.125, 0.0625)


def sweep_of(rows: list[dict[str, Any]], **axes: Any) -> Sweep:
    return Sweep("law", axes, len(rows), rows)


def test_the_page_has_the_numbers_of_the_rows(tmp_path: Path) -> None:
    rows = [row(eps, seed) for eps in EPS for seed in (0, 1, 2)]
    rows[4] = failed(rows[4]["eps"], rows[4]["pinn.seed"])
    rows[8] |= {"e5_resolved": False, "resolved": False, "trained": False}
    folder = leave_sweep(tmp_path, rows, {"eps": EPS, "pinn.seed": (0, 1, 2)}, missing=2)
    page = check_page(report(folder))
    assert page.lead[0].startswith("8 of 11 runs of a 1D elliptic problem are complete")
    assert page.lead[0].endswith("1 failed, 2 missing.")
    assert "e4 = 0.1 at ε = 1/4 and e4 = 0.025 at ε = 1/16" in page.lead[1]
    assert "the order in ε is 1.00" in page.lead[1]
    assert "1.0200 at worst" in page.lead[2]
    assert "in 1 of 8 runs from 3 seeds a training failed" in page.lead[2]
    assert "e5 not resolved in 1 of 8 runs" in page.lead[3]
    assert "the order in ε is 2.00" in page.lead[3]
    assert (
        page.lead[4]
        == "Every number is resolved in 7 of 8 runs; not resolved elsewhere: e5, which the table marks (!)."
    )
    table = page.tables["Settings, errors and seconds of each run"]
    head, body = table[0], table[1:]
    assert len(body) == 9
    for line, found in zip(body, rows, strict=True):
        cells = dict(zip(head, line, strict=True))
        assert cells["status"] == found["status"]
        for name in ("e1", "e5"):
            value = cells[name].split()[0]
            assert value == "–" if found["status"] == "failed" else float(value) == pytest.approx(found[name], rel=1e-3)
            assert ("(!)" in cells[name]) == (found.get(f"{name}_resolved") is False)
    orders = {line[1]: line[2] for line in page.tables["Observed orders in ε"][1:]}
    assert orders["e4"].startswith("1.00")
    assert orders["e5"].startswith("2.00")
    seconds = {line[0]: line[1:] for line in page.tables["Seconds by stage"][1:]}
    total = sum(found.get("seconds.total", 0.0) for found in rows)
    assert float(seconds["a run"][1]) == pytest.approx(total, abs=0.05)
    assert page.tables["Runs that failed: 1"][1][0] == "no convergence"
    assert "Not ended yet: 2 of 11 runs" in page.text
    assert [str(t.get("class")) for t in page.all("table")].count("sorted") == 5
    assert len(page.all("script")) == 1
    assert [str(figure["id"]) for figure in page.all("figure")] == ["lead", "spread", "precision", "costs"]


def test_a_sweep_whose_runs_have_failed_says_why(tmp_path: Path) -> None:
    page = check_page(report(leave_sweep(tmp_path, [failed(eps) for eps in EPS], {"eps": EPS})))
    assert page.lead == ["0 of 3 runs of a 1D elliptic problem are complete (values: 3 of eps), 3 failed."]
    assert "no convergence" in page.text
    assert page.all("img") == []


def test_errors_that_are_not_measured_bend_no_order() -> None:
    """Those at the end of what the reference sees; where all are there, there is no order."""
    eps = (0.4, 0.2, 0.1, 0.05)
    rows = [row(one, e5=max(one**3, 2e-3), e5_estimate=1e-3) for one in eps]
    found = order_of(sweep_of(rows, eps=eps), rows, "e5")
    assert found is not None
    assert (found.order, found.points) == (pytest.approx(3), 2)
    blind = [one | {"e5_estimate": 1.0} for one in rows]
    assert order_of(sweep_of(blind, eps=eps), blind, "e5") is None


def test_what_is_drawn_along_which_axis() -> None:
    groups = sweep_of([row(eps, k=k) for eps in EPS for k in ("a", "b")], eps=EPS, k=("a", "b"))
    assert (groups.main, groups.others, list(groups.groups)) == ("eps", ["k"], ["k = a", "k = b"])
    assert order_of(groups, groups.groups["k = a"], "e4") is not None
    cloud = sweep_of([row(eps, k=k) for eps in EPS for k in range(9)], eps=EPS, k=range(9))
    assert cloud.is_pooled
    assert order_of(cloud, cloud.complete, "e4") is None
    numbers = sweep_of(
        [row(0.1, **{"constants.k": k, "p": p}) for k in (1, 10) for p in "xyz"], p="xyz", **{"constants.k": (1, 10)}
    )
    assert numbers.main == "constants.k"
    words = sweep_of([row(0.1, p=p) for p in "xy"], p="xy")
    seeds = sweep_of([row(0.1, seed) for seed in range(4)], **{"pinn.seed": range(4)})
    assert (words.main, seeds.main) == ("p", "")
    for sweep in (groups, cloud, numbers, words, seeds):
        assert sweepplots.lead(sweep).axes[0].lines
        assert len(sentences(sweep)) == 5
    assert plt.get_fignums() == []


def test_groups_have_a_panel_each_and_stages_their_shares() -> None:
    sweep = sweep_of([row(eps, k=k) for eps in EPS for k in "abc"], eps=EPS, k="abc")
    assert [ax.get_title() for ax in sweepplots.by_group(sweep).axes] == ["k = a", "k = b", "k = c"]
    figure = sweepplots.costs(sweep)
    widths = [sum(bars[k].get_width() for bars in figure.axes[0].containers) for k in range(3)]  # type: ignore[index]
    assert widths == pytest.approx([1, 1, 1])


def test_frontiers_are_of_runs_of_one_problem() -> None:
    """A problem whose errors are larger has a frontier of its own."""
    rows = [row(eps, seed, **{"seconds.pinn_cell": 1.0 + seed}) for eps in EPS for seed in (0, 1)]
    figure = sweepplots.precision(sweep_of(rows, eps=EPS, **{"pinn.seed": (0, 1)}))
    joined = [line for line in figure.axes[0].lines if line.get_linestyle() == "-" and "e_1" in str(line.get_label())]
    assert [len(line.get_xdata()) for line in joined] == [1, 1, 1]  # type: ignore[arg-type]


def test_tables_of_settings() -> None:
    rows = [row(eps, seed) for eps in EPS for seed in (0, 1, 2)]
    table = statistics(sweep_of(rows, eps=EPS, **{"pinn.seed": (0, 1, 2)}))
    smallest = dict(zip(table.head, table.rows[0], strict=True))
    assert (smallest["eps"], smallest["runs"], smallest["failed"]) == ("1/16", "3", "0%")
    assert float(smallest["e1 median"]) == pytest.approx(0.4 / 16 * 1.01, rel=1e-3)
    assert float(smallest["e1 worst"]) == pytest.approx(0.4 / 16 * 1.02, rel=1e-3)
    common = dict(fixed(sweep_of(rows, eps=EPS)).rows)  # type: ignore[arg-type]
    assert common == {
        "name": "law",
        "kind": "elliptic",
        "dim": "1",
        "pinn.preset": "fast",
        "a": "2 + sin(2*pi*y0)",
        "hybrid": "0.1.0",
    }


def direct(eps: float, seed: int, **more: Any) -> dict[str, Any]:
    """A run with networks for the equation itself, but for the smallest ε."""
    found = {"direct.plain": 1e-3 / eps, "direct.period": 1e-5 / eps, "seconds.direct.plain": 8.0 + seed,
             "seconds.direct.period": 9.0}  # fmt: skip
    return row(eps, seed, **(found if eps > min(EPS) else {}), **more)


def test_direct_networks_have_their_columns_lines_and_words(tmp_path: Path) -> None:
    presets = ("fast", "accurate")
    rows = [direct(eps, seed, **{"pinn.preset": p}) for eps in EPS for p in presets for seed in (0, 1)]
    axes = {"eps": EPS, "pinn.preset": presets, "pinn.seed": (0, 1)}
    page = check_page(report(leave_sweep(tmp_path, rows, axes)))
    head, *body = page.tables["What each way gives, and what it costs"]
    assert head[:4] == ["eps", "pinn.preset", "FEM (e4)", "seconds"]
    at = head.index("direct network")
    assert head[at + 2] == "direct, knows the period"
    assert body[0][:4] == ["1/4", "fast", "0.1", "0.25"]
    assert body[0][at:] == ["0.004", "8.5", "4e-05", "9"]
    assert body[-1][at:] == ["–"] * 4
    assert page.lead[3].endswith("; networks without homogenization are off by 0.004 to 0.008, or 4e-05 to 8e-05 where they "
                                 "know the period.")  # fmt: skip
    figure = sweepplots.lead(sweep_of(rows, **axes))
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert [label.partition(",")[0] for label in labels] == ["FEM", *["$e_1$"] * 2, *["$e_5$"] * 2, "reference (estimate)",
                                                             "direct network", "direct"]  # fmt: skip


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    for text in ("", "{}", '{"name": "x", "axes": {}, "runs": [1]}'):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(InputError, match=r"plan\.json: damaged, not the plan of a sweep"):
            report(tmp_path)
    with pytest.raises(InputError, match="none of the 3 runs of this sweep has ended yet"):
        report(leave_sweep(tmp_path, [], {"eps": EPS}, missing=3))
    assert read(leave_sweep(tmp_path, [row(0.5)], {"eps": EPS}, missing=2)).missing == 2
