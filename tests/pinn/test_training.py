"""One training: precision and progress."""

from __future__ import annotations

import pytest
import torch

from hybrid import InputError
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.kinds import Adam
from hybrid.pinn.optimizers.training import joined, of_part, train


def _problem() -> tuple[Network, list[Rows]]:
    points = torch.linspace(0, 1, 40, dtype=torch.float64)[:, None]
    ones = torch.ones(1, 40, dtype=torch.float64)
    rows = Rows([(points, ones)], torch.sin(3 * points), VALUE, ones[0] / 40)
    return Network(AffineEmbedding([(0.0, 1.0)]), (8, 8), 1, seed=0), [rows]


def test_single_precision_trains_alike_and_leaves_a_network_in_double() -> None:
    losses = {}
    for precision in ("double", "single"):
        network, rows = _problem()
        seen: list[int] = []
        history = train(
            network,
            rows,
            optimizer=Adam(200, 1e-2),
            precision=precision,
            progress=lambda k, n, _, seen=seen: seen.append(k),
        )
        assert network.weights[0].dtype == torch.float64
        assert seen == list(range(201))
        losses[precision] = history.loss
    assert losses["single"][50] == pytest.approx(losses["double"][50], rel=1e-3)
    assert losses["single"][-1] < losses["single"][0] / 100
    assert losses["single"] != losses["double"]
    with pytest.raises(InputError, match="double, single"):
        train(*_problem(), precision="half")


def test_several_trainings_count_on() -> None:
    steps: list[tuple[int, int]] = []
    for index in range(2):
        shown = of_part({"progress": lambda k, n, _: steps.append((k, n))}, index, 2)["progress"]
        assert shown is not None
        for k in range(3):
            shown(k, 2, 0.0)
    assert steps == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]
    assert of_part({}, 0, 2) == {}
    both = joined([History("adam", [2.0, 1.0], seconds=1.0), History("adam", [3.0], seconds=2.0)])
    assert (both.loss, both.seconds, both.stopped) == ([2.0, 1.0, 3.0], 3.0, "all steps done")
