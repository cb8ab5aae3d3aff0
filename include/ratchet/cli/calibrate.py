"""`ratchet calibrate`: set the drift thresholds of a loop's champion for a stated number of false alarms a year."""

from __future__ import annotations

import json

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.adapters.runs import Tracking
from ratchet.contract.loop import Loop
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import dataset, examples, ledger, proven, records
from ratchet.monitoring import reference, watched


@click.command(short_help="Calibrate the drift thresholds of LOOP_NAME's champion.")
@click.argument("loop_name")
@click.option(
    "--alarms-per-year",
    type=click.FloatRange(0, 365, min_open=True),
    help="False alarms a year; the contract's by default.",
)
@click.option(
    "--years", default=100, show_default=True, help="Unchanged years to simulate, to show what the thresholds do."
)
def calibrate(loop_name: str, alarms_per_year: float | None, years: int) -> None:
    """Calibrate the drift thresholds of LOOP_NAME's champion, by drawing whole days of its own training data.

    Each training calibrates its own; this is for after a change of monitor.alarms_per_year or monitor.window_days.
    """
    loop, console = catalog.load(loop_name), Console()
    dataset.existing()
    wanted = alarms_per_year if alarms_per_year is not None else loop.monitor.alarms_per_year
    loop = loop.model_copy(update={"monitor": loop.monitor.model_copy(update={"alarms_per_year": wanted})})
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None:
            raise RequestError(f"{loop.name} has no champion yet: train one first")
        record = records.read(loop, champion.run_id)
        rows, model = examples.of_run(loop, record), proven.version_model(loop, champion)
        sample = watched.columns(loop, model, rows.sample(reference.SAMPLE, loop.training.seed))
        counted = reference.counts(loop, model, sample, rows.tables())
        before = _before(loop, client, champion.run_id)
        made = reference.files(loop, sample, counted)
        after = json.loads(made[reference.THRESHOLDS])["thresholds"]
        runs.log_files(client, champion.run_id, made)
        records.amend(loop, champion.run_id, files={**record.files, **records.digests(made)})
    table = Table("column", "threshold before", "now", title=f"v{champion.number} of {loop.name}", title_justify="left")
    for name, value in after.items():
        table.add_row(name, f"{before[name]:.3f}" if name in before else "", f"{value:.3f}")
    console.print(table)
    for rule, counts in reference.alarms(loop, counted, after, years).items():
        console.print(f"{rule}: {np.mean(counts):.1f} false alarms in an unchanged year (of {years} simulated)")


def _before(loop: Loop, client: Tracking, run: str) -> dict[str, float]:
    """Return the thresholds that a champion has had; none where MLflow has lost them, for they are made anew."""
    try:
        return dict(json.loads(records.file(loop, client, run, reference.THRESHOLDS))["thresholds"])
    except DataError:
        return {}
