"""Axes: which values the fields of a problem take in a sweep, and in which combinations."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from hybrid.failures import InputError

Settings = dict[str, Any]
"""Values of fields, by their full names."""


class Axes(ABC):
    """Settings of several runs for some fields."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The fields."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many runs, known before they are written down."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The factors of the count."""
        return (self.count,)

    @abstractmethod
    def settings(self) -> list[Settings]:
        """One for each run."""

    def few(self, most: int) -> list[Settings]:
        """Of about so many runs, or fewer."""
        return self.settings()[:most]


@dataclass(frozen=True)
class Grid(Axes):
    """Every value of a field with every value of the others, the last field running fastest."""

    values: Mapping[str, Sequence[Any]]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields."""
        return tuple(self.values)

    @property
    def count(self) -> int:
        """The product."""
        return math.prod(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each field has."""
        return tuple(map(len, self.values.values()))

    def settings(self) -> list[Settings]:
        """One for each run."""
        return [dict(zip(self.values, row, strict=True)) for row in product(*self.values.values())]

    def few(self, most: int) -> list[Settings]:
        """The first run, and those that differ from it in one field: by about so many values of each."""
        first = {name: values[0] for name, values in self.values.items()}
        some = {name: values[1 :: max(len(values) // most, 1)] for name, values in self.values.items()}
        return [
            first,
            *(first | {name: value} for name, values in some.items() for value in (*values, self.values[name][-1])),
        ]


@dataclass(frozen=True)
class Zip(Axes):
    """The first values together, then the second ones, and so on.

    Raises:
        InputError: The lists are not of one length.
    """

    values: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        if len(set(map(len, self.values.values()))) > 1:
            sizes = ", ".join(f"{name} has {len(values)}" for name, values in self.values.items())
            raise InputError("axes", f"{sizes}; allowed are lists of one length")

    @property
    def names(self) -> tuple[str, ...]:
        """The fields."""
        return tuple(self.values)

    @property
    def count(self) -> int:
        """The length of the lists."""
        return len(next(iter(self.values.values())))

    def settings(self) -> list[Settings]:
        """One for each run."""
        return [dict(zip(self.values, row, strict=True)) for row in zip(*self.values.values(), strict=True)]


@dataclass(frozen=True)
class Listed(Axes):
    """Runs written down one by one; what one leaves out is as in the base problem."""

    runs: Sequence[Settings]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.runs)

    def settings(self) -> list[Settings]:
        """One for each run."""
        return [dict(run) for run in self.runs]


@dataclass(frozen=True)
class Distribution:
    """Of the values of a field: uniform between two bounds, on a linear or a logarithmic scale, or among choices.

    Raises:
        InputError: Bounds in the wrong order, or not positive on a logarithmic scale.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    choices: Sequence[Any] = ()

    def __post_init__(self) -> None:
        if self.choices:
            return
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(self.name, f"from {self.low:g} to {self.high:g}; low must be below high")
        if self.log and self.low <= 0:
            raise InputError(self.name, f"low = {self.low:g}; a logarithmic scale is for positive numbers")

    def sample(self, generator: np.random.Generator, count: int) -> list[Any]:
        """So many values."""
        if self.choices:
            return [self.choices[i] for i in generator.integers(len(self.choices), size=count)]
        if self.whole and not self.log:
            return [int(v) for v in generator.integers(int(self.low), int(self.high), size=count, endpoint=True)]
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        values = generator.uniform(low, high, size=count)
        values = np.clip(np.exp(values), self.low, self.high) if self.log else values
        return [round(float(v)) if self.whole else float(v) for v in values]


@dataclass(frozen=True)
class Sample(Axes):
    """Values drawn independently, from a seed: a field keeps its values when others are added behind it."""

    fields: Sequence[Distribution]
    size: int
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The fields."""
        return tuple(one.name for one in self.fields)

    @property
    def count(self) -> int:
        """How many are drawn."""
        return self.size

    def settings(self) -> list[Settings]:
        """One for each run."""
        streams = np.random.SeedSequence(self.seed).spawn(len(self.fields))
        columns = [
            one.sample(np.random.default_rng(stream), self.size)
            for one, stream in zip(self.fields, streams, strict=True)
        ]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def few(self, most: int) -> list[Settings]:
        """The first ones."""
        return replace(self, size=min(self.size, most)).settings()


def combined(axes: Sequence[Axes]) -> list[Settings]:
    """The settings of all runs: the product of the axes, in their order."""
    return [
        {name: value for part in parts for name, value in part.items()}
        for parts in product(*(a.settings() for a in axes))
    ]


def few(axes: Sequence[Axes], most: int) -> list[Settings]:
    """The settings of the first run, and of those that differ from it along one of the axes: about so many of each."""
    parts = [one.few(most) for one in axes]
    first = {name: value for part in parts for name, value in part[0].items()}
    return [first, *(first | row for part in parts for row in part[1:])]
