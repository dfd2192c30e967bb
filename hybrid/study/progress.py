"""What a run tells the person who waits for it: stage, how far, loss, time left; and the same in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


class _Console(Console):
    """A console that falls silent when nobody reads it any more, instead of ending the run."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Reporter:
    """Reports the stages of a run on rank 0, and nothing elsewhere.

    On a terminal it draws a progress bar, otherwise it prints one line every few seconds; the log gets one line a stage.

    Args:
        rank: This rank.
        log: The log file, or None.
        quiet: Whether only the log is told.
    """

    def __init__(self, rank: int, log: Path | None = None, *, quiet: bool = False) -> None:
        self.active = rank == 0
        self.quiet = quiet
        self.console = _Console(highlight=False, soft_wrap=True, quiet=quiet)
        self._file: TextIO | None = log.open("a", encoding="utf-8") if self.active and log is not None else None
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage, self._start, self._last = "", 0.0, 0.0
        self._first = (0, 0.0)  # step and time from which this session's speed is measured

    def say(self, text: str, style: str | None = None) -> None:
        """A line for screen and log."""
        if self.active:
            if not self.quiet:
                self.console.print(text, style=style, markup=False)
            self._write(text)

    def show(self, table: Table) -> None:
        """A table for screen and log; where there is no screen `results.json` has all of it."""
        if self.active and not self.quiet:
            self.console.print(table)
            if self._file is not None:
                Console(file=self._file, width=110).print(table)

    def warn(self, text: str) -> None:
        """A warning for standard error and log."""
        if self.active:
            if not self.quiet:
                print(f"hybrid: warning: {text}", file=sys.stderr, flush=True)
            self._write(f"warning: {text}")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; `step` fills its bar."""
        self._stage, self._start, self._last = name, time.perf_counter(), time.perf_counter()
        self._first = (2**62, 0.0)
        if self.active and not self.quiet and self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description:38}"), BarColumn(24), TextColumn("{task.fields[note]:16}"),
                TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
                console=self.console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(name, total=None, note="")
            self._bar.start()
        done = False
        try:
            yield
            done = True
        finally:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
            self.say(f"  {name:38} {time.perf_counter() - self._start:7.2f} s{'' if done else '   stopped'}")

    def step(self, step: int, steps: int, loss: float) -> None:
        """A step of the training in the current stage."""
        if not self.active or self.quiet:
            return
        if step < self._first[0]:  # a new training, or one that is taken up in the middle
            self._first = (step, time.perf_counter())
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step, total=steps, note=f"loss {loss:.2e}")
        elif not self.console.is_terminal and time.perf_counter() - self._last > 5:
            self._last = time.perf_counter()
            left = (self._last - self._first[1]) / max(step - self._first[0], 1) * (steps - step)
            self.console.print(
                f"    {self._stage}: step {step} of at most {steps}, loss {loss:.2e}, at most {left:.0f} s left",
                markup=False,
            )

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            with suppress(OSError):  # a full disk was said when the line was written
                self._file.close()

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
            self._file.flush()
