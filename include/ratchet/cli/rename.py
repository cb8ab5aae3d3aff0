"""`ratchet rename`: give a loop another name."""

from __future__ import annotations

import click

from ratchet.lifecycle import renaming


@click.command(short_help="Rename the loop OLD to NEW.")
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Rename the loop OLD to NEW: contract, DAGs, data, ledger, model and experiment carry on under it.

    What was interrupted is taken up by the same command.
    """
    renaming.rename(old, new, click.echo)
    click.echo(f"Stay as they are: its tables' and suites' names, and Airflow's past runs of {old}.*")
    click.echo(f"Next: ratchet lint {new}, then ratchet start {new}")
