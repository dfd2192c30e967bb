"""Studies: problem files, one run of any problem with its results, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid.lazy import lazily

if TYPE_CHECKING:
    from hybrid.study.tidy import load as load

__getattr__, __dir__ = lazily(__name__, {"load": "tidy"})
