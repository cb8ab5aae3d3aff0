"""`python -m deploy.local run|up|down`: what `make run`, `make up` and `make down` call."""

from __future__ import annotations

import os
import sys
import time

import click
from rich.console import Console
from rich.markup import escape

from deploy.local import client, services, summary
from deploy.local.environment import USER, Local
from deploy.local.story import Story, tell
from ratchet.errors import RatchetError


@click.group()
def main() -> None:
    """Run the local installation."""


@main.command()
@click.option("--nights", default=Story.nights, show_default=True, help="The range of nights to tell.")
@click.option("--history", default=Story.history, show_default=True, help="The range of days imported beforehand.")
def run(nights: str, history: str) -> None:
    """Drive the loop through its story, then stop what was started for it."""
    local, console = Local.current(), _console()
    story, started = Story(history=history, nights=nights), time.monotonic()
    before = services.running(local)
    try:
        services.up(local, lambda text: console.print(f"[dim]{text}[/]"))
        story.seconds["services"] = time.monotonic() - started
        _point_at(local)
        with client.connect(local) as airflow:
            tell(story, airflow, console)
            summary.show(story, local, console)
    finally:
        if not before:
            services.down(local, lambda text: console.print(f"[dim]{text}[/]"))
    console.print(
        "\nLook at it: [bold]make up[/] serves Airflow and MLflow over this state, [bold]make down[/] stops them."
    )


@main.command()
def up() -> None:
    """Leave Airflow and MLflow running."""
    local, console = Local.current(), _console()
    services.up(local, lambda text: console.print(f"[dim]{text}[/]"))
    console.print(
        f"Airflow  {local.airflow_url}   user [bold]{USER}[/], password [bold]{local.password()}[/]", highlight=False
    )
    logins = ", ".join(f"{name} ({role})" for name, role in {USER: "admin", **local.users}.items())
    console.print(
        f"Logins   {logins}; the passwords are in {escape(str(local.passwords))}", highlight=False, soft_wrap=True
    )
    console.print(f"MLflow   {local.mlflow_url}", highlight=False)
    console.print(
        "Next: [bold]ratchet start LOOP[/] lets a loop's DAGs run by themselves (ratchet is in .venv/bin). "
        "[bold]make down[/] stops it all.",
        highlight=False,
    )


@main.command()
def down() -> None:
    """Stop what `up` started."""
    console = _console()
    services.down(Local.current(), console.print)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False)


def _point_at(local: Local) -> None:
    """Let the library in this process find the installation's MLflow."""
    os.environ["MLFLOW_TRACKING_URI"] = local.mlflow_url


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except RatchetError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nInterrupted. The same command takes the story up where it stopped.", err=True)
        sys.exit(130)
