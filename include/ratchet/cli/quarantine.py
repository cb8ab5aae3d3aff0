"""`ratchet quarantine`: look at the rows that were not accepted, and put them back through."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.cli.step import Refused
from ratchet.lifecycle import dataset


@click.group(short_help="Look at the rows not accepted, and put them back through.")
def quarantine() -> None:
    """Look at the rows that were not accepted, and put them back through."""


@quarantine.command("list")
@click.argument("loop_name")
def list_(loop_name: str) -> None:
    """List the partitions with rows in quarantine, and why."""
    loop, registry = catalog.load(loop_name), dataset.existing()
    held = {day: v for day, v in registry.verdicts(loop.name).items() if v.quarantined}
    for day, verdict in held.items():
        click.echo(f"{day}  {verdict.status:8}  {verdict.reason}")
    if not held:
        click.echo(f"Nothing of {loop.name} is in quarantine")


@quarantine.command("readmit", short_help="Validate a partition's rows again, and publish what passes.")
@click.argument("loop_name")
@click.argument("partition")
def readmit(loop_name: str, partition: str) -> None:
    """Validate a partition's accepted and quarantined rows together again, and publish what now passes."""
    from ratchet import steps
    from ratchet.steps import readmit as step

    result = step.run(catalog.load(loop_name), steps.ask("readmit", {"partition": partition}))
    if result.outcome == "refused":
        raise Refused(result.reason)
    click.echo(f"{result.reason}. To score what is new, trigger {loop_name}.score with the partition {partition}")
