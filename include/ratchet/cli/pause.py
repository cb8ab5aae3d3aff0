"""`ratchet pause`, `ratchet resume`: let no retraining be admitted, and let them be admitted again."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.decisions.entries import Paused, Resumed
from ratchet.lifecycle import ledger


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it is shown beside every retraining that is not admitted.")
def pause(loop_name: str, reason: str) -> None:
    """Admit no retraining of LOOP_NAME until `ratchet resume`. Scoring and monitoring go on."""
    ledger.say(catalog.load(loop_name), Paused, reason)
    click.echo(f"{loop_name}: no retraining is admitted until: ratchet resume {loop_name}")


@click.command()
@click.argument("loop_name")
@click.option("--reason", default="resumed", help="Why.")
def resume(loop_name: str, reason: str) -> None:
    """Admit retrainings of LOOP_NAME again."""
    ledger.say(catalog.load(loop_name), Resumed, reason)
    click.echo(f"{loop_name}: retrainings are admitted again")
