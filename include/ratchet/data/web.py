"""Get JSON over HTTP, each number as it was written, with secrets that go to one place and into no message.

Headers and a login are for the place that the contract names (scheme, host and port). A redirect, or a next page, that
leads elsewhere is followed without them. A request is tried once: what may pass is a SourceError, which a step's retry
takes up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ratchet.data import secrets
from ratchet.errors import ContractError, DataError, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import httpx

TIMEOUT = 60.0  # seconds in which an answer begins, and in which it goes on
_REDIRECTS = 5
_LARGEST = 256 * 2**20  # bytes of an answer
_WAIT = (408, 425, 429)  # a refusal that may pass, as 5xx may


@dataclass(frozen=True)
class Place:
    """Where secrets may go, and how an error names it."""

    home: httpx.URL  # of the contract, with its login
    headers: Mapping[str, str]
    field: str  # the place in the contract
    hidden: Sequence[str]  # what no message tells

    def fits(self, url: httpx.URL) -> bool:
        """Tell whether a URL is at home: of the same scheme, host and port."""
        return (url.scheme, url.host, url.port) == (self.home.scheme, self.home.host, self.home.port)

    def said(self, url: httpx.URL) -> str:
        """Name a URL: without its login and its query."""
        return secrets.masked(str(url.copy_with(userinfo=b"", query=None, fragment=None)), self.hidden)


def url(text: str, field: str) -> httpx.URL:
    """Read a URL. Raises ContractError, which does not tell it, where it is none of HTTP."""
    import httpx

    found = _address(lambda: httpx.URL(text))
    if found is None:
        raise ContractError(f"{field} is not an address of HTTP. Give one as https://api.example.org/orders")
    return found


def get(client: httpx.Client, address: httpx.URL, place: Place) -> Any:
    """Return what a GET answers, of JSON: decimals with all their digits. The client follows no redirects itself.

    Raises SourceError for what may pass, ContractError for a refusal that a retry would meet again, DataError for an
    answer that no source should give.
    """
    import httpx

    at = address
    for _ in range(_REDIRECTS + 1):
        try:
            response, body = _ask(client, at, place)
            if not response.has_redirect_location:
                break
            at = elsewhere(at, response.headers["Location"], place)
        except httpx.HTTPError as error:
            said = one_line(secrets.masked(str(error), place.hidden), 300)
            raise SourceError(
                f"{place.field}: {place.said(at)} cannot be read: {type(error).__name__}: {said}. "
                "Check the address and the network, or wait for it"
            ) from None
    else:
        raise SourceError(f"{place.field}: {place.said(address)} redirects more than {_REDIRECTS} times. Check it")
    _accept(response, at, place)
    return _parsed(body, f"{place.field}: the answer of {place.said(at)}")


def elsewhere(at: httpx.URL, location: str, place: Place) -> httpx.URL:
    """Return where an answer leads on to. Raises SourceError where that is no address of HTTP."""
    found = _address(lambda: at.join(location))
    if found is None:
        raise SourceError(f"{place.field}: {place.said(at)} leads on to what is no address of HTTP. Check it")
    return found


def _address(read: Callable[[], httpx.URL]) -> httpx.URL | None:
    """Return a URL of HTTP with a host; None where what is read is none."""
    import httpx

    try:
        found = read()
    except httpx.InvalidURL:
        return None
    return found if found.scheme in ("http", "https") and found.host else None


def _ask(client: httpx.Client, at: httpx.URL, place: Place) -> tuple[httpx.Response, bytes]:
    import httpx

    headers, login = {"Accept": "application/json"}, None
    if place.fits(at):
        headers |= place.headers
        if place.home.userinfo:
            login = httpx.BasicAuth(place.home.username, place.home.password)
    body = bytearray()
    with client.stream("GET", at.copy_with(userinfo=b""), headers=headers, auth=login) as response:
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _LARGEST:
                raise DataError(
                    f"{place.field}: {place.said(at)} answers with more than {_LARGEST // 2**20} MB. "
                    "Ask for smaller pages by a parameter under query"
                )
    return response, bytes(body)


def _accept(response: httpx.Response, at: httpx.URL, place: Place) -> None:
    if response.is_success:
        return
    status = f"{response.status_code} {response.reason_phrase}".strip()
    said = one_line(secrets.masked(f"{place.said(at)} answers {status}", place.hidden), 600)
    if response.status_code in _WAIT or response.status_code >= 500:
        wait = one_line(secrets.masked(response.headers.get("Retry-After", ""), place.hidden), 40)
        asks = f", and asks to wait (Retry-After: {wait})" if wait else ""
        raise SourceError(f"{place.field}: {said}{asks}. Retry later, or ask for less at once")
    hint = " and the secret that its headers name" if response.status_code in (401, 403) else ""
    raise ContractError(f"{place.field}: {said}. Check the address{hint}")


def _parsed(body: bytes, what: str) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_object)
    except _Doubled as error:
        key = one_line(str(error), 80)
        raise DataError(f"{what} holds an object with the key {key} twice: no one can say which counts") from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise SourceError(
            f"{what} is not JSON, or it was cut: {type(error).__name__} in {len(body):,} bytes. "
            "Open the address by hand, or retry"
        ) from None


class _Doubled(Exception):
    """A key comes twice in an object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Doubled(repr(next(key for key in keys if keys.count(key) > 1)))
    return found
