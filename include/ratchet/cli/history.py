"""`ratchet history`: every decision about a loop's models."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.lifecycle import ledger


@click.command()
@click.argument("loop_name")
def history(loop_name: str) -> None:
    """Print the ledger of LOOP_NAME: every decision about its models, oldest first."""
    entries = ledger.read(catalog.load(loop_name))
    if not entries:
        click.echo(f"Nothing was decided about {loop_name} yet")
    for entry in entries:
        version = f"v{entry['version']}" if entry.get("version") else entry.get("partition", "")
        against = entry.get("replaces") or entry.get("from") or entry.get("champion")
        about = f"against v{against}" if against else ""
        click.echo(
            f"{entry['at']}  {entry['kind']:12} {version:12} {about:12} "
            f"by {entry['by']}  {entry.get('run', '')}: {entry['reason']}"
        )
