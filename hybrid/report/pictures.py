"""Figures of a page: in it one PNG for each panel, so that a phone can put them below each other; beside it PNG and PDF."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid import store
from hybrid.study.figures import MARGINS, STYLE, pixels, write_png

Image = npt.NDArray[np.uint8]
"""(rows, columns, 3)."""
FOLDER = "figures"
"""Beside the page."""


_NO_BAR = 0.25
"""Inches."""


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        data: A PNG in base64.
        alt: What it shows, for those who do not see it.
        width: In CSS pixels.
    """

    data: str
    alt: str
    width: int


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes:
        name: Of its files, and of its place on the page.
        caption: What is seen, and what was run for it.
        panels: None where it could not be drawn.
        title: In front of the caption.
    """

    name: str
    caption: str
    panels: tuple[Panel, ...]
    title: str = ""


def picture(page: Path, name: str, title: str, caption: str, draw: Callable[[], Figure]) -> Picture:
    """Draw a figure for a page, and leave it beside the page."""
    with matplotlib.rc_context(STYLE):
        figure = draw()
        image = pixels(figure)
        folder = page.parent / FOLDER
        store.write_atomically(
            folder / f"{name}.png", lambda file: write_png(file, image, figure.dpi, quick=True), sync=False
        )
        store.write_atomically(
            folder / f"{name}.pdf",
            lambda file: figure.savefig(file, format="pdf", metadata={"CreationDate": None}),
            sync=False,
        )
    return Picture(name, caption, tuple(_panels(figure, image)), title)


def _panels(figure: Figure, image: Image) -> Iterator[Panel]:
    """Cut between the panels, each of which has so much room around it; less where there is no bar of colours."""
    left, bar, below, above = MARGINS
    height, width = image.shape[:2]
    axes = figure.axes
    if len(axes) == 1:
        yield _panel(image, figure.dpi, _said(axes[0]))
        return
    for ax in axes:
        right = bar if ax.images else _NO_BAR
        box = ax.get_subplotspec().get_position(figure)  # the place that it was given: of a square it takes a part
        (x0, x1), (y0, y1) = ((np.array(side) * figure.dpi).round() for side in (
            (box.x0 * figure.get_figwidth() - left, box.x1 * figure.get_figwidth() + right),
            (box.y0 * figure.get_figheight() - below, box.y1 * figure.get_figheight() + above),
        ))  # fmt: skip
        part = image[max(height - int(y1), 0) : height - max(int(y0), 0), max(int(x0), 0) : min(int(x1), width)]
        yield _panel(part, figure.dpi, _said(ax))


def _panel(image: Image, dpi: float, alt: str) -> Panel:
    buffer = io.BytesIO()
    write_png(buffer, np.ascontiguousarray(image), dpi)
    return Panel(base64.b64encode(buffer.getvalue()).decode(), alt, round(image.shape[1] * 96 / dpi))


def _said(ax: Axes) -> str:
    """The titles of a panel in plain text."""
    title, x, y = (_plain(text) for text in (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()))
    against = f"{y} against {x}" if x and y else x or y
    return ", ".join(text for text in (title, against) if text)


_SYMBOLS = {r"\varepsilon": "ε", r"\chi": "χ", r"\mathrm": "", r"\ast": "*"}


def _plain(text: str) -> str:
    for command, symbol in _SYMBOLS.items():
        text = text.replace(command, symbol)
    return re.sub(r"[${}\\]", "", text)
