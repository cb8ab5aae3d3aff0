"""`ratchet upgrade`: bring the state of an older version forward."""

from __future__ import annotations

import click

from ratchet.lifecycle import upgrade as upgrading


@click.command(short_help="Bring the state of an older Ratchet to this one's format.")
def upgrade() -> None:
    """Bring the state that an older Ratchet has written to the format of this one: contracts, MLflow's tags, registry.

    Run it with MLflow up (make up) and no DAG running. Twice is once. What was there before stands in Git's history.
    """
    if upgrading.upgrade(click.echo):
        click.echo("The state is up to date")
    else:
        click.echo("There is nothing to bring forward")
