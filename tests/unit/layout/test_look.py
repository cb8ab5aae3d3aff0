"""What is seen of a sample, by the types of files and of databases."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ratchet.errors import RequestError
from ratchet.layout import files, look
from ratchet.layout.sample import Sample


def _look(values: Any) -> Sample:
    return look.at_table(pa.table({"x": values}))


@pytest.mark.parametrize(
    ("values", "kind", "note"),
    [
        (pa.array([1, 2], pa.uint8()), "int64", ""),
        (pa.array([1, 2], pa.uint64()), "int64", ""),
        (pa.array([1, 2**64 - 1], pa.uint64()), "string", "beyond 64 bits"),
        (pa.array([1.5, 2.5], pa.float32()), "float64", ""),
        (pa.array([decimal.Decimal("1.5")]), "float64", ""),
        (pa.array([decimal.Decimal("1.5")], pa.decimal128(30, 2)), "float64", "a float keeps 15"),
        (pa.array([dt.date(2024, 3, 1)]), "date", ""),
        (pa.array(["2024-03-01 10:00:00"]), "timestamp", ""),
        (pa.array(["1", "2"]), "string", ""),  # text of a database is text
        (pa.array(["a", "a"]).dictionary_encode(), "string", ""),
        (pa.array([None, None], pa.float64()), "float64", "empty in the sample"),
    ],
)
def test_each_type_has_one_in_the_contract(values: pa.Array, kind: str, note: str) -> None:
    column = _look(values).columns["x"]
    assert column.kind == kind
    assert note in column.note


def test_nested_columns_are_left_out_and_why() -> None:
    sample = look.at_table(pa.table({"x": [[1], [2]], "y": [{"a": 1}, {"a": 2}], "z": [1, 2]}))
    assert [*sample.columns] == ["z"]
    assert {name: words.split(" (")[0] for name, words in sample.left_out.items()} == {
        "x": "is nested",
        "y": "is nested",
    }


def test_no_number_is_no_value_and_is_told() -> None:
    column = _look([1.0, float("nan"), None]).columns["x"]
    assert (column.nulls, column.low, column.high, column.nan) == (2, 1.0, 1.0, True)


def test_times_with_a_zone_become_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    sample = _look(pa.array([dt.datetime(2024, 3, 1, 1, tzinfo=zone)]))
    assert sample.columns["x"].zoned
    assert sample.table["x"].to_pylist() == [dt.datetime(2024, 2, 29, 23)]
    assert _look(["2024-03-01T01:00:00+02:00"]).table["x"].to_pylist() == [dt.datetime(2024, 2, 29, 23)]


@pytest.mark.parametrize("name", ["my col", "_ratchet_x", "a'b"])
def test_a_name_that_no_contract_holds_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match=r"cannot stand in a contract.*--query"):
        look.at_table(pa.table({name: [1]}))


def test_a_sample_without_rows_is_refused() -> None:
    with pytest.raises(RequestError, match="holds no row"):
        _look(pa.array([], pa.int64()))


def test_a_large_sample_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "ROWS", 50)
    sample = _look(list(range(500)))
    assert (sample.rows, sample.total) == (50, 500)


def test_signs_of_decimals_are_one_a_table(tmp_path: Path) -> None:
    lines = ["a;b;c;d", *(f"{n},5;{n},25;{n}.5;t{n}" for n in range(30))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    sample, written, days = look.at_files(files.listed(tmp_path / "a.csv"))
    assert (sample.decimal, written.delimiter, days) == (",", ";", None)
    assert [column.kind for column in sample.columns.values()] == ["float64", "float64", "string", "string"]


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(RequestError, match="cannot be read"):
        look.at_files(files.listed(tmp_path / "a.parquet"))


def test_texts_that_stand_for_no_value_are_found_and_an_end_without_a_line(tmp_path: Path) -> None:
    rows = [
        f"i{n},{'NA' if n % 5 == 0 else n + 0.5},{'-' if n % 7 == 0 else f'2024-03-{n % 28 + 1:02}'},x-"
        for n in range(60)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["id,wind,day,word", *rows]))
    sample, written, _ = look.at_files(files.listed(tmp_path / "a.csv"))
    assert [column.kind for column in sample.columns.values()] == ["string", "float64", "date", "string"]
    assert (written.nulls, written.final_newline) == (("NA", "-"), False)
    assert sample.columns["wind"].nulls == 12


def test_a_file_of_windows_shows_its_own_signs(tmp_path: Path) -> None:
    text = "\n".join(["shop,amount", *(f"{'5 € – Köln' if n % 2 else 'Bonn'},{n}" for n in range(60)), ""])
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    sample, written, _ = look.at_files(files.listed(tmp_path / "a.csv"))
    assert (written.encoding, written.final_newline) == ("cp1252", True)
    assert sample.columns["shop"].levels == ("5 € – Köln", "Bonn")
