from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid import InputError, store


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    assert store.load_arrays(path, "key") is None
    store.save_arrays(path, "key", {"loss": [1.0, 0.1 + 0.2]}, {"w": np.arange(6.0).reshape(2, 3)})
    found = store.load_arrays(path, "key")
    assert found is not None
    assert found[0] == {"loss": [1.0, 0.1 + 0.2]}
    assert np.array_equal(found[1]["w"], np.arange(6.0).reshape(2, 3))
    assert store.load_arrays(path, "another key") is None


@pytest.mark.parametrize("position", [0.0, 0.3, 0.6, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, position: float) -> None:
    path = tmp_path / "a.npz"
    store.save_arrays(path, "key", {}, {"w": np.arange(60.0)})
    data = path.read_bytes()
    path.write_bytes(data[: int(position * len(data))])
    with pytest.raises(InputError, match=r"a\.npz: damaged.*remove it"):
        store.load_arrays(path, "key")


def test_no_changed_byte_gets_through(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    store.save_arrays(path, "key", {"a": 1}, {"w": np.arange(3.0)})
    data = path.read_bytes()
    for position in range(0, len(data), 3):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x63]) + data[position + 1 :])
        try:
            found = store.load_arrays(path, "key")
        except InputError:
            continue
        assert found is not None  # a byte that nothing reads
        assert np.array_equal(found[1]["w"], np.arange(3.0))


def test_a_changed_number_is_refused(tmp_path: Path) -> None:
    """Also when the zip archive around it is made whole again, so that only our checksum can tell."""
    path = tmp_path / "a.npz"
    store.save_arrays(path, "key", {}, {"w": np.arange(60.0)})
    with np.load(path) as file:
        contents = {name: file[name] for name in file.files}
    contents["w"][7] += 1e-13
    np.savez(path, **contents)
    with pytest.raises(InputError, match="checksum"):
        store.load_arrays(path, "key")


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    with monkeypatch.context() as patch:
        patch.setattr(store, "VERSION", 1)
        store.save_arrays(path, "key", {}, {})
    with pytest.raises(InputError, match=f"version 1 of its format, this is {store.VERSION}"):
        store.load_arrays(path, "key")


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("executed",))

    path = tmp_path / "a.npz"
    np.savez(path, meta=np.array("{}"), bomb=np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="damaged"):
        store.load_arrays(path, "key")


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
