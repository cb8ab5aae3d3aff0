"""`ratchet champion`: which version is, or was, champion."""

from __future__ import annotations

import datetime as dt

import click

from ratchet import catalog
from ratchet.decisions.entries import Lost, only
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger


@click.command()
@click.argument("loop_name")
@click.option("--at", "when", help="A day or an ISO time; now if left out.")
def champion(loop_name: str, when: str | None) -> None:
    """Say which version of LOOP_NAME is, or was, champion."""
    try:
        limit = dt.datetime.fromisoformat(when) if when else dt.datetime.now(dt.UTC)
    except ValueError:
        raise RequestError(f"{when!r} is not a time: give a day as 2013-01-31 or an ISO time") from None
    if when and len(when) == 10:
        limit += dt.timedelta(days=1)
    if limit.tzinfo is None:
        limit = limit.replace(tzinfo=dt.UTC)
    entries = dataset.existing().ledger(catalog.load(loop_name).name)
    entries = [each for each in entries if dt.datetime.fromisoformat(each.at) <= limit]
    changes = ledger.champions(entries)
    if not changes:
        lost = next((f": {each.reason}" for each in reversed(only(entries, Lost)) if each.vacant), "")
        now = f"{loop_name} has no champion{lost or ' yet'}"
        click.echo(f"{loop_name} had no champion then{lost}" if when else now)
        return
    click.echo(f"v{changes[-1].version} since {changes[-1].at}: {changes[-1].reason}")
