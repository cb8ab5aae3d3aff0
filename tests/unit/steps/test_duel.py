"""The duel through its steps: who waits, who wins, who comes back."""

from __future__ import annotations

import json

from ratchet import catalog
from ratchet.lifecycle import ledger
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.steps import drift
from tests.conftest import ingest, step
from tests.given.duels import NAME, NIGHT, champion_now, kinds, live_night, win


def test_who_wins_in_shadow_is_refitted_and_promoted(second: str) -> None:
    live_night()
    win(second)
    won = step("duel", NAME, partition=NIGHT)
    assert (won.verdict, won.run, won.mlflow_run) == ("promote", "second", second)
    assert (Settings.current().reports / NAME / "decisions" / won.report).exists()
    assert "| size_mb |" in won.summary
    made = step("refit", NAME, run=won.run, mlflow_run=won.mlflow_run, until=NIGHT)
    assert "2013-01-02..2013-01-19" in made.reason
    assert step("promote", NAME, run=won.run, mlflow_run=won.mlflow_run).version == "4"
    assert champion_now() == "4"
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry.kind, entry.replaces, entry.champion, entry.evaluated) == ("promoted", "2", "2", second)
    assert entry.evidence["for"] >= entry.evidence["needed"]
    assert entry.by
    assert step("duel", NAME, partition=NIGHT).outcome == "unchanged"
    # The predecessor stays on in shadow; where the evidence turns, it is champion again.
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    assert step("score", NAME, partition=following).shadows == 1
    measured = step("performance", NAME, partition=following)
    path = drift.folder(catalog.load(NAME), following) / "performance.json"
    turned = [[shift(NIGHT, i), 72, -72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": turned}))
    back = step("duel", NAME, partition=following)
    assert (back.verdict, back.version) == ("rollback", "2")
    assert "rolled back" in back.reason
    assert champion_now() == "2"
    entry = ledger.read(catalog.load(NAME))[-1]
    assert (entry.kind, entry.version, entry.left, entry.automatic) == ("rolled_back", "2", "4", True)
    assert step("duel", NAME, partition=following).verdict == "rollback"
    assert kinds().count("rolled_back") == 1


def test_a_predecessor_that_is_beaten_is_released(second: str) -> None:
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    for name in ("refit", "promote"):
        step(name, NAME, run="second", mlflow_run=second)
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    measured = live_night(following)
    path = drift.folder(catalog.load(NAME), following) / "performance.json"
    beaten = [[shift(NIGHT, i), 72, 72 * 30.0, 0] for i in range(15)]
    path.write_text(json.dumps({**measured.model_dump(mode="json"), "predecessor": beaten}))
    assert step("duel", NAME, partition=following).verdict == "wait"
    assert kinds()[-1] == "released"


def test_who_is_beaten_or_out_of_time_leaves_the_ring(second: str) -> None:
    live_night()
    win(second, difference=30.0)
    assert step("duel", NAME, partition=NIGHT).verdict == "wait"
    assert ledger.read(catalog.load(NAME))[-1].beaten
    assert step("score", NAME, partition=shift(NIGHT, -1)).shadows == 0
