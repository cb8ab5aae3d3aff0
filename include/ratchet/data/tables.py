"""Tables in memory and in Parquet: reading, writing, hashing, and the types that a contract names."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.errors import DataError
from ratchet.files import atomic

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet under a temporary name, then rename: a reader sees the whole file or none."""
    from pyarrow import parquet

    with atomic(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")


def read_table(path: Path) -> pa.Table:
    """Read Parquet. Raises DataError where the file is damaged or missing."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Run the step that writes it again") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is damaged: {error}. Delete it and run the step that writes it again") from error


def content_hash(table: pa.Table) -> str:
    """Hash rows and schema; independent of chunks and of the order of rows.

    A column whose type has no order, as a list has none, counts as text.
    """
    names = sorted(table.column_names)
    table = _written_out(table.select(names).replace_schema_metadata(None), _without_order)
    ordered = table.sort_by([(name, "ascending") for name in names]) if names else table
    digest = hashlib.sha256()
    _stream(ordered, digest)
    return digest.hexdigest()


def ordered_hash(table: pa.Table) -> str:
    """Hash rows in their order, and schema, of a table of the contract's types; independent of chunks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digest = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name)
        there = pc.is_valid(column)
        if column.null_count:  # what lies under a null is anything
            nothing = "" if pa.types.is_string(column.type) else False if pa.types.is_boolean(column.type) else 0
            column = pc.fill_null(column, pa.scalar(nothing, column.type))
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        _stream(pa.table({name: column, "there": there.cast(pa.uint8())}), digest)
        digest.update(str(table.schema.field(name).type).encode())
    return digest.hexdigest()


class _Hashed(io.RawIOBase):
    """A file of which only the hash is kept."""

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._digest.update(content)
        return len(content)


def _stream(table: pa.Table, digest: hashlib._Hash) -> None:
    """Hash a table as an Arrow stream, whatever its chunks, without a copy of it."""
    import pyarrow as pa

    with pa.PythonFile(_Hashed(digest), "w") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks(), max_chunksize=1 << 30)


def drawn(count: int, rows: int, seed: int) -> NDArray[np.int64]:
    """Draw so many of `count` rows by a seed: their places, in order; all of them where there are no more."""
    import numpy as np

    if count <= rows:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, rows, replace=False))


def storable(table: pa.Table) -> pa.Table:
    """Write out as text what Parquet does not hold, as an interval; the other columns stay as they are."""
    return _written_out(table, _without_parquet)


def days(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the day of each moment, UTC: timestamps or dates to date32, null where there is none."""
    import pyarrow as pa

    return moments.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


def texts(table: pa.Table) -> pa.Table:
    """Write out as text what CSV does not hold."""
    return _written_out(table, _without_order)


def _written_out(table: pa.Table, wanted: Callable[[pa.DataType], bool]) -> pa.Table:
    """Write out as JSON, value by value, each column of a wanted type."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if wanted(field.type):
            texts = [None if value is None else json.dumps(value, default=str) for value in table[place].to_pylist()]
            told = pa.field(field.name, pa.string(), metadata={"written out": "JSON"})
            table = table.set_column(place, told, pa.array(texts, pa.string()))
    return table


def _without_order(kind: pa.DataType) -> bool:
    from pyarrow import types as of

    return any(test(kind) for test in (of.is_nested, of.is_dictionary, of.is_interval)) or hasattr(kind, "storage_type")


def _without_parquet(kind: pa.DataType) -> bool:
    """Say whether Parquet does not hold a type; nulls in a list of fixed size cannot be read back from it."""
    from pyarrow import types as of

    inner = (kind.field(i).type for i in range(kind.num_fields))
    known = any(test(kind) for test in (of.is_interval, of.is_union, of.is_fixed_size_list))
    return known or any(map(_without_parquet, inner))


def empty(columns: dict[str, Any]) -> pa.Table:
    """Return a table of the contract's columns and no rows."""
    import pyarrow as pa

    return pa.schema([(name, types()[kind]) for name, kind in columns.items()]).empty_table()


def types() -> dict[str, pa.DataType]:
    """Return Arrow's type of each of the contract's."""
    import pyarrow as pa

    return {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
    }
