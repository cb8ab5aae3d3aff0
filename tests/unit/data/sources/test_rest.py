"""The source rest, against a real server on the loopback address."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from ratchet import catalog
from ratchet.data.sources import Asked, rest
from ratchet.errors import ContractError, DataError, RatchetError, SourceError
from tests.given.api import Call, serving

ASKED = Asked(dt.date(2013, 1, 5), dt.date(2013, 1, 6), Path())
ROWS = [{"n": n, "at": f"2013-01-05T0{n}:00:00Z"} for n in range(5)]


def _fetch(asked: Asked = ASKED, **table: Any) -> pa.Table:
    return rest.fetch(rest.Options.model_validate({"tables": {"t": table}}), asked)["t"]


def test_an_answer_becomes_rows_with_each_value_as_it_is() -> None:
    text = """{"data": {"items": [{"n": 9007199254740993, "price": 1.50, "name": "ü", "yes": true, "tags": [1, 0.10]},
        {"n": null, "price": 2, "late": "x", "tags": {"a": null}}]}}"""
    with serving(lambda _: text) as api:
        found = _fetch(url=f"{api.url}/v1/orders", rows="data.items")
    assert found.column_names == ["n", "price", "name", "yes", "tags", "late"]
    assert found.schema.field("n").type == pa.int64()
    assert found.to_pydict() == {
        "n": [9007199254740993, None],
        "price": [Decimal("1.50"), Decimal(2)],
        "name": ["ü", None],
        "yes": [True, None],
        "tags": ["[1, 0.10]", '{"a": null}'],
        "late": [None, "x"],
    }


def test_days_are_filled_in_as_the_contract_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_TOKEN", "a/b c")
    query = {
        "from": "{start}",
        "to": "{end:%Y%m%d}",
        "last": "{last}",
        "key": "${RATCHET_SOURCE_TOKEN}",
        "all": True,
    }
    headers = {"Authorization": "Bearer ${RATCHET_SOURCE_TOKEN}"}
    with serving(lambda _: []) as api:
        _fetch(url=api.url + "/{start:%Y/%m}/${RATCHET_SOURCE_TOKEN}?v=1", query=query, headers=headers)
        monkeypatch.setenv("RATCHET_SOURCE_API", f"{api.url}/v2")
        _fetch(url="${RATCHET_SOURCE_API}/orders")
    first, second = api.calls
    assert first.path == "/2013/01/a%2Fb%20c"
    assert first.query == {
        "v": "1",
        "from": "2013-01-05T00:00:00Z",
        "to": "20130107",
        "last": "2013-01-06",
        "key": "a/b c",
        "all": "true",
    }
    assert first.headers["authorization"] == "Bearer a/b c"
    assert (second.path, second.query) == ("/v2/orders", {})


def _two_a_page(call: Call) -> Any:
    """Answer by address, cursor, page or offset."""
    if "page" in call.query:
        begin = 2 * (int(call.query["page"]) - 1)
    else:
        begin = int(call.query.get("offset", call.query.get("after", 0)))
    following = begin + 2 if begin + 2 < len(ROWS) else None
    links = {"next": following and f"/v1?after={following}&limit={call.query.get('limit')}", "cursor": following}
    return {"rows": ROWS[begin : begin + 2], "links": links}


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ({"next": "links.next"}, [{}, {"after": "2"}, {"after": "4"}]),
        ({"next": "links.cursor", "cursor": "after"}, [{}, {"after": "2"}, {"after": "4"}]),
        ({"page": "page"}, [{"page": "1"}, {"page": "2"}, {"page": "3"}, {"page": "4"}]),
        ({"offset": "offset"}, [{"offset": "0"}, {"offset": "2"}, {"offset": "4"}, {"offset": "5"}]),
    ],
)
def test_all_pages_are_read(way: dict[str, str], asked: list[dict[str, str]]) -> None:
    with serving(_two_a_page) as api:
        found = _fetch(url=f"{api.url}/v1", query={"limit": 2}, rows="rows", **way)
    assert found.column("n").to_pylist() == [0, 1, 2, 3, 4]
    assert [call.query for call in api.calls] == [{**each, "limit": "2"} for each in asked]


def test_pages_are_counted_from_where_the_query_says() -> None:
    with serving(lambda call: [{"n": 1}] if call.query["page"] == "0" else []) as api:
        assert _fetch(url=api.url, query={"page": 0}, page="page").num_rows == 1
    assert [call.query["page"] for call in api.calls] == ["0", "1"]


def test_a_next_page_elsewhere_is_read_without_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_TOKEN", "hunter2")
    with (
        serving(lambda _: {"rows": [{"n": 2}]}) as other,
        serving(lambda _: {"rows": [{"n": 1}], "next": f"{other.url}/more"}) as api,
    ):
        found = _fetch(url=api.url, headers={"X-Key": "${RATCHET_SOURCE_TOKEN}"}, rows="rows", next="next")
    assert found.column("n").to_pylist() == [1, 2]
    assert api.calls[0].headers["x-key"] == "hunter2"
    assert "x-key" not in other.calls[0].headers


def test_no_rows_are_a_table_of_the_contracts_columns(place: Path) -> None:
    tables = {"t": catalog.load("wind").tables["weather"]}
    with serving(lambda _: []) as api:
        found = _fetch(Asked(ASKED.first, ASKED.last, place, tables), url=api.url)
        assert _fetch(url=api.url).num_columns == 0
    assert found.num_rows == 0
    assert found.column_names == list(tables["t"].columns)


def test_a_single_page_that_names_no_next_is_noted() -> None:
    asked = Asked(ASKED.first, ASKED.last, Path())
    with serving(lambda _: {"rows": ROWS, "links": {"next": None}}) as api:
        _fetch(asked, url=api.url, rows="rows", next="links.next")
        assert asked.notes == []
        _fetch(asked, url=api.url, rows="rows", next="links.nxet")
    assert asked.notes == ["t: its first page names no links.nxet, and was taken for the only one"]


@pytest.mark.parametrize(
    ("answer", "table", "kind", "words"),
    [
        (
            {"error": "x"},
            {"rows": "data.items"},
            ContractError,
            "page 1 holds no list at data.items; it is an object of e",
        ),
        ({"a": 1}, {}, ContractError, "page 1 holds no list as a whole; it is an object of a. Let rows name"),
        ("1.5", {"rows": "a"}, ContractError, "it is a number"),
        ([1], {}, DataError, "page 1 holds a row that is no object"),
        ([{"n": 1}], {"page": "p"}, DataError, "page 2 is page 1 again. Check that p is what the API counts by"),
        ([{"n": 1}], {"offset": "o"}, DataError, "page 2 is page 1 again"),
        ({"rows": [], "next": "/"}, {"rows": "rows", "next": "next"}, DataError, "page 1 leads back to a page"),
        ({"rows": [], "next": 3}, {"rows": "rows", "next": "next", "cursor": "c"}, DataError, "page 2 leads back"),
        ({"rows": [], "next": {}}, {"rows": "rows", "next": "next"}, ContractError, "next leads to a object at next"),
        ({"rows": [], "next": "file:///x"}, {"rows": "rows", "next": "next"}, SourceError, "no address of HTTP"),
        ('[{"a": "\\ud800"}]', {}, DataError, "a value is no text"),
        ('[{"a": ' + "[" * 900 + "]" * 900 + "}]", {}, DataError, "nested too deep"),
    ],
)
def test_what_does_not_fit_the_contract_is_told(
    answer: Any, table: dict[str, Any], kind: type[RatchetError], words: str
) -> None:
    with serving(lambda _: answer) as api, pytest.raises(kind, match=words) as caught:
        _fetch(url=f"{api.url}/", **table)
    assert str(caught.value).startswith("loop.yaml: source.options.tables.t")


def test_pages_without_an_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_PAGES", 5)
    with (
        serving(lambda call: [{"n": call.query["p"]}]) as api,
        pytest.raises(DataError, match=r"there are more than 5 pages\. Ask for fewer days"),
    ):
        _fetch(url=api.url, page="p")
    assert len(api.calls) == 5


def test_no_log_tells_a_secret(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_TOKEN", "hunter2")
    caplog.set_level("DEBUG")
    with serving(lambda _: []) as api:
        key = "${RATCHET_SOURCE_TOKEN}"
        _fetch(url=f"{api.url}/{key}", query={"key": key}, headers={"X-Key": key})
    assert api.calls
    assert "hunter2" not in caplog.text


def test_secrets_are_the_environments_and_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"headers\.X names RATCHET_SOURCE_NONE, which is not set"):
        _fetch(url="http://127.0.0.1:9/", headers={"X": "${RATCHET_SOURCE_NONE}"})
    with pytest.raises(ContractError, match="names the environment variable HOME"):
        _fetch(url="http://127.0.0.1:9/${HOME}")
    monkeypatch.setenv("RATCHET_SOURCE_TOKEN", "hunter2\n")
    with pytest.raises(ContractError, match=r"headers.X holds what no header may") as caught:
        _fetch(url="http://127.0.0.1:9/", headers={"X": "${RATCHET_SOURCE_TOKEN}"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"page": "p", "next": "n"}, "give one of next, page and offset"),
        ({"cursor": "c"}, "next has to say where"),
        ({"page": "p", "query": {"p": "first"}}, "query.p is where the pages begin to be counted"),
        ({"query": {"from": "{strat}"}}, r"\{strat\} is not known"),
        ({"query": {"from": "{start:%s}"}}, "%s is no format here"),
        ({"pages": 3}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        rest.Options.model_validate({"tables": {"t": {"url": "http://h/", **table}}})
