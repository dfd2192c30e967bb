"""What the pages of studies say, as Markdown for this repository: sentences, the first figure, what each way gives and costs.

    hybrid sweep examples/studies/eps-1d.toml && python examples/studies/record.py results/eps-1d

Leaves recorded/NAME.md and recorded/NAME.png beside this script.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from hybrid.report import report
from hybrid.report.sweeprows import read
from hybrid.report.sweeptables import orders, ways
from hybrid.report.sweepwords import sentences

HERE = Path(__file__).parent / "recorded"


def main() -> None:
    """Record every folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    HERE.mkdir(exist_ok=True)
    for folder in parser.parse_args().folders:
        report(folder)
        sweep = read(folder)
        shutil.copyfile(folder / "figures" / "lead.png", HERE / f"{sweep.name}.png")
        lines = [
            f"# {sweep.name}",
            "",
            *(f"- {text}" for text in sentences(sweep)),
            "",
            f"![Errors]({sweep.name}.png)",
            "",
        ]
        lines += [table.markdown() for table in (ways(sweep), orders(sweep)) if table is not None]
        lines += ["The sweep file:", "", "```toml", sweep.text.strip(), "```", ""]
        (HERE / f"{sweep.name}.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
