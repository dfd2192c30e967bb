"""The figures of a run, drawn from its `results.json` alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator
from PIL import Image

from hybrid.study.case import Case
from hybrid.study.record import Record
from hybrid.study.table import RUNGS

STYLE = {"font.size": 9, "axes.titlesize": 10, "figure.dpi": 150, "axes.formatter.limits": (-3, 5)}

MARGINS = _LEFT, _RIGHT, _BELOW, _ABOVE = 0.75, 0.7, 0.5, 0.42
"""Inches around each panel, in which its labels and its bar of colours find room."""

Array = npt.NDArray[np.float64]
Panel = tuple[str, Array]


def draw(out: Path, case: Case, record: Record) -> None:
    """Write ``solutions.png``, ``errors.png``, ``correctors.png``, ``training.png``, and beside a reference ``ladder.png``."""
    with matplotlib.rc_context(STYLE | {"figure.dpi": 110}):  # to look at; a report has finer ones, and PDF
        drawn = {
            "solutions": solutions(case, record), "errors": errors(case, record),
            "correctors": correctors(case, record), "training": training(record),
            **({} if record.ladder is None else {"ladder": ladder(record)}),
        }  # fmt: skip
        for name, figure in drawn.items():
            with (out / f"{name}.png").open("wb") as file:
                write_png(file, pixels(figure), figure.dpi, quick=True)


def pixels(figure: Figure) -> npt.NDArray[np.uint8]:
    """The figure, drawn: (rows, columns, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


def write_png(file: IO[bytes], image: npt.NDArray[np.uint8], dpi: float, *, quick: bool = False) -> None:
    """Without what is transparent, as nothing is; `quick` as smaller files by a few per cent take as long again as drawing."""
    Image.fromarray(image).save(file, "png", dpi=(dpi, dpi), **({"compress_level": 1} if quick else {}))


def solutions(case: Case, record: Record, *, apart: bool = False) -> Figure:
    """The coefficient, the reference, and both homogenized solutions; without a reference these alone.

    Args:
        case: What was run.
        record: What was found.
        apart: Whether every panel has labels of its own.
    """
    samples = record.samples or {}
    time = case.problem.multiscale().time
    when = "" if time is None else f" at t = {time.until:g}"
    titles = {
        "coefficient": f"coefficient {symbol(case)}", "u": rf"reference $u_\varepsilon$ (FEM){when}",
        "v": "$v$: FEM homogenization", "p": "$p$: neural homogenization",
    }  # fmt: skip
    panels = [(title, np.array(samples[name])) for name, title in titles.items() if name in samples]
    return _panels(case.problem.domain, "x", panels, "viridis", samples.get("plane"), apart)


def symbol(case: Case) -> str:
    """The oscillating coefficient in LaTeX."""
    medium, letter = case.problem.medium, case.problem.notation.coefficient
    name = letter if medium.isotropic else f"{letter}_{{11}}"
    return rf"${name}(x, x/\varepsilon)$" if medium.depends_on else rf"${name}(x/\varepsilon)$"


def errors(case: Case, record: Record, *, apart: bool = False) -> Figure:
    """The differences behind e1 to e4; without a reference that behind e3, and of both homogenized solutions."""
    samples, e = record.samples or {}, record.errors
    s = {name: np.array(samples[name]) for name in ("u", "v", "w", "p", "p_minus_w") if name in samples}
    if "u" not in s:
        panels = [(rf"$p - w$,  $e_3$ = {e['e3']:.2g}", s["p_minus_w"]), ("$p - v$", s["p"] - s["v"])]
        return _panels(case.problem.domain, "x", panels, "RdBu_r", samples.get("plane"), apart)
    return _panels(case.problem.domain, "x", [
        (rf"$p - u_\varepsilon$,  $e_1$ = {e['e1']:.3g}", s["p"] - s["u"]),
        (rf"$w - u_\varepsilon$,  $e_2$ = {e['e2']:.3g}", s["w"] - s["u"]),
        (rf"$p - w$,  $e_3$ = {e['e3']:.2g}", s["p_minus_w"]),
        (rf"$v - u_\varepsilon$,  $e_4$ = {e['e4']:.3g}", s["v"] - s["u"]),
    ], "RdBu_r", samples.get("plane"), apart)  # fmt: skip


def correctors(case: Case, record: Record, *, apart: bool = False) -> Figure:
    """The network's correctors and their errors; a*(x) and its derivative where a depends on x."""
    cell = (record.samples or {})["cell"]
    if cell is None or "x" in cell:
        return _slow(cell) if cell else _nothing("correctors of (x, y) are drawn in one dimension only")
    panels: list[Panel] = []
    found = zip(cell["pinn"], cell["difference"], record.cell.pinn.errors if record.cell.pinn else (), strict=True)
    for j, (values, difference, error) in enumerate(found, 1):
        name = case.problem.notation.latex.format(j=j)
        panels += [
            (f"corrector ${name}$ (network)", np.array(values)),
            (f"${name}$: network - FEM, relative {error:.1g}", np.array(difference)),
        ]
    return _panels(case.problem.cell, "y", panels, "RdBu_r", cell.get("plane"), apart)


def _slow(cell: Mapping[str, Any]) -> Figure:
    figure, (left, right) = frame(1, 2, 3.0)
    left.plot(cell["x"], cell["a_fem"], label="FEM", color="0.6", linewidth=3)
    left.plot(cell["x"], cell["a_pinn"], "--", label="network", color="C3")
    left.set(title="homogenized coefficient $a^*(x)$", xlabel="$x$")
    right.plot(cell["x"], cell["slope_fem"], label="FEM", color="0.6", linewidth=3)
    right.plot(cell["x"], cell["slope_pinn"], "--", label="network, interpolated", color="C3")
    right.plot(cell["nodes"], cell["slope_autodiff"], ".", label="network, automatic differentiation", color="C0")
    right.set(title=r"$\mathrm{d}a^*/\mathrm{d}x$", xlabel="$x$")
    for ax in (left, right):
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    return figure


def _nothing(text: str) -> Figure:
    figure = Figure(figsize=(6, 1))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def training(record: Record) -> Figure:
    """The losses."""
    figure, axes = frame(1, 2, 3.0)
    titles = {"cell": "cell problems", "homogenized": "homogenized equation"}
    for ax, (part, title) in zip(axes, titles.items(), strict=True):
        found = record.training[part]
        loss = np.array(found.loss)
        last = len(loss) - 1 if found.steps is None else found.steps
        steps = last - found.loss_every * np.arange(len(loss))[::-1]
        draw = ax.semilogy if (loss > 0).any() else ax.plot  # a homogeneous medium leaves nothing to train
        draw(steps, loss, marker="o" if len(loss) < 5 else None, color="C0")
        _few_powers(ax, loss)
        ax.set(title=title, xlabel=f"step ({found.optimizer})", ylabel="loss (mean square residual)")
        ax.grid(alpha=0.3)
    return figure


def _few_powers(ax: Axes, values: Array) -> None:
    """Labels at a few powers of ten, where there are enough of these to read from, and in plain letters: 10 to the power of a
    number takes as long to draw as a curve."""
    ax.yaxis.set_major_formatter("{x:g}")
    if values.max() > 100 * values.min() > 0:
        ax.yaxis.set_major_locator(LogLocator(numticks=6))
        ax.minorticks_off()


def ladder(record: Record) -> Figure:
    """The errors of the reconstructions."""
    figure, axes = frame(1, 2)
    for part, (ax, title) in enumerate(zip(axes, ("$L^2$", "$H^1$"), strict=True)):
        for path, label, style in (("fem", "FEM", "s-"), ("pinn", "network", "o--")):
            rungs = record.ladder.rungs(path) if record.ladder else {}
            values = [errors[part] for errors in rungs.values()]
            if min(values, default=0.0) > 0:
                ax.semilogy([RUNGS[name].replace(" ", "\n") for name in rungs], values, style, label=label)
                _few_powers(ax, np.array(values))
        ax.set(title=f"reconstructions, relative error in {title}")
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8) if ax.lines else None
    return figure


def frame(
    rows: int, columns: int, height: float = 3.0, title: float = 0.0, shared: bool = False
) -> tuple[Figure, list[Axes]]:
    """Panels with room for their labels, in inches: an engine that measures labels would draw everything twice.

    Where axes are shared only the outer panels have labels.
    """
    width, total = 4.2, height * rows + title
    figure = Figure(figsize=(width * columns, total))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=shared, sharey=shared, gridspec_kw={
        "left": _LEFT / (width * columns), "right": 1 - _RIGHT / (width * columns),
        "bottom": _BELOW / total, "top": 1 - (title + _ABOVE) / total,
        "wspace": (_LEFT + _RIGHT) / (width - _LEFT - _RIGHT), "hspace": (_BELOW + _ABOVE) / (height - _BELOW - _ABOVE),
    })  # fmt: skip
    return figure, list(axes.flat)


def _panels(
    box: Sequence[Sequence[float]], name: str, panels: Sequence[Panel], colours: str, plane: float | None, apart: bool
) -> Figure:
    """Curves on a line or colours on a rectangle; in space on the plane where the third coordinate is `plane`."""
    line = len(box) == 1
    rows, height, room = (len(panels) + 1) // 2, 2.6 if line else 3.5, 0.0 if plane is None else 0.3
    figure, axes = frame(rows, 2, height, room, not line and not apart)
    if plane is not None:
        norms = "; the numbers are of the whole box" if colours == "RdBu_r" else ""
        figure.suptitle(
            f"on the plane ${name}_2$ = {plane:.4g}{norms}", fontsize=10, y=1 - 0.1 / figure.get_figheight()
        )
    for ax, (title, values) in zip(axes, panels, strict=True):
        if line:
            ax.plot(
                np.linspace(box[0][0], box[0][1], len(values)),
                values,
                color="C0" if colours == "viridis" else "C3",
                linewidth=1,
            )
            ax.set(title=title, xlabel=f"${name}_0$", xlim=box[0])
            ax.grid(alpha=0.3)
        else:
            colour_map(ax, box[:2], values, colours, title, name)
            if not apart:
                ax.label_outer()
    return figure


def colour_map(
    ax: Axes, box: Sequence[Sequence[float]], values: Array, colours: str, title: str, name: str = "x"
) -> None:
    """A function on the square as colours, with its bar; diverging colours are centred at 0."""
    count = round(len(values) ** 0.5)
    (left, right), (bottom, top_edge) = box
    top = float(np.abs(values).max()) or 1.0
    low, high = (-top, top) if colours == "RdBu_r" else (None, None)
    image = ax.imshow(
        values.reshape(count, count).T, origin="lower", extent=(left, right, bottom, top_edge), cmap=colours, vmin=low,
        vmax=high, interpolation="bilinear",
    )  # fmt: skip
    _bar(ax, image)
    ax.set(title=title, xlabel=f"${name}_0$", ylabel=f"${name}_1$")
    ax.locator_params(nbins=2)  # ticks and their labels are most of what drawing takes


def _bar(ax: Axes, image: AxesImage) -> None:
    """A bar of an image's colours beside its axes, without axes of its own: these take as long as all the rest."""
    low, high = image.get_clim()
    colours = AxesImage(ax, cmap=image.cmap, norm=image.norm, extent=(*_BAR, 0.0, _TOP), origin="lower", clip_on=False)
    colours.set_data(np.linspace(low, high, 128)[:, None])
    colours.set_transform(ax.transAxes)
    ax.add_artist(colours)
    ax.add_patch(
        Rectangle((_BAR[0], 0.0), _BAR[1] - _BAR[0], _TOP, transform=ax.transAxes, clip_on=False, fill=False, lw=0.8)
    )
    power = math.floor(math.log10(max(abs(low), abs(high)) or 1.0))
    unit = 1.0 if -3 < power < 3 else 10.0**power
    digits = 3 if high == low else max(3, math.ceil(math.log10(max(abs(low), abs(high)) / (high - low))) + 2)
    for place, value in ((0.0, low), (_TOP / 2, (low + high) / 2), (_TOP, high)):
        shown = 0.0 if abs(value) < 1e-6 * (high - low) else value / unit  # not the rounding of a zero
        ax.text(
            _BAR[1] + 0.03,
            place,
            f"{shown:.{digits}g}",
            transform=ax.transAxes,
            va="center",
            size=9 if digits < 5 else 7,
        )
    if unit != 1.0:
        ax.text(_BAR[0], 1.0, f"1e{power}", transform=ax.transAxes, va="bottom")


_BAR, _TOP = (1.04, 1.09), 0.93
"""Where it is, in parts of the axes; above it is room for a power of ten."""
