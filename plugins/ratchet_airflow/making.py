"""Make a page when somebody looks at it for the first time: by the step `explain`, in a process of its own.

One at a time; who looks meanwhile is told so, and their browser looks again by itself.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ratchet import catalog
from ratchet.errors import explain
from ratchet_airflow.operators.base import step

_MAKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ratchet-explain")  # a thread that waits for a process
_MADE: dict[tuple[str, str, str], Future[str]] = {}  # (loop, field, value) -> what went wrong, if anything
_LOCK = threading.Lock()


def make(loop: str, field: str, value: str) -> str | None:
    """Let a page be made: of a night (`partition`) or a training (`run`).

    Return None as long as it is being made; then, once, what went wrong, empty where it is made. Who asks again after
    an error lets it be tried again.
    """
    asked = (loop, field, value)
    with _LOCK:
        if asked not in _MADE:
            _MADE[asked] = _MAKER.submit(_explain, loop, {field: value})
        return _MADE.pop(asked).result() if _MADE[asked].done() else None


def _explain(loop: str, request: dict[str, Any]) -> str:
    try:
        error = step("explain", catalog.load(loop), request, logging.getLogger(__name__)).get("error")
    except Exception as found:  # noqa: BLE001 (told on the page, whatever it is)
        return str(explain(found))
    return str(error["message"]) if error else ""
