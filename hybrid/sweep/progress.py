"""What a sweep tells the person who waits: how far, what failed, what is under way, time left; and the same in a log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hybrid.study.progress import Reporter
from hybrid.sweep.checking import written
from hybrid.sweep.folder import Folder
from hybrid.sweep.plan import Task

_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Watch:
    """Follows a sweep by what lands in its folder.

    Args:
        folder: Of the sweep.
        agenda: What is to land.
        reporter: Who is told.
    """

    def __init__(self, folder: Folder, agenda: Sequence[Task], reporter: Reporter) -> None:
        self.folder, self.reporter = folder, reporter
        self._tasks: Mapping[str, Task] = {task.key: task for task in agenda}
        self._seen = folder.landed() & self._tasks.keys()
        self._begun, self._first, self._last = time.monotonic(), len(self._seen), 0.0
        self._landed = self._begun
        self._failed = sum(self._reason(key) is not None for key in self._seen)
        self.under_way: set[str] = set()
        self._bar: Progress | None = None

    @property
    def total(self) -> int:
        """How many runs."""
        return len(self._tasks)

    def __enter__(self) -> Watch:
        self.reporter.say(f"{self.total} runs, {self._first} of them done" + self._failures())
        if self.reporter.active and self.reporter.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.completed:.0f} of {task.total:.0f}"), BarColumn(24), TextColumn("{task.description}"),
                TimeElapsedColumn(), console=self.reporter.console, transient=True,
            )  # fmt: skip
            self._bar.add_task("", total=self.total, completed=self._first)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.look(last=True)
        if self._bar is not None:
            self._bar.stop()
        self.reporter.say(f"{len(self._seen)} of {self.total} runs done{self._failures()}")

    def look(self, *, last: bool = False) -> None:
        """Say what has landed since the last look."""
        new = (self.folder.landed() & self._tasks.keys()) - self._seen
        self._seen |= new
        if new:
            self._landed = time.monotonic()
        for key in new:
            reason = self._reason(key)
            if reason is not None:
                self._failed += 1
                self.reporter.say(f"  failed: {written(self._tasks[key].run.settings)}: {reason}")
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=len(self._seen), description=self._state())
        elif not last and len(self._seen) < self.total and now - self._last > _EVERY and (new or self._last):
            self._last = now
            self.reporter.say(f"  {len(self._seen)} of {self.total} runs, {self._state()}")

    def _state(self) -> str:
        left = "time left not known yet"
        if (
            done := len(self._seen) - self._first
        ):  # what has landed says what a run takes, not how long the next one waits
            each = (self._landed - self._begun) / done
            rest = each * (self.total - len(self._seen)) - (time.monotonic() - self._landed)
            left = f"about {_span(max(rest, each))} left"
        now = [written(self._tasks[key].run.settings) for key in sorted(self.under_way) if key in self._tasks]
        return left + self._failures() + (f"; now {' | '.join(now)}" if now else "")

    def _failures(self) -> str:
        return f", {self._failed} failed" if self._failed else ""

    def _reason(self, key: str) -> str | None:
        """Why a run has failed."""
        row = self.folder.row(key)
        return None if row is None or row["status"] != "failed" else str(row["reason"])


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def reporter_of(rank: int, folder: Path) -> Reporter:
    """For screen and log of a sweep."""
    return Reporter(rank, folder / "log.txt")
