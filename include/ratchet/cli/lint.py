"""`ratchet lint`: check loops."""

from __future__ import annotations

import os

import click

from ratchet import catalog, installation
from ratchet.adapters import expectations
from ratchet.contract.reading import fail, nearest
from ratchet.data import features
from ratchet.errors import ContractError, explain
from ratchet.settings import Settings

ALL_ADMINS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"


@click.command(short_help="Check loops: contract, what it names, suites, and SQL.")
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
            if loop.gate.approval and _everybody_is_admin():
                raise fail(
                    loop,
                    ("gate", "approval"),
                    "approval asks people, and Airflow here lets everybody be an admin "
                    f"({ALL_ADMINS}): who has answered would not be known. Switch that off",
                )
            found = features.dry_run(loop)
            click.echo(
                f"{name}: {loop.task}, {len(loop.tables)} tables, {len(found)} features, {loop.training.trainer}. "
                "In order"
            )
        except ContractError as error:
            wrong.append(str(error))
        except Exception as error:  # noqa: BLE001 (one loop's error is that loop's: the others are checked too)
            wrong.append(f"{name}: {explain(error)}")
    if wrong:
        raise ContractError("\n".join(wrong))


def _everybody_is_admin() -> bool:
    """Say whether Airflow, here or as `make up` described it, asks nobody who they are."""
    described = installation.read(Settings.current().var)
    said = os.environ.get(ALL_ADMINS) or (described.environment.get(ALL_ADMINS, "") if described else "")
    return said.lower() in ("true", "t", "1", "yes", "on")
