"""Performance: predictions beside the labels that came."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset, evidence, predictions
from ratchet.partitions import shift
from ratchet.steps import performance
from tests.conftest import ingest, step
from tests.given import watched as given
from tests.given.duels import NAME, NIGHT, live_night

STRONGER = ("SELECT * FROM", "SELECT * REPLACE (wind_speed + 9 AS wind_speed) FROM")  # all labels differ


def _kept(place: Path, loop: str, upto: str) -> dict[str, bytes]:
    """Return what nights up to one have seen."""
    folders = (folder for folder in (place / "var" / "reports" / loop).glob("2*") if folder.name <= upto)
    return {f"{folder.name}/{path.name}": path.read_bytes() for folder in folders for path in folder.iterdir()}


def _live(day: str) -> Any:
    """Live a night of the watched loop as far as its performance."""
    given.turn(day)
    ingest("wind_watched", day, "night")
    step("score", "wind_watched", partition=day)
    return step("performance", "wind_watched", partition=day)


def test_who_waits_is_scored_in_shadow_and_fed_with_labels(second: str) -> None:
    scored = step("score", NAME, partition=NIGHT)
    assert scored.shadows == 1
    assert (predictions.folder(catalog.load(NAME), second) / f"{NIGHT}.parquet").exists()
    assert step("score", NAME, partition=NIGHT).outcome == "unchanged"
    step("score", NAME, partition=shift(NIGHT, -1))
    measured = step("performance", NAME, partition=NIGHT)
    assert measured.challengers == {second: 7}  # four held-out days, and the 17th to the 19th
    assert step("performance", NAME, partition=NIGHT).challengers == {second: 7}
    days = evidence.read(catalog.load(NAME), second)
    assert [day.key for day in days] == [shift("2013-01-13", i) for i in range(7)]
    looked = step("duel", NAME, partition=NIGHT)
    assert looked.verdict == "wait"
    assert "over 7 days" in looked.reason


def test_a_later_look_that_sees_something_else_lies_beside_the_first(watched: Path) -> None:
    first = step("performance", "wind_watched", partition=given.NIGHT)
    before = _kept(watched, "wind_watched", given.NIGHT)
    assert list(before) == [f"{given.NIGHT}/performance.json"]
    given.replace(watched, *STRONGER)
    ingest("wind_watched", "2013-01-15", "stronger")
    second = step("performance", "wind_watched", partition=given.NIGHT)
    assert second.days["2013-01-15"]["1"]["mae"] != first.days["2013-01-15"]["1"]["mae"]
    after = _kept(watched, "wind_watched", given.NIGHT)
    assert {name: after[name] for name in before} == before
    (more,) = set(after) - set(before)
    assert more == f"{given.NIGHT}/performance-{hashlib.sha256(after[more]).hexdigest()[:12]}.json"
    assert json.loads(after[more])["days"] == second.days
    # What decides is what was seen first; and the same look again writes nothing more.
    assert performance.read(catalog.load("wind_watched"), given.NIGHT) == first
    step("performance", "wind_watched", partition=given.NIGHT)
    assert _kept(watched, "wind_watched", given.NIGHT) == after


def test_a_day_that_was_corrected_is_measured_again_by_the_night_that_first_knows(watched: Path) -> None:
    loop, night = catalog.load("wind_watched"), "2013-01-19"
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=given.NIGHT)
    assert step("decide", "wind_watched", partition=given.NIGHT).verdict == "retrain"
    for day in ("2013-01-17", "2013-01-18"):
        assert "2013-01-15" in _live(day).days
        step("close", "wind_watched", partition=day)
    before, written = _kept(watched, "wind_watched", "2013-01-18"), dataset.registry().ledger_lines("wind_watched")
    learnt = performance.history(loop, "1", "2013-01-18")
    given.replace(watched, *STRONGER)
    corrected = ingest("wind_watched", "2013-01-15", "stronger")
    assert f"corrects 2013-01-15: 0 rows came, 0 went, 72 differ, 72 labels; known from the night of {night}" in (
        corrected.reason
    )
    given.replace(watched, *STRONGER[::-1])
    found = _live(night)
    # The window ends with the 18th and has three days: the 15th is measured because it was corrected.
    assert list(found.days) == ["2013-01-15", "2013-01-16", "2013-01-17", "2013-01-18"]
    assert found.reason.endswith("; measured again, as corrected: 2013-01-15")
    assert found.days["2013-01-15"]["1"]["loss"] != learnt["2013-01-15"]
    assert found.days["2013-01-16"]["1"]["loss"] == learnt["2013-01-16"]
    # What was decided before stays as it was decided, on what was known then.
    assert _kept(watched, "wind_watched", "2013-01-18") == before
    assert dataset.registry().ledger_lines("wind_watched")[: len(written)] == written
    assert performance.history(loop, "1", "2013-01-18") == learnt
    assert performance.history(loop, "1", night)["2013-01-15"] == found.days["2013-01-15"]["1"]["loss"]
    # The night after has heard of it.
    step("close", "wind_watched", partition=night)
    assert "measured again" not in _live("2013-01-20").reason
    # A decided night that is looked at again gives the same answer.
    assert step("decide", "wind_watched", partition=given.NIGHT).outcome == "unchanged"
    step("performance", "wind_watched", partition="2013-01-18")
    assert _kept(watched, "wind_watched", "2013-01-18") == before


@pytest.mark.parametrize("day", ["2013-01-14", "2013-01-18"])  # held out from the challenger; after its holdout
def test_a_duels_day_that_was_corrected_is_compared_again(second: str, tmp_path: Path, day: str) -> None:
    live_night()
    before = {each.key: each for each in evidence.read(catalog.load(NAME), second)}
    assert day in before
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace(*STRONGER))
    assert "72 labels" in ingest(NAME, day, "stronger").reason
    path.write_text(text)
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    assert live_night(following).challengers == {second: 8}
    after = {each.key: each for each in evidence.read(catalog.load(NAME), second)}
    assert sorted(after) == [*sorted(before), NIGHT]
    assert [key for key in before if after[key] != before[key]] == [day]
    assert after[day].rows == before[day].rows


def test_a_later_look_of_an_old_night_takes_no_correction_back(second: str, tmp_path: Path) -> None:
    path, day = tmp_path / "copy" / "loops" / NAME / "loop.yaml", "2013-01-18"
    text = path.read_text()
    live_night()
    before = evidence.read(catalog.load(NAME), second)
    for number, following in ((9, shift(NIGHT, 1)), (19, shift(NIGHT, 2))):
        path.write_text(text.replace("SELECT * FROM", f"SELECT * REPLACE (wind_speed + {number} AS wind_speed) FROM"))
        assert "72 labels" in ingest(NAME, day, f"stronger-by-{number}").reason
        path.write_text(text)
        step("turn", NAME, partitions=following, run="night")
        ingest(NAME, following, "night")
        step("score", NAME, partition=following)
        step("performance", NAME, partition=following)
        step("close", NAME, partition=following)
        before, known = evidence.read(catalog.load(NAME), second), before
        assert next(each for each in before if each.key == day) not in known
    step("performance", NAME, partition=shift(NIGHT, 1))
    assert evidence.read(catalog.load(NAME), second) == before
