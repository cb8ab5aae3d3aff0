"""`ratchet prune`: take away what need not be kept."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.steps import prune as step


@click.command(short_help="Take away what the contract says need not be kept.")
@click.argument("loop_name", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(loop_name: str, dry_run: bool) -> None:
    """Take away what the contract of LOOP_NAME (`keep`) says need not be kept; of all loops, where none is named.

    Decisions and what they rest on stay, and so does whatever a registered model was made of. The DAG ratchet.upkeep
    does the same every night.
    """
    for name in [loop_name] if loop_name else catalog.names():
        done = step.run(catalog.load(name), step.PruneRequest(dry_run=dry_run))
        click.echo(f"{name}: {done.reason}")
