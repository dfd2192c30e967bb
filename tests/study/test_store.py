from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hybrid.pinn.embedding import AffineEmbedding
from hybrid.pinn.network import Network
from hybrid.study import store


def _network(seed: int, width: int = 4) -> Network:
    return Network(AffineEmbedding([(0.0, 1.0)]), (width,), 1, seed)


def test_a_network_comes_back(tmp_path: Path) -> None:
    path, one, other = tmp_path / "net.npz", _network(1), _network(2)
    store.save_networks(path, [one], "key", {"loss": [1.0, 0.5]})
    assert store.load_networks(path, [other], "key") == {"loss": [1.0, 0.5]}
    x = torch.rand(5, 1, dtype=torch.float64)
    assert torch.equal(one(x), other(x))


def test_what_does_not_fit_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    store.save_networks(path, [_network(1)], "key", {})
    assert store.load_networks(path, [_network(2)], "another key") is None
    assert store.load_networks(path, [_network(2, width=5)], "key") is None
    assert store.load_networks(tmp_path / "none.npz", [_network(2)], "key") is None


@pytest.mark.parametrize("position", [0.0, 0.3, 0.6, 0.99])
def test_a_damaged_file_is_not_loaded(tmp_path: Path, position: float) -> None:
    path = tmp_path / "net.npz"
    store.save_networks(path, [_network(1)], "key", {})
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: int(position * len(data))])
    assert store.load_networks(path, [_network(2)], "key") is None


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("executed",))

    path = tmp_path / "net.npz"
    np.savez(path, meta=np.array("{}"), bomb=np.array([Bomb()], dtype=object))
    assert store.load_networks(path, [_network(1)], "key") is None


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    store.write_json(path, {"a": 1})

    def fail(file: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.write_atomically(path, fail)
    assert store.read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]
    path.write_text("{")
    assert store.read_json(path) is None


def test_lists_of_numbers_are_one_line_and_read_back_the_same(tmp_path: Path) -> None:
    data = {"a": [1, -2.5, 1e-30], "b": [[1.0, 2.0], []], "c": ["1", "x [ 1 ]"], "d": [{"e": [0.1]}], "f": None}
    store.write_json(tmp_path / "r.json", data)
    assert store.read_json(tmp_path / "r.json") == data
    assert '"a": [1, -2.5, 1e-30]' in (tmp_path / "r.json").read_text()
