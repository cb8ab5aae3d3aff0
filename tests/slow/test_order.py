"""Nights asked for at once, in any order, twice, and one by one come to the same; what was missed is made up in order.

Through the real scheduler, with two loops that differ in name alone.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from rich.console import Console

from deploy.local import client
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog
from ratchet.data import tables
from ratchet.decisions.entries import Entry, line
from ratchet.lifecycle import dataset, ledger, nights, predictions, verification
from ratchet.partitions import parse, shift
from tests.end_to_end.conftest import wait_for
from tests.given.lives import by_key

pytestmark = pytest.mark.timeout(1800)  # a test here lives many nights

LOOPS = ("wind", "wind_at_once")
HISTORY, WEEK = "2013-01-02..2013-01-14", "2013-01-15..2013-01-21"
OWN = (
    "at",
    "by",
    "before",
    "key",
    "mlflow_run",
    "evaluated",
    "model",
    "minutes",
    "data",
    "line",
    "contract",
    "facts",
)  # of a life, not of what it came to


def test_a_week_asked_for_at_once_comes_to_what_it_comes_to_night_by_night(
    local: Local, airflow: client.Airflow, console: Console
) -> None:
    tell(Story("wind", HISTORY, WEEK), airflow, console)
    _first_champion(airflow, "wind_at_once")
    asked = [(run, day) for run in ("once", "again") for day in parse(WEEK)]
    random.Random(7).shuffle(asked)
    assert [day for run, day in asked if run == "once"] != parse(WEEK)
    for run, day in asked:
        airflow.trigger("wind_at_once.ingest", f"{run}__{day}", partition=day)
    wait_for(lambda: _lived("wind_at_once", WEEK), patience=900)
    for day in parse(WEEK):
        one, other = (tables.read_table(predictions.live(catalog.load(loop), day)) for loop in LOOPS)
        assert one.equals(other), day
    told = [_what(ledger.read(catalog.load(loop))) for loop in LOOPS]
    assert told[0] == told[1]
    assert sum(entry["kind"] == "requested" for entry in told[0]) >= 2
    # Each night was published once, in order, whatever came first; the second run of it found nothing to do.
    published = _published("wind_at_once")
    assert published == sorted(published)
    assert len(published) == len(set(published))
    wait_for(lambda: not _running(airflow, "wind_at_once.ingest"))
    second = [airflow.run("wind_at_once.ingest", f"{run}__{day}")["note"] or "" for run, day in asked]
    assert sum("its night is over" in note for note in second) >= 7  # more where a run of its own made a night up
    assert any("waits for the night of" in note for note in second)


def test_what_was_missed_while_the_machine_was_off_is_made_up_in_order(local: Local, airflow: client.Airflow) -> None:
    missed = f"{shift(parse(WEEK)[-1], 1)}..{shift(parse(WEEK)[-1], 8)}"
    last = parse(missed)[-1]
    airflow.trigger("wind.ingest", f"night__{last}", partition=last)
    wait_for(lambda: _lived("wind", missed), patience=900)
    assert _published("wind")[-8:] == parse(missed)
    for day in parse(missed):
        assert predictions.live(catalog.load("wind"), day).exists()
    note = airflow.run("wind.ingest", f"night__{parse(missed)[0]}")["note"]
    assert note.startswith(f"made up: nobody had asked for it before {parse(missed)[1]}")
    assert verification.verify(dataset.registry(), "wind").entries


def test_a_range_is_scored_and_monitored_like_nights(local: Local, airflow: client.Airflow) -> None:
    days = "2013-01-30..2013-01-31"
    airflow.trigger("wind.ingest", "a-range", conf={"partitions": days})
    wait_for(lambda: _lived("wind", days), patience=300)
    for day in parse(days):
        wait_for(lambda day=day: any(r["state"] == "success" for r in airflow.runs("wind.monitor", partition=day)))


def _first_champion(airflow: client.Airflow, loop: str) -> None:
    for part in ("ingest", "train", "score", "monitor"):
        airflow.unpause(f"{loop}.{part}")
    airflow.trigger(f"{loop}.ingest", "history", conf={"partitions": HISTORY})
    wait_for(lambda: airflow.run(f"{loop}.ingest", "history")["state"] == "success")
    conf = {"reason": f"first champion, from {HISTORY}", "until": parse(HISTORY)[-1]}
    airflow.trigger(f"{loop}.train", "first-champion", conf=conf)
    wait_for(lambda: airflow.run(f"{loop}.train", "first-champion")["state"] == "success")


def _lived(loop: str, days: str) -> bool:
    registry = dataset.registry()
    ended = [nights.ended(registry, loop, day) for day in parse(days)]
    if any(fact and fact["state"] == "given_up" for fact in ended):
        pytest.fail(f"a night was given up: {ended}")
    over = all(fact or _judged(loop, day) for fact, day in zip(ended, parse(days), strict=True))
    return over and not nights.waits_for(registry, loop, shift(parse(days)[-1], 1))


def _judged(loop: str, day: str) -> bool:
    """Say whether a night is open only because it waited for a training, which is judged."""
    return any(night.partition == day and night.training for night in nights.opened(dataset.registry(), loop))


def _published(loop: str) -> list[str]:
    titles = dataset.registry().git("log", "--reverse", "--format=%s", "--", f"{loop}/data").splitlines()
    return [title.split()[-1] for title in titles if title.startswith(f"Publish {loop} ")]


def _running(airflow: client.Airflow, dag_id: str) -> bool:
    found = airflow.get(f"/api/v2/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
    return any(run["state"] in ("queued", "running") for run in found)


def _what(entries: list[Entry]) -> list[dict[str, Any]]:
    named = by_key(entries)  # a baseline is called by MLflow's name of the run that learnt it
    return [
        json.loads(named(json.dumps({name: value for name, value in line(entry).items() if name not in OWN})))
        for entry in entries
    ]
