"""The [fem] and [pinn] tables of a problem file: what they may hold, said once for files, for Python and for editors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hybrid.failures import Faults, InputError
from hybrid.fem.meshes.counts import SHAPES
from hybrid.pinn.cells.formulations import FORMULATIONS
from hybrid.pinn.cells.periodicities import PERIODICITIES
from hybrid.pinn.presets import OPTIMIZERS, PRESETS
from hybrid.pinn.steady.boundaries import BOUNDARIES
from hybrid.study.names import brought

_PRESETS = "{presets}"
"""In a description: their names, which are not all known yet when it is written."""


def _option(about: str, allowed: str, **limits: Any) -> Any:
    """A setting that may be left out; how the last clause of its description says what is allowed is what errors say too."""
    return Field(None, description=f"{about}; allowed {allowed}", **limits)


def _whole(low: int, high: int, about: str) -> Any:
    return _option(about, f"is a whole number from {low} to {high}", ge=low, le=high)


def _tolerance(about: str) -> Any:
    return _option(about, "is a number between 0 and 1, 1e-6 for instance", gt=0, lt=1)


def _choice(allowed: Sequence[str], about: str) -> Any:
    extra: dict[str, Any] = {"enum": list(allowed)}
    return _option(about, f"are {', '.join(allowed)}", pattern=f"^({'|'.join(allowed)})$", json_schema_extra=extra)


def preset_names() -> tuple[str, ...]:
    """Those of the networks, and those that callers bring."""
    return (*PRESETS, *brought())


def _known(name: str) -> str:
    if name not in preset_names():
        raise ValueError
    return name


class Options(BaseModel):
    """A table of settings, none of which has to be there; None where one is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, given: object, table: str, faults: Faults) -> Self:
        """The good settings of a table in a file; the other ones are noted as faults, in the file's order."""
        if not isinstance(given, dict):
            faults.note(InputError(table, f"must be a table, written [{table}]"))
            return cls()
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            bad = {fault["loc"][0] for fault in error.errors(include_url=False)}
        for name, value in given.items():
            if name not in cls.model_fields:
                faults.note(unknown(name, cls.model_fields, f"{table}."))
            elif name in bad:
                faults.note(InputError(f"{table}.{name}", f"{value!r}; {cls.allowed(name)}"))
        return cls.model_validate({name: value for name, value in given.items() if name not in bad})

    @classmethod
    def allowed(cls, name: str) -> str:
        """What a setting may be, in words."""
        words = (cls.model_fields[name].description or "").rpartition("; ")[2]
        return words.replace(_PRESETS, ", ".join(preset_names()))

    @property
    def given(self) -> dict[str, Any]:
        """The settings that are there, as in a file."""
        return self.model_dump(mode="json", exclude_none=True)


class FemOptions(Options):
    """The [fem] table: finite elements. What it sets is kept; what it leaves out adapts to the problem."""

    degree: int | None = _whole(1, 4, "polynomial degree of the reference")
    cells_per_period: int | None = _whole(2, 4096, "cells of the reference in each period")
    reference_tol: float | None = _tolerance("relative error that the reference is refined to")
    cell_degree: int | None = _whole(1, 6, "polynomial degree of the cell problems")
    cell_cells: int | None = _whole(4, 4096, "cells along each side of the cell")
    a_tol: float | None = _tolerance("relative width of the bounds of a* that cell meshes are refined to")
    homogenized_degree: int | None = _whole(1, 6, "polynomial degree of the homogenized equation")
    homogenized_cells: int | None = _whole(4, 4096, "cells along each side of the domain, homogenized equation")
    cells: str | None = _choice(SHAPES, "what meshes are made of")
    tol: float | None = _tolerance("relative error that meshes are refined to, even those set here")
    budget: int | None = _whole(1000, 2**31, "unknowns that a mesh may come to have")


Width = Annotated[int, Field(ge=1, le=10_000)]


class PinnOptions(Options):
    """The [pinn] table: networks. What it sets is kept; what it leaves out is the preset's and adapts to the problem."""

    preset: Annotated[str, AfterValidator(_known)] | None = _option(
        "settings to start from", f"are {_PRESETS}",
        json_schema_extra=lambda found: found.update(
            enum=list(preset_names()), description=found["description"].replace(_PRESETS, ", ".join(preset_names()))
        ),
    )  # fmt: skip
    hidden: tuple[Width, ...] | None = _option(
        "widths of the hidden layers", "is a list of 1 to 10 layer widths, each a whole number from 1 to 10000, e.g. [24, 24]",
        min_length=1, max_length=10, strict=False,
    )  # fmt: skip
    optimizer: str | None = _choice(tuple(OPTIMIZERS), "how networks are trained")
    steps: int | None = _whole(1, 10_000_000, "steps of the optimizer")
    points: int | None = _whole(4, 4096, "collocation points along each side")
    formulation: str | None = _choice(FORMULATIONS, "of the cell problems")
    periodicity: str | None = _choice(PERIODICITIES, "how correctors are made periodic")
    oversampling: int | None = _whole(1, 100, "layers of points outside the cell")
    boundary: str | None = _choice(BOUNDARIES, "how the homogenized solution is made zero on the boundary")
    seed: int | None = _whole(0, 2**31 - 1, "of the initial weights")
    device: str | None = _choice(("cpu", "cuda"), "where networks are trained")
    tol: float | None = _tolerance("relative error at which no larger network is tried, even of those set here")
    budget: float | None = _option(
        "nominal cost of the largest training", "is a positive number of seconds", gt=0, lt=1e9
    )


def unknown(name: str, allowed: Iterable[str], prefix: str = "") -> InputError:
    """What there is to say of a key that is not known."""
    shown = name if name.isprintable() else repr(name)
    return InputError(prefix + shown, f"unknown key; allowed are {', '.join(allowed)}")
