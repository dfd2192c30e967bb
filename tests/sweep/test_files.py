"""Sweep files: what they mean, and that all that is wrong with one is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybrid.failures import InputError, each_of
from hybrid.study.presets import OWN
from hybrid.sweep.files import from_data, read

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


def test_axes_are_multiplied_and_named_in_full() -> None:
    plan = from_data(
        {
            "base": BASE,
            "grid": {"eps": [0.25, 0.125], "c": [1, 2]},
            "zip": {"width": [10, 20], "fem": {"degree": [2, 3]}},
            "list": [{"preset": "fast"}, {"preset": "accurate", "steps": 5}],
            "seeds": 3,
        }
    )
    assert len(plan.runs) == 2 * 2 * 2 * 2 * 3
    assert list(plan.axes) == ["eps", "constants.c", "pinn.hidden", "fem.degree", "preset", "pinn.steps", "seed"]
    last = plan.runs[-1]
    assert last.settings == {
        "eps": 0.125, "constants.c": 2, "pinn.hidden": 20, "fem.degree": 3, "preset": "accurate", "pinn.steps": 5, "seed": 2
    }  # fmt: skip
    assert last.data["pinn"] == {"preset": "accurate", "hidden": [20], "steps": 5, "seed": 2}
    assert "seed" not in BASE["pinn"]
    assert len(set(plan.keys)) == len(plan.runs)


def test_random_samples_come_from_their_seed_and_keep_to_their_bounds() -> None:
    def sampled(seed: int, **more: Any) -> list[dict[str, Any]]:
        field = {"c": {"low": 2, "high": 1000, "scale": "log"}, **more}
        plan = from_data({"base": BASE | {"eps": 0.25}, "random": {"samples": 20, "seed": seed, **field}})
        return [run.settings for run in plan.runs]

    first = sampled(0)
    values = [run["constants.c"] for run in first]
    assert all(2 <= value <= 1000 for value in values)
    assert sum(value < 45 for value in values) in range(5, 16)  # half of them, on a logarithmic scale
    assert first == sampled(0)
    assert first != sampled(1)
    more = sampled(0, eps={"choices": [0.25, 0.125]}, points={"low": 20, "high": 22, "whole": True})
    assert [run["constants.c"] for run in more] == values
    assert {run["pinn.points"] for run in more} == {20, 21, 22}


def test_everything_wrong_is_said_at_once() -> None:
    found = faults(
        {
            "base": BASE,
            "sed": 1,
            "limit": 0,
            "grid": {"eps": [], "c": [1, 2], "fo": [2], "constants": {"c": [1]}},
            "zip": {"eps": [0.1], "width": [1, 2]},
            "random": {"samples": 0, "tol": {}, "period": {"low": 2, "high": 1}},
        }
    )
    for start in (
        "sed: unknown key", "limit: 0", "grid.eps: []", "grid.fo: no field", "grid.constants.c: is grid.c", "zip: eps has 1",
        "random.samples: 0", "random.tol: which one", "random.period: from 2 to 1",
    ):  # fmt: skip
        assert any(line.startswith(start) for line in found), (start, found)


def test_a_field_has_one_axis() -> None:
    (line,) = faults({"base": BASE | {"eps": 0.1}, "grid": {"seed": [0, 1]}, "seeds": 2})
    assert line == "seeds.seed: is in [grid] too; one axis for each field"
    (line,) = faults({"base": BASE, "grid": {"eps": [0.1, 0.2]}, "set": {"eps": 0.1}})
    assert line == "set.eps: is an axis too, in [grid]; leave it out here"


def test_a_million_runs_are_counted_and_not_made() -> None:
    (line,) = faults({"base": BASE, "grid": {"eps": [0.1 + i / 10**4 for i in range(1000)], "c": list(range(1, 1001))}})
    assert line.startswith("limit: 1,000,000 runs (1000 x 1000); at most 10,000 are begun")


def test_problems_that_an_axis_makes_invalid_are_named_by_its_value() -> None:
    found = faults(
        {"base": BASE, "grid": {"eps": [0.25, -1], "c": [1, -3]}, "set": {"optimizer": "last-layer", "steps": 3}}
    )
    assert found[0].startswith("base: pinn.steps: last-layer least squares takes one step")
    assert any(line.startswith("with constants.c = -3: a: not positive") for line in found)
    assert any(line.startswith("with eps = -1: eps: -1 is not allowed") for line in found)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ({"base": "nothing", "seeds": 2}, "base: 'nothing'; allowed are"),
        ({"seeds": 2}, "base: missing"),
        ({"base": BASE | {"eps": 0.1}}, "grid: nothing varies"),
        ({"base": BASE | {"eps": 0.1}, "grid": {"c": [1, 1]}}, "grid.c: [1, 1] has a value twice"),
        ({"base": BASE | {"eps": 0.1}, "grid": {"fem": {"degre": [1]}}}, "grid.fem.degre: no field"),
        ({"base": BASE | {"eps": 0.1}, "list": []}, "list: allowed are tables"),
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
    (tmp_path / "s.toml").write_text('base = "p.toml"\n[grid]\neps = [0.1, 0.2]\n')
    plan = read(tmp_path / "s.toml", presets=OWN)
    assert (plan.name, [run.data["eps"] for run in plan.runs]) == ("s", [0.1, 0.2])

    from hybrid.paper.cases import case

    (tmp_path / "c.toml").write_text('base = "elliptic-1d"\nseeds = 2\n')
    assert read(tmp_path / "c.toml", cases=case).runs[0].data["name"] == "elliptic-1d"
    assert len(read(tmp_path / "c.toml", seeds=5, cases=case).runs) == 5


def test_runs_with_one_reference_wait_for_the_first_and_shards_are_all_of_it() -> None:
    plan = from_data({"base": BASE, "grid": {"eps": [0.25, 0.125, 0.1], "preset": ["fast", "accurate"]}, "seeds": 2})
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
