"""A self-contained page: one HTML file from a template, with the style, the tables and the figures that all pages share."""

from __future__ import annotations

from pathlib import Path

import jinja2

from hybrid import store

MOST = 5
"""Sentences on the first screen."""


def write(page: Path, template: str, package: str = "hybrid.report", **content: object) -> Path:
    """Fill in a template of a package, which finds those of this one too, and write the page."""
    packages = dict.fromkeys((package, "hybrid.report"))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, "templates") for name in packages]),
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
    )  # fmt: skip
    text = environment.get_template(template).render(content)
    store.write_atomically(page, lambda file: file.write(text.encode()))
    return page
