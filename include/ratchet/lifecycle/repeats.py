"""Keys that come again on another day: an index of all published keys, so that no night reads all days for them.

    var/keys/<loop>/<table>.sqlite      hash of a key -> its day, and the pointer of each day that is in it

It is made from the data registry and made again when it is gone: a copy, that decides nothing by itself. What it points
at is read and compared before a row is called repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from itertools import repeat
from typing import TYPE_CHECKING

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.data import conversion, sql
from ratchet.errors import storage_errors
from ratchet.files import private
from ratchet.lifecycle import dataset
from ratchet.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_LAYOUT = """
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, pointer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (hash INTEGER NOT NULL, day TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_hash ON keys (hash);
CREATE INDEX IF NOT EXISTS by_day ON keys (day);
"""


class Keys:
    """The keys that a delivery has brought so far, beside those that are published."""

    def __init__(self, registry: Registry, loop: Loop, days: Collection[str]) -> None:
        self._registry, self._loop = registry, loop
        self._days = {*days}  # what is published of them is replaced by this delivery
        self._brought: dict[str, list[pa.Table]] = {}

    def elsewhere(self, name: str, table: pa.Table) -> NDArray[np.bool_]:
        """Say which rows have a key that another day holds: a published one, or an earlier one of this delivery."""
        import numpy as np

        found = np.zeros(table.num_rows, dtype=bool)
        if not self._watched(name) or not table.num_rows:
            return found
        keys = self._keys(name, table)
        return _common(keys, self._brought.get(name, [])) | self._published(name, keys)

    def bring(self, name: str, accepted: pa.Table) -> None:
        """Remember what was accepted of a day."""
        if self._watched(name) and accepted.num_rows:
            self._brought.setdefault(name, []).append(self._keys(name, accepted))

    def _watched(self, name: str) -> bool:
        """Say whether a key can come again at all: one that holds the row's time cannot."""
        spec = self._loop.tables[name]
        return spec.time not in spec.key and spec.repeated_key == "quarantine"

    def _keys(self, name: str, table: pa.Table) -> pa.Table:
        columns = self._loop.tables[name].columns
        return conversion.conform(table, {column: columns[column] for column in self._loop.tables[name].key})

    def _published(self, name: str, keys: pa.Table) -> NDArray[np.bool_]:
        """Ask the index which days may hold a key, and compare with what these hold."""
        registry, loop = self._registry, self._loop
        with storage_errors(Settings.current().var), _open(loop, name) as index:
            others = _keep_up(index, registry, loop, name) - self._days
            days = others & _days_of(index, _hashes(keys)) if others else others
        paths = [dataset.path(loop, name, day) for day in sorted(days)]
        held = registry.read(paths, registry.head()) if paths else {}
        return _common(keys, [self._keys(name, each) for each in held.values()])


def _common(keys: pa.Table, others: list[pa.Table]) -> NDArray[np.bool_]:
    """Say which keys are among others."""
    import numpy as np
    import pyarrow as pa

    found = np.zeros(keys.num_rows, dtype=bool)
    if others:
        numbered = keys.append_column("_ratchet_at", pa.array(np.arange(keys.num_rows)))
        joined = ", ".join(map(sql.name, keys.column_names))
        with sql.shared() as connection:
            connection.register("asked", numbered)
            connection.register("others", pa.concat_tables(others))
            rows = connection.sql(f"SELECT _ratchet_at FROM asked SEMI JOIN others USING ({joined})").to_arrow_table()
        found[rows.column(0).to_numpy()] = True
    return found


@contextlib.contextmanager
def _open(loop: Loop, name: str) -> Iterator[sqlite3.Connection]:
    folder = Settings.current().var / "keys" / loop.name
    private(folder)
    index = sqlite3.connect(folder / f"{name}.sqlite", timeout=60)
    try:
        index.executescript(_LAYOUT)
        with index:
            index.execute("BEGIN IMMEDIATE")
            yield index
    finally:
        index.close()


def _keep_up(index: sqlite3.Connection, registry: Registry, loop: Loop, name: str) -> set[str]:
    """Bring the index to what is published now: days that came, changed or went. Returns all that are."""
    import duckdb

    spec = loop.tables[name]
    head, how = registry.head(), f"{duckdb.__version__} {','.join(spec.key)}"
    pointers = registry.pointers(f"{loop.name}/data/{name}", head)
    there = {path: hashlib.sha256(f"{how} {text}".encode()).hexdigest() for path, text in pointers.items()}
    known: Mapping[str, str] = dict(index.execute("SELECT day, pointer FROM days").fetchall())
    days = {path.rpartition("/")[2].removesuffix(".parquet"): path for path in there}
    stale = [day for day, digest in known.items() if day not in days or there[days[day]] != digest]
    for day in stale:
        index.execute("DELETE FROM keys WHERE day = ?", (day,))
        index.execute("DELETE FROM days WHERE day = ?", (day,))
    for day in sorted({*days} - ({*known} - {*stale})):
        path = days[day]
        table = conversion.conform(registry.read([path], head)[path], {c: spec.columns[c] for c in spec.key})
        index.executemany("INSERT INTO keys VALUES (?, ?)", zip(_hashes(table).tolist(), repeat(day)))
        index.execute("INSERT INTO days VALUES (?, ?)", (day, there[path]))
    return {*days}


def _days_of(index: sqlite3.Connection, hashes: NDArray[np.int64]) -> set[str]:
    """Find the days of which some hash is known."""
    index.execute("CREATE TEMP TABLE asked (hash INTEGER)")
    index.executemany("INSERT INTO asked VALUES (?)", zip(hashes.tolist(), strict=True))
    # CROSS: by its own choice SQLite looks through all published keys, for a day of three hundred rows too.
    joined = index.execute("SELECT DISTINCT day FROM asked CROSS JOIN keys ON keys.hash = asked.hash")
    found = {day for (day,) in joined}
    index.execute("DROP TABLE asked")
    return found


def _hashes(keys: pa.Table) -> NDArray[np.int64]:
    """Hash each row's key to 64 bits. They come sorted: so an index takes them one beside the other."""
    import numpy as np

    names = {column: f"c{n}" for n, column in enumerate(keys.column_names)}
    with sql.shared() as connection:
        connection.register("given", keys.rename_columns(list(names.values())))
        listed = ", ".join(names.values())
        found = connection.sql(f"SELECT hash({listed}) AS h FROM given").to_arrow_table()
    hashed: NDArray[np.int64] = np.sort(found.column("h").to_numpy().view("int64"))
    return hashed
