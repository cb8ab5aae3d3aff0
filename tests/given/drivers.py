"""A driver's connection that writes down what it is told."""

from __future__ import annotations

from typing import Any


def recording(ran: list[str]) -> Any:
    """Return a connection without types of its own. ran: what was executed, and `committed`."""

    class Cursor:
        execute = staticmethod(ran.append)
        close = staticmethod(lambda: None)

    class Raw:
        cursor = Cursor
        commit = staticmethod(lambda: ran.append("committed"))

    return Raw()
