"""`ratchet lint`: check loops."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

import click

from ratchet import catalog, installation
from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.data import features, proof
from ratchet.decisions import hypothesis, needed
from ratchet.errors import ContractError, RatchetError, explain
from ratchet.lifecycle import dataset, evaluations, evidence, feature_days
from ratchet.linting import admission, bound, delivery, hindsight, patience, references, target, value
from ratchet.settings import Settings
from ratchet.text import counted

DAYS = 7  # of which features are proved at once
ALL_ADMINS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"


@click.command(short_help="Check loops: contract, what it names, suites, and SQL.")
@click.argument("names", nargs=-1)
@click.option("--sources", is_flag=True, help="Ask each source for a day too, and hold it to contract and suite.")
@click.option(
    "--data",
    "with_data",
    is_flag=True,
    help="Prove the features of the newest days that are published, and say how many days a duel will need.",
)
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="The day that sources are asked for: the last by default."
)
def lint(names: tuple[str, ...], sources: bool, with_data: bool, day: dt.datetime | None) -> None:
    """Check loops, all by default: the contract, what it names, its suites, and its SQL over a few made-up rows."""
    unknown = [name for name in names if name not in catalog.names()]
    if unknown:
        raise ContractError(f"There is no loop {unknown[0]!r}; {nearest(unknown[0], catalog.names())}")
    asked = (day.date() if day else dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)) if sources or day else None
    wrong = [] if names else [_stray(path.name) for path in catalog.strays()]
    for name in names or catalog.names():
        try:
            loop = catalog.load(name)
            wrong += [str(error) for error in _mistakes(loop, asked)]
            if with_data:
                wrong += _unproved(loop)
                _told_of_duels(loop)
        except ContractError as error:
            wrong.append(str(error))
        except Exception as error:  # noqa: BLE001 (one loop's error is that loop's: the others are checked too)
            wrong.append(f"{name}: {explain(error)}")
    if wrong:
        raise ContractError("\n".join(wrong))


def _mistakes(loop: Loop, day: dt.date | None) -> Iterator[ContractError]:
    """Yield what is wrong with a loop; where nothing is, say in a line what it is. day: which to ask its source for."""
    of_source, notes = delivery.mistakes(loop, day) if day is not None else ([], [])
    of_target = [*target.mistakes(loop)]
    wrong = [*references.suites(loop), *references.queries(loop), *_approval(loop), *of_source, *of_target]
    wrong += patience.mistakes(loop)
    notes += [*bound.remarks(loop), *patience.remarks(loop), *admission.remarks(loop)]
    found: list[str] = []
    try:
        found = features.dry_run(loop) if not of_target else []
    except ContractError as error:
        wrong.append(error)
    wrong += admission.mistakes(loop, found)
    if found:
        wrong += [*references.columns(loop, found), *value.mistakes(loop, found)]
        try:
            wrong += hindsight.mistakes(loop, found)
        except RatchetError as error:
            notes.append(f"whether a feature knows the target was not tried: the SQL fails over made-up rows: {error}")
    for note in notes:
        click.echo(f"{loop.name}: {note}")
    if not wrong:
        holds = f"{counted(len(loop.tables), 'table')}, {counted(len(found), 'feature')}"
        click.echo(f"{loop.name}: {loop.task}, {holds}, {loop.training.trainer}. In order")
    yield from wrong


def _unproved(loop: Loop) -> list[str]:
    """Say which features see more than was known on the newest days; where none does, say so in a line."""
    registry = dataset.existing()
    days = dataset.published(registry, loop, registry.head())[-DAYS:]
    if not days:
        return [f"{loop.name}: nothing is published yet, so no feature can be proved. Ingest some days first"]
    try:
        rows = feature_days.proved(registry, loop, registry.head(), days)
    except RatchetError as error:
        return [str(error)]
    click.echo(
        f"{loop.name}: the features of {rows:,} rows of {days[0]}..{days[-1]} see nothing that is known later, and "
        "nothing older than lookback_days, as far as the contract says when columns are known"
    )
    table = feature_days.of_days(registry, loop, registry.head(), days)
    names = [name for part in features.names(loop, table.column_names) for name in part]
    never = [name for name in names if table.column(name).null_count == table.num_rows]
    if never and len(days) > 1:  # of one day there may be no history yet
        click.echo(f"{loop.name}: nothing in any row of {', '.join(never)}. {proof.how(loop)}")
    return []


def _told_of_duels(loop: Loop) -> None:
    """Say how many days a duel will need, by the loop's own: they change, so it is no mistake of the contract."""
    past = evidence.past(loop, dataset.existing())
    by = needed.by_contract(loop)
    if past and loop.gate.bound is None:
        by = hypothesis.of_now(loop, evaluations.read(loop, [*past][-1]).scale)
    click.echo(f"{loop.name}: {needed.words(loop, needed.needed(loop, by, needed.past(past.values())))}")


def _approval(loop: Loop) -> Iterator[ContractError]:
    if loop.gate.approval and _everybody_is_admin():
        yield fail(
            loop,
            ("gate", "approval"),
            "approval asks people, and Airflow here lets everybody be an admin "
            f"({ALL_ADMINS}): who has answered would not be known. Switch that off",
        )


def _stray(name: str) -> str:
    """Say what a folder without a contract wants."""
    folder = Settings.current().loops / name
    near = next((path.name for path in sorted(folder.glob("*.y*ml")) if "loop" in path.name.lower()), None)
    want = f"Rename {near} to loop.yaml" if near else f"Write one (ratchet new {name}), or move the folder away"
    return f"{folder}: there is no loop.yaml, so this is no loop, and nothing runs of it. {want}"


def _everybody_is_admin() -> bool:
    """Say whether Airflow, here or as `make up` described it, asks nobody who they are."""
    described = installation.read(Settings.current().var)
    said = os.environ.get(ALL_ADMINS) or (described.environment.get(ALL_ADMINS, "") if described else "")
    return said.lower() in ("true", "t", "1", "yes", "on")
