"""JSON over HTTP from a real server: exact, and secrets stay where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ratchet.data import web
from ratchet.errors import ContractError, DataError, RatchetError, SourceError
from tests.conftest import free_port
from tests.given.api import Answer, Call, serving

SECRET = "w/rd?"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as found:
        yield found


def _place(url: str) -> web.Place:
    return web.Place(web.url(url, "f"), {"X-Key": SECRET}, "loop.yaml: f", [SECRET])


def _get(client: httpx.Client, url: str) -> Any:
    place = _place(url)
    return web.get(client, place.home, place)


def test_numbers_come_with_all_their_digits(client: httpx.Client) -> None:
    text = '{"a": 0.12345678901234567890, "b": 9007199254740993, "c": 1e400, "d": [1.50], "e": NaN}'
    with serving(lambda _: text) as api:
        found = _get(client, api.url)
    assert str(found["e"]) == "NaN"
    assert {**found, "e": 0} == {
        "a": Decimal("0.12345678901234567890"),
        "b": 9007199254740993,
        "c": Decimal("1e400"),
        "d": [Decimal("1.50")],
        "e": 0,
    }


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_redirect_elsewhere_is_followed_without_secrets(client: httpx.Client, where: str) -> None:
    with serving(lambda _: [1]) as other:

        def answer(call: Call) -> Any:
            to = {"here": "/end", "there": f"{other.url}/end"}[where]
            return Answer(status=302, headers={"Location": to}) if call.path == "/" else [1]

        with serving(answer) as api:
            assert _get(client, api.url.replace("//", "//ada:hunter2@") + "/") == [1]
    first, last = [*api.calls, *other.calls]
    assert first.headers["x-key"] == SECRET
    assert first.headers["authorization"].startswith("Basic ")
    assert ("x-key" in last.headers, "authorization" in last.headers) == (where == "here", where == "here")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer(status=429, headers={"Retry-After": "30"}),
            SourceError,
            r"answers 429 Too Many Requests, and asks to wait \(Retry-After: 30\)\. Retry later",
        ),
        (Answer(status=503), SourceError, r"answers 503 Service Unavailable\. Retry later"),
        (Answer(status=404), ContractError, r"answers 404 Not Found\. Check the address"),
        (Answer(status=401), ContractError, "answers 401 Unauthorized.*the secret that its headers name"),
        (Answer("[1, 2]", missing=9), SourceError, "cannot be read: RemoteProtocolError"),
        (Answer("[1, 2"), SourceError, "is not JSON, or it was cut: JSONDecodeError in 5 bytes"),
        (Answer("<html>Log in</html>"), SourceError, "is not JSON"),
        (Answer(b'["\xff"]'), SourceError, "is not JSON, or it was cut: UnicodeDecodeError"),
        (Answer("[" * 100_000), SourceError, "is not JSON, or it was cut: RecursionError"),
        (Answer("9" * 5_000), SourceError, "is not JSON, or it was cut: ValueError"),
        (Answer("1e999999999999999999999"), SourceError, "is not JSON, or it was cut: InvalidOperation"),
        (Answer('[{"a": 1, "a": 2}]'), DataError, "holds an object with the key 'a' twice"),
        (Answer("[1]", headers={"Content-Encoding": "gzip"}), SourceError, "cannot be read: DecodingError"),
        (Answer(status=302, headers={"Location": "/again"}), SourceError, "redirects more than 5 times"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), SourceError, "no address of HTTP"),
        (Answer(status=302, headers={"Location": "http://[::1/"}), SourceError, "cannot be read: RemoteProtocolError"),
        (Answer(status=302), ContractError, "answers 302 Found"),
        (Answer("x" * 2_000_000), DataError, "answers with more than 1 MB"),
    ],
)
def test_what_cannot_be_read_is_told_without_secrets(
    client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    kind: type[RatchetError],
    words: str,
) -> None:
    monkeypatch.setattr(web, "_LARGEST", 2**20)
    with serving(lambda _: answer) as api, pytest.raises(kind, match=words) as caught:
        _get(client, f"{api.url}/w%2Frd%3F/orders?key=w%2Frd%3F")
    assert type(caught.value) is kind
    assert str(caught.value).startswith("loop.yaml: f: ")
    assert "w/rd" not in str(caught.value)
    assert "w%2Frd" not in str(caught.value)


def test_a_server_that_is_not_there_may_come(client: httpx.Client) -> None:
    with pytest.raises(SourceError, match="cannot be read: ConnectError") as caught:
        _get(client, f"http://ada:hunter2@127.0.0.1:{free_port()}/x")
    assert caught.value.retriable
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["nonsense", "ftp://h/x", "http:///x", "http://[::1/", "http://h/\0", "file:///etc/passwd"]
)
def test_what_is_no_address_is_not_told(text: str) -> None:
    with pytest.raises(ContractError, match=r"^f is not an address of HTTP\. Give one as https") as caught:
        web.url(text, "f")
    assert text not in str(caught.value)
