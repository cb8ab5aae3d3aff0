"""The overview, asked by many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from deploy.local import services
from deploy.local.environment import Local
from tests.attacks.conftest import LOOP, Log

REQUESTS, AT_ONCE = 300, 16


def test_the_overview_under_load_keeps_nobody_waiting_and_grows_nothing(log_in: Log, local: Local) -> None:
    clients = [log_in("victor") for _ in range(AT_ONCE)]
    process = services._process(local, "api-server")
    assert process

    def memory() -> int:
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))

    def look(number: int) -> int:
        answer = clients[number % AT_ONCE].get("/ratchet/")
        assert LOOP in answer.text
        return answer.status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert {*pool.map(look, range(AT_ONCE))} == {200}  # what is made once is made
        before = memory()
        asked = pool.map(look, range(REQUESTS))
        waited, admin = [], log_in("admin")
        while len(waited) < 10:
            begun = time.monotonic()
            assert admin.get("/api/v2/dags", params={"limit": 1}).status_code == 200
            waited.append(time.monotonic() - begun)
        assert {*asked} == {200}
    assert max(waited) < 10
    assert memory() - before < 50e6
    assert psutil.pid_exists(process.pid)
