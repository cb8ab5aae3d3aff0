"""The `ratchet` command.

Exit codes: 0 done (or nothing to do), 2 an error that a retry does not help, 3 refused (a person has to look), 75 an
error that a retry may help.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from ratchet import __version__, environment
from ratchet.cli import step
from ratchet.errors import explain
from ratchet.text import lines

FAILED, REFUSED, RETRY = 2, 3, 75


# Command -> the file of this folder that holds it. It is imported when it is asked for: all of them together cost each
# step of a night 0.25 s.
_ALIKE = """
airflow approve calibrate champion data doctor facts history key lint new pause prune quarantine recover registry remove
rename replay request rollback schema start step upgrade
"""
COMMANDS = {**{name: name for name in _ALIKE.split()}, "reject": "approve", "resume": "pause", "stop": "start"}


class _Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"{__name__}.{COMMANDS[cmd_name]}"), cmd_name)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ratchet")
def ratchet() -> None:
    """Keep machine-learning models fresh, and replace one only on proof."""


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
