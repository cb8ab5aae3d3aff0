"""What a timing keeps waiting is measured again."""

from __future__ import annotations

import pytest

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.lifecycle import evaluations, timings
from ratchet.training.latency import Latency
from tests.given.duels import NAME, NIGHT


def test_the_best_of_old_and_new_is_kept_and_only_where_it_is_wanted(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, measured = catalog.load(NAME), [Latency(9.0, 90.0), Latency(5e-4, 2.0)]
    monkeypatch.setattr(timings, "latency", lambda *_: measured.pop())
    before = evaluations.read(loop, second)
    with runs.connected() as client:
        timings.again(loop, client, NIGHT)
        assert evaluations.read(loop, second) == before  # it passes
        slow = loop.model_copy(update={"gate": loop.gate.model_copy(update={"latency_ms": 0.001})})
        timings.again(slow, client, NIGHT)
        found = evaluations.read(loop, second)
        assert (found.latency_ms, found.latency_wall_ms, found.timings) == (5e-4, 2.0, {NIGHT: 5e-4})
        timings.measure(slow, client, second, "2013-01-21")
        assert evaluations.read(loop, second).latency_ms == 5e-4
        assert client.metrics(second)["latency_ms"] == 5e-4
        runs.log_files(client, second, {evaluations.FILE: evaluations.text(loop, second)})
    kept = evaluations.read(loop, second).model_dump(exclude={"latency_ms", "latency_wall_ms", "timings"})
    assert kept == before.model_dump(exclude={"latency_ms", "latency_wall_ms", "timings"})
