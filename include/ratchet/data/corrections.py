"""What a corrected delivery changes: which rows came, went or differ, and which labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.contract.table import ColumnType
from ratchet.data import conversion, sql, tables

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Reach:
    """Rows and labels that a correction changes; of rows, those of all tables."""

    added: int
    removed: int
    changed: int
    labels: int  # rows to predict whose label differs, comes or goes

    @property
    def any(self) -> bool:
        """Say whether anything changes."""
        return bool(self.added or self.removed or self.changed or self.labels)

    @property
    def words(self) -> str:
        """Tell it."""
        parts = [f"{self.added} rows came", f"{self.removed} went", f"{self.changed} differ", f"{self.labels} labels"]
        return ", ".join(parts)


def reach(loop: Loop, old: dict[str, pa.Table], new: dict[str, pa.Table]) -> Reach:
    """Compare two deliveries of a day, table by table. old, new: what was accepted, by table; old may lack some."""
    import duckdb

    added = removed = changed = labels = 0
    connection = duckdb.connect(config={"threads": 1})
    try:
        for name, spec in loop.tables.items():
            for side, given in (("old", old), ("new", new)):
                connection.register(side, _conformed(given.get(name), spec.columns))
            keys = ", ".join(sql.name(column) for column in spec.key)
            others = [column for column in spec.columns if column not in spec.key]
            names = [sql.name(column) for column in others]
            differ = " OR ".join(f"o.{c} IS DISTINCT FROM n.{c}" for c in names) or "false"
            # A side without a row of a key is known by a column that is null in no row.
            sides = [f"(SELECT *, 1 AS _ratchet_there FROM {side})" for side in ("old", "new")]
            joined = f"FROM {sides[0]} AS o FULL JOIN {sides[1]} AS n USING ({keys})"
            counts = connection.sql(
                f"""SELECT count(*) FILTER (o._ratchet_there IS NULL), count(*) FILTER (n._ratchet_there IS NULL),
                    count(*) FILTER (o._ratchet_there = 1 AND n._ratchet_there = 1 AND ({differ})) {joined}"""
            ).fetchall()[0]
            added, removed, changed = added + counts[0], removed + counts[1], changed + counts[2]
            if loop.label_table == name:
                labels = counts[0] + counts[2]
            elif name == loop.main and not loop.label_table:
                labels = _labels(connection, loop, keys)
            connection.unregister("old")
            connection.unregister("new")
    finally:
        connection.close()
    return Reach(added, removed, changed, labels)


def _conformed(given: pa.Table | None, columns: Mapping[str, ColumnType]) -> pa.Table:
    """Return a table as the contract of now has it: a column that it has learnt since is null."""
    import pyarrow as pa

    if given is None:
        return tables.empty(dict(columns))
    there = {name: kind for name, kind in columns.items() if name in given.column_names}
    table = conversion.conform(given, there) if there else given.select([])
    for name in columns:
        if name not in there:
            table = table.append_column(name, pa.nulls(table.num_rows, tables.types()[columns[name]]))
    return table.select(list(columns))


def _labels(connection: object, loop: Loop, keys: str) -> int:
    sides = [f"(SELECT {keys}, ({loop.target.sql}) AS _ratchet_label FROM {side})" for side in ("old", "new")]
    found = connection.sql(  # type: ignore[attr-defined]
        f"""SELECT count(*) FROM {sides[0]} AS o FULL JOIN {sides[1]} AS n USING ({keys})
            WHERE o._ratchet_label IS DISTINCT FROM n._ratchet_label"""
    ).fetchall()
    return int(found[0][0])
