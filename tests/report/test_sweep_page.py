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
    assert "1 of 8 trainings from 3 seeds failed" in page.lead[2]
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
    assert [str(t.get("class")) for t in page.all("table")].count("sorted") == 4
    assert len(page.all("script")) == 1
    assert [str(figure["id"]) for figure in page.all("figure")] == ["lead", "spread", "precision", "costs"]


def test_a_sweep_whose_runs_have_failed_says_why(tmp_path: Path) -> None:
    page = check_page(report(leave_sweep(tmp_path, [failed(eps) for eps in EPS], {"eps": EPS})))
    assert page.lead == ["0 of 3 runs of a 1D elliptic problem are complete (values: 3 of eps), 3 failed."]
    assert "no convergence" in page.text
    assert page.all("img") == []


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


def test_what_is_no_sweep_is_refused(tmp_path: Path) -> None:
    for text in ("", "{}", '{"name": "x", "axes": {}, "runs": [1]}'):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(InputError, match=r"plan\.json: damaged, not the plan of a sweep"):
            report(tmp_path)
    with pytest.raises(InputError, match="none of the 3 runs of this sweep has ended yet"):
        report(leave_sweep(tmp_path, [], {"eps": EPS}, missing=3))
    assert read(leave_sweep(tmp_path, [row(0.5)], {"eps": EPS}, missing=2)).missing == 2
