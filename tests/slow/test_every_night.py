"""A loop that retrains every night: one line of its contract, a few nights through the real scheduler.

Its tasks say what was decided, and none is skipped for a decision: only `give_up`, which waits for a failure, and
`explain`, which waits for an alarm.
"""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from deploy.local import client
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog
from ratchet.decisions.entries import Judged, Promoted, Requested, RolledBack, only
from ratchet.lifecycle import ledger
from ratchet.linting import admission
from ratchet.partitions import parse
from tests.end_to_end.conftest import states

pytestmark = pytest.mark.timeout(900)
STORY = Story("wind_nightly", "2013-01-02..2013-01-14", "2013-01-15..2013-01-18", corrections={})


def test_each_night_asks_once_trains_once_and_says_what_its_gate_found(
    local: Local, airflow: client.Airflow, console: Console
) -> None:
    """It retrained every fifth night: the default cool-down was five days, and its reason stood in a log."""
    loop, nights = catalog.load(STORY.loop), parse(STORY.nights)
    assert loop.retrain.model_fields_set == {"policies"}
    assert loop.retrain.policies == {"calendar": {"days": 1}}
    assert [*admission.remarks(loop)] == []
    tell(STORY, airflow, console)
    entries = ledger.read(loop)
    asked = only(entries, Requested)
    assert [each.partition for each in asked] == nights
    assert all("calendar: 1 days since the last training" in each.reason for each in asked)
    trained = states(airflow, "wind_nightly.train")
    assert trained == dict.fromkeys(["first-champion", *(each.evidence for each in asked)], "success")
    for each in asked:
        (judged,) = {look.evaluated for look in only(entries, Judged) if look.run == each.evidence}
        first = next(look for look in only(entries, Judged) if look.evaluated == judged)
        note = airflow.run("wind_nightly.train", each.evidence)["note"]
        assert each.reason[:100] in note
        assert f"gate: {first.reason}"[:200] in note
        assert _ended(airflow, "train", each.evidence) == {"success"}
    for night in nights:
        (run,) = airflow.runs("wind_nightly.monitor", partition=night)
        assert _ended(airflow, "monitor", run["dag_run_id"]) == {"success"}
    # Who listens to the model hears of a change of champion, and of nothing else.
    told = [_events(airflow, part, task) for part, task in (("train", "promote"), ("monitor", "promote"))]
    assert sum(told) == len(only(entries, Promoted))
    assert _events(airflow, "monitor", "duel") == len(only(entries, RolledBack))
    assert len(only(entries, Promoted)) < 1 + len(nights), "each night promoted: the test shows no decision not to"


def _ended(airflow: client.Airflow, part: str, run: str) -> set[Any]:
    tasks = airflow.tasks(f"{STORY.loop}.{part}", run)
    return {task["state"] for task in tasks if task["task_id"] not in ("give_up", "explain")}


def _events(airflow: client.Airflow, part: str, task: str) -> int:
    found = airflow.get("/api/v2/assets/events", source_dag_id=f"{STORY.loop}.{part}", source_task_id=task)
    return int(found["total_entries"])
