"""How long the `hybrid` command takes to say that its input is wrong, to list the cases, and to print its help.

    python examples/benchmarks/start_up.py [--rounds 5] [--only WORD] [--out start_up.txt]

Each line is the median over the rounds of the CPU time of one process, user and system, which does not depend on what else
the machine does. The first line is the median over the bad inputs, each of which is a problem file, or words of the command.
What was asked for: bad input in 1.0 s, `--help` in 0.5 s, `cases` in 0.7 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GOOD = """
kind = "elliptic"
domain = [[0, 1], [0, 1]]
eps = 0.25
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "sin(x0) + cos(x1)"
"""
FILES = {
    "not TOML": GOOD + "kappa =",
    "an unknown key": GOOD + "kappa = 1",
    "an unknown name in a": GOOD.replace("y1", "z1"),
    "a not positive": GOOD.replace('"2 + sin', '"sin'),
    "an empty domain": GOOD.replace("[[0, 1], [0, 1]]", "[[1, 0], [0, 1]]"),
    "fem.degree = 9": GOOD + "[fem]\ndegree = 9",
    "a mesh too large": GOOD + "[fem]\ncells_per_period = 4096\ndegree = 4",
    "settings that do not go together": GOOD + '[pinn]\npreset = "fast"\nsteps = 5',
    "three faults": GOOD.replace("0.25", "-1").replace('"2 + sin', '"sin') + "[pinn]\nseed = -1",
}
WORDS = {
    "run nope": ["run", "nope"],
    "run elliptic-2d --preset best": ["run", "elliptic-2d", "--preset", "best"],
    "run elliptic-2d -- ksp_monitor": ["run", "elliptic-2d", "--", "ksp_monitor"],
}
COMMAND = [sys.executable, "-c", "from hybrid.cli import main; main()"]


def seconds(words: list[str], folder: Path, code: int) -> float:
    """CPU time of the command with these words, which ends with this exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == code, (words, done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure in turn, so that what else the machine does meets all alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="bad inputs with this word in their name")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bad = dict(WORDS)
        for number, (name, text) in enumerate(FILES.items()):
            (Path(place) / f"{number}.toml").write_text(text)
            bad[name] = ["run", f"{number}.toml"]
        bad = {name: words for name, words in bad.items() if given.only in name}
        inputs = [(name, words, 2) for name, words in bad.items()]
        inputs += [("hybrid --help", ["--help"], 0), ("hybrid cases", ["cases"], 0)]
        times: dict[str, list[float]] = {name: [] for name, _, _ in inputs}
        for _ in range(given.rounds):
            for name, words, code in inputs:
                times[name].append(seconds(words, Path(place), code))
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = {"bad input, median of those below": statistics.median(medians[name] for name in bad)}
    rows |= {name: medians[name] for name in ("hybrid --help", "hybrid cases")}
    rows |= {f"  {name}": medians[name] for name in bad}
    text = "\n".join(f"{name:36} {value:.2f} s" for name, value in rows.items())
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
