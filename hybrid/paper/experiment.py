"""What an experiment of the paper is: computed, recorded, shown and put into words in one file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpi4py import MPI

from matplotlib.figure import Figure as Drawing

from hybrid.report.tabular import Table
from hybrid.study.progress import Reporter
from hybrid.study.recorder import Recorder

Results = Mapping[str, Any]
Runs = Mapping[tuple[str, str], Results]
"""Results by (preset, case)."""


@dataclass(frozen=True)
class Recorded:
    """What there is to show.

    Attributes:
        runs: Complete results by (preset, case).
        apart: Results of experiments that are no runs, by the name of their file.
    """

    runs: Runs
    apart: Mapping[str, Results]

    def run(self, preset: str, name: str) -> Results | None:
        """The results of a run, if there are any."""
        return self.runs.get((preset, name))


@dataclass(frozen=True)
class Figure:
    """The counterpart of a figure of the paper.

    Attributes:
        number: In the paper.
        title: What it shows.
        needs: The runs, (preset, case), without which it cannot be drawn.
        draw: Draws it from them.
    """

    number: int
    title: str
    needs: tuple[tuple[str, str], ...]
    draw: Callable[[Runs], Drawing]

    def is_ready(self, runs: Runs) -> bool:
        """Whether the runs that it needs are there."""
        return all(need in runs for need in self.needs)


class Experiment(ABC):
    """One experiment.

    Attributes:
        files: The files of results that are no runs, without their ending; for most experiments none.
        figures: The figures, for most experiments some.
    """

    files: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()

    @abstractmethod
    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """The tables, the paper's numbers beside those measured here; rows are left out where nothing was recorded."""

    def summary(self, recorded: Recorded) -> Sequence[str]:
        """The same for the first screen, for most experiments nothing: a short sentence or two."""
        return ()

    @abstractmethod
    def findings(self, recorded: Recorded) -> Sequence[str]:
        """What was found, in sentences whose numbers are recorded or published ones."""


class InRun(Experiment):
    """An experiment on what a run of the preset `paper` has found."""

    @abstractmethod
    def run(self, run: Recorder) -> None:
        """Compute it, and put it into the results of the run; collective."""


class Apart(Experiment):
    """An experiment of its own, which belongs to no preset.

    Attributes:
        long: Whether it is worth a process of its own; its files then have the names of cases.
    """

    long: bool = False

    @abstractmethod
    def run(self, comm: MPI.Comm, cases: Sequence[str], folder: Path, reporter: Reporter) -> None:
        """Compute what belongs to the cases and leave it in the folder, but what is there already and is long; collective."""
