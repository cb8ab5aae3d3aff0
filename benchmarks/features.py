"""What features cost, kept a file a day: a year of flights from nothing, after a correction, and a night more.

    make bench-features

The reference is plain DuckDB, with all the threads it likes, running the same SELECT once over the whole year: no day
alone, nothing proved, nothing kept. A second table says what a day of many rows takes: seconds and the most memory that
the process held beyond its imports, in sizes of the day's table in Arrow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks import data

DAYS = int(os.environ.get("DAYS", "365"))
ROWS = tuple(map(int, os.environ.get("ROWS", "100000,1000000,5000000").split(",")))
SMALL = 100  # rows of the day that is done first, so that imports do not count
FIRST, CORRECTED = "2013-01-01", "2013-06-15"


def main() -> None:
    """Measure, print the tables, write benchmarks/results/features.json."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        os.environ["RATCHET_VAR"] = str(Path(name) / "var")
        found["flights"] = _flights()
        found["rows"] = _rows(Path(name))
    table = Table(f"flights, {DAYS} days", "seconds", "of plain DuckDB")
    plain = found["flights"]["plain DuckDB, the whole year at once"]
    for what, seconds in found["flights"].items():
        table.add_row(what, f"{seconds:.2f}", f"{seconds / plain:.2f}")
    Console(width=110).print(table)
    table = Table("a day of many rows", "seconds", "memory, MB", "tables")
    for what, each in found["rows"].items():
        table.add_row(
            what, f"{each['seconds']:.2f}", f"{each['memory'] / 2**20:.0f}", f"{each['memory'] / each['table']:.1f}"
        )
    Console(width=110).print(table)
    result = Path(__file__).parent / "results" / "features.json"
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps({"cores": os.cpu_count(), "found": found}, indent=1) + "\n", encoding="utf-8")


def _flights() -> dict[str, float]:
    from ratchet import catalog
    from ratchet.lifecycle import dataset, feature_days
    from ratchet.partitions import shift

    loop, registry = catalog.load("flight_delays"), dataset.registry()
    last = shift(FIRST, DAYS - 1)
    _publish(FIRST, shift(last, -1))
    found = {}

    def year(until: str) -> pa.Table:
        return feature_days.of_range(registry, loop, registry.head(), FIRST, until)

    found["plain DuckDB, the whole year at once"] = _plain(shift(last, -1))
    found["from nothing: each day alone, proved and kept"] = _seconds(lambda: year(shift(last, -1)))
    found["read again"] = _seconds(lambda: year(shift(last, -1)))
    _publish(CORRECTED, CORRECTED, corrected=True)
    found["after one correction"] = _seconds(lambda: year(shift(last, -1)))
    _publish(last, last)
    found["one more night"] = _seconds(lambda: feature_days.of_range(registry, loop, registry.head(), last, last))
    return found


def _publish(first: str, last: str, corrected: bool = False) -> None:
    """Publish days of flights as they are, without validation; corrected: with ten arrivals an hour later."""
    import pyarrow.compute as pc

    from ratchet import catalog
    from ratchet.adapters import writing
    from ratchet.data import tables
    from ratchet.data.known import PARTITION
    from ratchet.lifecycle import dataset
    from tests.given import flights

    loop, registry, given = catalog.load("flight_delays"), dataset.registry(), flights.days(first, last)
    with tempfile.TemporaryDirectory() as name:
        placed = {}
        for table, rows in given.items():
            for day in pc.unique(rows.column(PARTITION)).to_pylist():
                part = rows.filter(pc.equal(rows.column(PARTITION), day)).drop_columns([PARTITION])
                if corrected and table == loop.main:
                    delay = pc.add(part.column("arr_delay"), pa.array([60] * 10 + [0] * (part.num_rows - 10)))
                    part = part.set_column(part.column_names.index("arr_delay"), "arr_delay", delay)
                path = Path(name) / f"{table}-{day}.parquet"
                tables.write_table(part, path)
                placed[dataset.path(loop, table, day)] = path
        pointers = registry.storage.add(placed)

        def act(writer: writing.Writer) -> None:
            for path, text in pointers.items():
                writer.write(f"{path}.dvc", text)
            writer.commit(f"Publish {first}..{last}")

        writing.change(registry, act)


def _plain(last: str) -> float:
    """Run the loop's SELECT once over all days."""
    from ratchet import catalog
    from ratchet.data.known import PARTITION
    from ratchet.lifecycle import dataset

    loop, registry = catalog.load("flight_delays"), dataset.registry()
    text = (loop.folder / loop.features.sql).read_text(encoding="utf-8")

    def run() -> None:
        with duckdb.connect() as connection:
            for name in loop.tables:
                rows = dataset.table(registry, loop, name, registry.head(), FIRST, last)
                connection.register(name, rows.drop_columns([PARTITION]))
            connection.sql(text).to_arrow_table()

    return _seconds(run)


def _rows(folder: Path) -> dict[str, dict[str, float]]:
    """Compute and prove a day of many rows, each in a process of its own that has done a small day before."""
    data.lay(folder)
    found = {}
    for rows in (SMALL, *ROWS):
        made = data.made(data.DAY, rows, 86_400 * 10**6 // rows)
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({made}) TO '{folder}/{rows}.parquet'")
    for rows in ROWS:
        for what in ("compute", "prove"):
            command = [sys.executable, "-m", "benchmarks.features", what, str(rows), str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            found[f"{rows:,} rows: {what}"] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measure(what: str, rows: int, folder: Path) -> dict[str, float]:
    """Do a small day, then the day; return seconds, and bytes beyond what was held before."""
    os.environ["RATCHET_LOOPS"], os.environ["RATCHET_SUITES"] = str(folder / "loops"), str(folder / "suites")
    _day(what, _read(folder, SMALL))
    given = _read(folder, rows)
    held = psutil.Process().memory_info().rss
    seconds = _seconds(lambda: _day(what, given))
    return {"seconds": seconds, "memory": max(data.most() - held, 0), "table": given["rows"].nbytes}


def _read(folder: Path, rows: int) -> dict[str, pa.Table]:
    from ratchet import catalog
    from ratchet.data import conversion, known

    columns = catalog.load("bench").main_table.columns
    table = conversion.conform(pq.read_table(folder / f"{rows}.parquet"), columns)
    return {"rows": table.append_column(known.PARTITION, pa.array([data.DAY] * table.num_rows, pa.string()))}


def _day(what: str, given: dict[str, pa.Table]) -> None:
    from ratchet import catalog
    from ratchet.data import features, proof

    loop = catalog.load("bench")
    found = features.of_day(loop, given, data.DAY)
    if what == "prove":
        assert not proof.prove(loop, given, given, data.DAY, found, "a seed").differ


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
