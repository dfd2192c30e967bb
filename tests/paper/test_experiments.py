"""Small twins of the paper's experiments: each fails if what the experiment shows is no longer there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from hybrid.paper.cases import case
from hybrid.paper.experiments.baselines import baselines
from hybrid.paper.experiments.oversampling import pairs as oversampling_pairs
from hybrid.paper.extras import EXTRAS
from hybrid.study.files import from_data
from hybrid.study.progress import Reporter
from hybrid.study.run import run

ELLIPTIC = {"kind": "elliptic", "domain": [[0, "pi"]], "eps": 0.125, "a": "2 + 0.5*sin(2*pi*y0)", "f": "sin(x0)"}
SQUARE = {
    "kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)*cos(2*pi*y1)", "f": "sin(x0) + cos(x1)",
    "fem": {"cells_per_period": 8, "homogenized_cells": 24, "cell_cells": 12},
}  # fmt: skip
HEAT = {
    "kind": "reaction-diffusion", "domain": [["-pi", "pi"]], "eps": 0.1, "D": 2, "r": "cos(2*pi*y0)", "f": "sin(2*pi*x0)",
    "u0": "0.01*sin(x0)", "T": 1,
}  # fmt: skip


def _paper(data: dict[str, Any], out: Path, **pinn: object) -> dict[str, Any]:
    return run(
        from_data(data | {"pinn": {"preset": "paper"} | pinn}, "test", "small"), MPI.COMM_SELF, out=out, extras=EXTRAS
    )


def test_classical_pinn_transfer_and_nh_pinn_in_one_dimension(tmp_path: Path) -> None:
    """NH-PINN is good; the classical PINN is not, and it forgets what NH-PINN's network knew (sections 2.1, 2.2, 5.3.2)."""
    results = _paper(ELLIPTIC, tmp_path, steps=600, hidden=[32, 32], points=101)
    assert results["preset"] == "paper"
    averaged = results["averaged"]
    assert averaged["e1"] < 0.05
    assert averaged["chi_1"] < 0.2
    assert results["classical"]["error"] > 0.5
    curve = results["transfer"]["monitored"]
    assert curve["errors"]["error"][0] == pytest.approx(results["errors_grid"]["e1"], rel=0.05)
    assert curve["errors"]["error"][-1] > 5 * curve["errors"]["error"][0]
    assert curve["epochs"][-1] == 600
    assert any("learning rate 1e-4" in text for text in results["stated"])
    assert any("learning rate 1e-3" in text for text in results["provenance"]["assumptions"])


def test_oversampling_in_two_dimensions(tmp_path: Path) -> None:
    """Section 4.1: the same loss, minimized to the end with oversampled points and without."""
    results = _paper(SQUARE, tmp_path, steps=30, hidden=[10, 10], points=21)
    study = results["oversampling"]
    pairs = oversampling_pairs(study, "levenberg-marquardt")
    assert [(name, seed) for name, seed, _, _ in pairs] == [(f"chi_{j}", seed) for seed in range(3) for j in (1, 2)]
    assert np.median([other / one for _, _, one, other in pairs]) > 3
    adam = oversampling_pairs(study, "adam")
    assert [(name, seed) for name, seed, _, _ in adam] == [("chi_1", 0), ("chi_2", 0), ("chi_1", 1), ("chi_1", 2)]
    assert set(study["curves"]["with"]["errors"]) == {"chi_1", "chi_2"}


def test_reaction_diffusion_with_the_papers_networks(tmp_path: Path) -> None:
    """The space-time network learns; the corrector is good long before; oversampling is compared in 1D too."""
    results = _paper(HEAT, tmp_path, steps=400, hidden=[24, 24], points=31)
    assert results["averaged"]["N"] < 0.2
    curve = results["training"]["homogenized"]["monitored"]
    assert curve["errors"]["e3"][-1] < curve["errors"]["e3"][0] / 2
    assert results["errors"]["e2"] == pytest.approx(results["errors"]["e4"], rel=0.05)
    assert {row["kind"] for row in results["oversampling"]["rows"]} == {"with", "without"}


def test_paper_experiments_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"steps": 20, "hidden": [8], "points": 21}
    first = _paper(ELLIPTIC, tmp_path, **settings)
    (tmp_path / "results.json").unlink()
    from hybrid.study import recorder

    monkeypatch.setattr(recorder, "save_networks", lambda *_: pytest.fail("trained again"))
    case_ = from_data(ELLIPTIC | {"pinn": {"preset": "paper"} | settings}, "test", "small")
    again = run(case_, MPI.COMM_SELF, out=tmp_path, resume=True, extras=EXTRAS)
    for name in ("averaged", "errors"):
        assert again[name] == first[name]
    for name in ("classical", "transfer"):
        assert again[name]["error"] == first[name]["error"]


def test_direct_baselines(tmp_path: Path) -> None:
    """Strong form without the frequency: no. Other forms, or with it: yes (1D, ε = 1/8)."""
    problem: Any = case("elliptic-1d").problem
    path, reporter = tmp_path / "baselines.json", Reporter(0)
    found = baselines(problem, MPI.COMM_SELF, path, reporter, hidden=(10, 10), points=600, steps=40)
    error = {(row["formulation"], row["fast_frequency"]): row["error"] for row in found["rows"]}
    assert error["strong", False] > 0.9
    assert error["ritz", False] < 0.3
    assert error["first-order", True] < 0.02
    assert error["ritz", True] < 0.02
    assert all(row["seconds"] > 0 for row in found["rows"])
    assert baselines(problem, MPI.COMM_SELF, path, reporter, hidden=(10, 10), points=600, steps=40) == found
