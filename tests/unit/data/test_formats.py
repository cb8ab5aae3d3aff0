"""Files as they are written: what is read of them, and what is said where they are not what they seem."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.data import formats, sql
from ratchet.data.formats import File
from ratchet.errors import ContractError, DataError


def _rows(path: Path, **options: object) -> list[tuple[object, ...]]:
    file = File.model_validate({"path": str(path), **options})
    with sql.connect() as connection, formats.opened(connection, str(path), file) as opened, formats.reading(str(path)):
        return [opened.columns, *connection.sql(f"SELECT * FROM {opened.read}").fetchall()]


def _csv(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_whatever_ends_its_lines(tmp_path: Path, end: str) -> None:
    path = _csv(tmp_path, end.join(["\ufeffa,b", '1,"two, ""quoted"""', "", "3,", ""]))
    assert _rows(path) == [("a", "b"), ("1", 'two, "quoted"'), ("3", None)]


def test_no_value_and_an_empty_text_are_two_things(tmp_path: Path) -> None:
    assert _rows(_csv(tmp_path, 'a,b\n"",\n')) == [("a", "b"), ("", None)]


def test_columns_may_be_called_as_they_like(tmp_path: Path) -> None:
    path = _csv(tmp_path, 'at,"the ""x""",,select\n1,2,3,4\n')
    assert _rows(path)[0] == ("at", 'the "x"', "column2", "select")


def test_a_delimiter_of_several_signs_and_an_encoding(tmp_path: Path) -> None:
    path = _csv(tmp_path, "a||b\nä||€\n".encode("cp1252"))
    assert _rows(path, delimiter="||", encoding="cp1252") == [("a", "b"), ("ä", "€")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a,b\n1,\xff\n", "not in the encoding that the contract says.*Declare its encoding"),
        ("a,b\n1\n", "holds a record of too few or too many fields"),
        ('a,b\n1,"2\n3,4\n', "holds a record that does not end"),
        ("a,b\n1,2\r\n3,4\n", "its lines end in two ways"),
        ("a,a\n1,2\n", "two columns 'a'"),
    ],
)
def test_a_damaged_csv_is_one_sentence_without_its_rows(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        _rows(_csv(tmp_path, text))
    assert "Original Line" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_suffix_that_tells_nothing_asks_for_a_format(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("a\n1\n")
    with pytest.raises(ContractError, match="Give it a format: csv, json or parquet"):
        _rows(tmp_path / "rows")
    assert _rows(tmp_path / "rows", format="csv") == [("a",), ("1",)]


def test_json_keys_are_columns_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"b": 0.1, "a": 9007199254740993}\n{"c": {"x": null}, "b": -0.0}\n')
    assert _rows(path) == [("b", "a", "c"), ("0.1", "9007199254740993", None), ("-0.0", None, '{"x":null}')]
    path.write_text("[]")
    assert _rows(path) == [()]
