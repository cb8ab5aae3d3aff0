"""Gate: the verdict, and what it leaves."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.lifecycle import ledger
from tests.conftest import step, train
from tests.given.duels import NAME, NIGHT, live_night
from tests.given.duels import kinds as duel_kinds
from tests.given.trained import kinds


def test_a_challenger_below_its_floor_is_held_and_never_registered(wind: str, tracked: Path) -> None:
    path = tracked / "loops" / wind / "loop.yaml"
    path.write_text(path.read_text().replace("mae: {max: 10}", "mae: {max: 0.001}"))
    held = train(wind, "first")
    assert held.outcome == "skipped"
    assert "mae is" in held.reason
    assert kinds(wind) == ["rejected"]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        assert not client.raw.search_model_versions(f"name = '{wind}'")


def test_a_fresher_challenger_carries_the_recipes_evidence_on(second: str) -> None:
    live_night()
    step("snapshot", NAME, run="third", until=NIGHT)
    third = step("train", NAME, run="third").mlflow_run
    step("evaluate", NAME, run="third", mlflow_run=third)
    verdict = step("gate", NAME, run="third", mlflow_run=third)
    assert verdict.verdict == "wait", verdict.reason
    assert verdict.days == 7  # the second's seven, of which the third's own four holdout days are the last
    assert duel_kinds() == ["promoted", "waiting", "waiting", "left"]
    assert "carries its recipe's evidence on" in ledger.read(catalog.load(NAME))[-1].reason
