"""What bringing a day's data in costs: seconds and memory of fetch, validate and publish, beside plain DuckDB.

    make bench-data

Days of 100 thousand, 1 and 5 million rows come as CSV, ten columns each; and a range of sixty days out of one CSV of
1.6 MB. Each step runs in a process of its own that has done a small day before, so that imports do not count. Memory is
the most that the process held beyond that, in tables: the size of the day's table in Arrow, in the contract's types.
The reference is DuckDB on one thread doing the same reads into Arrow, with the types given.

Holding a day to a suite of twenty expectations is measured alone too, where nothing is broken and where some rows break
each; its reference, the floor, is DuckDB on one thread counting the same in as few queries as it can.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil
from rich.console import Console
from rich.table import Table

ROWS = tuple(map(int, os.environ.get("ROWS", "100000,1000000,5000000").split(",")))
STEPS = ("fetch", "validate", "publish")
SMALL, DAY, FIRST, RANGE = "2024-02-29", "2024-03-01", "2024-04-01", "2024-04-01..2024-05-30"
COLUMNS = {
    "id": ("int64", "BIGINT", "range + epoch({start})::BIGINT * 100"),
    "at": ("timestamp", "TIMESTAMP", "{start} + to_microseconds(range * {step})"),
    "shop": ("string", "VARCHAR", "'shop ' || range % 20"),
    "customer": ("string", "VARCHAR", "md5(range::VARCHAR)[:12]"),
    "quantity": ("int64", "BIGINT", "CASE WHEN range % 10 > 0 THEN range % 7 END"),
    "price": ("float64", "DOUBLE", "round((range * 7919 % 100003) / 97, 4)"),
    "discount": ("float64", "DOUBLE", "CASE WHEN range % 3 = 0 THEN (range % 11) / 11 END"),
    "gift": ("bool", "BOOLEAN", "range % 5 = 0"),
    "due": ("date", "DATE", "DATE '2024-01-01' + (range % 365)::INTEGER"),
    "returned": ("int64", "BIGINT", "(range * 31 % 17 < 4)::BIGINT"),
}
LIMITS = {"quantity": (0, 10), "price": (0, 2000), "discount": (0, 1), "returned": (0, 1)}
SHOPS = [f"shop {number}" for number in range(20)]
THERE = ("shop", "customer", "price", "gift", "due", "at", "returned")
HOLDS = ("nothing broken", "some rows broken", "a regular expression")


def main() -> None:
    """Measure, print the table, write benchmarks/results/data.json."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay(folder)
        for rows in ROWS:
            size = _write(folder / f"loops/bench/rows_{DAY}.csv", DAY, rows, 86_400 * 10**6 // rows)
            for step in STEPS:
                found[f"{rows:,} rows: {step}"] = _child(folder, step, DAY, size)
            for kind in HOLDS:
                found[f"{rows:,} rows: suite, {kind}"] = _child(folder, kind, str(rows), size)
        _write(folder / "loops/bench/rows_all.csv", FIRST, 60 * 300, 86_400 * 10**6 // 300)
        contract = folder / "loops/bench/loop.yaml"
        contract.write_text(contract.read_text().replace("rows_{partition}.csv", "rows_all.csv"))
        for step in STEPS:
            found[f"60 days of one CSV: {step}"] = _child(folder, step, RANGE, 0, FIRST)
    table = Table("what", "seconds", "DuckDB, s", "ratio", "memory, MB", "tables")
    for what, each in found.items():
        ratio, held = each["seconds"] / each["reads"], each["memory"] / each["table"] if each["table"] else float("nan")
        cells = (f"{each['seconds']:.2f}", f"{each['reads']:.2f}", f"{ratio:.1f}", f"{each['memory'] / 2**20:.0f}")
        table.add_row(what, *cells, f"{held:.1f}")
    Console(width=110).print(table)
    result = Path(__file__).parent / "results" / "data.json"
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps({"cores": os.cpu_count(), "found": found}, indent=1) + "\n", encoding="utf-8")


def lay(folder: Path) -> None:
    """Lay the loop out in a folder."""
    loop = folder / "loops" / "bench"
    loop.mkdir(parents=True)
    (loop / "features.sql").write_text('SELECT id, "at" AS event_time, price FROM rows')
    tables = {"key": ["id"], "time": "at", "suite": "bench", "columns": {name: of[0] for name, of in COLUMNS.items()}}
    contract = {
        "name": "bench",
        "description": "A day of many rows.",
        "task": "binary",
        "source": {"kind": "files", "options": {"tables": {"rows": "rows_{partition}.csv"}}},
        "tables": {"rows": tables},
        "target": {"sql": "returned"},
    }
    (loop / "loop.yaml").write_text(json.dumps(contract))
    suite = [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": column, "min_value": low, "max_value": high},
            "severity": "critical",
        }
        for column, (low, high) in LIMITS.items()
    ]
    suite += [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": column}, "severity": "critical"}
        for column in ("shop", "customer", "price")
    ]
    suites = folder / "suites" / "expectations"
    suites.mkdir(parents=True)
    (suites / "bench.json").write_text(json.dumps({"name": "bench", "expectations": suite, "meta": {}}))
    _write(loop / f"rows_{SMALL}.csv", SMALL, 100, 10**6)


def most() -> int:
    """Return the most bytes that this program has held; what rusage tells begins with what its parent held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def made(first: str, rows: int, step: int) -> str:
    """Return the SELECT that makes rows from the first day on, `step` microseconds apart."""
    start = f"TIMESTAMP '{first}'"
    chosen = ", ".join(f'{of[2].format(start=start, step=step)} AS "{name}"' for name, of in COLUMNS.items())
    return f"SELECT {chosen} FROM range({rows})"


def _write(path: Path, first: str, rows: int, step: int) -> int:
    """Write rows as CSV; return the bytes of their table in Arrow."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({made(first, rows, step)}) TO '{path}' (HEADER, DELIMITER ',')")
        typed = ", ".join(f"'{name}': '{of[1]}'" for name, of in COLUMNS.items())
        return int(connection.sql(f"FROM read_csv('{path}', columns={{{typed}}}, header=true)").to_arrow_table().nbytes)


def _child(folder: Path, step: str, days: str, size: int, small: str = SMALL) -> dict[str, float]:
    """Run a step in a process of its own, and what DuckDB's reads of the same take."""
    environment = {
        **os.environ,
        "RATCHET_VAR": str(folder / "var"),
        "RATCHET_LOOPS": str(folder / "loops"),
        "RATCHET_SUITES": str(folder / "suites"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", step, days, small],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "table": size}


def _measure(name: str, days: str, small: str) -> dict[str, float]:
    """Do a small day, then the days; return seconds, and bytes beyond what the small one had left."""
    from ratchet import catalog, steps

    loop, found = catalog.load("bench"), steps.find(name)
    for each in STEPS[: STEPS.index(name) + 1]:
        before = steps.find(each)
        before.run(loop, before.request(partitions=small))
    held = psutil.Process().memory_info().rss
    started = time.perf_counter()
    result = found.run(loop, found.request(partitions=days))
    seconds = time.perf_counter() - started
    assert result.outcome in ("done", "unchanged"), result.reason
    memory = max(most() - held, 0)
    return {"seconds": seconds, "memory": memory, "reads": _reads(name, days)}


def _suite(kind: str) -> list[dict[str, Any]]:
    """Return eighteen expectations, to which those of the key come; the last is a regular expression, or none."""
    between = [{"column": column, "min_value": low, "max_value": high} for column, (low, high) in LIMITS.items()]
    found = [
        *(("expect_column_values_to_be_between", each) for each in between),
        *(("expect_column_values_to_not_be_null", {"column": column}) for column in THERE),
        ("expect_column_values_to_be_in_set", {"column": "shop", "value_set": SHOPS}),
        ("expect_column_values_to_be_in_set", {"column": "returned", "value_set": [0, 1]}),
        ("expect_column_values_to_be_in_set", {"column": "quantity", "value_set": [*range(7)]}),
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_column_values_to_be_unique", {"column": "at"}),
        (
            "expect_compound_columns_to_be_unique",
            {"column_list": ["customer", "at"], "ignore_row_if": "any_value_is_missing"},
        ),
        ("expect_column_values_to_match_regex", {"column": "customer", "regex": "^[0-9a-f]{12}$"})
        if kind == "a regular expression"
        else ("expect_column_values_to_be_between", {"column": "id", "min_value": 0}),
    ]
    return [{"type": what, "kwargs": kwargs, "severity": "critical"} for what, kwargs in found]


def _query(kind: str, rows: int) -> str:
    """Return the SELECT that makes the table; where rows are broken, one in a thousand breaks five expectations."""
    query = made(DAY, rows, 86_400 * 10**6 // rows)
    if kind != "some rows broken":
        return query
    broken = {"price": "-1", "shop": "'elsewhere'", "quantity": "99", "due": "NULL"}
    cases = ", ".join(f"CASE WHEN id % 1000 = 7 THEN {to} ELSE {of} END AS {of}" for of, to in broken.items())
    return f"SELECT * REPLACE ({cases}) FROM ({query})"


def _counted(kind: str) -> list[str]:
    """Return what DuckDB counts of the same expectations in one pass."""
    listed = ", ".join(f"'{shop}'" for shop in SHOPS)
    breaks = [f"{column} NOT BETWEEN {low} AND {high}" for column, (low, high) in LIMITS.items()]
    breaks += [f'"{column}" IS NULL' for column in (*THERE, "id")]
    breaks += [f"shop NOT IN ({listed})", "returned NOT IN (0, 1)", "quantity NOT IN (0, 1, 2, 3, 4, 5, 6)"]
    breaks.append("NOT regexp_matches(customer, '^[0-9a-f]{12}$')" if kind == "a regular expression" else "id < 0")
    return ["count(*)", *(f"count_if({each})" for each in breaks)]


def _hold(kind: str, rows: int) -> dict[str, float]:
    """Hold a table to twenty expectations, and count the same in DuckDB; bytes beyond what the table left."""
    from ratchet.adapters import expectations

    with tempfile.TemporaryDirectory() as name, duckdb.connect(config={"threads": 1}) as connection:
        folder = Path(name)
        (folder / "expectations").mkdir()
        suite = _suite(kind)
        (folder / "expectations" / "bench.json").write_text(json.dumps({"expectations": suite}))
        table = connection.sql(_query(kind, rows)).to_arrow_table()
        expectations.hold(table.slice(0, 100), folder, "bench", ["id"])
        held = psutil.Process().memory_info().rss
        started = time.perf_counter()
        check = expectations.hold(table, folder, "bench", ["id"])
        seconds = time.perf_counter() - started
        memory = max(most() - held, 0)
        assert bool(check.broken) == (kind == "some rows broken"), check
        connection.register("held", table)
        started = time.perf_counter()
        connection.execute(f"SELECT {', '.join(_counted(kind))} FROM held").fetchall()
        for key in ("id", '"at"', 'customer, "at"'):
            doubled = f"SELECT {key} FROM held GROUP BY {key} HAVING count(*) > 1"
            connection.execute(f"SELECT count(*) FROM ({doubled})").fetchall()
        return {"seconds": seconds, "memory": memory, "reads": time.perf_counter() - started}


def _reads(name: str, days: str) -> float:
    """Time DuckDB at reading into Arrow what the step reads."""
    from ratchet.settings import Settings

    place = Settings.current()
    if name == "fetch":
        path = place.loops / "bench" / ("rows_all.csv" if ".." in days else f"rows_{days}.csv")
        typed = ", ".join(f"'{column}': '{of[1]}'" for column, of in COLUMNS.items())
        query = f"FROM read_csv('{path}', columns={{{typed}}}, header=true)"
    else:
        staged = place.staging / "bench" / days / "*"
        inside = "rows.parquet" if name == "validate" else "judged/accepted/rows.parquet"
        query = f"FROM read_parquet('{staged / inside}')"
    with duckdb.connect(config={"threads": 1}) as connection:
        started = time.perf_counter()
        connection.sql(query).to_arrow_table()
        return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_hold(sys.argv[1], int(sys.argv[2])) if sys.argv[1] in HOLDS else _measure(*sys.argv[1:])))
    else:
        main()
