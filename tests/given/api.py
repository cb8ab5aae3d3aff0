"""A REST API on the loopback address, whose answers a test writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """What was asked for."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What is answered; a length that is too great is an answer that is cut."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    missing: int = 0  # bytes that the length tells and that never come


@dataclass
class Api:
    """A server's address, and what it was asked for."""

    url: str
    calls: list[Call] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Call], Any]) -> Iterator[Api]:
    """Serve: `answer` returns an Answer, or what is its JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            call = Call(parts.path, dict(parse_qsl(parts.query)), {k.lower(): v for k, v in self.headers.items()})
            api.calls.append(call)
            found = answer(call)
            if not isinstance(found, Answer):
                found = Answer(found if isinstance(found, str | bytes) else json.dumps(found))
            body = found.body.encode() if isinstance(found.body, str) else found.body
            self.send_response(found.status)
            for key, value in {"Content-Length": str(len(body) + found.missing), **found.headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = Api(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
