"""A sweep's folder: what has landed there, and which run belongs to whom.

A run is computed in ``runs/.KEY`` by whoever holds the lock on ``runs/.KEY.claim``, and lands by getting the name ``runs/KEY``.
The system takes a lock away when the process that holds it dies, whatever it dies of: then another one goes on there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid import store
from hybrid.failures import InputError
from hybrid.study.record import Record
from hybrid.study.rows import Row, plain, row_of, settings_of
from hybrid.study.tidy import write_tables
from hybrid.sweep.plan import Task

_LEFT_OVER = ("network-*.npz", "training-*.npz")
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Folder:
    """Of a sweep.

    Attributes:
        path: Where it is.
    """

    path: Path

    @property
    def runs(self) -> Path:
        """Where runs land."""
        return self.path / "runs"

    def work(self, key: str) -> Path:
        """Where a run is computed."""
        return self.runs / f".{key}"

    def prepare(self, plan: Mapping[str, Any], text: str) -> None:
        """Make the folder, and write down what the sweep is.

        Raises:
            InputError: It cannot be written, or is the folder of something else.
        """
        if (self.path / "results.json").exists():
            raise InputError("--out", f"{self.path} is the folder of a run; give a sweep one of its own")
        store.prepare(self.path)
        self.runs.mkdir(exist_ok=True)
        store.write_json(self.path / "plan.json", plan)
        if text:
            store.write_atomically(self.path / "sweep.toml", lambda file: file.write(text.encode()))

    def landed(self) -> set[str]:
        """The keys of the runs that have ended, well or not."""
        with os.scandir(self.runs) as entries:
            return {entry.name for entry in entries if not entry.name.startswith(".")}

    def begun(self) -> set[str]:
        """The keys of the runs that somebody has claimed, perhaps long ago."""
        with os.scandir(self.runs) as entries:
            return {name[1:-6] for entry in entries if (name := entry.name).endswith(".claim")}

    def has(self, key: str) -> bool:
        """Whether a run has ended."""
        return (self.runs / key).exists()

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Whether a run is ours while the block lasts: nobody else computes it, and it has not landed.

        Raises:
            InputError: The file system knows no locks.
        """
        path = self.runs / f".{key}.claim"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                what = f"{self.path} is on a file system without locks, by which processes share the runs; give another one"
                raise InputError("--out", what) from None
            yield not self.has(key)
            if self.has(key):
                path.unlink(missing_ok=True)

    def land(self, task: Task, *, keep: bool) -> None:
        """Give a run that is complete its name, with its row; without the trained networks, if they are not to `keep`."""
        record = Record.read(self.work(task.key) / "results.json")
        assert record is not None
        self._land(task, {"status": "complete", "reason": None}, row_of(record), keep=keep)

    def land_failed(self, task: Task, reason: str, *, keep: bool) -> None:
        """The same for a run that has failed."""
        pinn = task.run.data.get("pinn", {})
        known: Row = {"pinn.preset": pinn.get("preset", "accurate"), "pinn.seed": pinn.get("seed", 0)}
        row = settings_of(task.run.data) | known | dict.fromkeys(("e1", "e2", "e3", "e4", "e5"))
        self._land(task, {"status": "failed", "reason": reason}, row, keep=keep)

    def _land(self, task: Task, head: Row, row: Row, *, keep: bool) -> None:
        settings = {name: plain(value) for name, value in task.run.settings.items()}
        given = {name: value for name, value in settings_of(task.run.data).items() if name.startswith("constants.")}
        row = {"run": task.key, **head} | {
            k: v for k, v in (settings | given | row | settings).items() if k not in head
        }
        work, target = self.work(task.key), self.runs / task.key
        work.mkdir(exist_ok=True)
        store.write_json(work / "row.json", row)
        for pattern in () if keep else _LEFT_OVER:
            for path in work.glob(pattern):
                path.unlink()
        work.rename(target)

    def forget(self, key: str) -> None:
        """Take away a run that has ended, to run it again."""
        shutil.rmtree(self.runs / key, ignore_errors=True)

    def row(self, key: str) -> Row | None:
        """The row of a run that has ended."""
        return store.read_json(self.runs / key / "row.json")

    def write_tables(self, keys: Sequence[str]) -> None:
        """``results.csv`` and ``results.parquet``, of the runs that have ended."""
        rows = [row for row in map(self.row, keys) if row is not None]
        if rows:
            write_tables(self.path, rows)
