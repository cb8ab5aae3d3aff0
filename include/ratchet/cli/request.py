"""`ratchet request`: ask for a retraining."""

from __future__ import annotations

import click

from ratchet import catalog, installation
from ratchet.decisions.entries import Asked
from ratchet.lifecycle import ledger
from ratchet.settings import Settings


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it goes into the ledger, and with the model.")
def request(loop_name: str, reason: str) -> None:
    """Ask for a retraining of LOOP_NAME.

    The next night's decision admits it, unless a veto, a cool-down or the budget says no.
    """
    ledger.say(catalog.load(loop_name), Asked, reason)
    now = f"trigger the DAG {loop_name}.train"
    if installation.read(Settings.current().var) is None:
        now = (
            f"without Airflow: ratchet step snapshot --loop {loop_name} --run NAME, then train, evaluate, gate, refit "
            "and promote with the same --run (docs/nights.md#a-night-from-the-shell)"
        )
    click.echo(f"{loop_name}: asked; the next night decides. To train now, {now}")
