"""`ratchet rollback`: restore the champion before the present one."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.lifecycle import ledger


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it goes into the ledger.")
def rollback(loop_name: str, reason: str) -> None:
    """Restore the champion of LOOP_NAME before the present one."""
    entry = ledger.rollback(catalog.load(loop_name), reason)
    click.echo(f"v{entry.version} is the champion of {loop_name} again, in place of v{entry.left}")
