"""What all optimizers share: the loop over steps, its history, stopping, divergence, and checkpoints."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hybrid.clock import clock
from hybrid.failures import SolverError

if TYPE_CHECKING:  # settings of optimizers are checked before torch is there
    from hybrid.pinn.leastsquares.system import System
    from hybrid.pinn.optimizers.checkpoint import Checkpoint

Progress = Callable[[int, int, float], None]
"""Called on rank 0 with the step, the largest number of steps, and the loss. One with methods `state` and `restore`, like
a `Checkpoint`'s states, is kept in checkpoints too."""


@dataclass
class History:
    """How a training went.

    Attributes:
        optimizer: Its name.
        loss: After each step; the first is the initial one.
        stopped: Why it did.
        seconds: Wall time, over all sessions of a training that was killed and resumed.
        recovered: Where it diverged, and what was done about it.
        earlier: Those of the seconds that earlier sessions took.
    """

    optimizer: str
    loss: list[float] = field(default_factory=list)
    stopped: str = "all steps done"
    seconds: float = 0.0
    recovered: list[str] = field(default_factory=list)
    earlier: float = 0.0


class Iteration(ABC):
    """A training under way.

    Attributes:
        loss: Of the network as it is.
    """

    loss: float

    @abstractmethod
    def step(self) -> str:
        """Go one step; why no further one is possible, or nothing."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that the next step depends on: tensors, numbers, and lists and dictionaries of them, not shared."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state; the next step is then the same to the last bit."""

    def soften(self) -> str:
        """Go more carefully after a divergence: what is changed, or nothing where nothing can be."""
        return ""


class Optimizer(ABC):
    """Minimizes the loss of equations over the parameters of their network.

    Attributes:
        name: For people.
        steps: At the most.
        tolerance: Stop when `window` steps together have reduced the loss by less than this fraction; 0 for never.
        window: See there.
        stride: Steps between two losses that are recorded.
    """

    name: ClassVar[str]
    window: ClassVar[int] = 20
    stride: ClassVar[int] = 1
    steps: int
    tolerance: float

    @abstractmethod
    def begin(self, system: System) -> Iteration:
        """Start from the network as it is."""

    def train(self, system: System, progress: Progress | None = None, checkpoint: Checkpoint | None = None) -> History:
        """Train the network in place; collective over the ranks of the equations.

        Args:
            system: With the network.
            progress: Called after each step.
            checkpoint: Where the state of the training is kept after each step, and taken up from.

        Raises:
            SolverError: The training diverged, again and again.
            InputError: The checkpoint is damaged.
        """
        return _Training(self, system, progress, checkpoint).run()


_DIVERGED = 1e4
"""A loss so many times the initial one is a divergence, as is one that is not a number."""
_RECOVERIES = 4
_CHECKPOINT_SHARE = 0.05
"""Of the time, at the most, that goes into checkpoints: steps much shorter than a write are kept a few at a time."""


class _Training:
    """One call of `Optimizer.train`."""

    def __init__(
        self, optimizer: Optimizer, system: System, progress: Progress | None, checkpoint: Checkpoint | None
    ) -> None:
        comm = system.shares.comm
        speaks = comm is None or comm.rank == 0
        self.optimizer, self.progress = optimizer, progress if speaks else None
        self.checkpoint, self.comm, self.speaks = checkpoint, comm, speaks
        self.start = clock()
        self.history = History(optimizer.name)
        self.iteration = optimizer.begin(system)
        self.step, self.done = 0, False
        self.good: dict[str, Any] = {}
        self.best = math.inf
        self._last, self._cost = -math.inf, 0.0  # of the last checkpoint

    def run(self) -> History:
        """Until a reason to stop."""
        if not self._resumed():
            if not math.isfinite(self.iteration.loss):
                start = f"starts from the loss {self.iteration.loss}"
                raise SolverError(f"training diverged: {self.history.optimizer} {start}")
            self._record()
            self._save()
        while not self.done and self.step < self.optimizer.steps:
            reason = self.iteration.step()
            if self._diverged():
                self._recover()
                continue
            self.step = min(self.step + self.optimizer.stride, self.optimizer.steps)
            if reason:
                self.history.stopped, self.done = reason, True
            if not reason or self.iteration.loss != self.history.loss[-1]:
                self._record()
            if not reason:
                self._check_progress()
                self._save()
        self.done = True
        self.history.seconds = self.history.earlier + clock() - self.start
        self._save(always=True)
        return self.history

    def _record(self) -> None:
        self.history.loss.append(self.iteration.loss)
        if self.iteration.loss <= self.best:
            self.good, self.best = self.iteration.state(), self.iteration.loss
        if self.progress is not None:
            self.progress(self.step, self.optimizer.steps, self.iteration.loss)

    def _check_progress(self) -> None:
        tolerance, window, loss = self.optimizer.tolerance, self.optimizer.window, self.history.loss
        recorded = window // self.optimizer.stride
        if tolerance and len(loss) > recorded and loss[-1] > (1 - tolerance) * loss[-1 - recorded]:
            self.history.stopped = f"loss reduced by less than {100 * tolerance:g} % in {window} steps"
            self.done = True

    def _diverged(self) -> bool:
        loss = self.iteration.loss
        return not math.isfinite(loss) or loss > _DIVERGED * self.history.loss[0]

    def _recover(self) -> None:
        """Back to the best state, and on with more care.

        Raises:
            SolverError: That has been done before, or cannot be.
        """
        loss, history = self.iteration.loss, self.history
        self.iteration.restore(self.good)
        change = self.iteration.soften() if len(history.recovered) < _RECOVERIES else ""
        if not change:
            raise SolverError(
                f"training diverged: {history.optimizer} reached the loss {loss} after step {self.step}"
                + (f", and again after {len(history.recovered)} recoveries" if history.recovered else "")
                + "; try a smaller learning rate, other weights, or levenberg-marquardt"
            )
        history.recovered.append(f"loss {loss:.3g} after step {self.step}: back to {self.iteration.loss:.3g}, {change}")
        self.good = self.iteration.state()

    def _save(self, *, always: bool = False) -> None:
        """Keep the state on rank 0, unless the last write was too costly to be repeated so soon."""
        if self.checkpoint is None or not self.speaks:
            return
        begin = clock()
        if not always and begin - self._last < self._cost / _CHECKPOINT_SHARE:
            return
        history = asdict(self.history) | {"seconds": self.history.earlier + begin - self.start}
        stateful = hasattr(self.progress, "state")
        good = None if self.iteration.loss == self.best else self.good  # it is the state itself: not written twice
        self.checkpoint.save(
            {
                "step": self.step, "done": self.done, "history": history, "iteration": self.iteration.state(), "good": good,
                "progress": self.progress.state() if stateful else None,  # type: ignore[union-attr]
            }
        )  # fmt: skip
        self._last = clock()
        self._cost = self._last - begin

    def _resumed(self) -> bool:
        """Take up the checkpoint, if there is one; every rank gets what rank 0 has read."""
        if self.checkpoint is None:
            return False
        state = self.checkpoint.load(self.comm)
        if state is None:
            return False
        self.step, self.done = state["step"], state["done"]
        self.good = state["iteration"] if state["good"] is None else state["good"]
        self.history = History(**state["history"])
        self.best = min(self.history.loss)
        self.history.earlier = self.history.seconds
        self.iteration.restore(state["iteration"])
        if state["progress"] is not None and self.progress is not None:
            self.progress.restore(state["progress"])  # type: ignore[attr-defined]
        return True
