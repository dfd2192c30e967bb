"""What the preset `paper` adds to a run: errors measured while networks train, and the paper's experiments."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid.paper.experiment import InRun
from hybrid.paper.experiments import EXPERIMENTS
from hybrid.paper.monitors import cell_monitor, homogenized_monitor
from hybrid.paper.preset import PAPER
from hybrid.pinn.functions.network import Network
from hybrid.study.extras import Extras
from hybrid.study.monitor import Monitor
from hybrid.study.recorder import Recorder


class PaperExtras(Extras):
    """For any problem that is run with the preset."""

    preset = PAPER

    def watch(self, run: Recorder, part: str, networks: Sequence[Network]) -> Monitor | None:
        """The errors that the paper's figures show."""
        return cell_monitor(run, networks) if part == "cell" else homogenized_monitor(run, networks)

    def add(self, run: Recorder) -> None:
        """The experiments that belong to a run."""
        for experiment in EXPERIMENTS:
            if isinstance(experiment, InRun):
                experiment.run(run)
                run.write()


EXTRAS = (PaperExtras(),)
"""For `hybrid.study.run.run`."""
