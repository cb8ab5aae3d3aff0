"""`ratchet airflow`: Airflow's own command line, on this installation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from ratchet import environment, installation
from ratchet.errors import MissingPackage
from ratchet.settings import Settings


class _PassedOn(click.Command):
    """A command whose arguments are all somebody else's, options, `--help` and `--` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []


@click.command(cls=_PassedOn, short_help="Run Airflow's own command line on this installation.")
@click.pass_context
def airflow(context: click.Context) -> None:
    """Run Airflow's own command line on the installation that `make up` started; its exit code is the answer.

    All that follows is Airflow's: `ratchet airflow dags list`, `ratchet airflow --help`.
    """
    sys.exit(run(context.args))


def run(arguments: list[str]) -> int:
    """Run `airflow` with these arguments and the installation's environment; return its exit code.

    Raises ServiceError where no installation is described.
    """
    found = installation.need(Settings.current().var)
    folder = Path(sys.executable).parent
    inherited = {**environment.of_service(), **environment.pick(*environment.AIRFLOW)}
    path = {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    # What Python warns of, Airflow prints on standard output, among what the command says: into `| jq`.
    given = {**inherited, **path, **found.command_environment(), "PYTHONWARNINGS": "ignore"}
    try:
        code = subprocess.run([str(folder / "airflow"), *arguments], env=given, check=False).returncode
    except FileNotFoundError:
        raise MissingPackage(f"There is no airflow in {folder}. Run: make install") from None
    return code if code >= 0 else 128 - code  # as a shell tells of a signal
