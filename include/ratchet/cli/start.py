"""`ratchet start`, `ratchet stop`: let the DAGs of a loop run by themselves, and let them rest."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console

from ratchet import catalog, installation
from ratchet.contract.loop import Loop
from ratchet.decisions import lifecycle
from ratchet.decisions.entries import Entries, Lost, Rejected
from ratchet.errors import ServiceError
from ratchet.installation import Installation
from ratchet.lifecycle import dataset, ledger
from ratchet.partitions import shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.adapters.airflow_api import Airflow

PARTS = ("ingest", "train", "score", "monitor")
ALSO = ("approve",)  # where the loop has it
PATIENCE = 180.0  # seconds until the DAG processor must have found the DAGs: it looks every 20
LASTING = 45.0  # seconds after which an import error is not a leftover of the file as it was before
HISTORY_DAYS = 30  # of history are suggested at least, where there is none


@click.command(short_help="Let the DAGs of LOOP_NAME run by themselves.")
@click.argument("loop_name")
def start(loop_name: str) -> None:
    """Let the DAGs of LOOP_NAME run by themselves, and say what comes next."""
    loop = catalog.load(loop_name)
    with _airflow() as (airflow, found):
        names = _await(loop, airflow, found)
        for name in names:
            airflow.unpause(name)
        click.echo(f"{loop.name} runs by itself: {', '.join(names)}. To stop it: ratchet stop {loop.name}")
        click.echo(_next_night(loop, airflow))
    for line in _by_hand(loop):
        click.echo(line)
    click.echo(f"Watch it at {found.airflow_url}/dags?tags={loop.name}")


@click.command()
@click.argument("loop_name")
def stop(loop_name: str) -> None:
    """Let no further run of LOOP_NAME's DAGs start. What runs ends; `ratchet start` goes on."""
    loop = catalog.load(loop_name)
    with _airflow() as (airflow, _):
        known = [name for name in _names(loop, (*PARTS, *ALSO)) if airflow.dag(name)]
        for name in known:
            airflow.pause(name)
    if known:
        click.echo(f"{loop.name} rests: {', '.join(known)}. To let it go on: ratchet start {loop.name}")
    else:
        click.echo(f"Airflow knows no DAG of {loop.name}: nothing runs. To start it: ratchet start {loop.name}")


@contextmanager
def _airflow() -> Iterator[tuple[Airflow, Installation]]:
    from ratchet.adapters import airflow_api

    found = installation.need(Settings.current().var)
    with airflow_api.connect(found.airflow_url, found.user, found.passwords) as airflow:
        yield airflow, found


def _names(loop: Loop, parts: tuple[str, ...]) -> list[str]:
    return [f"{loop.name}.{part}" for part in parts]


def _await(loop: Loop, airflow: Airflow, found: Installation) -> list[str]:
    """Wait until the DAG processor has found the DAGs of a loop; return the names of those there are.

    Raises ServiceError where it does not, with the file's import error where there is one.
    """
    wanted, started = _names(loop, PARTS), time.monotonic()
    console = Console(stderr=True)
    said = False
    with console.status("asking Airflow") as status:
        while missing := [name for name in wanted if airflow.dag(name) is None]:
            waited = time.monotonic() - started
            broken = [error for error in airflow.import_errors() if _is_about(loop, error)]
            if broken and waited > LASTING:
                raise ServiceError(f"The DAG file of {loop.name} cannot be imported. Mend it, then retry.\n{broken[0]}")
            if waited > PATIENCE:
                file, log = found.dags_folder / f"{loop.name}.py", found.var / "run" / "dag-processor.log"
                raise ServiceError(
                    f"Airflow has not found {', '.join(missing)} after {PATIENCE:.0f} s. "
                    f"Is there a file of the loop, as {file}? The log is {log}"
                )
            if not said and not sys.stderr.isatty():
                console.print(f"waiting for Airflow to find {', '.join(missing)} (it looks every 20 s)", soft_wrap=True)
            said = True
            status.update(f"waiting for Airflow to find {', '.join(missing)}, {waited:.0f} s")
            time.sleep(1)
    return [*wanted, *(name for name in _names(loop, ALSO) if airflow.dag(name))]


def _is_about(loop: Loop, error: str) -> bool:
    return f"{loop.name}.py" in error.splitlines()[0]


def _next_night(loop: Loop, airflow: Airflow) -> str:
    if not loop.schedule.ingest:
        return "Next: nothing by itself, for schedule.ingest is empty; give a run of ingest its days"
    at = (airflow.dag(f"{loop.name}.ingest") or {}).get("next_dagrun_run_after")
    when = f"at {dt.datetime.fromisoformat(at).astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else "soon"
    cron = f"{loop.schedule.ingest}, {loop.schedule.timezone}"
    return (
        f"Next: {when} it ingests the day before ({cron}), and what is due already, now; scoring and monitoring follow"
    )


def _by_hand(loop: Loop) -> list[str]:
    """Say what is there, and for what is not, the command that makes it."""
    if not dataset.begun():
        return [*_of_data(loop, [], []), *_of_champion(loop, [])]
    registry = dataset.existing()
    entries = registry.ledger(loop.name)
    refused = [f"{day}: {v.reason}" for day, v in registry.verdicts(loop.name).items() if v.status == "rejected"]
    waiting = [
        f"Waits for a person: {each.run}, asked about at {each.at}. Answer in Airflow's Required actions, or: "
        f"ratchet approve {loop.name} {each.run}"
        for each in lifecycle.unanswered(entries)
    ]
    days = dataset.published(registry, loop, registry.head())
    return [*_of_data(loop, days, refused), *waiting, *_of_champion(loop, entries)]


def _of_data(loop: Loop, days: list[str], refused: list[str]) -> Iterator[str]:
    if days:
        past = shift(days[-1], HISTORY_DAYS) < dt.datetime.now(dt.UTC).date().isoformat()
        told = "The nights of now are far from that: where the source ends there, say schedule: {ingest: null}. "
        hint = told if past else ""
        yield f"Data: {len(days)} days, {days[0]} to {days[-1]}. {hint}To import more:"
    else:
        yield "Data: none yet. To import history, name days that your source has:"
    yield f"  {_trigger(loop, 'ingest', partitions=_history(loop, days))}"
    if refused:
        count = f"{len(refused)} day{'s' if len(refused) > 1 else ''}"
        yield f"Refused: {count}, the last {refused[-1]}"
        yield f"  See: ratchet quarantine list {loop.name}. Once mended: ratchet quarantine readmit {loop.name} DAY"


def _of_champion(loop: Loop, entries: Entries) -> Iterator[str]:
    champion = next(reversed(ledger.champions(entries)), None)
    if champion:
        yield f"Champion: v{champion.version} since {champion.at}"
        return
    last = next((entry for entry in reversed(entries) if isinstance(entry, Rejected | Lost)), None)
    if isinstance(last, Lost):
        yield f"Champion: none since {last.at}, {last.reason}. Train another:"
    elif last:
        yield f"Champion: none yet. The training {last.run} was {last.reason}"
        yield f"  See: ratchet history {loop.name}; once that is mended, train again:"
    else:
        yield "Champion: none yet. Once history is published, train the first:"
    yield f"  {_trigger(loop, 'train', reason='first champion')}"


def _history(loop: Loop, days: list[str]) -> str:
    """Return the range that would come next: up to yesterday, after what there is, or enough to train on."""
    yesterday = shift(dt.datetime.now(dt.UTC).date().isoformat(), -1)
    if days and days[-1] < yesterday:
        return f"{shift(days[-1], 1)}..{min(shift(days[-1], HISTORY_DAYS), yesterday)}"
    window = loop.training.window if isinstance(loop.training.window, int) else 4 * loop.training.holdout_days
    count = max(HISTORY_DAYS, window + loop.label_delay_days)
    last = shift(days[0], -1) if days else yesterday
    return f"{shift(last, 1 - count)}..{last}"


def _trigger(loop: Loop, part: str, **conf: str) -> str:
    return f"ratchet airflow dags trigger {loop.name}.{part} --conf {shlex.quote(json.dumps(conf))}"
