"""What a leak pretends: the flights of 2013, with leaks planted into the features that the loop has, and without.

    make bench-leaks

Each model learns January to November. *Told* is how it does on December as a computation after the fact gives the
features, which is how version 0.1.0 gave them to training and holdout: the SQL once over all days, nothing cut. *Lived*
is how the same model does when a feature holds what is known 60 minutes before departure. Beside them: how many values
of the features that 0.1.0 had are others now that each day is computed of what was known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from benchmarks import flights
from ratchet import catalog
from ratchet.data import features, targets
from ratchet.data.known import PARTITION
from ratchet.training import fit
from ratchet.training.metrics import measure
from tests.given import flights as given_flights

FIRST, LAST, DECEMBER = "2013-01-01", "2013-12-31", "2013-12-01"


@dataclass(frozen=True)
class Leak:
    """A feature that knows too much: as a computation after the fact has it, and as it is when it is asked for."""

    told: str
    lived: str
    join: str = ""


def _departures(alias: str, until: str) -> str:
    return f"ASOF LEFT JOIN origin_counts AS {alias} ON {alias}.origin = asked.origin AND {alias}.moment <= {until}"


RATE = "({0}.late - coalesce(o0.late, 0)) / nullif({0}.n - coalesce(o0.n, 0), 0)"
LEAKS = {
    "delay at departure": Leak("asked.dep_delay", "NULL::BIGINT"),
    "departures up to its scheduled own": Leak(
        "CASE WHEN own.moment > asked.as_of THEN own.n - o1.n ELSE 0 END",
        "0",
        _departures("own", "asked.sched_dep"),
    ),
    "whether it has left by its schedule": Leak(
        "CAST(asked.departed_at <= asked.sched_dep AS BIGINT)", "CAST(asked.departed_at <= asked.as_of AS BIGINT)"
    ),
    "the airport's lateness, an hour on": Leak(
        RATE.format("ahead"), RATE.format("o1"), _departures("ahead", "asked.as_of + INTERVAL 2 HOUR")
    ),
    "its carrier's lateness on its day": Leak(
        "avg(CAST(asked.arr_delay > 15 AS BIGINT)) OVER (PARTITION BY asked.carrier, CAST(asked.sched_dep AS DATE))",
        "(c1.late - coalesce(c0.late, 0)) / nullif(c1.n - coalesce(c0.n, 0), 0)",
    ),
}


def main() -> None:
    """Measure, print the tables, write benchmarks/results/leaks.json."""
    now, given = flights.year().rows, given_flights.days(FIRST, LAST)
    found: dict[str, Any] = {"features of 0.1.0": _compared(now, _at_once(given, "", ""))}
    honest = _learnt(now)
    found["models"] = {"none: as the loop has them": {"told": _measured(honest, now), "lived": _measured(honest, now)}}
    for name, leak in LEAKS.items():
        told, lived = (_at_once(given, leak.join, each) for each in (leak.told, leak.lived))
        model = _learnt(told)
        found["models"][name] = {"told": _measured(model, told), "lived": _measured(model, lived)}
    table = Table("leak", "AUC told", "AUC lived", "log loss told", "log loss lived")
    for name, each in found["models"].items():
        told, lived = each["told"], each["lived"]
        aucs = (f"{told['roc_auc']:.4f}", f"{lived['roc_auc']:.4f}")
        table.add_row(name, *aucs, f"{told['log_loss']:.4f}", f"{lived['log_loss']:.4f}")
    Console(width=110).print(table)
    Console(width=110).print(found["features of 0.1.0"])
    result = Path(__file__).parent / "results" / "leaks.json"
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _at_once(given: dict[str, pa.Table], join: str, feature: str) -> pa.Table:
    """Compute the features of the year at once, nothing cut, as 0.1.0 did; with one more where there is a feature."""
    loop = catalog.load(flights.LOOP)
    text = (loop.folder / loop.features.sql).read_text(encoding="utf-8")
    if feature:
        text = text.replace("    asked.seats,\n", f"    asked.seats,\n    CAST({feature} AS DOUBLE) AS leak,\n", 1)
        text = text.rstrip().rstrip(";") + f"\n{join}\n"
    with duckdb.connect() as connection:
        for name in loop.tables:
            connection.register(name, given[name].drop_columns([PARTITION]))
        rows = connection.sql(text).to_arrow_table()
        keys = ", ".join(f'"{key}"' for key in loop.main_table.key)
        told = targets.compute(loop, given[loop.main])
        connection.register("rows_of_features", rows)
        connection.register("told", told)
        whole = connection.sql(
            f"SELECT f.*, t.{PARTITION}, t.{loop.target.name} FROM rows_of_features AS f JOIN told AS t USING ({keys}) "
            f"ORDER BY t.{PARTITION}, {keys}"
        ).to_arrow_table()
    return targets.known(loop, whole)


def _learnt(rows: pa.Table) -> Any:
    early = rows.filter(pc.less(rows.column(PARTITION), DECEMBER))
    return fit.fit(catalog.load(flights.LOOP), early)[0]


def _measured(model: Any, rows: pa.Table) -> dict[str, float]:
    late = rows.filter(pc.greater_equal(rows.column(PARTITION), DECEMBER))
    return measure("binary", model.encoder.target_values(late), model.predict(late))


def _compared(now: pa.Table, then: pa.Table) -> dict[str, int]:
    """Count the values of each feature that differ by more than rounding, among all rows of the year."""
    loop = catalog.load(flights.LOOP)
    order = [(name, "ascending") for name in (PARTITION, *loop.main_table.key)]
    now, then = now.sort_by(order), then.sort_by(order)
    assert now.num_rows == then.num_rows
    found = {"rows": now.num_rows}
    categorical, numeric = features.names(loop, now.column_names)
    for name in numeric:
        one, other = (table.column(name).cast(pa.float64()).to_numpy() for table in (now, then))
        same = np.isclose(one, other, rtol=0, atol=1e-9 * max(1.0, np.nanmax(np.abs(one))), equal_nan=True)
        found[name] = int((~same).sum())
    for name in categorical:
        found[name] = int(pc.sum(pc.not_equal(now.column(name), then.column(name))).as_py() or 0)
    return found


if __name__ == "__main__":
    main()
