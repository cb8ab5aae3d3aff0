"""`ratchet remove`: take a loop away."""

from __future__ import annotations

import click

from ratchet.errors import RequestError
from ratchet.lifecycle import removal


@click.command(short_help="Take the loop LOOP_NAME away; say what stays.")
@click.argument("loop_name")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would go.")
def remove(loop_name: str, yes: bool) -> None:
    """Take the loop LOOP_NAME away: its runs end, its files go. Data, decisions and models stay."""
    goes, stays = removal.plan(loop_name)
    click.echo("Goes:")
    for line in goes or ["nothing: no file of it is left"]:
        click.echo(f"  {line}")
    click.echo("Stays:")
    for line in stays:
        click.echo(f"  {line}")
    if not yes:
        raise RequestError(f"Nothing was removed. To do it: ratchet remove {loop_name} --yes")
    removal.remove(loop_name, click.echo)
    click.echo(f"{loop_name} is removed")
