"""Performance: predictions beside the labels that came."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.data import tables
from ratchet.lifecycle import dataset, evidence, feature_days, predictions, records
from ratchet.partitions import shift
from ratchet.steps import performance
from tests.conftest import ingest, step
from tests.given import watched as given
from tests.given.duels import NAME, NIGHT, live_night, win
from tests.given.nights import end

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
    days = evidence.read(catalog.load(NAME), second).days
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
    given.replace(watched, "calendar: {days: 3}", "calendar: {days: 1}")
    loop, night = catalog.load("wind_watched"), "2013-01-19"
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=given.NIGHT)
    assert step("decide", "wind_watched", partition=given.NIGHT).verdict == "retrain"
    for day in ("2013-01-17", "2013-01-18"):
        assert "2013-01-15" in _live(day).days
        end(day, "wind_watched")
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
    end(night, "wind_watched")
    assert "measured again" not in _live("2013-01-20").reason
    # A decided night that is looked at again gives the same answer.
    assert step("decide", "wind_watched", partition=given.NIGHT).outcome == "unchanged"
    step("performance", "wind_watched", partition="2013-01-18")
    assert _kept(watched, "wind_watched", "2013-01-18") == before


@pytest.mark.parametrize("day", ["2013-01-14", "2013-01-18"])  # held out from the challenger; after its holdout
def test_a_duels_day_that_was_corrected_is_compared_again(second: str, tmp_path: Path, day: str) -> None:
    live_night()
    before = {each.key: each for each in evidence.read(catalog.load(NAME), second).days}
    assert day in before
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace(*STRONGER))
    assert "72 labels" in ingest(NAME, day, "stronger").reason
    path.write_text(text)
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    assert live_night(following).challengers == {second: 8}
    after = {each.key: each for each in evidence.read(catalog.load(NAME), second).days}
    assert sorted(after) == [*sorted(before), NIGHT]
    assert [key for key in before if after[key] != before[key]] == [day]
    assert after[day].rows == before[day].rows


def test_a_later_look_of_an_old_night_takes_no_correction_back(second: str, tmp_path: Path) -> None:
    path, day = tmp_path / "copy" / "loops" / NAME / "loop.yaml", "2013-01-18"
    text = path.read_text()
    live_night()
    before = evidence.read(catalog.load(NAME), second).days
    for number, following in ((9, shift(NIGHT, 1)), (19, shift(NIGHT, 2))):
        path.write_text(text.replace("SELECT * FROM", f"SELECT * REPLACE (wind_speed + {number} AS wind_speed) FROM"))
        assert "72 labels" in ingest(NAME, day, f"stronger-by-{number}").reason
        path.write_text(text)
        step("turn", NAME, partitions=following, run="night")
        ingest(NAME, following, "night")
        step("score", NAME, partition=following)
        step("performance", NAME, partition=following)
        end(following, NAME)
        before, known = evidence.read(catalog.load(NAME), second).days, before
        assert next(each for each in before if each.key == day) not in known
    step("performance", NAME, partition=shift(NIGHT, 1))
    assert evidence.read(catalog.load(NAME), second).days == before


SEEN = "were predicted by a model that was trained on that day or later: left out"


def test_a_day_that_is_backfilled_by_a_model_that_was_trained_on_it_has_no_live_loss(watched: Path) -> None:
    loop, day, night = catalog.load("wind_watched"), "2013-01-08", "2013-01-10"
    for each in (day, "2013-01-09"):
        step("score", "wind_watched", partition=each)
    found = step("performance", "wind_watched", partition=night)
    assert found.days == {day: {}, "2013-01-09": {}}
    assert f"72 rows of {day} {SEEN}" in found.reason
    assert "2013-01-09: nothing that counts" in found.reason
    assert performance.history(loop, "1", night) == {}
    assert list(step("performance", "wind_watched", partition="2013-01-09").estimated) == []  # of the 9th, seen too


def test_what_was_measured_of_a_seen_day_before_marks_were_is_no_live_loss(watched: Path) -> None:
    step("performance", "wind_watched", partition=given.NIGHT)
    path = watched / "var" / "reports" / "wind_watched" / given.NIGHT / "performance.json"
    look = json.loads(path.read_text())
    look["days"]["2013-01-08"] = look["days"]["2013-01-15"]
    path.write_text(json.dumps(look))
    assert list(performance.history(catalog.load("wind_watched"), "1", given.NIGHT)) == ["2013-01-15"]


@pytest.mark.parametrize("kept", [0, 62], ids=["a score task that was cleared", "rows that came late"])
def test_a_later_champion_is_not_measured_on_days_that_it_was_trained_on(second: str, kept: int) -> None:
    """It has learnt up to the 19th, of which v2 has told."""
    loop, day = catalog.load(NAME), shift(NIGHT, -1)
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    step("refit", NAME, run="second", until=NIGHT)
    version = step("promote", NAME, run="second").version
    path = predictions.live(loop, day)
    told = tables.read_table(path).slice(0, kept)
    path.unlink() if not kept else tables.write_table(told, path)
    assert step("score", NAME, partition=day).new == 72 - kept
    ingest(NAME, shift(NIGHT, 1))
    found = step("performance", NAME, partition=shift(NIGHT, 1))
    assert {version: of["rows"] for version, of in found.days[day].items()} == ({"2": kept} if kept else {})
    assert list(found.days[NIGHT]) == ["2"]
    assert f"{72 - kept} rows of {day} {SEEN}" in found.reason
    assert performance.history(loop, version, shift(NIGHT, 1)) == {}


def test_a_duel_is_not_fought_with_what_a_champion_has_told_of_a_day_that_it_was_trained_on(
    second: str, tmp_path: Path
) -> None:
    """The holdout of this challenger begins before the days of the champion end: there its evaluated model stands."""
    day, path = "2013-01-11", tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("max_iter: 60", "max_iter: 61"))  # a line of its own
    loop = catalog.load(NAME)
    step("snapshot", NAME, run="overlapping", until="2013-01-14")
    ours = step("train", NAME, run="overlapping").mlflow_run
    step("evaluate", NAME, run="overlapping", mlflow_run=ours)
    assert step("gate", NAME, run="overlapping", mlflow_run=ours).verdict == "wait"
    with runs.connected() as client:
        champion = models.champion(client, NAME)
    assert champion is not None
    twin = records.read(loop, champion.run_id).evaluated
    step("score", NAME, partition=day)  # a backfill
    text = path.read_text()
    path.write_text(text.replace(*STRONGER))
    assert "72 labels" in ingest(NAME, day, "stronger").reason
    path.write_text(text)
    ingest(NAME, shift(NIGHT, 1))
    live_night(shift(NIGHT, 1))
    rows = feature_days.of_days(dataset.registry(), loop, "HEAD", [day])
    with runs.connected():
        said = [predictions.shadow(dataset.registry(), loop, "HEAD", run, rows, day) for run in (ours, twin)]
    assert [each for each in evidence.read(loop, ours).days if each.key == day] == evidence.compare(
        loop, day, rows, *said
    )
