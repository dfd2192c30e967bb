"""The paper's experiments, in the order of the page."""

from __future__ import annotations

from hybrid.paper.experiment import Experiment
from hybrid.paper.experiments.baselines import Baselines
from hybrid.paper.experiments.below import Below
from hybrid.paper.experiments.classical import Classical
from hybrid.paper.experiments.coarse import CoarseMeshes
from hybrid.paper.experiments.correctors import Correctors
from hybrid.paper.experiments.nhpinn import NHPinn
from hybrid.paper.experiments.oversampling import Oversampling
from hybrid.paper.experiments.readings import Readings
from hybrid.paper.experiments.reference import Reference
from hybrid.paper.experiments.seconds import Seconds
from hybrid.paper.experiments.seeds import Seeds

EXPERIMENTS: tuple[Experiment, ...] = (
    NHPinn(), Below(), Reference(), Correctors(), Classical(), Oversampling(), Baselines(), CoarseMeshes(), Seeds(), Readings(),
    Seconds(),
)  # fmt: skip

FIGURES = tuple(sorted((f for one in EXPERIMENTS for f in one.figures), key=lambda figure: figure.number))
"""Of all experiments, by their numbers in the paper."""
