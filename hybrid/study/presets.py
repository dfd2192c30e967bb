"""Presets: how the networks of a run are trained where its case does not say it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybrid.failures import InputError
from hybrid.pinn.presets import preset
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.case import Case

Networks = Mapping[str, NetworkSettings]
"""For "cell", for "homogenized", and for what else a preset trains."""


class Preset(ABC):
    """How networks are trained.

    Attributes:
        name: By which it is asked for.
        adapts: Whether larger networks are tried until the estimates of their errors are small enough.
        fixed: Settings of a [pinn] table that it does not leave open.
        origin: What it is, for the messages that refuse those.
    """

    name: str
    adapts: bool
    fixed: tuple[str, ...]
    origin: str

    @abstractmethod
    def settings(self, case: Case) -> Networks:
        """The settings for "cell" and "homogenized", and for what else it trains.

        Raises:
            InputError: It is not for this problem.
        """

    @abstractmethod
    def assumptions(self, case: Case) -> tuple[str, ...]:
        """What was chosen where nothing is stated."""

    @abstractmethod
    def key(self, case: Case) -> object:
        """What the results depend on beside the settings."""


@dataclass(frozen=True)
class Own(Preset):
    """A preset of `hybrid.pinn.presets`, for any problem."""

    name: str
    adapts: bool = True
    fixed: tuple[str, ...] = ()
    origin: str = ""

    def settings(self, case: Case) -> Networks:
        """For "cell" and "homogenized"."""
        return {part: NetworkSettings(**preset(self.name, part, case.problem)) for part in ("cell", "homogenized")}

    def assumptions(self, case: Case) -> tuple[str, ...]:
        """None."""
        return ()

    def key(self, case: Case) -> object:
        """Nothing."""
        return ()


OWN = (Own("accurate"), Own("fast"))


def preset_named(name: str, others: Sequence[Preset] = ()) -> Preset:
    """One of ours, or of those that the caller brings.

    Raises:
        InputError: There is none of that name.
    """
    known: Mapping[str, Preset] = {one.name: one for one in (*OWN, *others)}
    if name not in known:
        raise InputError("preset", f"{name!r}; allowed are {', '.join(known)}")
    return known[name]
