"""Close: a night ends once, and one that asked for a training when that is judged."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ledger, nights
from tests.conftest import step
from tests.given.entries import entry
from tests.given.nights import DAYS, ask_for_a_training, turn


def test_a_night_that_asked_for_a_training_is_over_when_it_is_judged(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    turn(DAYS[0])
    ask_for_a_training(DAYS[0], "drift__v1")
    assert step("close", "wind", partition=DAYS[0]).training == "drift__v1"
    assert [night.training for night in nights.waits_for(registry, "wind", DAYS[1])] == ["drift__v1"]
    with writing.held(registry) as writer:
        ledger.write(writer, loop, [entry("rejected", "drift__v1", reason="x")])
    assert nights.waits_for(registry, "wind", DAYS[1]) == []
    assert not nights.may_decide(registry, "wind", DAYS[0])
    # The next night that begins writes it down.
    step("turn", "wind", partitions=DAYS[1], run="next")
    fact = nights.ended(registry, "wind", DAYS[0])
    assert fact is not None
    assert fact["reason"] == "its training drift__v1 was judged"
