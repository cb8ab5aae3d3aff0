"""`ratchet new`."""

from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from ruamel.yaml import YAML

from ratchet import catalog
from ratchet.contract import reading
from ratchet.contract.loop import Loop
from ratchet.data import features
from tests.unit.cli.conftest import Ratchet

BEGIN = dt.datetime(2024, 3, 1)
DRAWS = random.Random(5)
HOURS = [BEGIN + dt.timedelta(hours=hour) for hour in range(400)]


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place as a project of its own, so that a DAG file is written there too."""
    monkeypatch.setenv("RATCHET_HOME", str(place))
    return place


def _csv(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def _parquet(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def _read(home: Path, name: str) -> Loop:
    return reading.read(home / "loops" / name / "loop.yaml")


def _options(home: Path, name: str) -> Any:
    return YAML(typ="safe").load(home / "loops" / name / "loop.yaml")["source"]["options"]


def _suite(home: Path, name: str) -> list[dict[str, Any]]:
    return json.loads((home / "suites" / "expectations" / f"{name}.json").read_text())["expectations"]


def _in_order(home: Path, name: str) -> str:
    """Run the SQL of a loop over empty tables; return it."""
    features.dry_run(_read(home, name))
    return (home / "loops" / name / "features.sql").read_text()


def _unsigned(home: Path) -> Path:
    counts = pa.array([DRAWS.randrange(60) for _ in HOURS], pa.uint16())
    return _parquet(home / "s.parquet", ride=pa.array(range(400), pa.uint32()), at=HOURS, amount=counts)


def _nan_label(home: Path) -> Path:
    amounts = [float("nan") if n % 7 == 0 else DRAWS.random() for n in range(400)]
    return _parquet(home / "s.parquet", id=[f"i{n}" for n in range(400)], at=HOURS, amount=amounts)


def _german(home: Path) -> Path:
    rows = [
        f"0{n:04};{at:%d.%m.%Y %H:%M};{DRAWS.randrange(90)},{DRAWS.randrange(10, 99)}" for n, at in enumerate(HOURS)
    ]
    return _csv(home / "s.csv", ["\ufeffid;at;amount", *rows])


def _latin(home: Path) -> Path:
    return _csv(home / "s.csv", ["id,at,shop,amount", *_rows("Köln")], "latin-1")


def _empty_column(home: Path) -> Path:
    return _csv(home / "s.csv", ["id,at,hum,amount", *_rows("")])


def _quoted_newline(home: Path) -> Path:
    rows = [f'"{n}","{at}","one\nand ""two"" {n}",{DRAWS.random():.3f}' for n, at in enumerate(HOURS)]
    return _csv(home / "s.csv", ["id,at,text,amount", *rows])


def _zoned(home: Path) -> Path:
    times = pa.array(HOURS, pa.timestamp("us")).cast(pa.timestamp("ns", tz="UTC"))
    return _parquet(home / "s.parquet", id=range(400), at=times, amount=[DRAWS.random() for _ in HOURS])


def _big_ids(home: Path) -> Path:
    ids = pa.array([2**63 + n for n in range(400)], pa.uint64())
    return _parquet(home / "s.parquet", id=ids, at=HOURS, amount=[DRAWS.random() for _ in HOURS])


def _nested(home: Path) -> Path:
    rows = [{"id": n, "at": f"{at}", "items": [n], "amount": DRAWS.random()} for n, at in enumerate(HOURS)]
    return _csv(home / "s.json", [json.dumps(row) for row in rows])


def _rows(shop: str) -> list[str]:
    return [f"i{n},{at},{shop},{DRAWS.random():.3f}" for n, at in enumerate(HOURS)]


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (_unsigned, {"ride": "int64", "at": "timestamp", "amount": "int64"}),
        (_nan_label, {"id": "string", "at": "timestamp", "amount": "float64"}),
        (_german, {"id": "string", "at": "timestamp", "amount": "float64"}),
        (_latin, {"id": "string", "at": "timestamp", "shop": "string", "amount": "float64"}),
        (_empty_column, {"id": "string", "at": "timestamp", "hum": "string", "amount": "float64"}),
        (_quoted_newline, {"id": "int64", "at": "timestamp", "text": "string", "amount": "float64"}),
        (_zoned, {"id": "int64", "at": "timestamp", "amount": "float64"}),
        (_big_ids, {"id": "string", "at": "timestamp", "amount": "float64"}),
        (_nested, {"id": "int64", "at": "timestamp", "amount": "float64"}),
    ],
)
def test_real_files_become_a_regression_of_the_right_types(
    home: Path, ratchet: Ratchet, make: Callable[[Path], Path], columns: dict[str, str]
) -> None:
    code, said, wrong = ratchet("new", "real", "--sample", str(make(home)), "--target", "amount")
    assert code == 0, wrong
    found = _read(home, "real")
    assert (found.task, dict(found.main_table.columns)) == ("regression", columns)
    assert "NaN" not in json.dumps(_suite(home, "real"))
    sql = _in_order(home, "real")
    assert 'asked."hum"' not in sql
    assert "ratchet start real" in said.splitlines()[-1]
    assert "without Airflow go on with ratchet step: docs/nights.md#a-night-from-the-shell" in said


def test_how_text_is_written_stands_in_the_contract(home: Path, ratchet: Ratchet) -> None:
    assert ratchet("new", "german", "--sample", str(_german(home)), "--target", "amount")[0] == 0
    table = _read(home, "german").main_table
    assert (table.decimal, table.date_format) == (",", "%d.%m.%Y %H:%M")
    assert _options(home, "german") == {"tables": {"german": {"path": "../../s.csv", "delimiter": ";"}}}
    assert ratchet("new", "latin", "--sample", str(_latin(home)), "--target", "amount")[0] == 0
    assert _options(home, "latin")["tables"]["latin"] == {"path": "../../s.csv", "encoding": "cp1252"}


def test_names_that_no_contract_holds_get_others(home: Path, ratchet: Ratchet) -> None:
    rows = "".join(f"2024-03-{1 + n // 24:02d} {n % 24:02d}:00,{n},{n % 7}\n" for n in range(240))
    (home / "s.csv").write_text(f"Mess-Zeit,Mess-Nr,Temp. °F\n{rows}")
    code, said, wrong = ratchet(
        "new", "odd", "--sample", str(home / "s.csv"), "--target", "Temp. °F", "--key", "Mess-Nr"
    )
    assert code == 0, wrong
    assert "note: Temp. °F is called Temp_F in the contract" in said
    renamed = {"Mess-Zeit": "Mess_Zeit", "Mess-Nr": "Mess_Nr", "Temp. °F": "Temp_F"}
    assert _options(home, "odd")["tables"]["odd"]["rename"] == renamed
    assert _read(home, "odd").main_table.key == ("Mess_Nr",)
    _in_order(home, "odd")


def test_words_that_stand_for_no_value_do_so_among_numbers_alone(home: Path, ratchet: Ratchet) -> None:
    rows = [
        f"2024-03-01 {n % 24:02d}:{n // 24:02d},{'NA' if n % 9 == 0 else n % 5},{('DE', 'NA')[n % 2]},{n}\n"
        for n in range(240)
    ]
    (home / "s.csv").write_text("t,quantity,land,amount\n" + "".join(rows))
    assert ratchet("new", "lands", "--sample", str(home / "s.csv"), "--target", "amount")[0] == 0
    assert _options(home, "lands")["tables"]["lands"]["nulls"] == ["NA"]
    found = _read(home, "lands").main_table.columns
    assert (found["quantity"], found["land"]) == ("int64", "string")
    assert _suite_of(home, "lands", "land")["value_set"] == ["DE", "NA"]


def test_labels_that_the_newest_days_lack_are_due_later(home: Path, ratchet: Ratchet) -> None:
    rows = [f"2024-03-{1 + n // 24:02d} {n % 24:02d}:00,{n % 5},{n % 7 if n < 168 else ''}\n" for n in range(240)]
    (home / "s.csv").write_text("t,quantity,amount\n" + "".join(rows))
    code, said, _ = ratchet("new", "slow", "--sample", str(home / "s.csv"), "--target", "amount")
    assert code == 0
    assert "note: the newest 3 days have no amount yet" in said
    loop = _read(home, "slow")
    assert (loop.label_delay_days, loop.labels) == (3, "fetched_again")


def test_a_label_that_is_no_number_is_not_known(home: Path, ratchet: Ratchet) -> None:
    assert ratchet("new", "labels", "--sample", str(_nan_label(home)), "--target", "amount")[0] == 0
    assert _read(home, "labels").target.sql == "nullif(\"amount\", 'NaN'::DOUBLE)"
    bounds = next(each["kwargs"] for each in _suite(home, "labels") if each["kwargs"]["column"] == "amount")
    assert bounds["min_value"] == 0


def test_day_and_month_are_never_guessed(home: Path, ratchet: Ratchet) -> None:
    days = [BEGIN + dt.timedelta(days=day) for day in range(12)]
    sample = _csv(home / "s.csv", ["id,at,amount", *(f"i{n},{at:%d/%m/%Y},{n % 5}" for n, at in enumerate(days))])
    code, _, wrong = ratchet("new", "days", "--sample", str(sample), "--target", "amount")
    assert code == 2
    assert "day and month cannot be told apart" in wrong
    assert "--date-format '%d/%m/%Y'" in wrong
    assert not (home / "loops" / "days").exists()
    given = ("--date-format", "%d/%m/%Y")
    assert ratchet("new", "days", "--sample", str(sample), "--target", "amount", *given)[0] == 0
    assert _read(home, "days").main_table.date_format == "%d/%m/%Y"


def test_the_names_of_files_tell_day_and_month_and_become_a_pattern(home: Path, ratchet: Ratchet) -> None:
    for day in (1, 2, 3, 4):
        at = BEGIN + dt.timedelta(days=day)
        _csv(
            home / "data" / f"sales_{at:%Y%m%d}.CSV",
            ["id,at,amount", *(f"{day}-{n},{at:%d/%m/%Y},{DRAWS.random():.2f}" for n in range(30))],
        )
    assert ratchet("new", "sales", "--sample", str(home / "data"), "--target", "amount")[0] == 0
    assert _read(home, "sales").main_table.date_format == "%d/%m/%Y"
    assert _options(home, "sales")["tables"] == {"sales": "../../data/sales_{partition:%Y%m%d}.CSV"}


def test_leaks_are_named_and_left_out_of_the_features(home: Path, ratchet: Ratchet) -> None:
    rows = []
    for day in range(120):
        casual, registered, at = DRAWS.randrange(90), DRAWS.randrange(400), BEGIN + dt.timedelta(days=day)
        rows.append(f"{at:%Y-%m-%d},{day + 61},{casual},{registered},{DRAWS.random():.2f},no,{casual + registered}")
    sample = _csv(home / "s.csv", ["day,day_num,casual,registered,wind,fault,cnt", *rows])
    code, said, _ = ratchet("new", "bikes", "--sample", str(sample), "--target", "cnt")
    assert code == 0
    sql, contract = _in_order(home, "bikes"), (home / "loops" / "bikes" / "loop.yaml").read_text()
    for column, words in (
        ("casual", "casual + registered is cnt"),
        ("registered", "casual + registered is cnt"),
        ("day_num", "day_num only grows with day"),
        ("fault", "fault is no in every row"),
    ):
        assert f'    asked."{column}",' not in sql
        assert f'-- "{column}": {words}' in sql
        assert words in contract
        assert words in said
    assert 'asked."wind",' in sql
    assert "hour_of_day" not in sql  # daily data
    assert "day_of_week" in sql


def test_names_and_values_are_quoted(home: Path, ratchet: Ratchet) -> None:
    said = ["won't", "will"]
    rows = [f"i{n},{at},{n % 3},{DRAWS.random():.2f},{DRAWS.choice(said)}" for n, at in enumerate(HOURS)]
    sample = _csv(home / "s.csv", ["select,at,order,group,churned", *rows])
    assert ratchet("new", "desc", "--sample", str(sample), "--target", "churned")[0] == 0
    assert _read(home, "desc").target.sql == "CAST(\"churned\" = 'won''t' AS BIGINT)"
    assert 'asked."order",' in _in_order(home, "desc")


def test_bounds_fit_the_sign_levels_warn_and_missing_values_are_expected(home: Path, ratchet: Ratchet) -> None:
    rows = []
    for n, at in enumerate(HOURS):
        count, debt = DRAWS.randrange(5, 90), "" if n % 10 == 0 else f"{-DRAWS.random():.3f}"
        rows.append(f"i{n},{at},{count},{debt},{DRAWS.choice('NSE')},{DRAWS.random():.3f}")
    sample = _csv(home / "s.csv", ["id,at,count,debt,side,amount", *rows])
    assert ratchet("new", "bounds", "--sample", str(sample), "--target", "amount")[0] == 0
    found = {(each["kwargs"].pop("column", ""), each["type"][14:]): each for each in _suite(home, "bounds")}
    assert found["count", "values_to_be_between"]["kwargs"]["min_value"] == 0
    assert found["debt", "values_to_be_between"]["kwargs"]["max_value"] == 0
    share = found["debt", "values_to_not_be_null"]
    assert (share["severity"], share["kwargs"]) == ("warning", {"mostly": 0.45})
    levels = found["side", "values_to_be_in_set"]
    assert (levels["severity"], levels["kwargs"]) == ("warning", {"value_set": ["E", "N", "S"]})
    assert ("amount", "values_to_not_be_null") not in found


def test_nothing_that_is_there_is_overwritten(home: Path, observations: Path, ratchet: Ratchet) -> None:
    suites, dags = home / "suites" / "expectations", home / "dags"
    before = (suites / "weather.json").read_bytes()
    asked = ("--sample", str(observations), "--target", "wind_speed")
    code, _, wrong = ratchet("new", "weather", *asked)
    assert code == 2
    assert "is a suite of the loop flight_" in wrong
    assert (suites / "weather.json").read_bytes() == before
    assert not (home / "loops" / "weather").exists()
    (suites / "gusts.json").write_text("{}")
    assert "no loop names it" in ratchet("new", "gusts", *asked)[2]
    (suites / "gusts.json").unlink()
    dags.mkdir()
    (dags / "gusts.py").write_text("")
    assert "exists already" in ratchet("new", "gusts", *asked)[2]
    assert "exists already" in ratchet("new", "wind", *asked)[2]


def test_a_table_of_sqlite_becomes_a_query_with_bounds(home: Path, ratchet: Ratchet) -> None:
    with sqlite3.connect(home / "shop.db") as shop:
        shop.execute("CREATE TABLE bookings (id INTEGER PRIMARY KEY, at TEXT, rooms INTEGER, amount REAL)")
        rows = [(n, at.isoformat(" "), DRAWS.randrange(5), DRAWS.random()) for n, at in enumerate(HOURS)]
        shop.executemany("INSERT INTO bookings VALUES (?, ?, ?, ?)", rows)
    asked = ("--database", str(home / "shop.db"), "--target", "amount")
    assert ratchet("new", "bookings", *asked, "--table", "bookings")[0] == 0
    assert _options(home, "bookings") == {
        "database": "sqlite:///../../shop.db",
        "tables": {
            "bookings": 'SELECT * FROM (SELECT * FROM "bookings") AS q WHERE q."at" >= :start AND q."at" < :end'
        },
    }
    assert ratchet("lint", "bookings")[0] == 0
    assert ratchet("new", "rooms", *asked, "--query", "SELECT id, at, amount FROM bookings WHERE rooms > 1")[0] == 0
    assert [*_read(home, "rooms").main_table.columns] == ["id", "at", "amount"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((), "Say where the rows are"),
        (("--sample", ".", "--database", "x"), "one of the two"),
        (("--sample", ".", "--table", "x"), "are of a database"),
        (("--database", "nowhere.db", "--table", "x"), "There is no file nowhere.db"),
        (("--database", "postgresql://host/name"), "--table NAME, or --query"),
    ],
)
def test_what_is_asked_for_has_to_be_clear(home: Path, ratchet: Ratchet, asked: tuple[str, ...], words: str) -> None:
    code, _, wrong = ratchet("new", "unclear", *asked, "--target", "amount")
    assert code == 2
    assert words in wrong


def test_new_lays_out_a_loop_that_is_in_order_and_can_be_fetched(
    place: Path, observations: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(place))
    for name, given in (("gusts", ("--target", "wind_speed")), ("origins", ("--target", "origin"))):
        key = ("--key", "observed_at", "--key", "origin")
        assert ratchet("new", name, "--sample", str(observations), *given, *key)[0] == 0
        assert catalog.load(name).task == {"gusts": "regression", "origins": "multiclass"}[name]
        assert ratchet("lint", name)[0] == 0
        assert f'dags_of("{name}")' in (place / "dags" / f"{name}.py").read_text()
        assert ratchet("step", "fetch", "--loop", name, "--partitions", "2013-01-05")[0] == 0


def _suite_of(home: Path, name: str, column: str) -> dict[str, Any]:
    """Return what a suite expects of the values of a column."""
    return next(
        each["kwargs"]
        for each in _suite(home, name)
        if each["kwargs"].get("column") == column and "value_set" in each["kwargs"]
    )
