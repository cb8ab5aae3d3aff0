"""docs/sources.md: each example runs as it stands, on a source as the page tells of."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from ratchet import catalog, extensions
from ratchet.data import parting, sources
from tests.conftest import ROOT
from tests.given.api import Answer, Call, serving
from tests.given.postgres import Postgres

PAGE = (ROOT / "docs" / "sources.md").read_text()
EXAMPLES = dict(re.findall(r"^```yaml example=(\S+)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE))
TOKEN = "t&ken/1"
ORDERS = [
    (9007199254740993, "2016-07-01 23:59:59", 1.5),
    (2, "2016-07-02 00:00:00", 0.1),
    (3, "2016-07-02 12:00:00", None),
    (4, "2016-07-02 23:59:59", 2.5),
    (5, "2016-07-03 00:00:00", 9.0),
]
TABLE = """tables:
  orders:
    key: [order_id]
    time: ordered_at
    suite: wind
    columns: {order_id: int64, ordered_at: timestamp, amount: float64}
"""


@pytest.fixture
def loop(place: Path) -> Path:
    """The folder of a loop, whose contract has yet to get its source."""
    folder = place / "loops" / "shop"
    (folder / "data").mkdir(parents=True)
    text = (ROOT / "tests" / "loops" / "wind" / "loop.yaml").read_text().replace("name: wind", "name: shop", 1)
    text = re.sub(r"^source:.*?(?=^tables:)", "SOURCE\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^tables:.*?(?=^target:)", f"{TABLE}\n", text, flags=re.DOTALL | re.MULTILINE)
    (folder / "loop.yaml").write_text(text)
    (folder / "features.sql").write_text("SELECT order_id FROM orders")
    return folder


@contextlib.contextmanager
def _postgresql(_: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    server: Postgres = request.getfixturevalue("postgres")
    values = ", ".join(
        f"({n}, '{at}'::timestamptz, {'NULL' if amount is None else amount})" for n, at, amount in ORDERS
    )
    server.run(
        "SET TIME ZONE 'UTC'",
        "DROP TABLE IF EXISTS orders",
        "CREATE TABLE orders (order_id BIGINT, ordered_at TIMESTAMPTZ, amount FLOAT8)",
        f"INSERT INTO orders VALUES {values}",
    )
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", server.text)
    yield


@contextlib.contextmanager
def _sqlite(folder: Path, *_: Any) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(folder / "data" / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (order_id INTEGER, ordered_at TEXT, amount REAL)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", ORDERS)
        connection.execute("CREATE VIEW payments AS SELECT order_id, unixepoch(ordered_at) AS paid, amount FROM orders")
    yield


@contextlib.contextmanager
def _duckdb(folder: Path, *_: Any) -> Iterator[None]:
    with duckdb.connect(folder / "data" / "shop.duckdb") as connection:
        connection.execute("CREATE TABLE orders (order_id BIGINT, ordered_at TIMESTAMP, amount DOUBLE)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", ORDERS)
    yield


@contextlib.contextmanager
def _files(folder: Path, *_: Any) -> Iterator[None]:
    """A file a day; and in a folder of its own what a German shop exports."""
    head = "order_id,ordered_at,amount\n"
    for day in ("2016-07-01", "2016-07-02", "2016-07-03"):
        rows = [f"{n},{at},{'' if amount is None else amount}\n" for n, at, amount in ORDERS if at.startswith(day)]
        (folder / "data" / f"orders_{day}.csv").write_text(head + "".join(rows))
    german = folder / "data" / "umsatz"
    german.mkdir()
    rows = [f"{n};{at};{'k. A.' if amount is None else amount}\r\n" for n, at, amount in ORDERS]
    (german / "Juli.CSV").write_bytes((head.replace(",", ";").replace("\n", "\r\n") + "".join(rows)).encode("cp1252"))
    yield


@contextlib.contextmanager
def _rest(_: Path, monkeypatch: pytest.MonkeyPatch, __: Any) -> Iterator[None]:
    def row(order: tuple[int, str, float | None]) -> dict[str, Any]:
        return {"order_id": order[0], "ordered_at": order[1].replace(" ", "T") + "Z", "amount": order[2]}

    def answer(call: Call) -> Any:
        if call.path == "/v2/2016/07/02/orders" and call.query["key"] == TOKEN:
            return [row(order) for order in ORDERS[1:4][2 * int(call.query["page"]) :][:2]]
        if call.path != "/v1/orders" or call.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(status=401)
        rows = [row(order) for order in ORDERS]
        rows = [each for each in rows if call.query["from"] <= each["ordered_at"] < call.query["to"]]
        begin = int(call.query.get("after", 0))
        end = begin + int(call.query["limit"])
        following = "&".join(f"{key}={value}" for key, value in {**call.query, "after": end}.items())
        links = {"next": f"/v1/orders?{following}" if end < len(rows) else None}
        return {"data": {"items": rows[begin:end]}, "links": links}

    with serving(answer) as api:
        monkeypatch.setenv("RATCHET_SOURCE_API", api.url)
        monkeypatch.setenv("RATCHET_SOURCE_TOKEN", TOKEN)
        yield


GIVEN: dict[str, Callable[..., contextlib.AbstractContextManager[None]]] = {
    "files": _files,
    "files-german": _files,
    "query-files": _files,
    "postgresql": _postgresql,
    "sqlite": _sqlite,
    "sqlite-epochs": _sqlite,
    "duckdb": _duckdb,
    "rest": _rest,
    "rest-pages": _rest,
}


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_an_example_delivers_the_rows_of_its_day(
    name: str, loop: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    contract = loop / "loop.yaml"
    contract.write_text(contract.read_text().replace("SOURCE", EXAMPLES[name]))
    with GIVEN[name](loop, monkeypatch, request):
        read = catalog.load("shop")
        source = cast("sources.SourceModule", extensions.find("sources", read.source.kind, read.folder))
        day = dt.date(2016, 7, 2)
        asked = sources.Asked(day, day, read.folder, read.tables)
        rows = source.fetch(source.Options.model_validate(read.source.options), asked)["orders"]
        found = dict(parting.by_day(rows, read.tables["orders"], [str(day)], loop))[str(day)]
    assert found.column_names == ["order_id", "ordered_at", "amount"]
    rows = sorted(found.to_pylist(), key=lambda each: int(each["order_id"]))
    assert [int(row["order_id"]) for row in rows] == [2, 3, 4]
    assert [row["amount"] if row["amount"] is None else float(row["amount"]) for row in rows] == [0.1, None, 2.5]
    assert [str(row["ordered_at"]).replace("T", " ")[:19] for row in rows] == [order[1] for order in ORDERS[1:4]]


def test_the_page_tells_of_each_source_and_is_found() -> None:
    assert set(EXAMPLES) == set(GIVEN)
    for kind in extensions.built_in("sources"):
        assert f"`{kind}`" in PAGE, kind
    for page in ("README.md", "docs/extend.md", "docs/security.md"):
        assert "sources.md" in (ROOT / page).read_text(), page
