"""Runs as a table: of a folder, one row a run, as CSV and as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from hybrid import store
from hybrid.failures import InputError
from hybrid.study.record import Record
from hybrid.study.rows import Row, row_of


def load(folder: str | Path) -> pa.Table:
    """One row for each run that has ended, of a sweep's folder or of a run's.

    Args:
        folder: With ``plan.json`` and ``runs/``, or with ``results.json``.

    Returns:
        Of a sweep in the order of its plan; columns as in `hybrid.study.rows.row_of`, behind ``run`` (the run's folder in
        ``runs``), ``status`` ("complete" or "failed") and ``reason``. ``load(DIR).to_pandas()`` and
        ``polars.from_arrow(load(DIR))`` are data frames.

    Raises:
        InputError: The folder is neither.
    """
    folder = Path(folder)
    plan = store.read_json(folder / "plan.json")
    if plan is not None:
        rows = [store.read_json(folder / "runs" / run["key"] / "row.json") for run in plan["runs"]]
        return table_of([row for row in rows if row is not None])
    record = Record.read(folder / "results.json")
    if record is None:
        raise InputError(str(folder), "neither a sweep's folder nor a run's: it has no plan.json and no results.json")
    return table_of([{"run": folder.name, **row_of(record)}])


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; a column has the type that all of its values fit in, text where they are of several kinds."""
    names: list[str] = []
    for row in rows:
        at = 0
        for name in row:
            if name not in names:
                names.insert(at, name)
            at = names.index(name) + 1
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds:
        return pa.array(values, pa.float64() if float in kinds else pa.int64())
    if len(kinds) > 1:
        return pa.array([None if value is None else str(value) for value in values])
    return pa.array(values)


def write_tables(folder: Path, rows: Sequence[Row]) -> None:
    """``results.csv`` and ``results.parquet``, each whole or as before."""
    import pyarrow.csv
    import pyarrow.parquet

    table = table_of(rows)
    store.write_atomically(folder / "results.csv", lambda file: pyarrow.csv.write_csv(table, file))
    store.write_atomically(folder / "results.parquet", lambda file: pyarrow.parquet.write_table(table, file))
