"""Tables of a REST API: JSON over HTTP, page by page.

source:
      kind: rest
      options:
        tables:
          orders:
            url: https://api.example.org/v1/orders
            query: {from: "{start}", to: "{end}", limit: 500}
            headers: {Authorization: "Bearer ${RATCHET_SOURCE_TOKEN}"}
            rows: data.items
            next: links.next

`{start}` and `{end}` are the moments at which the days begin and are over, `{last}` is the last of the days; a format
may follow, of strftime: `{start:%Y%m%d}`. A row is an object, its keys are the columns; nested values are JSON text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field, model_validator

from ratchet.contract.part import Part
from ratchet.data import columns, secrets, web
from ratchet.data.sources import Asked
from ratchet.errors import ContractError, DataError
from ratchet.text import one_line

if TYPE_CHECKING:
    import httpx
    import pyarrow as pa

_FORMATS = {"start": "%Y-%m-%dT%H:%M:%SZ", "end": "%Y-%m-%dT%H:%M:%SZ", "last": "%Y-%m-%d"}
_MOMENT = re.compile(r"(?<!\$)\{(\w+)(?::([^{}]*))?\}")
_PAGES = 10_000  # of one table in one fetch: more are taken for an API that has no end
_PART = 50_000  # rows at a time


class Pages(Part):
    """Where the rows of a table are, and how one page leads to the next."""

    url: str = Field(description="Address of the first page; {start}, {end}, {last}, ${RATCHET_SOURCE_X} are filled.")
    query: dict[str, str | bool | int] = Field(default_factory=dict, description="Its parameters, filled as url is.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Sent to the url's own host; ${RATCHET_SOURCE_X} is a variable or connection."
    )
    rows: str | None = Field(
        default=None, description="Dotted path to the list of rows in an answer; none: it is the list."
    )
    next: str | None = Field(default=None, description="Dotted path to the next page's address, or to its cursor.")
    cursor: str | None = Field(default=None, description="The parameter that takes the cursor which `next` leads to.")
    page: str | None = Field(
        default=None, description="The parameter that counts pages, from its value in query (1) to an empty page."
    )
    offset: str | None = Field(
        default=None, description="The parameter that counts rows, from its value in query (0) to an empty page."
    )

    @model_validator(mode="after")
    def _one_way_on(self) -> Pages:
        if sum(way is not None for way in (self.next, self.page, self.offset)) > 1:
            raise ValueError("give one of next, page and offset: each alone says where the next page is")
        if self.cursor and not self.next:
            raise ValueError("cursor names a parameter, and next has to say where in an answer its value is")
        for counter in filter(None, (self.page, self.offset)):
            if type(self.query.get(counter, 0)) is not int:
                raise ValueError(f"query.{counter} is where the pages begin to be counted, so it is a whole number")
        for text in (self.url, *map(str, self.query.values())):
            for name, form in _MOMENT.findall(text):
                if name not in _FORMATS:
                    raise ValueError(f"{{{name}}} is not known: write {{start}}, {{end}} or {{last}}")
                if "%s" in form:  # strftime would take the host's zone for it
                    raise ValueError("%s is no format here: it depends on the machine's time zone")
        return self


class Options(Part):
    """What the source rest reads."""

    tables: dict[str, Pages] = Field(min_length=1, description="Table -> where its rows are.")


def fetch(options: Options, asked: Asked) -> dict[str, pa.Table]:
    """Read each table's pages of the days, values as they are (ratchet.data.columns)."""
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address, secrets in its query included
    with httpx.Client(timeout=httpx.Timeout(web.TIMEOUT, connect=10), follow_redirects=False) as client:
        return {
            name: _table(client, pages, asked, name, f"{asked.folder / 'loop.yaml'}: source.options.tables.{name}")
            for name, pages in options.tables.items()
        }


@dataclass(frozen=True)
class _Answer:
    """A page that was read."""

    number: int
    rows: list[Any]
    whole: Any


def _table(client: httpx.Client, pages: Pages, asked: Asked, name: str, field: str) -> pa.Table:
    place = _place(pages, asked, field)
    query = {key: _filled(each, asked, field) if isinstance(each, str) else each for key, each in pages.query.items()}
    rows: list[dict[str, Any]] = []
    answer = None
    for answer in _answers(client, pages, place, query):
        for row in answer.rows:
            if not isinstance(row, dict):
                raise DataError(
                    f"{field}: page {answer.number} holds a row that is no object. "
                    "Let rows name the list whose rows have names"
                )
            rows.append(row)
    if pages.next and answer and answer.number == 1 and not _parent_holds(answer.whole, pages.next):
        asked.notes.append(f"{name}: its first page names no {pages.next}, and was taken for the only one")
    names = list(dict.fromkeys(key for row in rows for key in row))
    if not rows and name in asked.tables:
        names = list(asked.tables[name].columns)
    parts = ([[row.get(key) for key in names] for row in rows[n : n + _PART]] for n in range(0, len(rows), _PART))
    try:
        return columns.table(names, parts)
    except (UnicodeEncodeError, RecursionError) as error:
        raise DataError(
            f"{field}: a value is no text, or nested too deep ({type(error).__name__}). Ask the API's owners to mend it"
        ) from None


def _answers(
    client: httpx.Client, pages: Pages, place: web.Place, query: Mapping[str, str | bool | int]
) -> Iterator[_Answer]:
    """Read page after page, and refuse to read one twice."""
    counted = {counter: begin for counter, begin in ((pages.page, 1), (pages.offset, 0)) if counter}
    at = place.home.copy_merge_params({**counted, **query})
    read, before = {at}, None
    for number in range(1, _PAGES + 1):
        whole = web.get(client, at, place)
        rows = _rows(whole, pages.rows, place, number)
        if counted and rows and rows == before:
            raise DataError(
                f"{place.field}: page {number} is page {number - 1} again. "
                f"Check that {', '.join(counted)} is what the API counts by"
            )
        yield _Answer(number, rows, whole)
        following = _following(pages, whole, rows, at, place)
        if following is None:
            return
        if following in read:
            raise DataError(f"{place.field}: page {number} leads back to a page that was read. Check next and cursor")
        read.add(following)
        at, before = following, rows
    raise DataError(f"{place.field}: there are more than {_PAGES:,} pages. Ask for fewer days, or for larger pages")


def _following(pages: Pages, whole: Any, rows: list[Any], at: httpx.URL, place: web.Place) -> httpx.URL | None:
    """Return the next page's address; None after the last."""
    for counter, step in ((pages.page, 1), (pages.offset, len(rows))):
        if counter:
            return at.copy_set_param(counter, int(at.params[counter]) + step) if rows else None
    found = _at(whole, pages.next) if pages.next else None
    if found is None or found in ("", False):
        return None
    if not isinstance(found, str | int):
        raise ContractError(
            f"{place.field}: next leads to a {_kind(found)} at {pages.next}. Let it name an address, or a cursor"
        )
    if pages.cursor:
        return at.copy_set_param(pages.cursor, found)
    return web.elsewhere(at, str(found), place)


def _rows(whole: Any, path: str | None, place: web.Place, number: int) -> list[Any]:
    found = _at(whole, path) if path else whole
    if isinstance(found, list):
        return found
    where = f"at {path}" if path else "as a whole"
    held = f"an object of {', '.join(list(whole)[:8])}" if isinstance(whole, dict) else f"a {_kind(whole)}"
    raise ContractError(
        f"{place.field}: page {number} holds no list {where}; it is "
        f"{one_line(secrets.masked(held, place.hidden), 200)}. Let rows name the path to the list"
    )


def _at(whole: Any, path: str) -> Any:
    """Return what a dotted path leads to in an answer; None where it leads nowhere."""
    for key in path.split("."):
        whole = whole.get(key) if isinstance(whole, dict) else None
    return whole


def _parent_holds(whole: Any, path: str) -> bool:
    """Tell whether an answer has the last key of a path, be it null."""
    parent, _, key = path.rpartition(".")
    found = _at(whole, parent) if parent else whole
    return isinstance(found, dict) and key in found


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "truth value", type(None): "null"}
    return kinds.get(type(value), "number")


def _place(pages: Pages, asked: Asked, field: str) -> web.Place:
    text = _moments(pages.url, asked, quote)
    head = secrets.NAMED.match(text)  # it may be an address of its own; elsewhere a variable is a part of one
    begin = secrets.value(head.group(1), f"{field}.url") if head else ""
    rest = secrets.filled(text[head.end() if head else 0 :], f"{field}.url", lambda value: quote(value, safe=""))
    home = web.url(begin + rest, f"{field}.url")
    headers = {key: secrets.filled(each, f"{field}.headers.{key}") for key, each in pages.headers.items()}
    for key, each in headers.items():
        if not (each.isascii() and each.isprintable()):
            raise ContractError(f"{field}.headers.{key} holds what no header may, as a line's end. Check its variable")
    hidden = [secrets.value(name, field) for name in secrets.named(pages.model_dump())]
    return web.Place(home, headers, field, [*hidden, *filter(None, (home.password,))])


def _filled(text: str, asked: Asked, field: str) -> str:
    return secrets.filled(_moments(text, asked), f"{field}.query")


def _moments(text: str, asked: Asked, write: Callable[[str], str] = str) -> str:
    """Write the bounds of the days where a text names them."""
    known = {"start": asked.start, "end": asked.end, "last": asked.last}

    def put(found: re.Match[str]) -> str:
        name, form = found.groups()
        return write(known[name].strftime(form or _FORMATS[name]))

    return _MOMENT.sub(put, text)
