"""Sweep files: what they mean, and that all that is wrong with one is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybrid.failures import InputError, each_of
from hybrid.study.presets import OWN
from hybrid.sweep.files import from_data, read

MESH = Path(__file__).resolve().parents[2] / "meshes" / "inclusion-2d.msh"
BASE: dict[str, Any] = {
    "kind": "elliptic",
    "domain": [[0, 1]],
    "a": "1 + c*(1 + sin(2*pi*y0))",
    "f": "1",
    "constants": {"c": 1},
    "pinn": {"preset": "fast"},
}


def faults(data: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as failed:
        from_data(data)
    return [str(one).removeprefix("sweep: ") for one in each_of(failed.value)]


def settings(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [run.settings for run in from_data({"base": BASE | {"eps": 0.25}, **data}).runs]


def test_axes_are_paths_and_a_grid_has_every_value_with_every_other() -> None:
    """Quoted and nested keys of TOML are the same fields; short names are written in full."""
    axes = {
        "eps": [0.25, 0.125],
        "constants.c": [1, 2],
        "pinn": {"seed": [0, 1]},
        "width": [10, 20],
        "preset": ["fast"],
    }
    plan = from_data({"base": BASE, "axes": axes, "set": {"fem": {"degree": 2}}})
    assert len(plan.runs) == 2 * 2 * 2 * 2
    assert list(plan.axes) == ["eps", "constants.c", "pinn.seed", "pinn.hidden", "pinn.preset"]
    last = plan.runs[-1]
    assert last.settings == {
        "eps": 0.125, "constants.c": 2, "pinn.seed": 1, "pinn.hidden": 20, "pinn.preset": "fast"
    }  # fmt: skip
    assert last.data["pinn"] == {"preset": "fast", "hidden": [20], "seed": 1}
    assert (last.data["constants"], last.data["fem"]) == ({"c": 2}, {"degree": 2})
    assert "seed" not in BASE["pinn"]
    assert len(set(plan.keys)) == len(plan.runs)


def test_values_go_together_and_runs_one_by_one_and_both_with_seeds() -> None:
    zipped = settings({"mode": "zip", "axes": {"eps": [0.25, 0.125], "fem.degree": [2, 3]}, "seeds": 2})
    assert zipped == [
        {"eps": eps, "fem.degree": degree, "pinn.seed": seed} for eps, degree in ((0.25, 2), (0.125, 3)) for seed in (0, 1)
    ]  # fmt: skip
    runs = [{"eps": 0.125}, {"pinn": {"preset": "accurate"}, "constants.c": 2}]
    assert settings({"mode": "list", "runs": runs}) == [{"eps": 0.125}, {"pinn.preset": "accurate", "constants.c": 2}]


def test_samples_come_from_their_seed_and_keep_to_their_bounds() -> None:
    def sampled(seed: int, **more: Any) -> list[dict[str, Any]]:
        field = {"constants.c": {"low": 2, "high": 1000, "scale": "log"}, **more}
        return settings({"mode": "sample", "count": 20, "seed": seed, "axes": field})

    first = sampled(0)
    values = [run["constants.c"] for run in first]
    assert all(2 <= value <= 1000 for value in values)
    assert sum(value < 45 for value in values) in range(5, 16)  # half of them, on a logarithmic scale
    assert first == sampled(0)
    assert first != sampled(1)
    more = sampled(0, eps=[0.25, 0.125], pinn={"points": {"low": 20, "high": 22, "whole": True}})
    assert [run["constants.c"] for run in more] == values
    assert {run["pinn.points"] for run in more} == {20, 21, 22}
    assert {run["eps"] for run in more} == {0.25, 0.125}


def test_everything_wrong_is_said_at_once() -> None:
    found = faults(
        {
            "base": BASE,
            "sed": 1,
            "limit": 0,
            "count": 3,
            "runs": [{"eps": 1}],
            "axes": {"eps": [], "c": [1, 2], "fo": [2], "constants": {"c": [1]}, "tol": [1], "fem": {"degree": 2}},
        }
    )
    for start in (
        "sed: unknown key", "limit: 0", "axes.eps: []", "axes.fo: no field", "axes.constants.c: is axes.c",
        "axes.tol: which one", "axes.fem.degree: 2; allowed is a list", "count: is not for mode = 'grid'",
        "runs: is not for mode = 'grid'",
    ):  # fmt: skip
        assert any(line.startswith(start) for line in found), (start, found)


def test_a_field_has_one_axis() -> None:
    (line,) = faults({"base": BASE | {"eps": 0.1}, "axes": {"pinn.seed": [0, 1]}, "seeds": 2})
    assert line == "seeds: pinn.seed varies too; one axis for each field"
    (line,) = faults({"base": BASE, "axes": {"eps": [0.1, 0.2]}, "set": {"eps": 0.1}})
    assert line == "set.eps: is an axis too; leave it out here"


def test_a_million_runs_are_counted_and_not_made() -> None:
    base = BASE | {"eps": 0.1, "pinn": {"preset": "accurate"}}
    (line,) = faults({"base": base, "axes": {"steps": list(range(1, 1001)), "points": list(range(20, 1020))}})
    assert line.startswith("limit: 1,000,000 runs (1000 x 1000); at most 10,000 are begun")


def test_problems_that_an_axis_makes_invalid_are_named_by_its_value() -> None:
    found = faults(
        {"base": BASE, "axes": {"eps": [0.25, -1], "c": [1, -3]}, "set": {"optimizer": "last-layer", "steps": 3}}
    )
    assert found[0].startswith("base: pinn.steps: last-layer least squares takes one step")
    assert any(line.startswith("with constants.c = -3: a: not positive") for line in found)
    assert any(line.startswith("with eps = -1: eps: -1 is not allowed") for line in found)
    assert len(found) == 3


def test_names_values_and_the_count_are_wrong_at_once() -> None:
    """What a faulty axis would have given is not said to be missing, and a true fault of the base is said as well."""
    axes: dict[str, Any] = {
        "epz": [0.1, 0.2], "eps": [], "constants.c": [1, -3], "c": [5], "pinn.points": [*range(20, 1019), -1],
        "steps": list(range(1, 1001)),
    }  # fmt: skip
    found = faults({"base": BASE | {"pinn": {"preset": "accurate"}}, "axes": axes})
    assert [line.partition(":")[0] for line in found] == [
        "axes.epz", "axes.eps", "axes.c", "limit", "with constants.c = -3", "with pinn.points = -1"
    ]  # fmt: skip
    assert found[1].startswith("axes.eps: []; allowed is a list")
    assert found[2] == "axes.c: is axes.constants.c; one axis for each field"
    assert found[3].startswith("limit: 2,000,000 runs (2 x 1000 x 1000)")
    assert found[4].startswith("with constants.c = -3: a: not positive")
    assert faults({"base": BASE | {"f": "q"}, "axes": {"eps": []}})[1:][0].startswith("base: f: unknown name 'q'")


def test_where_the_box_is_not_known_values_are_not_judged() -> None:
    (line,) = faults({"base": BASE | {"f": "x1"}, "axes": {"domain": [], "c": [-3, 1]}})
    assert line.startswith("axes.domain: []")
    (line,) = faults({"base": BASE | {"eps": 0.1}, "mode": "zap", "axes": {"c": [-3, 1]}})
    assert line.startswith("mode: 'zap'")


def test_samples_and_rows_of_a_faulty_file_are_looked_at() -> None:
    base = BASE | {"eps": 0.1}
    drawn = {"c": {"low": -9, "high": -8}, "fo": [1]}
    found = faults({"base": base, "mode": "sample", "count": 1_000_000, "axes": drawn})
    assert [line.partition(":")[0] for line in found[:2]] == ["axes.fo", "limit"]
    assert all("a: not positive" in line for line in found[2:21])
    found = faults({"base": base, "mode": "list", "runs": [{"c": 1}, {"c": -3}, {"fo": 1}]})
    assert [line.partition(":")[0] for line in found] == ["runs.fo", "with constants.c = -3"]


GOOD = {"base": BASE | {"eps": 0.1}}


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ({"base": "nothing", "seeds": 2}, "base: 'nothing'; allowed are"),
        ({"seeds": 2}, "base: missing"),
        (GOOD, "axes: nothing varies"),
        (GOOD | {"axes": {"c": [1, 1]}}, "axes.c: [1, 1] has a value twice"),
        (GOOD | {"axes": {"fem": {"degre": [1]}}}, "axes.fem.degre: no field"),
        (GOOD | {"axes": {"name": ["a", "b"]}}, "axes.name: no field"),
        (GOOD | {"axes": [1]}, "axes: must be a table"),
        (GOOD | {"mode": "random", "seeds": 2}, "mode: 'random'; allowed are grid, zip, sample, list"),
        (GOOD | {"mode": "list"}, "runs: allowed are tables"),
        (GOOD | {"mode": "zip", "axes": {"eps": [0.1], "c": [1, 2]}}, "axes: eps has 1"),
        (GOOD | {"mode": "sample", "axes": {"c": [1, 2]}}, "count: missing"),
        (GOOD | {"mode": "sample", "count": 0, "axes": {"c": [1, 2]}}, "count: 0"),
        (GOOD | {"mode": "sample", "count": 2, "axes": {"c": {"low": 2, "high": 1}}}, "axes.c: from 2 to 1"),
        (GOOD | {"axes": {"c": {"low": 2, "high": 3}}}, "axes.c: {'low': 2, 'high': 3}; allowed is a list"),
        ({"base": BASE | {"f": "q", "eps": 0.1}, "seeds": 2}, "base: f: unknown name 'q'"),
    ],
)
def test_single_faults(data: dict[str, Any], start: str) -> None:
    (line,) = faults(data)
    assert line.startswith(start)


def test_a_base_may_be_a_file_or_a_case(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(
        'kind = "elliptic"\ndomain = [[0, 1]]\neps = 0.1\na = "2 + sin(2*pi*y0)"\nf = "1"\n'
    )
    (tmp_path / "s.toml").write_text('base = "p.toml"\n[axes]\neps = [0.1, 0.2]\n')
    plan = read(tmp_path / "s.toml", presets=OWN)
    assert (plan.name, [run.data["eps"] for run in plan.runs]) == ("s", [0.1, 0.2])

    from hybrid.paper.cases import case

    (tmp_path / "c.toml").write_text('base = "elliptic-1d"\nseeds = 2\n')
    assert read(tmp_path / "c.toml", cases=case).runs[0].data["name"] == "elliptic-1d"
    assert len(read(tmp_path / "c.toml", seeds=5, cases=case).runs) == 5


def test_a_mesh_counts_by_its_contents_and_its_regions_may_vary(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cell.msh").write_bytes(MESH.read_bytes())
    base = {
        "kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 0.5, "f": "1", "mesh": "cell.msh",
        "a": {"matrix": 1, "inclusion": "2*k"}, "constants": {"k": 5}, "pinn": {"preset": "fast"},
    }  # fmt: skip
    data = {"base": base, "axes": {"a": {"matrix": [1, 2]}, "constants.k": [5]}}
    one, two = (from_data(data, folder=tmp_path / folder) for folder in ("one", "two"))
    assert list(one.axes) == ["a.matrix", "constants.k"]
    assert [run.data["a"]["matrix"] for run in one.runs] == [1, 2]
    assert one.runs[0].data["mesh"] != two.runs[0].data["mesh"]
    assert one.keys == two.keys
    before = one.keys
    meshes = ["one/cell.msh", "two/cell.msh"]
    plan = from_data({"base": base, "axes": {"mesh": meshes}}, folder=tmp_path)
    assert [run.settings["mesh"] for run in plan.runs] == meshes
    with (tmp_path / "one" / "cell.msh").open("ab") as file:
        file.write(b"\n")
    assert not set(before) & set(one.keys)


def test_runs_with_one_reference_wait_for_the_first_and_shards_are_all_of_it() -> None:
    plan = from_data({"base": BASE, "axes": {"eps": [0.25, 0.125, 0.1], "preset": ["fast", "accurate"]}, "seeds": 2})
    agenda = plan.agenda()
    assert sorted(task.key for task in agenda) == sorted(plan.keys)
    leaders = {task.key for task in agenda if task.after is None}
    assert len(leaders) == 3
    assert all(task.after in leaders for task in agenda if task.after is not None)
    for count in (2, 3, 5):
        parts = [{task.key for task in plan.agenda((k, count))} for k in range(1, count + 1)]
        assert sum(map(len, parts)) == len(plan.keys)
        assert set.union(*parts) == set(plan.keys)
        scales = [{run.data["eps"] for run in plan.runs if run.key in part} for part in parts]
        assert count > 3 or not set.intersection(*scales)
