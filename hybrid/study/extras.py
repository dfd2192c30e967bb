"""What a caller may add to a run: a preset of its own, whose trainings are watched and which experiments follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from hybrid.pinn.functions.network import Network
from hybrid.study.monitor import Monitor
from hybrid.study.presets import Preset
from hybrid.study.recorder import Recorder


class Extras(ABC):
    """What comes with a preset, where a run is asked for that preset.

    Attributes:
        preset: The preset.
    """

    preset: Preset

    @abstractmethod
    def watch(self, run: Recorder, part: str, networks: Sequence[Network]) -> Monitor | None:
        """What measures the networks of a part, "cell" or "homogenized", while they train; none where there is no measure."""

    @abstractmethod
    def add(self, run: Recorder) -> None:
        """Experiments after the comparison: put into `run.record`, and into `run.fields` what is to be drawn; collective."""
