"""`ratchet request`, `ratchet pause`, `ratchet resume`: what a person says to the admission of retrainings."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.lifecycle import dataset, ledger


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it goes into the ledger, and with the model.")
def request(loop_name: str, reason: str) -> None:
    """Ask for a retraining of LOOP_NAME.

    The next night's decision admits it, unless a veto, a cool-down or the budget says no.
    """
    _write(loop_name, "asked", reason, "Ask for a retraining of")
    click.echo(f"{loop_name}: asked; the next night decides. To train now, trigger the DAG {loop_name}.train")


@click.command()
@click.argument("loop_name")
@click.option("--reason", required=True, help="Why; it is shown beside every retraining that is not admitted.")
def pause(loop_name: str, reason: str) -> None:
    """Admit no retraining of LOOP_NAME until `ratchet resume`. Scoring and monitoring go on."""
    _write(loop_name, "paused", reason, "Pause the retraining of")
    click.echo(f"{loop_name}: no retraining is admitted until: ratchet resume {loop_name}")


@click.command()
@click.argument("loop_name")
@click.option("--reason", default="resumed", help="Why.")
def resume(loop_name: str, reason: str) -> None:
    """Admit retrainings of LOOP_NAME again."""
    _write(loop_name, "resumed", reason, "Resume the retraining of")
    click.echo(f"{loop_name}: retrainings are admitted again")


def _write(loop_name: str, kind: str, reason: str, title: str) -> None:
    loop, registry = catalog.load(loop_name), dataset.registry()
    with registry.writer() as writer:
        count = len(registry.ledger(loop.name))
        ledger.write(writer, loop, f"{kind}:{count}", {"kind": kind, "reason": reason}, f"{title} {loop.name}")
