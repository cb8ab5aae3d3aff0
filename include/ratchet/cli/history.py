"""`ratchet history`: every decision about a loop's models."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.decisions import entries
from ratchet.lifecycle import ledger


@click.command()
@click.argument("loop_name")
def history(loop_name: str) -> None:
    """Print the ledger of LOOP_NAME: every decision about its models, oldest first."""
    found = ledger.read(catalog.load(loop_name))
    if not found:
        click.echo(f"Nothing was decided about {loop_name} yet")
    for number, entry in enumerate(found, 1):
        told = entries.line(entry)
        against = told.get("replaces") or told.get("from") or told.get("champion")
        about = f"against v{against}" if against else ""
        click.echo(
            f"{number:4}  {entry.at}  {entry.kind:12} {ledger.what(entry):12} {about:12} "
            f"by {entry.by}  {told.get('run', '')}: {entry.reason}"
        )
