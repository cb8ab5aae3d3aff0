"""Make Arrow tables of rows of Python values, each value as it is: what databases and REST answers bring.

One Python type a column is one Arrow type. Where a column holds several, it becomes text, and each value is written in
full; none is promoted to another's type on the way. A table comes in parts, and where they were cut changes nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_LONG = range(-(2**63), 2**63)
_DIGITS = (38, 76)  # of Arrow's two decimal types


def table(names: Sequence[str], parts: Iterable[Sequence[Sequence[Any]]]) -> pa.Table:
    """Return the rows of all parts, a column a name: in this order, and a name that comes twice is there twice.

    Raises UnicodeEncodeError for text that is no Unicode, as half of a surrogate pair.
    """
    import pyarrow as pa

    chunks: list[list[pa.Array]] = [[] for _ in names]
    for rows in parts:
        for held, values in zip(chunks, zip(*rows, strict=True), strict=False):  # a part of no rows has no columns
            held.append(_array(values))
    return pa.Table.from_arrays([_column(held) for held in chunks], names=list(names))


def text(value: Any) -> str:
    """Write a value so that nothing of it is lost: numbers in full, moments as ISO 8601 in UTC, lists as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return _json(value)
    return str(value)


def _array(values: Sequence[Any]) -> pa.Array:
    """Return one array: of a type that all values have, else of text. Strings may be beyond what one array holds."""
    import pyarrow as pa

    kind = _kind(values)
    if kind == pa.large_string():
        return pa.array([None if value is None else text(value) for value in values], kind)
    if pa.types.is_decimal(kind):
        return pa.array([None if value is None else Decimal(value) for value in values], kind)
    return pa.array(values, kind)


def _kind(values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pa.null()
    if kinds <= {int, Decimal}:
        return _number(values)
    if len(kinds) > 1:
        return pa.large_string()
    if kinds & {dt.datetime, dt.time}:
        zones = {value.tzinfo is not None for value in values if value is not None}
        if zones == {False}:
            return pa.timestamp("us") if dt.datetime in kinds else pa.time64("us")
        return pa.timestamp("us", "UTC") if zones == {True} and dt.datetime in kinds else pa.large_string()
    simple = {
        bool: pa.bool_(),
        float: pa.float64(),
        bytes: pa.large_binary(),
        dt.date: pa.date32(),
        dt.timedelta: pa.duration("us"),
    }
    return simple.get(kinds.pop(), pa.large_string())


def _number(values: Sequence[Any]) -> pa.DataType:
    """Return int64, or a decimal with as many places as the values have; text where no type holds all their digits."""
    import pyarrow as pa

    present = [value for value in values if value is not None]
    if all(isinstance(value, int) and value in _LONG for value in present):
        return pa.int64()
    whole = places = 0
    for value in map(Decimal, present):
        if not value.is_finite():
            return pa.large_string()
        whole = max(whole, value.adjusted() + 1)
        places = max(places, -int(value.as_tuple().exponent))
    if whole + places <= _DIGITS[0]:
        return pa.decimal128(_DIGITS[0], places)
    return pa.decimal256(_DIGITS[1], places) if whole + places <= _DIGITS[1] else pa.large_string()


def _column(chunks: list[pa.Array]) -> pa.ChunkedArray:
    """Join the parts of a column. Where they differ in type, its values are looked at anew, all together."""
    import pyarrow as pa

    kinds = {chunk.type for chunk in chunks} - {pa.null()}
    if len(kinds) > 1:
        return pa.chunked_array([_array([value for chunk in chunks for value in chunk.to_pylist()])])
    kind = kinds.pop() if kinds else pa.null()
    whole = [pa.nulls(len(chunk), kind) if chunk.type == pa.null() else chunk for chunk in chunks]
    return pa.chunked_array(whole, kind)


def _plain(value: Decimal) -> str:
    """Write a decimal without an exponent, unless that would be long, and without zeros that say nothing.

    So 1.50 is one text, whether it came beside a 2.25 (and in the same Arrow column) or alone.
    """
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS[1]:
        return str(value)
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _json(value: Any) -> str:
    """Write lists and dicts as JSON: a decimal with its own digits, and what JSON does not know as text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(str(key))}: {_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, float) and value - value == 0:  # neither NaN nor infinite, which JSON has no number for
        return repr(value)
    return json.dumps(text(value), ensure_ascii=False)
