"""`ratchet approve`, `ratchet reject`: answer whether a challenger that has won may be promoted."""

from __future__ import annotations

import click

from ratchet import catalog, steps
from ratchet.errors import RatchetError, RequestError
from ratchet.steps import answer, promote

_BY = click.option(
    "--by", default="", help="Who says so: by default whom the system knows; another is marked as claimed."
)


@click.command(short_help="Approve a promotion that waits for a person.")
@click.argument("loop_name")
@click.argument("run")
@_BY
def approve(loop_name: str, run: str, by: str) -> None:
    """Approve the promotion of what the training RUN of LOOP_NAME has made, and carry it out. The first answer stays.

    The run stands in `ratchet history`, and in Airflow's form.
    """
    _answer(loop_name, run, "Approve", by)


@click.command(short_help="Reject a promotion that waits for a person.")
@click.argument("loop_name")
@click.argument("run")
@_BY
def reject(loop_name: str, run: str, by: str) -> None:
    """Reject the promotion of what the training RUN of LOOP_NAME has made. The first answer stays."""
    _answer(loop_name, run, "Reject", by)


def _answer(loop_name: str, run: str, said: str, by: str) -> None:
    loop = catalog.load(loop_name)
    found = answer.run(loop, steps.ask("answer", {"run": run, "answer": said, "by": by}))
    if found.answer != said:
        raise RequestError(f"{loop_name} {run} was answered before, and the first answer stays: {found.reason}")
    click.echo(f"{loop_name} {run}: {found.reason}" + ("" if found.outcome == "done" else " (answered before)"))
    try:
        click.echo(promote.run(loop, steps.ask("promote", {"run": run})).reason)
    except RatchetError:
        click.echo(f"The answer stands. To carry it out: ratchet step promote --loop {loop_name} --run {run}", err=True)
        raise
    if found.outcome == "done":
        click.echo("A form that is open in Airflow stays until its time is up; an answer there changes nothing")
