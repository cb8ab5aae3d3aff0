"""`ratchet approve`, `ratchet reject`: answer whether a challenger that has won may be promoted."""

from __future__ import annotations

import click

from ratchet import catalog, steps
from ratchet.steps import answer

_BY = click.option(
    "--by", default="", help="Who says so: by default whom the system knows; another is marked as claimed."
)


@click.command()
@click.argument("loop_name")
@click.argument("run")
@_BY
def approve(loop_name: str, run: str, by: str) -> None:
    """Say yes to the promotion of what the training RUN of LOOP_NAME has made. The first answer stays."""
    _answer(loop_name, run, "Approve", by)


@click.command()
@click.argument("loop_name")
@click.argument("run")
@_BY
def reject(loop_name: str, run: str, by: str) -> None:
    """Say no to the promotion of what the training RUN of LOOP_NAME has made. The first answer stays."""
    _answer(loop_name, run, "Reject", by)


def _answer(loop_name: str, run: str, said: str, by: str) -> None:
    loop = catalog.load(loop_name)
    found = answer.run(loop, steps.ask("answer", {"run": run, "answer": said, "by": by}))
    click.echo(f"{loop_name} {run}: {found.reason}" + ("" if found.outcome == "done" else " (answered before)"))
    click.echo(f"To carry it out now: ratchet step promote --loop {loop_name} --run {run}")
