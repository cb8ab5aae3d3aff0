"""The `ratchet` command.

Exit codes: 0 done (or nothing to do), 2 an error that a retry does not help, 3 refused (a person has to look), 75 an
error that a retry may help.
"""

from __future__ import annotations

import os
import sys

import click

from ratchet import __version__, environment
from ratchet.cli import (
    airflow,
    approve,
    calibrate,
    champion,
    data,
    doctor,
    facts,
    history,
    key,
    lint,
    new,
    pause,
    prune,
    quarantine,
    recover,
    registry,
    remove,
    rename,
    replay,
    request,
    rollback,
    schema,
    start,
    step,
    upgrade,
)
from ratchet.errors import explain
from ratchet.text import lines

FAILED, REFUSED, RETRY = 2, 3, 75


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ratchet")
def ratchet() -> None:
    """Keep machine-learning models fresh, and replace one only on proof."""


for command in (
    step.step,
    lint.lint,
    doctor.doctor,
    schema.schema,
    new.new,
    key.key,
    data.data,
    quarantine.quarantine,
    registry.registry,
    recover.recover,
    prune.prune,
    history.history,
    facts.facts,
    champion.champion,
    rollback.rollback,
    request.request,
    approve.approve,
    approve.reject,
    pause.pause,
    pause.resume,
    calibrate.calibrate,
    replay.replay,
    upgrade.upgrade,
    start.start,
    start.stop,
    airflow.airflow,
    rename.rename,
    remove.remove,
):
    ratchet.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command, and turn errors into one sentence and an exit code."""
    os.environ.update(environment.with_loopback(os.environ))
    try:
        ratchet.main(args=arguments, prog_name="ratchet", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(FAILED)
    except click.Abort:
        sys.exit(130)
    except step.Refused as refused:
        click.secho(f"refused: {lines(str(refused))}", fg="yellow", err=True)
        sys.exit(REFUSED)
    except Exception as found:  # noqa: BLE001 (no traceback reaches a user)
        known = explain(found)
        click.secho(f"{type(known).__name__}: {lines(str(known))}", fg="red", err=True)
        sys.exit(RETRY if known.retriable else FAILED)
