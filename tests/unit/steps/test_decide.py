"""Decide: is a retraining admitted?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.cli import ratchet
from ratchet.decisions import duel
from ratchet.errors import DataError
from ratchet.lifecycle import contracts, dataset, evidence, ledger, looks
from ratchet.partitions import shift
from ratchet.steps import decide, performance
from tests.conftest import ingest, step
from tests.given.watched import NIGHT, replace, turn


def test_bad_data_vetoes(watched: Path) -> None:
    replace(
        watched,
        "SELECT * FROM",
        "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp, CAST(900 AS DOUBLE) AS wind_speed) FROM",
    )
    assert ingest("wind_watched", NIGHT, "broken").outcome == "refused"
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=NIGHT)
    report = looks.folder(catalog.load("wind_watched"), NIGHT) / "drift.json"
    report.write_text(json.dumps({**json.loads(report.read_text()), "drifted": ["temp_now"]}))
    decided = step("decide", "wind_watched", partition=NIGHT)
    assert decided.verdict == "veto"
    assert NIGHT in decided.reason
    assert [entry.kind for entry in ledger.read(catalog.load("wind_watched"))] == ["won", "promoted", "vetoed"]


def test_a_person_asks_and_pauses(watched: Path) -> None:
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=NIGHT)
    report = looks.folder(catalog.load("wind_watched"), NIGHT) / "drift.json"
    report.write_text(json.dumps({**json.loads(report.read_text()), "drifted": []}))
    assert step("decide", "wind_watched", partition=NIGHT).verdict == "wait"
    for command in ("request", "pause"):
        assert CliRunner().invoke(ratchet, [command, "wind_watched", "--reason", "a new anemometer"]).exit_code == 0
    paused = step("decide", "wind_watched", partition=NIGHT)
    assert paused.verdict == "wait"
    assert "Paused: a new anemometer" in paused.reason
    CliRunner().invoke(ratchet, ["resume", "wind_watched"])
    admitted = step("decide", "wind_watched", partition=NIGHT)
    assert admitted.verdict == "retrain"
    assert "(a new anemometer)" in admitted.reason
    assert admitted.key == f"request__v1__{NIGHT}"
    assert [entry.kind for entry in ledger.read(catalog.load("wind_watched"))] == [
        "won",
        "promoted",
        "asked",
        "paused",
        "resumed",
        "requested",
    ]


def test_a_change_of_what_models_are_made_by_asks_for_one_training(watched: Path) -> None:
    replace(watched, "    drift: {columns: 1}\n", "    recipe: {}\n")
    turn(NIGHT)
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=NIGHT)
    assert decide.gather(catalog.load("wind_watched"), NIGHT).changed == ""
    sql = watched / "loops" / "wind_watched" / "features.sql"
    sql.write_text(sql.read_text() + "-- another")
    assert decide.gather(catalog.load("wind_watched"), NIGHT).changed.startswith("features.sql, trainer or parameters")


def test_decide_wants_a_night_that_was_measured(watched: Path) -> None:
    with pytest.raises(DataError, match="Run the steps drift and performance"):
        step("decide", "wind_watched", partition="2013-01-15")


def test_live_losses_in_a_loss_that_was_changed_are_held_against_nothing(watched: Path) -> None:
    """Absolute errors of now were held against the squared errors of the holdout, and mixed with older live ones."""
    loop, nights = catalog.load("wind_watched"), (NIGHT, "2013-01-17")
    for night in nights:
        if night != NIGHT:
            replace(watched, "loss: squared_error", "loss: absolute_error")
            turn(night)
            ingest("wind_watched", night, "night")
            step("score", "wind_watched", partition=night)
        for part in ("drift", "performance"):
            step(part, "wind_watched", partition=night)
        report = looks.folder(loop, night) / "drift.json"
        report.write_text(json.dumps({**json.loads(report.read_text()), "drifted": []}))
    path = looks.folder(loop, NIGHT) / "performance.json"
    look = json.loads(path.read_text())
    look["days"]["2013-01-12"] = look["days"]["2013-01-15"]  # a day that is measured no more
    path.write_text(json.dumps(look))
    before, after = (decide.gather(contract, nights[-1]) for contract in (loop, catalog.load("wind_watched")))
    assert (before.loss, after.loss, after.judged_in) == ("squared_error", "absolute_error", "squared_error")
    assert list(after.live) == ["2013-01-15", "2013-01-16"]
    assert all(loss < 10 for loss in after.live.values())
    decided = step("decide", "wind_watched", partition=nights[-1])
    assert "the champion's holdout was measured in squared_error, and there is none in absolute_error" in decided.reason
    _days_against_the_anchor_are_in_the_loss_of_now(nights[-1])


def _days_against_the_anchor_are_in_the_loss_of_now(night: str) -> None:
    loop, registry = catalog.load("wind_watched"), dataset.registry()
    measured = performance.read(loop, night)
    assert measured is not None
    assert measured.holdout_loss is None
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        known = evidence.Known(client, registry, registry.head(), champion, shift(night, -loop.label_delay_days))
        anew = evidence.against(loop, known, measured.anchor)
    assert len(anew) > 2
    assert duel.load(measured.anchored) == list(anew)


def test_a_night_asks_by_the_contract_that_it_began_with_and_names_what_it_saw(watched: Path) -> None:
    night, registry = "2013-01-17", dataset.registry()
    turn(night)
    before = contracts.take(catalog.load("wind_watched"))
    replace(watched, "calendar: {days: 3}", "calendar: {days: 30}")
    assert contracts.take(catalog.load("wind_watched")) != before
    ingest("wind_watched", night, "night")
    for part in ("score", "drift", "performance"):
        step(part, "wind_watched", partition=night)
    decided = step("decide", "wind_watched", partition=night)
    assert (decided.verdict, decided.key) == ("retrain", f"calendar__v1__{night}")
    asked = ledger.read(catalog.load("wind_watched"))[-1]
    assert (asked.kind, asked.contract) == ("requested", before)
    loop = catalog.load("wind_watched")
    for name in ("drift.json", "performance.json"):
        assert registry.fact(loop.name, asked.facts[name], Path(name).suffix) == looks.read(loop, night, name)
    known = json.loads(registry.fact(loop.name, asked.facts["night.json"]))
    assert (known["partition"], known["champion"], known["bad_data"]) == (night, "1", {})
    assert step("decide", "wind_watched", partition=night).outcome == "unchanged"
    assert ledger.read(loop)[-1] == asked
