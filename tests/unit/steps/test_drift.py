"""Drift: a night beside the champion's own data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset, ledger
from ratchet.monitoring import distances
from ratchet.monitoring.histograms import Cells, Levels
from ratchet.steps import drift
from tests.conftest import ingest, step
from tests.given.nights import end
from tests.given.watched import NIGHT, replace, turn


def test_a_night(watched: Path) -> None:
    found = step("drift", "wind_watched", partition=NIGHT)
    assert found.days == 3
    assert set(_seen(watched)) == {"drift.json"}, "no decision needs a page"
    measured = step("performance", "wind_watched", partition=NIGHT)
    assert list(measured.days) == ["2013-01-15"]  # the labels of the 16th come a day later
    assert measured.days["2013-01-15"]["1"]["mae"] > 0
    decided = step("decide", "wind_watched", partition=NIGHT)
    before = dataset.registry().head()
    again = [step(part, "wind_watched", partition=NIGHT) for part in ("drift", "performance", "decide")]
    assert again[0].outcome == "unchanged"
    assert again[0].drifted == found.drifted
    assert again[1].days == measured.days
    assert (again[2].verdict, again[2].key) == (decided.verdict, decided.key)
    assert dataset.registry().head() == before


def test_a_broken_sensor_is_drift_and_asks_once(watched: Path) -> None:
    """All temperatures missing: the feature that says so drifts, however the others look."""
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp) FROM")
    ingest("wind_watched", f"2013-01-13..{NIGHT}", "broken-sensor")
    found = step("drift", "wind_watched", partition=NIGHT)
    assert "temp_now is" in found.drifted
    step("performance", "wind_watched", partition=NIGHT)
    decided = step("decide", "wind_watched", partition=NIGHT)
    assert decided.verdict == "retrain"
    assert decided.key == f"drift__v1__{NIGHT}"
    assert step("decide", "wind_watched", partition=NIGHT).key == decided.key
    requests = [entry for entry in ledger.read(catalog.load("wind_watched")) if entry.kind == "requested"]
    assert [entry.partition for entry in requests] == [NIGHT]


def test_where_counts_cannot_decide_the_rows_of_both_sides_are_asked(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = distances.between

    def vague(current: Cells | Levels, reference: Cells | Levels) -> tuple[float, float] | None:
        found = between(current, reference)
        return (0.0, 9.0) if found and isinstance(current, Cells) else found

    monkeypatch.setattr(distances, "between", vague)
    exact = step("drift", "wind_watched", partition=NIGHT)
    path = watched / "var" / "reports" / "wind_watched" / NIGHT / "drift.json"
    asked = json.loads(path.read_text())["columns"]
    path.unlink()
    monkeypatch.setattr(distances, "between", between)
    told = step("drift", "wind_watched", partition=NIGHT)
    assert told.drifted == exact.drifted
    counted = json.loads(path.read_text())["columns"]
    assert {name: each[0] for name, each in asked.items()} == pytest.approx(
        {name: each[0] for name, each in counted.items()}, abs=0.03
    )


def test_a_night_that_never_came_is_told_and_silences_nothing(watched: Path) -> None:
    """One missed night silenced drift for the whole window; nobody was told of it."""
    night = "2013-01-18"
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp) FROM")
    ingest("wind_watched", night, "broken-sensor")
    found = step("drift", "wind_watched", partition=night)
    assert (found.days, found.expected, found.never_came) == (2, 3, ("2013-01-17",))
    assert "temp_now is" in found.drifted
    assert found.reason.endswith("1 of 3 days of the window never came: 2013-01-17")
    step("performance", "wind_watched", partition=night)
    decided = step("decide", "wind_watched", partition=night)
    assert decided.verdict == "retrain"
    assert "on 2 of 3 days" in decided.reason
    assert "1 of 3 days of the window never came: 2013-01-17" in decided.reason


def test_a_day_of_rest_is_not_missed(watched: Path) -> None:
    night = "2013-01-18"
    replace(watched, "ingest: null", "ingest: null\n  holidays: [2013-01-17]")
    ingest("wind_watched", night, "after-the-holiday")
    found = step("drift", "wind_watched", partition=night)
    assert (found.days, found.expected, found.never_came) == (2, 2, ())
    assert "never came" not in found.reason
    assert "on 2 of 2 days" in found.reason


def _seen(place: Path) -> dict[str, bytes]:
    folder = place / "var" / "reports" / "wind_watched" / NIGHT
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def test_a_later_look_that_sees_something_else_lies_beside_the_first(watched: Path) -> None:
    first = step("drift", "wind_watched", partition=NIGHT)
    before = _seen(watched)
    assert set(before) == {"drift.json"}
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (temp + 40 AS temp) FROM")
    ingest("wind_watched", NIGHT, "warmer")
    second = step("drift", "wind_watched", partition=NIGHT)
    assert (second.outcome, "temp_now" in second.drifted, "temp_now" in first.drifted) == ("done", True, False)
    after = _seen(watched)
    assert {name: after[name] for name in before} == before
    (numbers,) = set(after) - set(before)
    mark = _hash(json.loads(after[numbers])["inputs"].encode())
    assert numbers == f"drift-{mark}.json"
    assert json.loads(after[numbers])["drifted"] == list(second.drifted)
    looked = drift.seen(catalog.load("wind_watched"), NIGHT)
    assert {at: tuple(found["drifted"]) for at, found in looked.items()} == {
        "": first.drifted,
        f"-{mark}": second.drifted,
    }
    # What decides is what was seen first.
    assert drift.read(catalog.load("wind_watched"), NIGHT) == json.loads(before["drift.json"])


def test_the_same_later_look_again_writes_nothing_more(watched: Path) -> None:
    step("drift", "wind_watched", partition=NIGHT)
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (temp + 40 AS temp) FROM")
    ingest("wind_watched", NIGHT, "warmer")
    second = step("drift", "wind_watched", partition=NIGHT)
    before = _seen(watched)
    again = step("drift", "wind_watched", partition=NIGHT)
    assert again.drifted == second.drifted
    assert _seen(watched) == before


def test_a_night_that_was_lived_knows_no_correction_that_came_after_it(watched: Path) -> None:
    night = "2013-01-17"
    turn(night)
    ingest("wind_watched", night, "night")
    step("score", "wind_watched", partition=night)
    first = step("drift", "wind_watched", partition=night)
    step("performance", "wind_watched", partition=night)
    folder = watched / "var" / "reports" / "wind_watched" / night
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    replace(watched, "SELECT * FROM", "SELECT * REPLACE (temp + 40 AS temp, wind_speed + 9 AS wind_speed) FROM")
    replace(watched, "window_days: 3", "window_days: 9")
    ingest("wind_watched", "2013-01-15..2013-01-16", "warmer")
    for _ in ("while it is open", "after it has ended"):
        again = step("drift", "wind_watched", partition=night)
        assert (again.outcome, again.days, again.drifted) == ("unchanged", 3, first.drifted)
        step("performance", "wind_watched", partition=night)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        end(night, "wind_watched")
