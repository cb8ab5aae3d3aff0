"""`ratchet request`: ask for a retraining."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.decisions.entries import Asked
from ratchet.lifecycle import ledger


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it goes into the ledger, and with the model.")
def request(loop_name: str, reason: str) -> None:
    """Ask for a retraining of LOOP_NAME.

    The next night's decision admits it, unless a veto, a cool-down or the budget says no.
    """
    ledger.say(catalog.load(loop_name), Asked, reason)
    click.echo(f"{loop_name}: asked; the next night decides. To train now, trigger the DAG {loop_name}.train")
