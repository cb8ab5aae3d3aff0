"""Tables in memory and in Parquet."""

from __future__ import annotations

from pathlib import Path

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


def test_conform() -> None:
    delivered = pa.table({"a": ["1", "2"], "b": [1, 2], "extra": [True, False]})
    table, notes = tables.conform(delivered, {"a": "int64", "b": "float64"})
    assert table.schema.field("a").type == pa.int64()
    assert table.column_names == ["a", "b", "extra"]
    assert any("new column extra" in note for note in notes)
    with pytest.raises(DataError, match="dropped column c"):
        tables.conform(delivered, {"c": "int64"})
    with pytest.raises(DataError, match="type change of a"):
        tables.conform(pa.table({"a": ["1", "many"]}), {"a": "int64"})


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
