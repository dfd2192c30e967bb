"""Trainings that are stopped anywhere and taken up again, and networks in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hybrid import InputError
from hybrid.pinn import LBFGS, Adam, LastLayer, LevenbergMarquardt, VariableProjection
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.base import Optimizer
from hybrid.pinn.optimizers.checkpoint import Checkpoint, load_networks, save_networks
from hybrid.pinn.optimizers.training import train


class _Killed(BaseException):
    """Like SIGKILL: nothing catches it."""


def _network(seed: int = 0, width: int = 5) -> Network:
    return Network(AffineEmbedding([(0.0, 1.0)]), (width, 4), 2, seed)


def _rows() -> list[Rows]:
    points = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    ones = torch.ones(1, 60, dtype=torch.float64)
    target = torch.cat([torch.sin(7 * points), torch.cos(5 * points)], dim=1)
    return [Rows([(points, ones)], target, VALUE, ones[0] / 60)]


class _Recorded:
    """A progress with a state of its own, which is killed at a step."""

    def __init__(self, at: int | None) -> None:
        self.at, self.seen = at, []  # type: ignore[var-annotated]

    def __call__(self, step: int, steps: int, loss: float) -> None:
        self.seen.append(loss)
        if step == self.at:
            raise _Killed

    def state(self) -> dict[str, Any]:
        return {"seen": list(self.seen)}

    def restore(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


@pytest.mark.parametrize(
    "optimizer",
    [
        LevenbergMarquardt(steps=12, tolerance=0), VariableProjection(steps=12, tolerance=0),
        LevenbergMarquardt(steps=12, last_layer_first=True), LBFGS(steps=250, tolerance=0),
        Adam(steps=12, learning_rate=1e-2, final_rate=1e-4), LastLayer(),
    ],
    ids=lambda o: o.name,
)  # fmt: skip
@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_killed_training_ends_where_an_undisturbed_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: Optimizer, precision: str
) -> None:
    if precision == "single" and not isinstance(optimizer, Adam | LBFGS):
        pytest.skip("only for first-order optimizers")
    monkeypatch.setattr("hybrid.pinn.optimizers.base._CHECKPOINT_SHARE", 1e9)  # after every step
    whole, seen = _network(), _Recorded(None)
    expected = train(whole, _rows(), optimizer=optimizer, precision=precision, progress=seen)
    stride = optimizer.stride
    for at in (0, stride, 3 * stride, 7 * stride, 7 * stride, optimizer.steps):
        network, killed = _network(), _Recorded(at)
        try:
            train(
                network, _rows(), optimizer=optimizer, precision=precision, progress=killed,
                checkpoint=Checkpoint(tmp_path / "t.npz", "key", resume=True),
            )  # fmt: skip
        except _Killed:
            continue
    network, progress = _network(), _Recorded(None)
    checkpoint = Checkpoint(tmp_path / "t.npz", "key", resume=True)
    history = train(
        network, _rows(), optimizer=optimizer, precision=precision, progress=progress, checkpoint=checkpoint
    )
    assert history.loss == expected.loss
    assert history.stopped == expected.stopped
    assert progress.seen == seen.seen
    for one, other in zip(network.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_taken_up_only_when_asked_and_only_by_its_own_training(tmp_path: Path) -> None:
    path, optimizer = tmp_path / "t.npz", LevenbergMarquardt(steps=3)
    train(_network(), _rows(), optimizer=optimizer, checkpoint=Checkpoint(path, "key", resume=True))
    assert Checkpoint(path, "key", resume=False).load() is None
    assert Checkpoint(path, "another key", resume=True).load() is None
    assert Checkpoint(path, "key", resume=True).part(0).load() is None
    assert Checkpoint(path, "key", resume=True).load() is not None
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        train(_network(), _rows(), optimizer=optimizer, checkpoint=Checkpoint(path, "key", resume=True))


def test_a_network_comes_back(tmp_path: Path) -> None:
    path, one, other = tmp_path / "net.npz", _network(1), _network(2)
    save_networks(path, [one], "key", {"loss": [1.0, 0.5]})
    assert load_networks(path, [other], "key") == {"loss": [1.0, 0.5]}
    x = torch.rand(5, 1, dtype=torch.float64)
    assert torch.equal(one(x), other(x))


def test_what_does_not_fit_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    save_networks(path, [_network(1)], "key", {})
    assert load_networks(path, [_network(2)], "another key") is None
    assert load_networks(tmp_path / "none.npz", [_network(2)], "key") is None
    with pytest.raises(InputError, match="other shapes"):
        load_networks(path, [_network(2, width=6)], "key")


def test_a_saved_tree_is_the_same_tree(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "t.npz", "key", resume=True)
    tree = {
        "a": [1, 0.1 + 0.2, None, "x", True], "b": {0: torch.arange(3), 1: {"c": []}}, "d": [float(k) / 3 for k in range(20)],
        "e": float("inf"), "f": torch.tensor(2.5),
    }  # fmt: skip
    checkpoint.save(tree)
    found = checkpoint.load()
    assert found is not None
    assert torch.equal(found["b"].pop(0), tree["b"].pop(0))
    assert torch.equal(found.pop("f"), tree.pop("f"))
    assert found == tree
    assert np.isinf(found["e"])
