"""`ratchet recover`: the way on where MLflow has lost what a loop needs."""

from __future__ import annotations

import json
import shlex
import sys

import click

from ratchet import catalog
from ratchet.cli.calibrate import calibrate
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, lifecycle
from ratchet.lifecycle import ledger, recovery
from ratchet.settings import Settings


@click.command(short_help="Go on where MLflow has lost what a loop needs.")
@click.argument("loop_name")
@click.option("--let-go", "reason", default="", help="Let go what is lost for good; why, for the ledger.")
def recover(loop_name: str, reason: str) -> None:
    """Bring back what LOOP_NAME needs from MLflow's bin, and say what is lost for good; with --let-go, let that go.

    The champion before the lost one is champion again, where one is left. Where none is, a training brings a new one.
    """
    loop, mlflow = catalog.load(loop_name), Settings.current().tracking_uri
    for each in recovery.bring_back(loop):
        click.echo(f"Brought back from MLflow's bin: {each}")
    lost = recovery.missing(loop)
    for model in lost:
        click.echo(f"Lost: {model.role}, {model.name}: {model.why}")
    if not lost:
        _anew(loop)
        click.echo(f"Nothing that {loop.name} needs is missing in MLflow at {mlflow}")
        return
    if not reason:
        click.echo(
            f"Is MLflow at {mlflow} the right one (MLFLOW_TRACKING_URI), and is there no backup of its database and "
            f"artifacts? Then let go what is lost, and go on: ratchet recover {loop.name} --let-go REASON"
        )
        sys.exit(2)
    for line in recovery.told(recovery.let_go(loop, lost, reason)):
        click.echo(line)
    _anew(loop)
    entries = ledger.read(loop)
    anchor = anchors.anchor(entries)
    if anchor:
        click.echo(f"Models are held to {anchors.shown(anchor.name)}")
    if lifecycle.champion(entries) is None:
        conf = shlex.quote(json.dumps({"reason": "the champion is lost"}))
        click.echo(
            f"{loop.name} has no champion. A training brings one: ratchet airflow dags trigger {loop.name}.train "
            f"--conf {conf}"
        )


def _anew(loop: Loop) -> None:
    """Make anew what drift compares the champion's days with, where MLflow has lost it."""
    if names := recovery.files(loop):
        click.echo(f"Made anew from the champion's training data: {', '.join(names)}")
        click.get_current_context().invoke(calibrate, loop_name=loop.name)
