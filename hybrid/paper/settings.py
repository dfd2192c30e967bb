"""The trainings as the text describes them, and what it leaves open, marked as assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hybrid.paper.cases import is_of_the_paper
from hybrid.physics import Problem
from hybrid.pinn.optimizers.kinds import Adam

_THREE, _FOUR = (64, 64, 64), (64, 64, 64, 64)
_EVEN = (0.5, 0.5)
_CELL_2D = (1e-3, 0.4995, 0.4995)
_BETWEEN = 1 / 30
"""Between the two ε of section 5.4, which have learning rates of their own."""


@dataclass(frozen=True)
class PaperSettings:
    """How the paper trains for one of its problems.

    Attributes:
        arguments: Keyword arguments for "cell", "homogenized" and "classical".
        average: Over how many last epochs an error is averaged, for the same three.
        stated: What of this the text states.
        assumed: What it leaves open.
        without: Weights of the cell problems without oversampling; none where the paper does not compare.
    """

    arguments: Mapping[str, Mapping[str, Any]]
    average: Mapping[str, int]
    stated: tuple[str, ...]
    assumed: tuple[str, ...]
    without: tuple[float, float] | None = None
    seeds: tuple[int, ...] = field(default=(0, 1, 2))


_ALWAYS = (
    "each term of a loss is the mean of the squares over its points (or pairs of points)",
    "errors are measured every 20 epochs; those of correctors on 101 points a side of the cell, means taken out",
    "single precision, Adam's other constants, initial weights (normal, 1/√width) and no bias in the last layer",
    "the mean of the correctors is taken out after the training; during it they are held at 0 in one point",
)


def _elliptic_2d() -> PaperSettings:
    network = {"hidden": _THREE, "precision": "single"}
    return PaperSettings(
        arguments={
            "cell": network | {
                "separate": True, "periodicity": "oversampling", "points": 101, "oversampling": 2, "weights": _CELL_2D,
                "optimizer": Adam(8000, 5e-3, 1e-5),
            },
            "homogenized": network | {
                "boundary": "penalty", "points": 21, "weights": (0.01, 0.99), "optimizer": Adam(10000, 1e-3, 1e-5),
            },
            "classical": network | {
                "boundary": "penalty", "points": 101, "weights": _EVEN, "optimizer": Adam(4000, 1e-4),
            },
        },
        average={"cell": 300, "homogenized": 500, "classical": 500},
        stated=(
            "networks 2-64-64-64-1 with tanh, one for each corrector, and the same for the homogenized equation",
            "cell problems on 101 × 101 points with 2 layers of oversampling",
            "homogenized equation on 21 × 21 points, tested on 101 × 101",
            "classical PINN: 4000 epochs of Adam, learning rate 1e-4",
            "averages over the last 300 (cell problems) and 500 epochs",
        ),
        assumed=(
            "cell problems: 8000 epochs, learning rate 5e-3 falling to 1e-5 (cosine), weights 1e-3 of the equation, the rest "
            "in equal parts (the equation's residual is about 300 times the corrector)",
            "homogenized equation: 10000 epochs, learning rate 1e-3 falling to 1e-5 (cosine), weights 0.01 and 0.99",
            "classical PINN: 101 × 101 points, equal weights, tested on 101 × 101",
            "without oversampling: weights 1e-3 and 0.999; seeds 0, 1 and 2, of which 1 and 2 train χ₁ only",
            *_ALWAYS,
        ),
        without=(1e-3, 0.999),
    )  # fmt: skip


def _elliptic_1d(slow: bool) -> PaperSettings:
    network = {"hidden": _FOUR, "precision": "single", "points": 101}
    epochs, weights, average = (1000, (1 / 11, 10 / 11), 100) if slow else (2000, _EVEN, 500)
    return PaperSettings(
        arguments={
            "cell": network | {"periodicity": "penalty", "weights": (0.01, 0.99), "optimizer": Adam(5000, 1e-3, 1e-5)},
            "homogenized": network | {
                "boundary": "penalty", "weights": (1 / 11, 10 / 11), "optimizer": Adam(10000, 1e-3, 1e-5),
            },
            "classical": network | {"boundary": "penalty", "weights": weights, "optimizer": Adam(epochs, 1e-4)},
        },
        average={"cell": 500, "homogenized": 500, "classical": average},
        stated=(
            f"classical PINN: {epochs} epochs of Adam, learning rate 1e-4, weights "
            + ("1/11 and 10/11" if slow else "0.5 and 0.5") + f", average over the last {average} epochs",
            *(
                (
                    "networks of four hidden layers of 64 with tanh, 101 points for the cell problems and for the homogenized "
                    "equation, tested on 401; averages over the last 500 epochs",
                )
                if slow
                else ()
            ),
        ),
        assumed=(
            *(
                (
                    "one network of (x, y), 20 clustered points in x, for the cell problems of all x (the text has one network "
                    "of y for each x, and does not say for how many)",
                )
                if slow
                else ("networks, points, test points and averages of NH-PINN as in section 5.3",)
            ),
            "cell problems: 5000 epochs, learning rate 1e-3 falling to 1e-5 (cosine), weights 0.01 and 0.99",
            "homogenized equation: 10000 epochs, learning rate 1e-3 falling to 1e-5 (cosine), weights 1/11 and 10/11",
            "classical PINN: 101 points, tested on 401",
            *_ALWAYS,
        ),
        without=None,
    )  # fmt: skip


def _reaction_diffusion(rate: float, stated_rate: bool) -> PaperSettings:
    network = {"hidden": _THREE, "precision": "single"}
    return PaperSettings(
        arguments={
            "cell": network | {
                "periodicity": "oversampling", "points": 101, "oversampling": 2, "weights": (0.01, 0.495, 0.495),
                "optimizer": Adam(10000, 1e-3, 1e-5),
            },
            "homogenized": network | {
                "method": "space-time", "points": 100, "weights": (1 / 7, 5 / 7, 1 / 7),
                "optimizer": Adam(10000, 1e-3, 1e-6),
            },
            "classical": network | {"points": 100, "weights": (1 / 7, 5 / 7, 1 / 7), "optimizer": Adam(10000, rate)},
        },
        average={"cell": 500, "homogenized": 500, "classical": 100},
        stated=(
            "networks 1-64-64-64-1 (cell problem) and 2-64-64-64-1 (of x and t) with tanh",
            "cell problem on 101 points with 2 layers of oversampling",
            "100 × 100 points of x and t; tested on 201 points at t = T",
            "10000 epochs of Adam; classical PINN: weights 1/7, 5/7, 1/7"
            + (f", learning rate {rate:g}" if stated_rate else ""),
            "averages over the last 500 (cell problem, homogenized equation) and 100 epochs (classical PINN)",
        ),
        assumed=(
            "cell problem: 10000 epochs, learning rate 1e-3 falling to 1e-5 (cosine), weights 0.01, 0.495, 0.495",
            "homogenized equation: learning rate 1e-3 falling to 1e-6 (cosine), weights as for the classical PINN",
            "classical PINN: 100 × 100 points; cell problem without oversampling: weights 0.01 and 0.99",
            *_ALWAYS,
        ),
        without=(0.01, 0.99),
    )  # fmt: skip


def paper_settings(problem: Problem) -> PaperSettings:
    """The settings of the paper for a problem of one of its kinds; for a problem that is not in the paper those of the
    section that is nearest to it."""
    if problem.multiscale().time:
        return _reaction_diffusion(0.05 if problem.eps < _BETWEEN else 0.015, is_of_the_paper(problem))
    if problem.dim == 1:
        return _elliptic_1d(bool(problem.flux.depends_on))
    settings = _elliptic_2d()
    if problem.flux.depends_on:
        cell = dict(settings.arguments["cell"]) | {"periodicity": "penalty", "points": 20, "weights": (1e-4, 1 - 1e-4)}
        return replace(settings, arguments={**settings.arguments, "cell": cell}, without=None)
    return settings
