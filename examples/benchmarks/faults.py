"""Problems that once gave wrong numbers without a word: each is right now, or says which number is not and why.

    python examples/benchmarks/faults.py [--preset fast|accurate] [--only WORDS] [--markdown FILE]

For every row: the numbers that have a known right value, how far they are off, whether the run marks them as resolved, and the
first reason where it does not. Exit code 1 if a number that is marked resolved is wrong.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import hybrid

from mpi4py import MPI  # isort: skip

import oracles

from hybrid import store
from hybrid.physics import EllipticProblem
from hybrid.study.case import Case
from hybrid.study.files import from_data
from hybrid.study.run import run
from hybrid.symbols import parse, x, y

LINE, SQUARE = [[0, 1]], [[0, 1], [0, 1]]
SMOOTH, ROOT3 = "2 + sin(2*pi*y0)", math.sqrt(3)


def _elliptic(domain: list[list[float]], eps: float, a: Any, f: str = "1") -> dict[str, Any]:
    return {"kind": "elliptic", "domain": domain, "eps": eps, "a": a, "f": f}


def _diag(*entries: float) -> list[list[float]]:
    return np.diag(entries).tolist()


def _pixels(contrast: float = 1000.0) -> str:
    """8 × 8 random pixels: the interval around c of width 1/8 is where cos 2π(y - c) > cos π/8."""
    picture = np.random.default_rng(7).random((8, 8)) < 0.5

    def inside(variable: str, i: int) -> str:
        return f"step(cos(2*pi*({variable}-{(2 * i + 1) / 16}))-cos(pi/8))"

    terms = [
        f"{inside('y0', i)}*({'+'.join(inside('y1', j) for j, on in enumerate(line) if on)})"
        for i, line in enumerate(picture)
        if line.any()
    ]
    return f"1 + {contrast - 1}*({'+'.join(terms)})"


def _disc(radius: float, contrast: float) -> str:
    """asin(sin π(y - 1/2)) / π is the distance from 1/2, continued with period 1."""
    square = "+".join(f"(asin(sin(pi*(y{i} - 1/2)))/pi)**2" for i in range(2))
    return f"1 + {contrast - 1}*step({radius**2} - ({square}))"


def rows() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name: problem file's contents, and right values by name ("a" for a*, "r" for r*, "e4", …)."""
    wave = "{}*(2*pi)**2*sin(2*pi*x0) + 0.1*{}*(50*pi)**2*sin(50*pi*x0)".format(ROOT3, ROOT3)  # noqa: UP032
    front = "(1 + 9/(1 + exp(-60*(x0 - 1))))*(2 + sin(2*pi*y0))"
    found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "two frequencies, 1D": (_elliptic(LINE, 0.05, SMOOTH, wave), {"a": [[ROOT3]], "e3": 0.0}),
        **{
            f"one sine {k} pi, 1D": (_elliptic(LINE, 0.05, SMOOTH, f"sin({k}*pi*x0)"), {"a": [[ROOT3]], "e3": 0.0})
            for k in (16, 20, 30)
        },
        "10 pi in 2D": (
            _elliptic(SQUARE, 1 / 8, SMOOTH, f"{ROOT3 + 2}*(10*pi)**2*sin(10*pi*x0)*sin(10*pi*x1)"),
            {"a": _diag(ROOT3, 2), "e3": 0.0},
        ),
        "front, 1D": (_elliptic([[0, 2]], 0.02, front), {"e3": 0.0}),
        "a* not diagonal": (
            _elliptic(SQUARE, 1 / 8, [["2 + sin(2*pi*y0)", "0.5"], ["0.5", "2 + sin(2*pi*y0)"]]), {"e3": 0.0}
        ),
        "constant a, not diagonal": (
            _elliptic(SQUARE, 1 / 8, [["2", "0.5"], ["0.5", "1"]]), {"a": [[2, 0.5], [0.5, 1]], "e3": 0.0}
        ),
        **{
            f"smooth laminate, t = {t}": (
                _elliptic(SQUARE, 1 / 4, f"2 + {t}*sin(2*pi*y0)"), {"a": _diag(math.sqrt(4 - t * t), 2)}
            )
            for t in (1.98, 1.99, 1.999)
        },
        "2D slow, 4 pi": (
            _elliptic(SQUARE, 1 / 16, "(1 + 0.5*sin(4*pi*x0)*sin(4*pi*x1))*(2 + sin(2*pi*y0))"), {"e4": 0.0206}
        ),
        "2D slow, 0.9 and 5 pi": (
            _elliptic(SQUARE, 1 / 8, "(1 + 0.9*sin(5*pi*x0)*sin(5*pi*x1))*(2 + sin(2*pi*y0))"), {}
        ),
        "r that jumps": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.05, "D": 1.0, "T": 0.5, "u0": "sin(pi*x0)", "f": "1",
             "r": "10*(step(cos(2*pi*y0) - cos(0.3*pi)) - 0.3)"},
            {"r": -(10**2) * 0.3**2 * 0.7**2 / 12},
        ),
        "checkerboard 1:100": (
            _elliptic(SQUARE, 1 / 4, "1 + 99*step(sin(2*pi*y0)*sin(2*pi*y1))"), {"a": _diag(10, 10)}
        ),
        "checkerboard 1:10000": (
            _elliptic(SQUARE, 1 / 4, "1 + 9999*step(sin(2*pi*y0)*sin(2*pi*y1))"), {"a": _diag(100, 100)}
        ),
        "pixels, 1:1000": (_elliptic(SQUARE, 1 / 2, _pixels()), {}),
        **{
            f"laminate, a third, 1:{k}": (
                _elliptic(SQUARE, 1 / 4, f"1 + {k - 1}*step(cos(2*pi*y0) - cos(pi/3))"),
                {"a": _diag(1 / (2 / 3 + 1 / 3 / k), 2 / 3 + k / 3)},
            )
            for k in (10, 1000, 1000000)
        },
        "disc, R = 0.45, 1:1000": (
            _elliptic(SQUARE, 1 / 4, _disc(0.45, 1000)), {}
        ),
        "1D, 1:1000, fraction 0.3": (
            _elliptic(LINE, 0.1, "1 + 999*step(cos(2*pi*y0) - cos(0.3*pi))"), {"a": [[1.427959446]]}
        ),
        "jump in x": (_elliptic(LINE, 0.05, "(1 + 9*step(x0 - 1/2))*(2 + sin(2*pi*y0))"), {"e4": 0.0220}),
        "a times 1e10": (
            _elliptic(SQUARE, 1 / 8, "1e10*(2 + sin(2*pi*y0)*cos(2*pi*y1))", "sin(x0) + cos(x1)"),
            {"a": _diag(1.935359234812e10, 1.935359234812e10), "e4": 0.011663},
        ),
        "a times 1e-12": (
            _elliptic(SQUARE, 1 / 8, "1e-12*(2 + sin(2*pi*y0)*cos(2*pi*y1))", "sin(x0) + cos(x1)"),
            {"a": _diag(1.935359234812e-12, 1.935359234812e-12), "e4": 0.011663},
        ),
        "cells of 2e-5": (
            _elliptic([[0, 1.6e-4], [0, 1.6e-4]], 2e-5, "2 + sin(2*pi*y0)*cos(2*pi*y1)"),
            {"a": _diag(1.935359234812, 1.935359234812)},
        ),
        "cells of 1e-7": (
            _elliptic(SQUARE, 1 / 8, "2 + sin(2*pi*y0/1e-7)*cos(2*pi*y1/1e-7)") | {"period": 1e-7, "eps": 1.25e6},
            {"a": _diag(1.935359234812, 1.935359234812)},
        ),
        "f = 1e-30": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.1, "D": 1.0, "T": 5.0, "u0": "0",
             "f": "1e-30*sin(pi*x0)", "r": "5*cos(2*pi*y0)"},
            {},
        ),
        "decay to 1e-13": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.1, "D": 1.0, "T": 3.0, "u0": "sin(pi*x0)", "f": "0",
             "r": "5*cos(2*pi*y0)"},
            {},
        ),
        "f = 0": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.1, "D": 1.0, "T": 0.5, "u0": "sin(pi*x0)", "f": "0",
             "r": "cos(2*pi*y0)"},
            {"r": -1 / (8 * math.pi**2)},
        ),
        "r = 0": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.1, "D": 1.0, "T": 0.5, "u0": "sin(pi*x0)", "f": "1",
             "r": "0"},
            {"r": 0.0},
        ),
        "D = 1e-3": (
            {"kind": "reaction-diffusion", "domain": LINE, "eps": 0.1, "D": 1e-3, "T": 0.5, "u0": "sin(pi*x0)", "f": "1",
             "r": "cos(2*pi*y0)"},
            {"r": -1 / (8 * math.pi**2 * 1e-3)},
        ),
        "infinite slope": (
            _elliptic(LINE, 0.1, "1 + sqrt(abs(sin(2*pi*y0)))"), {"a": [[_harmonic(lambda s: 1 + np.sqrt(np.abs(np.sin(s))))]]}
        ),
        "a homogeneous medium": (_elliptic(SQUARE, 1 / 8, "3"), {"a": _diag(3, 3), "e4": 0.0}),
    }  # fmt: skip
    for name in ("f = 1e-30", "decay to 1e-13"):
        data, answers = found[name]
        sources = {"f = 1e-30": (1.0, 0.0), "decay to 1e-13": (0.0, 1.0)}[name]
        answer = oracles.reaction_diffusion(
            1.0, lambda s: 5 * np.cos(2 * math.pi * s), lambda s, k=sources[0]: k * np.sin(math.pi * s),
            lambda s, k=sources[1]: k * np.sin(math.pi * s), 1.0, 0.1, data["T"], 1,
        )  # fmt: skip
        answers |= {"r": answer["coefficient"], "e4": answer["e4"], "e5": answer["e5"]}
    return found


def _harmonic(a: Any, count: int = 2_000_000) -> float:
    """The harmonic mean over half a period, by the substitution s = t² (1 - ...) that takes the square roots' kinks off."""
    t = (np.arange(count) + 0.5) / count
    s = math.pi / 2 * t**2
    return float(1 / ((1 / a(s)) * 2 * t).mean())


def _case(name: str, data: Mapping[str, Any]) -> Case:
    if name == "jump in x":  # as a user of the library writes it
        problem = EllipticProblem(
            domain=[(0, 1)], eps=0.05, a=parse(data["a"], (x[0], y[0]), "a"), f=1, name="jump-in-x"
        )
        return Case(problem, "1D elliptic equation")
    return from_data(data, name, "fault")


def tried(name: str, data: Mapping[str, Any], answers: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """Run one row."""
    start = time.perf_counter()
    row: dict[str, Any] = {"name": name, "preset": preset, "numbers": [], "reason": "", "failed": ""}
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = run(_case(name, data), MPI.COMM_SELF, preset=preset, out=Path(folder), cache=False)
        row["resolved"], row["unresolved"] = found["resolved"], found["unresolved"]
        row["e4"] = found["errors"]["e4"]
        row["numbers"] = [list(n) for n in _judged(found, answers)]
    except (hybrid.InputError, hybrid.SolverError) as error:
        row["failed"] = f"{type(error).__name__}: {error}"
    except Exception:
        row["failed"] = "traceback: " + traceback.format_exc()[-1200:]
    row["seconds"] = time.perf_counter() - start
    return row


def _judged(found: Mapping[str, Any], answers: Mapping[str, Any]) -> list[tuple[str, float, float | None, bool]]:
    trust, numbers = found["trust"], []
    for name, right in answers.items():
        if name in "ar":
            for path in ("fem", "pinn"):
                entry = trust[f"{name}_{path}"]
                value, exact = np.asarray(found["homogenized"][path], dtype=float), np.asarray(right, dtype=float)
                size = float(np.abs(exact).max())
                off = float(np.abs(value - exact).max()) / (size or 1.0)
                numbers.append((f"{name}_{path}", off, entry["estimate"], entry["resolved"]))
        else:
            value = found["errors"][name]
            entry = trust[name]
            numbers.append((name, abs(value - right), entry["estimate"], entry["resolved"]))
    return numbers


_RIGHT = {"a": 1e-3, "r": 1e-3, "e3": 1e-4, "e4": 5e-5, "e5": 1e-4}


def is_wrong(name: str, off: float, estimate: float | None, resolved: bool) -> bool:
    """Marked as resolved, and neither right nor within ten times its estimate."""
    return resolved and not off <= max(10 * (estimate or 0.0), _RIGHT[name[:2] if name[0] == "e" else name[0]] / 100)


def markdown(found: list[dict[str, Any]]) -> str:
    """One row each."""
    lines = ["| problem | preset | off by (says) | resolved | seconds |", "|---|---|---|---|---:|"]
    for row in found:
        numbers = "; ".join(
            f"{n} {off:.1e} ({'no estimate' if e is None else f'{e:.0e}'}){'' if ok else ' not resolved'}"
            for n, off, e, ok in row["numbers"]
        )
        state = row["failed"].splitlines()[-1] if row["failed"] else "yes" if row["resolved"] else row["unresolved"][0]
        lines.append(f"| {row['name']} | {row['preset']} | {numbers} | {state} | {row['seconds']:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """All rows; 1 if something is wrong without a word."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=("fast", "accurate"), default="fast")
    parser.add_argument("--only", default="")
    parser.add_argument("--markdown", type=Path)
    chosen = parser.parse_args()
    found = []
    for name, (data, answers) in rows().items():
        if chosen.only in name:
            found.append(tried(name, data, answers, chosen.preset))
            print(markdown(found[-1:]).splitlines()[-1], flush=True)
            if chosen.markdown:
                text = markdown(found) + "\n"
                store.write_atomically(chosen.markdown, lambda file, text=text: file.write(text.encode()))
    wrong = [(row["name"], n) for row in found for n in row["numbers"] if is_wrong(*n)]
    for name, (number, off, estimate, _) in wrong:
        print(f"WRONG: {name}: {number} is off by {off:.2e} and says {estimate}")
    return int(bool(wrong) or any("traceback" in row["failed"] for row in found))


if __name__ == "__main__":
    sys.exit(main())
