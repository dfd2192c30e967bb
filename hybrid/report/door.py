"""The page of whatever a folder holds."""

from __future__ import annotations

from pathlib import Path

from hybrid.failures import InputError
from hybrid.report.sweeprows import read
from hybrid.study.repeat import case_of, recorded


def report(folder: Path) -> Path:
    """Write ``index.html`` and ``figures/`` into the folder of a run or of a sweep, complete or not.

    Returns:
        The page.

    Raises:
        InputError: The folder is neither, what it holds is damaged, or it cannot be written.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "no such folder")
    try:
        if (folder / "plan.json").exists():
            sweep = read(folder)

            from hybrid.report.sweep import write as write_sweep  # accepted: now matplotlib

            return write_sweep(folder, sweep)
        source = folder / "results.json"
        if not source.exists():
            what = "neither the folder of a run, which has results.json, nor of a sweep, which has plan.json"
            raise InputError(str(folder), what)
        record, request = recorded(source)
        case = case_of(source, record, request)

        from hybrid.report.run import write as write_run  # accepted: now matplotlib

        return write_run(folder, case, record, request)
    except OSError as error:
        raise InputError(str(folder), f"cannot be read or written ({error.strerror})") from None
