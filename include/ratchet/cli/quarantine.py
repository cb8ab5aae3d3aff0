"""`ratchet quarantine`: look at the rows that were not accepted, and put them back through."""

from __future__ import annotations

import io

import click

from ratchet import catalog
from ratchet.cli.step import Refused
from ratchet.contract.reading import nearest
from ratchet.data import tables
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset
from ratchet.partitions import parse


@click.group(short_help="Look at the rows not accepted, and put them back through.")
def quarantine() -> None:
    """Look at the rows that were not accepted, and put them back through."""


@quarantine.command("list")
@click.argument("loop_name")
def listed(loop_name: str) -> None:
    """List the partitions with rows in quarantine, and why."""
    loop, registry = catalog.load(loop_name), dataset.existing()
    held = {day: v for day, v in registry.verdicts(loop.name).items() if v.quarantined}
    for day, verdict in held.items():
        click.echo(f"{day}  {verdict.status:8}  {verdict.reason}")
    if not held:
        click.echo(f"Nothing of {loop.name} is in quarantine")


@quarantine.command("show", short_help="Print a partition's rows in quarantine, as CSV.")
@click.argument("loop_name")
@click.argument("partition")
@click.option("--table", help="Of one table; of the first by default.")
def show(loop_name: str, partition: str, table: str | None) -> None:
    """Print the rows of a partition that are in quarantine, as they came, as CSV: the number of each, and why.

    They are data: what is printed may be personal.
    """
    from pyarrow import csv

    from ratchet.steps import publish

    loop, registry = catalog.load(loop_name), dataset.existing()
    name = table or loop.main
    if name not in loop.tables:
        raise RequestError(f"{loop.name} has no table {name!r}; {nearest(name, list(loop.tables))}")
    verdict = registry.verdict(loop.name, partition)
    if verdict is None or not verdict.tables[name].quarantined:
        raise RequestError(
            f"Nothing of {name} is in quarantine of {partition}. See: ratchet quarantine list {loop.name}"
        )
    path = publish.quarantine_path(loop, partition, verdict.delivery, name)
    held = tables.texts(registry.read([path], registry.head())[path])
    sink = io.BytesIO()
    csv.write_csv(held, sink)
    click.echo(sink.getvalue().decode(), nl=False)


@quarantine.command("readmit", short_help="Validate rows of a day or range again, and publish them.")
@click.argument("loop_name")
@click.argument("partitions")
def readmit(loop_name: str, partitions: str) -> None:
    """Validate accepted and quarantined rows together again, and publish what now passes.

    PARTITIONS: a day, or a range as 2013-01-01..2013-01-31, of which the days are taken that have rows in quarantine.
    """
    from ratchet import steps
    from ratchet.steps import readmit as step

    loop, days = catalog.load(loop_name), parse(partitions)
    if len(days) > 1:
        verdicts = dataset.existing().verdicts(loop.name)
        days = [day for day in days if day in verdicts and verdicts[day].quarantined]
        if not days:
            raise RequestError(
                f"Nothing of {loop.name} {partitions} is in quarantine. See: ratchet quarantine list {loop.name}"
            )
    refused = []
    for day in days:
        result = step.run(loop, steps.ask("readmit", {"partition": day}))
        if result.outcome == "refused":
            refused.append(result.reason)
        else:
            click.echo(f"{result.reason}. To score what is new, trigger {loop_name}.score with the partition {day}")
    if refused:
        raise Refused("\n".join(refused))
