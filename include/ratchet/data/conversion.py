"""Bring what was delivered to the contract's types: a value is kept to the last bit, or it does not fit.

Text is read as it was written: ISO 8601, or as the table's `date_format` and `decimal` say. Nothing passes through a
type that could change it: an integer never through a float, a time with a zone never through another one's clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.contract.table import ColumnType, Table
from ratchet.data import sql, tables
from ratchet.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

_PLAIN = Table.model_construct(key=(), time="", suite="", columns={})  # text as ISO 8601 and this language write it
_EXACT = 2**53  # a float beyond it may stand for several integers: which one was meant is lost already


@dataclass(frozen=True)
class Converted:
    """A delivered table in the contract's types."""

    table: pa.Table  # the contract's columns, null where a value does not fit; then the others, as they came
    misfits: dict[str, pa.Array]  # column -> which rows hold a value that does not fit; columns where there is one
    notes: list[str]  # columns that are new, and types that were converted

    def lost(self, name: str) -> tuple[int, int]:
        """Return how many values of a column do not fit, and the number of the first such row, from 1 on."""
        import pyarrow.compute as pc

        rows = self.misfits[name]
        return pc.sum(rows).as_py(), rows.index(True).as_py() + 1


def convert(table: pa.Table, spec: Table) -> Converted:
    """Convert the columns that a contract names. Raises DataError where one is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = [name for name in spec.columns if name not in table.column_names]
    if missing:
        came = ", ".join(name for name in table.column_names if name not in spec.columns) or "no other"
        expected = ", ".join(spec.columns)
        raise DataError(
            f"dropped column {', '.join(missing)}: the contract expects {expected}; beside them came {came}"
        )
    plain = {name: _plain(table.column(name)) for name in spec.columns}
    texts = {name: _as_text(column, spec, name) for name, column in plain.items()}
    read = _read({name: column for name, column in texts.items() if column is not None}, spec)
    fields, arrays, misfits, notes = [], [], {}, []
    for name, kind in spec.columns.items():
        found = plain[name]
        column = read[name] if name in read else _cast(found, kind)
        lost = pc.and_(pc.is_null(column), pc.invert(_absent(found, kind)))
        if pc.any(lost).as_py():
            misfits[name] = lost
        delivered = table.column(name).type
        if name not in misfits and found.type not in (pa.string(), pa.null()) and found.type != tables.types()[kind]:
            notes.append(f"{name} was {delivered}, read as {kind}")
        fields.append(pa.field(name, tables.types()[kind]))
        arrays.append(column)
    for name in table.column_names:
        if name not in spec.columns:
            notes.append(f"new column {name} ({table.column(name).type}), kept")
            fields.append(table.schema.field(name).remove_metadata())
            arrays.append(table.column(name))
    return Converted(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), misfits, notes)


def moments(table: pa.Table, spec: Table) -> pa.ChunkedArray:
    """Return the row's own time, timestamp[us] in UTC; null where there is none that can be read."""
    import pyarrow as pa

    found = _plain(table.column(spec.time))
    if found.type == pa.string():
        return _read({spec.time: found}, spec)[spec.time]
    return _cast(found, "timestamp")


def is_text(column: pa.ChunkedArray) -> bool:
    """Say whether a column comes as text."""
    import pyarrow as pa

    return bool(_plain(column).type == pa.string())


def conform(table: pa.Table, columns: Mapping[str, ColumnType]) -> pa.Table:
    """Bring a table of ours to the contract's columns and types of now. Raises DataError where a value does not fit."""
    first = next(iter(columns))
    spec = _PLAIN.model_copy(update={"key": (first,), "time": first, "columns": dict(columns)})
    done = convert(table, spec)
    for name in done.misfits:
        _, row = done.lost(name)  # its number, not its value: this goes to logs and to Git
        raise DataError(
            f"type change of {name}: found {table.column(name).type}, expected {columns[name]}; "
            f"what row {row:,} holds does not fit"
        )
    return done.table.select(list(columns))


def text(column: pa.ChunkedArray, spec: Table, name: str) -> pa.ChunkedArray:
    """Write any column out as text, each value exactly and as the table says: what `convert` reads again.

    Nested values are JSON.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = _plain(column)
    if plain.type == pa.string():
        return plain
    if pa.types.is_floating(plain.type):
        written = _each(plain, repr)
    elif pa.types.is_nested(plain.type) or pa.types.is_interval(plain.type):
        written = _each(plain, lambda value: json.dumps(value, default=str))
    elif (form := spec.format_of(name)) is not None and (
        pa.types.is_timestamp(plain.type) or pa.types.is_date(plain.type)
    ):
        written = _each(_cast(plain, "timestamp"), lambda moment: str(moment.strftime(form)))
    else:
        written = plain.cast(pa.string())
    numbers = pa.types.is_floating(plain.type) or pa.types.is_decimal(plain.type)
    return pc.replace_substring(written, ".", ",") if numbers and spec.decimal == "," else written


def sql_text(column: str, kind: ColumnType, spec: Table, name: str) -> str:
    """Return DuckDB's expression that reads a text as a type; null where it does not fit. column: an SQL expression."""
    trimmed = f"trim({column})"
    if kind == "string":
        return column
    if kind == "bool":
        return (
            f"CASE WHEN lower({trimmed}) IN ('true', 't', 'yes', 'y', '1') THEN true "
            f"WHEN lower({trimmed}) IN ('false', 'f', 'no', 'n', '0') THEN false END"
        )
    if kind in ("int64", "float64"):
        number = f"replace({trimmed}, ',', '.')" if spec.decimal == "," else trimmed
        if spec.decimal == ",":  # a point would be somebody's thousands
            number = f"CASE WHEN contains({trimmed}, '.') THEN NULL ELSE {number} END"
        whole = rf"CASE WHEN regexp_full_match({number}, '[+-]?[0-9]+(\.0*)?') THEN split_part({number}, '.', 1) END"
        if kind == "int64":
            return f"TRY_CAST({whole} AS BIGINT)"
        decimal = (
            r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)"
        )
        value = f"CASE WHEN regexp_full_match({number}, '{decimal}') THEN TRY_CAST({number} AS DOUBLE) END"
        same = f"TRY_CAST(TRY_CAST({whole} AS DOUBLE) AS HUGEINT) = TRY_CAST({whole} AS HUGEINT)"
        endless = f"isinf({value}) AND NOT regexp_matches({number}, '[iI][nN][fF]')"
        return (
            f"CASE WHEN ({whole}) IS NOT NULL AND NOT coalesce({same}, false) OR {endless} THEN NULL ELSE {value} END"
        )
    moment = _sql_moment(trimmed, spec.format_of(name))
    return (
        moment
        if kind == "timestamp"
        else f"CASE WHEN {moment} = CAST({moment} AS DATE) THEN CAST({moment} AS DATE) END"
    )


def _sql_moment(text: str, form: str | None) -> str:
    """Return the expression that reads a text as a moment in UTC: as declared, or ISO 8601."""
    if form is not None:
        return f"CAST(try_strptime({text}, {sql.quoted(form)}) AS TIMESTAMP)"
    clock = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?)?"
    zone = r"( ?UTC|[zZ]|[+-][0-9]{2}(:?[0-9]{2})?)"
    spelt = rf"regexp_replace(regexp_replace({text}, ' ?UTC$|z$', 'Z'), '([+-][0-9]{{2}})([0-9]{{2}})$', '\1:\2')"
    return (
        f"CASE WHEN regexp_full_match({text}, '{clock}') THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN length({text}) > 10 AND regexp_full_match({text}, '{clock}{zone}') "
        f"THEN CAST(TRY_CAST({spelt} AS TIMESTAMPTZ) AS TIMESTAMP) END"
    )


def _read(columns: dict[str, pa.ChunkedArray], spec: Table) -> dict[str, pa.ChunkedArray]:
    """Read texts as the contract's types; null where one does not fit."""
    import pyarrow as pa

    if not columns:
        return {}
    names = {name: f"c{n}" for n, name in enumerate(columns)}
    with sql.shared() as connection:
        connection.register("given", pa.table({names[name]: column for name, column in columns.items()}))
        chosen = ", ".join(f"{sql_text(of, spec.columns[name], spec, name)} AS {of}" for name, of in names.items())
        found = connection.sql(f"SELECT {chosen} FROM given").to_arrow_table()
    return {name: found.column(of).cast(tables.types()[spec.columns[name]]) for name, of in names.items()}


def _as_text(column: pa.ChunkedArray, spec: Table, name: str) -> pa.ChunkedArray | None:
    """Return a column that is read as text, else None: decimals too, which Arrow does not cast exactly."""
    import pyarrow as pa

    kind = spec.columns[name]
    if kind in ("int64", "float64") and pa.types.is_decimal(column.type):
        return text(column, spec, name)
    return column if column.type == pa.string() and kind != "string" else None


def _absent(column: pa.ChunkedArray, kind: ColumnType) -> pa.ChunkedArray:
    """Say which rows hold no value; for all but text, an empty text is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type != pa.string() or kind == "string":
        return pc.is_null(column)
    return pc.or_(pc.is_null(column), pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(False))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without what only its storage is: dictionaries, extensions, large or viewed text."""
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column


def _cast(column: pa.ChunkedArray, kind: ColumnType) -> pa.ChunkedArray:
    """Cast a column that is no text; null where a value would not be the same there and back."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted, found = tables.types()[kind], column.type
    if found == wanted or pa.types.is_null(found):
        return column.cast(wanted)
    if kind == "string":
        return _said(column)
    none = pa.chunked_array([pa.nulls(len(column), wanted)])
    if pa.types.is_boolean(found) and kind in ("int64", "float64"):
        return column.cast(pa.int8()).cast(wanted)
    if pa.types.is_temporal(found) != (kind in ("timestamp", "date")) or pa.types.is_nested(found):
        return none
    try:
        if pa.types.is_floating(found) and kind == "int64":
            near = pc.less_equal(pc.abs(column), float(_EXACT))  # false of NaN and of what is endless
            column = pc.if_else(near.fill_null(False), column, pa.scalar(None, found))
        there = column.cast(wanted, safe=False)
        same = pc.equal(there.cast(found, safe=False), column)
        if pa.types.is_unsigned_integer(found) and kind == "int64":
            same = pc.and_(same, pc.greater_equal(there, 0))  # beyond int64 it turns over, there and back
        if pa.types.is_floating(found) and kind == "float64":
            same = pc.or_(same, pc.is_nan(column))
        return pc.if_else(same.fill_null(False), there, pa.scalar(None, wanted))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return none


def _said(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write a column out where the contract wants text; what is no text in bytes does not fit."""
    import pyarrow as pa

    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return _each(column, _decoded)
    return text(column, _PLAIN, "")


def _each(column: pa.ChunkedArray, write: Callable[[Any], str | None]) -> pa.ChunkedArray:
    import pyarrow as pa

    texts = [None if value is None else write(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
