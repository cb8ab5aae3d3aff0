"""Tables in memory and in Parquet."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.data import tables
from ratchet.errors import DataError

rows = st.lists(
    st.tuples(st.integers(-9, 9), st.one_of(st.none(), st.floats(allow_nan=False)), st.text(max_size=3)), max_size=20
)


@given(rows, st.randoms(use_true_random=False))
def test_the_content_hash_is_of_content_alone(values: list[tuple[int, float | None, str]], random: object) -> None:
    def table(data: list[tuple[int, float | None, str]]) -> pa.Table:
        schema = pa.schema([("a", pa.int64()), ("b", pa.float64()), ("c", pa.string())])
        return pa.Table.from_pylist([dict(zip("abc", row, strict=True)) for row in data], schema=schema)

    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = table(values)
    assert tables.content_hash(whole) == tables.content_hash(table(shuffled).select(["c", "a", "b"]))
    halves = pa.concat_tables([whole.slice(0, len(values) // 2), whole.slice(len(values) // 2)])
    assert tables.content_hash(halves) == tables.content_hash(whole)
    if values:
        assert tables.content_hash(table(values[1:])) != tables.content_hash(whole)


KINDS = {
    "int64": pa.array([2, None], pa.int64()),
    "float64": pa.array([1.5, float("nan")]),
    "bool": pa.array([True, False]),
    "string": pa.array(["b", "a"]),
    "timestamp": pa.array([dt.datetime(2013, 1, 5), None], pa.timestamp("us")),
    "date": pa.array([dt.date(2013, 1, 5), None]),
    "decimal": pa.array([Decimal("1.50"), None]),
    "bytes": pa.array([b"b", b"a"]),
    "time": pa.array([dt.time(10), None], pa.time64("us")),
    "null": pa.nulls(2),
}


HASH = "f361b3df1ce2cdbbb241c8f921c85bacb62124fe5ff21d6f8b15e12a2cc284d1"
HASH_OF_TWO = "697bea68e35674921d62677f611489113b517399afbdbda7a59fcc3afcdc29d5"


def test_a_hash_that_was_published_is_the_hash_still() -> None:
    """A day whose hash changed with a version would be published anew, by every loop."""
    assert tables.content_hash(pa.table(KINDS)) == HASH
    assert tables.content_hash(pa.table(KINDS).select(["bool", "string"])) == HASH_OF_TWO


UNORDERED = {
    "a list": "[[2, 1], [1], NULL]",
    "a map": "[map {'b': 1}, map {'a': 1}, NULL]",
    "a struct": "[{'x': [2]}, {'x': [1]}, NULL]",
    "an interval": "[INTERVAL 2 DAY, INTERVAL 1 DAY, NULL]",
    "an enum": "['b'::ENUM ('a', 'b'), 'a', NULL]",
    "a union": "[union_value(n := 2), union_value(n := 1), NULL]",
    "a struct of intervals": "[{'x': INTERVAL 2 DAY}, {'x': INTERVAL 1 DAY}, NULL]",
    "a large number": "[2::BIGNUM, 1::BIGNUM, NULL]",
    "an array": "[[2, 1]::INT[2], [1, 2]::INT[2], NULL]",
}


@pytest.mark.parametrize("values", UNORDERED.values(), ids=UNORDERED)
def test_a_column_whose_type_has_no_order_is_hashed_and_stored(tmp_path: Path, values: str) -> None:
    table = duckdb.sql(f"SELECT unnest({values}) AS more, unnest([1, 1, 1]) AS n").to_arrow_table()
    shuffled = pa.concat_tables([table.slice(2), table.slice(0, 2)])
    assert tables.content_hash(shuffled) == tables.content_hash(table)
    assert tables.content_hash(table.slice(1)) != tables.content_hash(table)
    stored = tables.storable(table)
    tables.write_table(stored, tmp_path / "x.parquet")
    assert tables.content_hash(tables.read_table(tmp_path / "x.parquet")) == tables.content_hash(stored)


def test_values_of_two_types_are_two_contents() -> None:
    assert tables.content_hash(pa.table({"a": [[1]]})) != tables.content_hash(pa.table({"a": ["[1]"]}))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    tables.write_table(pa.table({"a": [1]}), path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataError, match=r"x\.parquet is damaged"):
        tables.read_table(path)


def test_a_table_of_no_rows_has_the_contracts_types() -> None:
    empty = tables.empty({"a": "int64", "at": "timestamp", "d": "date"})
    assert empty.num_rows == 0
    assert empty.schema.types == [pa.int64(), pa.timestamp("us"), pa.date32()]
