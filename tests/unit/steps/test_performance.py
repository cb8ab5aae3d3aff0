"""Performance: predictions beside the labels that came."""

from __future__ import annotations

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.lifecycle import evidence, predictions
from ratchet.partitions import shift
from tests.conftest import step
from tests.given.duels import NAME, NIGHT


def test_who_waits_is_scored_in_shadow_and_fed_with_labels(second: str) -> None:
    scored = step("score", NAME, partition=NIGHT)
    assert scored.shadows == 1
    assert (predictions.folder(catalog.load(NAME), second) / f"{NIGHT}.parquet").exists()
    assert step("score", NAME, partition=NIGHT).outcome == "unchanged"
    step("score", NAME, partition=shift(NIGHT, -1))
    measured = step("performance", NAME, partition=NIGHT)
    assert measured.challengers == {second: 7}  # four held-out days, and the 17th to the 19th
    assert step("performance", NAME, partition=NIGHT).challengers == {second: 7}
    with runs.connected() as client:
        days = evidence.read(client, second)
    assert [day.key for day in days] == [shift("2013-01-13", i) for i in range(7)]
    looked = step("duel", NAME, partition=NIGHT)
    assert looked.verdict == "wait"
    assert "over 7 days" in looked.reason
