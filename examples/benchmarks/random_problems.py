"""Random problems against oracles that share no code with the package: is a number that is called resolved ever wrong?

    python examples/benchmarks/random_problems.py --count 200 --out results/random           both presets; hours
    python examples/benchmarks/random_problems.py --count 200 --out results/random --share 1/2   one half, for two processes
    python examples/benchmarks/random_problems.py --out results/random --table               the table of what is there

Every problem is drawn from its own seed: dimension, contrast to 1000, frequencies to 20, slow dependency, jumps, matrices,
sources, lengths and coefficients and sources scaled over 1e-9 ... 1e9. What has run is in OUT/runs.jsonl and is not run again.
A number is wrong if it is marked resolved and off by more than ten times its estimate.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import hybrid

from mpi4py import MPI  # isort: skip

from oracles import four_phases, layers, line, reaction_diffusion, smooth_cell

from hybrid.study import run as study
from hybrid.study.files import from_data

WRONG = 10.0
"""Times its estimate: a resolved number that is off by more is wrong."""
FLOOR = 1e-8
"""What the oracles themselves are good to."""
TWO_PI = 2 * math.pi


@dataclass(frozen=True)
class Drawn:
    """A problem file's contents, what it is, and its answers."""

    kind: str
    what: str
    data: dict[str, Any]
    oracle: Callable[[], dict[str, Any]] = field(repr=False)


def draw(seed: int) -> Drawn:
    """The problem of a seed."""
    rng = np.random.default_rng([2021, seed])
    families = (
        [_line] * 8 + [_layers] * 5 + [_cell] * 2 + [_checkerboard] + [_reaction] * 3 + [_space] * (seed % 4 == 0)
    )
    return families[int(rng.integers(len(families)))](rng)


def _scale(rng: np.random.Generator) -> float:
    """Most problems have numbers near one; the others are as far from it as units can take them."""
    return float(10 ** rng.uniform(-9, 9)) if rng.random() < 0.4 else 1.0


def _periodic(rng: np.random.Generator, most: int = 20) -> tuple[str, Callable[[Any], Any], list[float], str]:
    """A positive function of y_0 with period 1: its text, itself, where it jumps, and what it is."""
    pick, contrast = rng.random(), float(10 ** rng.uniform(0, 3))
    k = int(rng.integers(1, most + 1)) if rng.random() < 0.4 else 1
    if pick < 0.35:
        t = 2 * (contrast - 1) / (contrast + 1)
        return (
            f"(2 + {t!r}*sin({k}*2*pi*y0))", lambda y: 2 + t * np.sin(k * TWO_PI * y), [],
            f"2 + t sin, contrast {contrast:.3g}, frequency {k}",
        )  # fmt: skip
    if pick < 0.65:
        t = math.log(contrast) / 2
        return (
            f"exp({t!r}*cos({k}*2*pi*y0))", lambda y: np.exp(t * np.cos(k * TWO_PI * y)), [],
            f"exp(t cos), contrast {contrast:.3g}, frequency {k}",
        )  # fmt: skip
    share = float(rng.uniform(0.1, 0.9))
    edge = math.cos(math.pi * share)
    return (
        f"(1 + {contrast - 1!r}*step(cos(2*pi*y0) - {edge!r}))",
        lambda y: 1 + (contrast - 1) * (np.cos(TWO_PI * y) > edge),
        [share / 2, 1 - share / 2],
        f"jump, contrast {contrast:.3g}, fraction {share:.2g}",
    )


def _source(rng: np.random.Generator, length: float, variable: str = "x0") -> tuple[str, Callable[[Any], Any], str]:
    """A source on [0, length]."""
    pick, k = rng.random(), int(rng.integers(1, 21))
    s = f"{variable}/{length!r}"
    if pick < 0.3:
        return "1", np.ones_like, "1"
    if pick < 0.6:
        return f"sin({k}*pi*{s})", lambda x: np.sin(k * math.pi * x / length), f"sine {k}"
    if pick < 0.8:
        return (
            f"(cos(pi*{s}) + 3*sin({k}*pi*{s}))",
            lambda x: np.cos(math.pi * x / length) + 3 * np.sin(k * math.pi * x / length), f"two waves, {k}",
        )  # fmt: skip
    return f"exp(-(({s} - 0.4)/0.1)**2)", lambda x: np.exp(-(((x / length - 0.4) / 0.1) ** 2)), "bump"


def _slow(rng: np.random.Generator, length: float) -> tuple[str, Callable[[Any], Any], str]:
    m = int(rng.integers(1, 5))
    if rng.random() < 0.7:
        return (
            f"(1 + 0.5*sin({m}*2*pi*x0/{length!r}))", lambda x: 1 + 0.5 * np.sin(m * TWO_PI * x / length),
            f"slow wave {m}",
        )  # fmt: skip
    s = float(rng.uniform(10, 60))
    return (
        f"(1 + 4/(1 + exp(-{s!r}*(x0/{length!r} - 0.5))))", lambda x: 1 + 4 / (1 + np.exp(-s * (x / length - 0.5))),
        f"front {s:.2g}",
    )  # fmt: skip


def _line(rng: np.random.Generator) -> Drawn:
    length, size, strength = _scale(rng), _scale(rng), _scale(rng)
    n = float(rng.integers(4, 31)) if rng.random() < 0.8 else float(rng.uniform(4, 30))
    text, b, jumps, what = _periodic(rng)
    f_text, f, f_what = _source(rng, length)
    eps = length / n
    if rng.random() < 0.35:
        g_text, g, g_what = _slow(rng, length)
        if jumps or rng.random() < 0.5:
            text, what = f"{g_text}*{text}", f"{what}, {g_what}"
            a = lambda x, y: g(x) * b(y)  # noqa: E731
        else:
            text, what = f"({text} + {g_text})", f"{what}, plus {g_what}"
            a = lambda x, y: g(x) + b(y)  # noqa: E731
    else:
        a = lambda x, y: b(y) + 0 * x  # noqa: E731
    data = {
        "kind": "elliptic", "domain": [[0, length]], "eps": eps, "a": f"{size!r}*{text}", "f": f"{strength!r}*{f_text}"
    }  # fmt: skip
    once = jumps or "frequency 1" in [part.strip() for part in what.split(",")]
    contrast = float(what.split("contrast ")[1].split(",")[0])
    fine = 24 if once else 96 if contrast < 100 else 400  # narrow peaks of 1/a, many of them in a period

    def oracle() -> dict[str, Any]:
        found = line(a, f, length, eps, jumps, fine=fine)
        return found | {"coefficient": lambda x: size * found["coefficient"](x[:, 0])[:, None, None]}

    return Drawn("1D", f"{what}; f {f_what}", data, oracle)


def _layers(rng: np.random.Generator, dim: int = 2) -> Drawn:
    length, size, strength = _scale(rng), _scale(rng), _scale(rng)
    n = int(rng.integers(3, 9 if dim == 2 else 4))
    text, b, jumps, what = _periodic(rng, 3)
    f_text, f, f_what = _source(rng, length)
    waves = [int(rng.integers(1, 8 if dim == 2 else 3)) for _ in range(dim - 1)]
    sines = "*".join(f"sin({k}*pi*x{i}/{length!r})" for i, k in enumerate(waves, 1))
    eps, rate = length / n, sum((k * math.pi / length) ** 2 for k in waves)
    slow: Callable[[Any], Any] = np.ones_like
    if dim == 2 and not jumps and rng.random() < 0.25:
        g_text, slow, g_what = _slow(rng, length)
        text, what = f"{g_text}*{text}", f"{what}, {g_what}"
    c, a = b, f"{size!r}*{text}"
    entries: Any = a
    if slow is np.ones_like and rng.random() < 0.3:
        c = lambda y: 1 + b(y) / 2  # noqa: E731
        other = f"{size!r}*(1 + {text}/2)"
        entries = [[a if i == j == 0 else other if i == j else 0 for j in range(dim)] for i in range(dim)]
        what += ", a matrix"
    data = {
        "kind": "elliptic", "domain": [[0, length]] * dim, "eps": eps, "a": entries,
        "f": f"{strength!r}*{f_text}*{sines}",
    }  # fmt: skip

    def oracle() -> dict[str, Any]:
        found = layers(b, c, f, length, eps, jumps, rate, slow, fine=6)
        harmonic, mean = size * np.asarray(found["coefficient"])
        star = np.diag([harmonic] + [mean] * (dim - 1))
        return found | {"coefficient": lambda x: star * slow(x[:, 0])[:, None, None]}

    return Drawn(f"{dim}D layers", f"{what}; f {f_what}, waves {waves}", data, oracle)


def _space(rng: np.random.Generator) -> Drawn:
    return _layers(rng, 3)


def _cell(rng: np.random.Generator) -> Drawn:
    """A smooth cell that is no laminate: a* only."""
    size, length, n = _scale(rng), _scale(rng), int(rng.integers(3, 9))
    t, k, m = float(rng.uniform(0.2, 1.8)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    core = f"exp({t!r}*sin({k}*2*pi*y0)*cos({m}*2*pi*y1))"
    full = rng.random() < 0.5
    c = float(rng.uniform(-0.6, 0.6)) if full else 0.0
    entries: Any = f"{size!r}*{core}"
    if full:
        other = f"{size * c!r}*cos(2*pi*y1)"
        entries = [[f"{size!r}*(1 + {core})", other], [other, f"{size!r}*(2 + {core})"]]
    f_text, _, f_what = _source(rng, length)
    data = {
        "kind": "elliptic", "domain": [[0, length], [0, length]], "eps": length / n, "a": entries, "f": f"({f_text}) + 0.1"
    }  # fmt: skip

    def a(y0: Any, y1: Any) -> Any:
        value = np.exp(t * np.sin(k * TWO_PI * y0) * np.cos(m * TWO_PI * y1))
        zero = c * np.cos(TWO_PI * y1)
        return np.array([[1 + value, zero], [zero, 2 + value]] if full else [[value, 0 * value], [0 * value, value]])

    return Drawn(
        "2D cell", f"exp({t:.2g} sin {k} cos {m}){', full matrix' if full else ''}; f {f_what}", data,
        lambda: {"coefficient": size * smooth_cell(a, 96)},
    )  # fmt: skip


def _checkerboard(rng: np.random.Generator) -> Drawn:
    size, n = _scale(rng), int(rng.integers(2, 5))
    a, b, c, d = (float(10 ** rng.uniform(0, 1.2)) for _ in range(4))
    if rng.random() < 0.5:
        a, c, b, d = 1.0, 1.0, float(10 ** rng.uniform(0.3, 2)), 0.0
        d = b
    # quarters: a and b in the left column (y0 < 1/2), d and c in the right one
    left, low = "step(1/2 - y0)", "step(1/2 - y1)"
    text = f"{a!r}*{left}*{low} + {b!r}*{left}*(1 - {low}) + {d!r}*(1 - {left})*{low} + {c!r}*(1 - {left})*(1 - {low})"
    # y stays in the cell only if the steps repeat with it
    text = text.replace("step(1/2 - y0)", "step(sin(2*pi*y0))").replace("step(1/2 - y1)", "step(sin(2*pi*y1))")
    data = {"kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 1 / n, "a": f"{size!r}*({text})", "f": "1"}
    star = size * np.diag([four_phases(a, b, c, d), four_phases(a, d, c, b)])
    return Drawn("2D checkerboard", f"{a:.3g}, {b:.3g} / {d:.3g}, {c:.3g}", data, lambda: {"coefficient": star})


def _reaction(rng: np.random.Generator) -> Drawn:
    length, duration, size = _scale(rng), _scale(rng), _scale(rng)
    n, k = int(rng.integers(5, 31)), int(rng.integers(1, 4))
    D, T = float(10 ** rng.uniform(-1, 1)), float(10 ** rng.uniform(-1, 0.5))
    rho = float(rng.uniform(0.2, 3.0)) * D
    highest = k
    if rng.random() < 0.5:
        r_text, r, what = f"cos({k}*2*pi*y0)", lambda y: np.cos(k * TWO_PI * y), f"cosine {k}"
    else:
        r_text, what = f"(cos(2*pi*y0) + 0.5*sin({2 * k}*2*pi*y0))", f"two waves, {2 * k}"
        r = lambda y: np.cos(TWO_PI * y) + 0.5 * np.sin(2 * k * TWO_PI * y)  # noqa: E731
        highest = 2 * k
    j, m = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    start = float(rng.choice([0.0, 0.1, 1.0]))
    strength = float(rng.choice([0.0, 1.0])) if start else 1.0
    scaled_D, scaled_r = D * length**2 / duration, rho * length / duration
    data = {
        "kind": "reaction-diffusion", "domain": [[0, length]], "eps": length / n, "D": scaled_D, "T": T * duration,
        "r": f"{scaled_r!r}*{r_text}", "u0": f"{start * size!r}*sin({m}*pi*x0/{length!r})",
        "f": f"{strength * size / duration!r}*sin({j}*pi*x0/{length!r})",
    }  # fmt: skip

    def oracle() -> dict[str, Any]:
        found = reaction_diffusion(
            D, lambda y: rho * r(y), lambda x: strength * np.sin(j * math.pi * x),
            lambda x: start * np.sin(m * math.pi * x), 1.0, 1 / n, T, highest,
        )  # fmt: skip
        return found | {"coefficient": found["coefficient"] / duration}

    return Drawn("reaction-diffusion", f"r {what}, D {D:.2g}, T {T:.2g}, f sine {j}", data, oracle)


def judged(found: dict[str, Any], answers: dict[str, Any]) -> Iterator[tuple[str, float, float | None, bool]]:
    """(number, how far it is off, its estimate, whether it is marked resolved) for all numbers with an answer."""
    trust = found["trust"]
    symbol = "r" if "r_fem" in trust else "a"
    for path in ("fem", "pinn"):
        value, star = found["homogenized"][path], answers["coefficient"]
        slow = isinstance(value, dict)
        at = np.asarray(value["x"]) if slow else np.zeros((1, 3))
        other = np.asarray(star(at) if callable(star) else star, dtype=float)
        one = np.asarray(value["values"] if slow else value, dtype=float).reshape(other.shape)
        size = np.abs(other).max(axis=(-2, -1), keepdims=True) if other.ndim else np.abs(other)
        off = (np.abs(one - other) / size).max()
        entry = trust[f"{symbol}_{path}"]
        yield f"{symbol}_{path}", float(off), entry["estimate"], entry["resolved"]
    exact = {"e3": 0.0}
    if "e4" in answers:
        exact |= dict.fromkeys(("e1", "e2", "e4"), answers["e4"])
    for name, value in exact.items():
        entry = trust[name]
        estimate = entry["estimate"]
        measured = found["errors"][name]
        yield name, abs(measured - value) if measured is not None else math.inf, estimate, entry["resolved"]
    if "e5" in answers:  # of the first order
        measured = found["ladder"]["pinn"]["first"]
        estimate = found["ladder"]["estimates"]["pinn"]["first"]
        yield "e5", abs(measured - answers["e5"]), estimate, trust["e5"]["resolved"]


def tried(seed: int, preset: str) -> dict[str, Any]:
    """Run one problem, and what came of it."""
    drawn = draw(seed)
    start = time.perf_counter()
    row: dict[str, Any] = {"seed": seed, "preset": preset, "kind": drawn.kind, "what": drawn.what}
    try:
        answers = drawn.oracle()
        case = from_data(drawn.data, f"problem {seed}", f"random-{seed}")
        with tempfile.TemporaryDirectory() as folder:
            found = study.run(case, MPI.COMM_SELF, preset=preset, out=Path(folder), cache=False, figures=False)
        row["resolved"], row["unresolved"] = found["resolved"], found["unresolved"]
        row["numbers"] = [list(entry) for entry in judged(found, answers)]
        row["counts"] = [sum(t["resolved"] for t in found["trust"].values()), len(found["trust"])]
    except (hybrid.InputError, hybrid.SolverError) as error:
        row["failed"] = f"{type(error).__name__}: {error}"
    except Exception:
        row["failed"] = "traceback: " + traceback.format_exc()[-1500:]
    row["seconds"] = time.perf_counter() - start
    return row


def is_wrong(off: float, estimate: float | None, resolved: bool) -> bool:
    """Marked resolved, and off by more than ten times its estimate."""
    return resolved and (estimate is None or not off <= WRONG * estimate + FLOOR)


def table(rows: list[dict[str, Any]]) -> str:
    """By preset and kind: runs, resolved ones, resolved numbers, wrong ones, seconds."""
    lines = [
        "| preset | kind | runs | failed | resolved runs | resolved numbers | wrong | seconds: median, worst |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for preset in ("fast", "accurate"):
        kinds = sorted({r["kind"] for r in rows})
        for kind in [*kinds, "all"]:
            mine = [r for r in rows if r["preset"] == preset and kind in {r["kind"], "all"}]
            if not mine:
                continue
            ran = [r for r in mine if "failed" not in r]
            wrong = sum(is_wrong(*n[1:]) for r in ran for n in r["numbers"])
            known, total = (sum(r["counts"][i] for r in ran) for i in (0, 1))
            seconds = [r["seconds"] for r in mine]
            lines.append(
                f"| {preset} | {kind} | {len(mine)} | {len(mine) - len(ran)} | "
                f"{sum(r['resolved'] for r in ran) / len(mine):.0%} | {known / max(total, 1):.0%} | {wrong} | "
                f"{np.median(seconds):.1f}, {max(seconds):.0f} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Run what has not run yet; the table; 1 if a resolved number is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--presets", nargs="*", default=["fast", "accurate"])
    parser.add_argument("--share", default="1/1", help="K/N: the K-th of N parts")
    parser.add_argument("--out", type=Path, default=Path("results/random"))
    parser.add_argument("--table", action="store_true", help="only the table of what is there")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, chosen.share.split("/"))
    path = chosen.out / f"runs-{part}.jsonl"
    rows = [
        json.loads(text) for file in sorted(chosen.out.glob("runs-*.jsonl")) for text in file.read_text().splitlines()
    ]
    if not chosen.table:
        done = {(r["seed"], r["preset"]) for r in rows}
        for seed in range(chosen.first, chosen.first + chosen.count):
            for preset in chosen.presets:
                if seed % parts == part - 1 and (seed, preset) not in done:
                    row = tried(seed, preset)
                    rows.append(row)
                    with path.open("a") as file:
                        file.write(json.dumps(row, default=float) + "\n")
                    print(f"{seed} {preset}: {row['kind']}, {row['what']}: {row['seconds']:.1f} s", file=sys.stderr)
    print(table(rows))
    bad = [(r, n) for r in rows if "failed" not in r for n in r["numbers"] if is_wrong(*n[1:])]
    for r, (name, off, estimate, _) in bad:
        where = f"problem {r['seed']}, {r['preset']}, {r['kind']} ({r['what']})"
        print(f"WRONG: {where}: {name} off by {off:.2e}, says {estimate:.1e}")
    for r in rows:
        if "failed" in r:
            print(
                f"failed: problem {r['seed']}, {r['preset']}, {r['kind']} ({r['what']}): {r['failed'].splitlines()[-1]}"
            )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
