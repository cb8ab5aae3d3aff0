"""`ratchet replay`: try policies on a loop's own past."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from ratchet import catalog
from ratchet.files import write_text
from ratchet.replay import apply, spec
from ratchet.reports.replay import Row, head
from ratchet.steps import replay as step


@click.command(short_help="Run every night of LOOP_NAME's past under each policy.")
@click.argument("loop_name")
@click.option(
    "--from", "first", default="", help="The first night; by default the one after the first champion's training."
)
@click.option("--to", "last", default="", help="The last night; the latest published by default.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    help="As calendar:days=7 or drift+degradation:margin=0.1, or never. Several may be given.",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    help="Keys of the gate that differ, as aim=superior,margin=0. Several may be given.",
)
@click.option("--cost", type=float, help="What a retraining is worth, in the loss's units times days.")
@click.option("--apply", "write", is_flag=True, help="Write the recommendation into loop.yaml.")
def replay(
    loop_name: str,
    first: str,
    last: str,
    policies: tuple[str, ...],
    gates: tuple[str, ...],
    cost: float | None,
    write: bool,
) -> None:
    """Run every night of LOOP_NAME's past under each policy, and say which would have cost least.

    Everything is cached by content: a replay that was interrupted goes on where it stopped, and one that was run is
    only read again.
    """
    loop, console = catalog.load(loop_name), Console(width=None if sys.stdout.isatty() else 180)
    request = step.ReplayRequest(
        first=first, last=last, policies=" ".join(policies) or spec.POLICIES, gates=" ".join(gates), cost=cost
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        try:
            result = step.run(loop, request, progress)
        except KeyboardInterrupt:
            raise click.ClickException(
                "Interrupted. What was computed is kept: the same command goes on where it stopped"
            ) from None
    table = Table(*head(result.rows[0]["unit"]), title=f"{loop.name} replayed", title_justify="left")
    for row in result.rows:
        table.add_row(*Row(**{**row, "gap": tuple(row["gap"])}).cells())
    console.print(table)
    console.print(result.reason)
    console.print(f"Report: {result.report}; MLflow run {result.mlflow_run}; {result.seconds:.0f} s", highlight=False)
    if result.diff:
        console.print(result.diff, highlight=False, markup=False)
    if result.diff and write:
        write_text(loop.folder / "loop.yaml", apply.changed(loop, result.recommended, result.gate))
        console.print(f"Written: {loop.folder / 'loop.yaml'}", highlight=False)
