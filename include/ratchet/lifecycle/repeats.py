"""Keys that come again on another day: an index of all published keys, so that no night reads all days for them.

    var/keys/<loop>/<table>.sqlite      hash of a key -> its day, and the pointer of each day that is in it

It is made from the data registry and made again when it is gone: a copy, that decides nothing by itself. What it points
at is read and compared before a row is called repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
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

_AT_ONCE = 500  # values of one SQL statement
_LAYOUT = """
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, pointer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (hash INTEGER NOT NULL, day TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_hash ON keys (hash);
CREATE INDEX IF NOT EXISTS by_day ON keys (day);
"""


def elsewhere(registry: Registry, loop: Loop, name: str, day: str, table: pa.Table) -> NDArray[np.bool_]:
    """Say which rows of a day have a key that another published day holds.

    A key that holds the row's time cannot: nothing is looked up for it, nor where the contract lets the latest day win.
    """
    import numpy as np
    import pyarrow as pa

    spec = loop.tables[name]
    found = np.zeros(table.num_rows, dtype=bool)
    if spec.time in spec.key or spec.repeated_key == "update" or not table.num_rows:
        return found
    hashes = _hashes(table.select(list(spec.key)))
    with storage_errors(Settings.current().var), _open(loop, name) as index:
        _keep_up(index, registry, loop, name)
        suspects = _days_of(index, hashes, day)
    if not suspects:
        return found
    paths = [
        dataset.path(loop, name, other) for other in sorted({other for days in suspects.values() for other in days})
    ]
    held = [
        conversion.conform(each, {c: spec.columns[c] for c in spec.key})
        for each in registry.read(paths, registry.head()).values()
    ]
    keys = {tuple(row.values()) for row in pa.concat_tables(held).to_pylist()}
    for row in np.flatnonzero(np.isin(hashes, np.array([*suspects], dtype=np.int64))):
        found[row] = tuple(table.slice(row, 1).select(list(spec.key)).to_pylist()[0].values()) in keys
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


def _keep_up(index: sqlite3.Connection, registry: Registry, loop: Loop, name: str) -> None:
    """Bring the index to what is published now: days that came, changed or went."""
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
        index.executemany("INSERT INTO keys VALUES (?, ?)", [(int(each), day) for each in _hashes(table)])
        index.execute("INSERT INTO days VALUES (?, ?)", (day, there[path]))


def _days_of(index: sqlite3.Connection, hashes: NDArray[np.int64], day: str) -> dict[int, set[str]]:
    """Find the other days of which some hash is known: hash -> days."""
    found: dict[int, set[str]] = {}
    wanted = [int(each) for each in hashes]
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ",".join("?" * len(part))
        for value, other in index.execute(
            f"SELECT hash, day FROM keys WHERE hash IN ({marks}) AND day <> ?", [*part, day]
        ):
            found.setdefault(value, set()).add(other)
    return found


def _hashes(keys: pa.Table) -> NDArray[np.int64]:
    """Hash each row's key to 64 bits."""
    names = {column: f"c{n}" for n, column in enumerate(keys.column_names)}
    with sql.connect() as connection:
        connection.register("given", keys.rename_columns(list(names.values())))
        listed = ", ".join(names.values())
        found = connection.sql(f"SELECT hash({listed}) AS h FROM given").to_arrow_table()
    hashed: NDArray[np.int64] = found.column("h").to_numpy().view("int64")
    return hashed
