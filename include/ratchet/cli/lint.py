"""`ratchet lint`: check loops."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.adapters import expectations
from ratchet.contract.reading import nearest
from ratchet.data import features
from ratchet.errors import ContractError
from ratchet.settings import Settings


@click.command()
@click.argument("names", nargs=-1)
def lint(names: tuple[str, ...]) -> None:
    """Check loops, all by default: the contract, what it names, its suites, and its SQL over empty tables."""
    unknown = [name for name in names if name not in catalog.names()]
    if unknown:
        raise ContractError(f"There is no loop {unknown[0]!r}; {nearest(unknown[0], catalog.names())}")
    wrong = []
    for name in names or catalog.names():
        try:
            loop = catalog.load(name)
            for table in loop.tables.values():
                expectations.read_suite(Settings.current().suites, table.suite)
            found = features.dry_run(loop)
            click.echo(
                f"{name}: {loop.task}, {len(loop.tables)} tables, {len(found)} features, {loop.training.trainer}. "
                "In order"
            )
        except ContractError as error:
            wrong.append(str(error))
    if wrong:
        raise ContractError("\n".join(wrong))
