"""The story of `make run`: the loop on real flights, every part of it a run of Airflow's own.

January 2013 is imported as one run over a range of days, a first champion is trained, and then the nights of February
follow day by day: ingest, score, monitor, and a retraining whenever the evidence asks for one. Nothing is staged: the
runs have names, so that a story that was interrupted is taken up where it stopped, and one that was told is only read
again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from deploy.local.client import Airflow
from ratchet import partitions
from ratchet.decisions import lifecycle
from ratchet.errors import ServiceError
from ratchet.lifecycle import dataset

ENDED = ("success", "failed")
PATIENCE = 600.0  # seconds for one run


@dataclass
class Story:
    """Which loop, which days, and where the time went."""

    loop: str = "flight_delays"
    history: str = "2013-01-01..2013-01-31"
    nights: str = "2013-02-01..2013-02-28"
    corrections: dict[str, str] = field(default_factory=lambda: {"2013-02-14": "2013-02-12"})  # after a night: a day
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # by phase


def tell(story: Story, airflow: Airflow, console: Console) -> None:
    """Drive the loop through the story. Raises ServiceError where a run fails that should not."""
    _wait_for_dags(story, airflow, console)
    console.rule(f"History: {story.history}")
    _run(
        story,
        airflow,
        console,
        "history",
        "ingest",
        f"history__{'__'.join(story.history.split('..'))}",
        conf={"partitions": story.history},
    )
    console.rule("The first champion")
    until = partitions.parse(story.history)[-1]
    conf = {"reason": f"first champion, from {story.history}", "until": until}
    _run(story, airflow, console, "first champion", "train", "first-champion", conf=conf)
    if lifecycle.champion(dataset.registry().ledger(story.loop)) is None:
        raise ServiceError(
            f"The first champion was not promoted. Its run {story.loop}.train first-champion says why, in task gate"
        )
    console.rule(f"Nights: {story.nights}")
    for night in partitions.parse(story.nights):
        _night(story, airflow, console, night)
        if day := story.corrections.get(night):
            _correction(story, airflow, console, day)


def _correction(story: Story, airflow: Airflow, console: Console, day: str) -> None:
    """Let a day be sent again: what had not been reported yet is in it now."""
    run = f"again__{day}"
    ended = _run(story, airflow, console, "a correction", "ingest", run, conf={"partitions": day})
    if ended["state"] == "failed":
        raise ServiceError(f"{story.loop}.ingest {run} failed: {_why(airflow, ended)}")
    published = airflow.xcom(f"{story.loop}.ingest", run, "publish")
    if published:
        console.print(f"  [yellow]sent again:[/] {published['reason']}")


def _night(story: Story, airflow: Airflow, console: Console, night: str) -> None:
    ingested = _run(story, airflow, console, "nights: ingest", "ingest", f"night__{night}", partition=night)
    if not any(task["task_id"] == "publish" and task["state"] == "success" for task in ingested["tasks"]):
        verdict = dataset.registry().verdict(story.loop, night)
        if verdict is None or verdict.status == "accepted":
            raise ServiceError(f"{story.loop}.ingest failed for {night}: {_why(airflow, ingested)}")
        return  # refused or empty: there is nothing to score, and what the monitor makes of it the next night shows
    for part in ("score", "monitor"):
        followed = _follow(story, airflow, console, f"nights: {part}", part, night)
        if followed["state"] == "failed":
            raise ServiceError(
                f"{story.loop}.{part} failed for {night}. "
                "See the task's log in the UI (make up), or in var/airflow/logs"
            )
    duel = airflow.xcom(f"{story.loop}.monitor", followed["dag_run_id"], "duel") or {"verdict": "wait"}
    if duel["verdict"] != "wait":
        console.print(f"  [yellow]the duel decides:[/] {duel['reason']}")
    decided = airflow.xcom(f"{story.loop}.monitor", followed["dag_run_id"], "decide") or {"verdict": "wait"}
    if decided["verdict"] == "retrain":
        console.print(f"  [yellow]asked for a retraining:[/] {decided['reason']}")
        started = time.monotonic()
        trained = _watch(story, airflow, console, "train", decided["key"])
        story.seconds["nights: retrain"] += time.monotonic() - started
        gate = airflow.xcom(f"{story.loop}.train", decided["key"], "gate") or {
            "reason": f"the run ended as {trained['state']}"
        }
        console.print(f"  [yellow]judged:[/] {gate['reason']}")


def _run(
    story: Story,
    airflow: Airflow,
    console: Console,
    phase: str,
    part: str,
    run_id: str,
    *,
    partition: str | None = None,
    conf: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Start a run and watch it to its end.

    A run of an earlier, interrupted story is taken up, a failed one tried again.
    """
    dag_id, started = f"{story.loop}.{part}", time.monotonic()
    if (
        not airflow.trigger(dag_id, run_id, partition=partition, conf=conf)
        and airflow.run(dag_id, run_id)["state"] == "failed"
    ):
        airflow.clear_failed(dag_id, run_id)
    ended = _watch(story, airflow, console, part, run_id)
    story.seconds[phase] += time.monotonic() - started
    if ended["state"] == "failed" and part != "ingest":
        raise ServiceError(f"{dag_id} {run_id} failed: {_why(airflow, ended)}")
    return ended


def _follow(story: Story, airflow: Airflow, console: Console, phase: str, part: str, night: str) -> dict[str, Any]:
    """Find the run that the assets started for a partition, and watch it as far as the next night waits for it."""
    dag_id, started = f"{story.loop}.{part}", time.monotonic()
    while True:
        found = [run for run in airflow.runs(dag_id, partition=night) if run["partition_key"] == night]
        if found:
            break
        if time.monotonic() - started > PATIENCE:
            raise ServiceError(
                f"No run of {dag_id} followed for {night} within {PATIENCE:.0f} s. Does the scheduler run? make up"
            )
        time.sleep(0.2)
    last = "close" if part == "monitor" else ""  # after it, what explains an alarm, for which nobody waits
    ended = _watch(story, airflow, console, part, found[0]["dag_run_id"], last)
    story.seconds[phase] += time.monotonic() - started
    return ended


def _watch(story: Story, airflow: Airflow, console: Console, part: str, run_id: str, last: str = "") -> dict[str, Any]:
    """Show a run's tasks while it goes on; return it, with its tasks, when it, or the task `last`, has ended well."""
    dag_id, started = f"{story.loop}.{part}", time.monotonic()
    looked = started
    with console.status(f"{dag_id} {run_id}") as status:
        while (run := airflow.run(dag_id, run_id))["state"] not in ENDED:
            if time.monotonic() - looked > 1:  # what is told a person every second, the API server need not find thrice
                looked, tasks = time.monotonic(), airflow.tasks(dag_id, run_id)
                if any(t["task_id"] == last and t["state"] == "success" for t in tasks):
                    run = {**run, "state": "success"}
                    break
                now = next((t["task_id"] for t in tasks if t["state"] in ("running", "queued", "up_for_retry")), "…")
                status.update(f"{dag_id} {run_id}: {now}, {looked - started:.0f} s")
            if time.monotonic() - started > PATIENCE:
                raise ServiceError(
                    f"{dag_id} {run_id} has not ended after {PATIENCE:.0f} s. Its tasks' logs are in the UI (make up)"
                )
            time.sleep(0.3)
    tasks = airflow.tasks(dag_id, run_id)
    shown = "  ".join(f"{t['task_id']} {_mark(t)}" for t in tasks)
    colour = "green" if run["state"] == "success" else "red"
    console.print(
        f"[{colour}]{'✓' if run['state'] == 'success' else '✗'}[/] {dag_id:22} {run_id[:44]:44}  {shown}",
        highlight=False,
    )
    ended = {**run, "tasks": tasks}
    if run["state"] == "failed":
        console.print(f"  [red]{_why(airflow, ended)}[/]", highlight=False)
    return ended


def _mark(task: dict[str, Any]) -> str:
    if task["state"] == "success":
        return f"{task['duration'] or 0:.1f}s"
    return str(task["state"] or "-").replace("upstream_failed", "-")


def _why(airflow: Airflow, run: dict[str, Any]) -> str:
    return run.get("note") or airflow.run(run["dag_id"], run["dag_run_id"]).get("note") or "the task's log says why"


def _wait_for_dags(story: Story, airflow: Airflow, console: Console) -> None:
    wanted = [f"{story.loop}.{part}" for part in ("ingest", "train", "score", "monitor")]
    started = time.monotonic()
    with console.status("waiting for the DAG processor"):
        while not all(name in airflow.dags() for name in wanted):
            if errors := airflow.import_errors():
                raise ServiceError("A DAG file cannot be imported.\n" + "\n".join(errors))
            if time.monotonic() - started > PATIENCE:
                raise ServiceError(
                    f"The DAG processor has not found {', '.join(wanted)} after {PATIENCE:.0f} s. "
                    "See var/run/dag-processor.log"
                )
            time.sleep(0.2)
    for name in wanted:
        airflow.unpause(name)
