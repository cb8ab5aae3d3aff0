"""The source of files: what is read of them, and which of them can spoil which days."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from ratchet.contract.table import Table
from ratchet.data import parting
from ratchet.data.sources import Asked, files
from ratchet.errors import ContractError, DataError, RatchetError, SourceError

COLUMNS = {"id": "string", "sold_at": "timestamp", "quantity": "int64", "price": "float64"}
HEADER = "id,sold_at,quantity,price\n"


def _ask(place: Path, first: int, last: int | None = None, **more: Any) -> Asked:
    spec = Table(key=("id",), time="sold_at", suite="s", columns=COLUMNS, **more)
    return Asked(dt.date(2024, 3, first), dt.date(2024, 3, last or first), place, {"sales": spec})


def _fetch(asked: Asked, path: str | dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each day as they are staged."""
    options = files.Options.model_validate({"tables": {"sales": path}})
    scratch = asked.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    days = [day.isoformat() for day in asked.days]
    rows = files.fetch(options, asked)["sales"]
    return {day[-2:]: table.to_pylist() for day, table in parting.by_day(rows, asked.tables["sales"], days, scratch)}


def _row(day: int, number: int = 0, quantity: str = "1") -> str:
    return f"0{day}{number},2024-03-{day:02d} 10:00:00,{quantity},1.10\n"


def _write(path: Path, *rows: str, header: str = HEADER) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "".join(rows))


def test_a_csv_is_text_to_the_last_letter(tmp_path: Path) -> None:
    _write(tmp_path / "a.csv", '007,2024-03-01 10:00:00,,"1.10"\n', '"",2024-03-01,3, 5 \n')
    assert _fetch(_ask(tmp_path, 1), "a.csv")["01"] == [
        {"id": "007", "sold_at": "2024-03-01 10:00:00", "quantity": None, "price": "1.10"},
        {"id": "", "sold_at": "2024-03-01", "quantity": "3", "price": " 5 "},
    ]


def test_a_path_with_the_day_reads_that_days_file_alone(tmp_path: Path) -> None:
    _write(tmp_path / "s_20240301.csv", _row(1))
    (tmp_path / "s_20240302.csv").write_bytes(b"\xff\xfe rubbish")
    assert len(_fetch(_ask(tmp_path, 1), "s_{partition:%Y%m%d}.csv")["01"]) == 1
    with pytest.raises(SourceError, match=r"There is no file s_20240303\.csv.*calendar or holidays"):
        _fetch(_ask(tmp_path, 3), "s_{partition:%Y%m%d}.csv")
    with pytest.raises(DataError, match=r"s_20240302\.csv is not in the encoding"):
        _fetch(_ask(tmp_path, 1, 2), "s_{partition:%Y%m%d}.csv")
    with pytest.raises(ContractError, match="partitions are days"):
        _fetch(_ask(tmp_path, 1), "s_{partition:%Y%m%d%H}.csv")


def test_a_days_own_file_keeps_its_strays_and_another_gives_them_to_their_day(tmp_path: Path) -> None:
    _write(tmp_path / "s_2024-03-01.csv", _row(1), _row(2))
    _write(tmp_path / "s_2024-03-02.csv", _row(2, 1))
    own = _fetch(_ask(tmp_path, 1, 2), "s_{partition}.csv")
    assert {day: [row["id"] for row in rows] for day, rows in own.items()} == {"01": ["010", "020"], "02": ["021"]}
    shared = _fetch(_ask(tmp_path, 1, 2), "s_*.csv")
    assert {day: [row["id"] for row in rows] for day, rows in shared.items()} == {"01": ["010"], "02": ["020", "021"]}


@pytest.mark.parametrize("name", ["a.CSV", "a.csv.gz", "A.Csv.GZ", "a.tsv"])
def test_suffixes_of_any_case_and_packed_files_are_files(tmp_path: Path, name: str) -> None:
    content = (HEADER + _row(1)).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    assert len(_fetch(_ask(tmp_path, 1), ".")["01"]) == 1


def test_a_bad_file_spoils_the_days_of_which_it_has_rows(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        _write(tmp_path / f"d{day}.csv", _row(day))
    _write(tmp_path / "d4.csv", _row(4), "04,2024\n", _row(4, 1))
    asked = _ask(tmp_path, 1, 3)
    assert [len(rows) for rows in _fetch(asked, "d*.csv").values()] == [1, 1, 1]
    assert "d4.csv holds a record of too few or too many fields" in asked.notes[0]
    for days in ((4, 4), (3, 4)):
        with pytest.raises(DataError, match=r"d4\.csv holds a record of too few or too many fields"):
            _fetch(_ask(tmp_path, *days), "d*.csv")


def test_a_file_that_cannot_be_read_at_all_spoils_the_days_that_nothing_else_has(tmp_path: Path) -> None:
    _write(tmp_path / "d1.csv", _row(1))
    (tmp_path / "d2.csv").write_bytes(b"\x00\xff\x00")
    assert len(_fetch(_ask(tmp_path, 1), "d*.csv")["01"]) == 1
    with pytest.raises(DataError, match=r"d2\.csv"):
        _fetch(_ask(tmp_path, 2), "d*.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEADER + _row(1) + "02,2024-03-01", "too few or too many fields"),
        (HEADER + _row(1) + '02,"2024-03-01 1', "does not end"),
        (HEADER + _row(1).rstrip("\n"), "ends without the end of a line"),
        (HEADER + _row(1).rstrip("\n")[:-1], "ends without the end of a line"),
    ],
)
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    for path in ("a.csv", "{partition:%b}.csv"):
        (tmp_path / "Mar.csv").write_text(content)
        with pytest.raises(DataError, match=words):
            _fetch(_ask(tmp_path, 1), path)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content.encode())[:-9])
    with pytest.raises(DataError, match=r"a\.csv\.gz"):
        _fetch(_ask(tmp_path, 1), "a.csv.gz")


def test_a_whole_file_may_lack_its_last_line_end_where_the_contract_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text((HEADER + _row(1)).rstrip("\n"))
    assert len(_fetch(_ask(tmp_path, 1), {"path": "a.csv", "final_newline": False})["01"]) == 1


def test_a_german_csv(tmp_path: Path) -> None:
    text = "id;sold_at;quantity;price\nMüller;01.03.2024;3;2,50\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    given = {"path": "a.csv", "delimiter": ";", "encoding": "cp1252"}
    found = _fetch(_ask(tmp_path, 1, date_format="%d.%m.%Y", decimal=","), given)["01"]
    assert found == [{"id": "Müller", "sold_at": "01.03.2024", "quantity": "3", "price": "2,50"}]
    with pytest.raises(DataError, match="not in the encoding that the contract says"):
        _fetch(_ask(tmp_path, 1, date_format="%d.%m.%Y"), {"path": "a.csv", "delimiter": ";"})
    with pytest.raises(ValueError, match="'latin-99' is no encoding"):
        files.Options.model_validate({"tables": {"sales": {"path": "a", "encoding": "latin-99"}}})


def test_words_that_stand_for_no_value(tmp_path: Path) -> None:
    _write(tmp_path / "a.csv", 'NA,2024-03-01,NA,1\n"NA",2024-03-01,1,1\n')
    found = _fetch(_ask(tmp_path, 1), {"path": "a.csv", "nulls": ["NA"]})["01"]
    assert [(row["id"], row["quantity"]) for row in found] == [
        ("NA", None),
        ("NA", "1"),
    ]  # of text they stand for itself


def test_json_keeps_numbers_and_names_what_is_new(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '[{"id": "1.10", "sold_at": "2024-03-01T10:00:00Z", "quantity": 9007199254740993, "price": 0.1},'
        ' {"id": "2", "sold_at": "2024-03-01", "quantity": null, "price": 1, "at": {"x": [1]}}]'
    )
    found = _fetch(_ask(tmp_path, 1), "a.json")["01"]
    assert [row["quantity"] for row in found] == ["9007199254740993", None]
    assert [row["at"] for row in found] == [None, '{"x":[1]}']
    (tmp_path / "a.json").write_text('{"id": "1", "sold_at": "2024-03-01"}\n{"id": "2", "sold')
    with pytest.raises(DataError, match=r"a\.json"):
        _fetch(_ask(tmp_path, 1), "a.json")


def test_parquet_is_read_by_each_files_own_schema(tmp_path: Path) -> None:
    for day, quantity in ((1, pa.array([2**53 + 1])), (2, pa.array([8.5]))):
        table = pa.table({"id": ["a"], "sold_at": [dt.datetime(2024, 3, day)], "quantity": quantity, "price": [1.5]})
        parquet.write_table(table, tmp_path / f"d{day}.parquet")
    found = _fetch(_ask(tmp_path, 1, 2), "*.parquet")
    assert [rows[0]["quantity"] for rows in found.values()] == [2**53 + 1, 8.5]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_moments_of_parquet_whatever_their_unit_and_zone(tmp_path: Path, unit: str, zone: str | None) -> None:
    moments = [dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 1, 23, 59, 59), dt.datetime(2024, 3, 2)]
    at = pa.array([moment.replace(tzinfo=zone and dt.UTC) for moment in moments], pa.timestamp(unit, zone))
    parquet.write_table(pa.table({"id": ["a", "b", "c"], "sold_at": at}), tmp_path / "a.parquet")
    assert [row["id"] for row in _fetch(_ask(tmp_path, 1), "a.parquet")["01"]] == ["a", "b"]


def test_files_of_a_day_with_two_types_become_text_and_a_column_that_one_lacks_is_dropped(tmp_path: Path) -> None:
    for name, quantity in (("a", pa.array([2**53 + 1])), ("b", pa.array([8.5]))):
        table = pa.table({"id": ["a"], "sold_at": [dt.datetime(2024, 3, 1)], "quantity": quantity, "price": [1.5]})
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    assert [row["quantity"] for row in _fetch(_ask(tmp_path, 1), "*.parquet")["01"]] == ["9007199254740993", "8.5"]
    _write(tmp_path / "x.csv", _row(1))
    _write(tmp_path / "y.csv", "02,2024-03-01,4\n", header="id,sold_at,quantity\n")
    assert set(_fetch(_ask(tmp_path, 1), "*.csv")["01"][0]) == {"id", "sold_at", "quantity"}


def test_columns_of_a_later_file_are_seen(tmp_path: Path) -> None:
    _write(tmp_path / "a.csv", _row(1))
    _write(tmp_path / "b.csv", "02,2024-03-01,4,1,yes\n", header="id,sold_at,quantity,price,gift\n")
    assert [row["gift"] for row in _fetch(_ask(tmp_path, 1), "*.csv")["01"]] == [None, "yes"]


def test_rows_without_a_time_stay_with_the_file_that_they_came_in(tmp_path: Path) -> None:
    _write(tmp_path / "a.csv", "01,soon,1,1\n", _row(2))
    _write(tmp_path / "b.csv", _row(5))
    found = _fetch(_ask(tmp_path, 1, 5), "*.csv")
    assert {day: [row["id"] for row in rows] for day, rows in found.items() if rows} == {
        "02": ["01", "020"],
        "05": ["050"],
    }
    assert _fetch(_ask(tmp_path, 5), "*.csv")["05"] == found["05"]


def test_a_day_of_rest_needs_no_file(tmp_path: Path) -> None:
    _write(tmp_path / "s_2024-03-01.csv", _row(1))
    asked = _ask(tmp_path, 1, 2)
    resting = Asked(asked.first, asked.last, tmp_path, asked.tables, frozenset({dt.date(2024, 3, 2)}))
    assert [len(rows) for rows in _fetch(resting, "s_{partition}.csv").values()] == [1, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,id,sold_at\n", "two columns 'id'"),
        ("id,quantity\n1,2\n", "has no column sold_at"),
    ],
)
def test_a_file_that_is_no_table_of_the_loop_is_told(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(RatchetError, match=words):
        _fetch(_ask(tmp_path, 1), "a.csv")


def test_a_file_of_no_rows_is_an_empty_day(tmp_path: Path) -> None:
    _write(tmp_path / "s_2024-03-01.csv")
    assert _fetch(_ask(tmp_path, 1), "s_{partition}.csv") == {"01": []}
    (tmp_path / "s_2024-03-02.csv").write_text("")
    with pytest.raises(DataError, match=r"s_2024-03-02\.csv is empty, without the names of its columns"):
        _fetch(_ask(tmp_path, 2), "s_{partition}.csv")


def test_columns_get_the_names_of_the_contract(tmp_path: Path) -> None:
    _write(tmp_path / "a.csv", _row(1), header="Bestell-Nr,sold_at,quantity,price\n")
    given = {"path": "a.csv", "rename": {"Bestell-Nr": "id"}}
    assert _fetch(_ask(tmp_path, 1), given)["01"][0]["id"] == "010"


def test_a_file_of_utf_8_is_not_read_as_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "Müller,2024-03-01,1,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="is written in utf-8, and the contract says cp1252"):
        _fetch(_ask(tmp_path, 1), {"path": "a.csv", "encoding": "cp1252"})
