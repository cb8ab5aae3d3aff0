"""`ratchet history`: every decision about a loop's models."""

from __future__ import annotations

import click

from ratchet import catalog
from ratchet.decisions import entries
from ratchet.lifecycle import dataset, ledger, verification
from ratchet.text import counted


@click.command(short_help="Print the ledger of LOOP_NAME, oldest decision first.")
@click.argument("loop_name")
@click.option("--verify", is_flag=True, help="Prove that nothing of it was changed, lost or forged.")
@click.option("--all", "everything", is_flag=True, help="Print each night's certificate too, and not the newest alone.")
def history(loop_name: str, verify: bool, everything: bool) -> None:
    """Print the ledger of LOOP_NAME: every decision about its models, oldest first. Of certificates the newest."""
    loop, registry = catalog.load(loop_name), dataset.existing()
    if verify:
        proof = verification.verify(registry, loop.name)
        click.echo(
            f"The ledger of {loop.name} is whole: {proof.entries} entries, each follows the one before it; "
            f"{proof.commits} commits, each only lengthens it; {proof.facts} files that they rest on are what they were"
        )
        return
    found = registry.ledger(loop.name)
    if not found:
        click.echo(f"Nothing was decided about {loop_name} yet")
    certified = entries.only(found, entries.Certified)
    left_out = 0 if everything else len(certified[:-1])
    for number, entry in enumerate(found, 1):
        if left_out and isinstance(entry, entries.Certified) and entry is not certified[-1]:
            continue
        told = entries.line(entry)
        who = told.get("responder") if told.get("known") in ("airflow", "system") else None
        against = told.get("replaces") or told.get("from") or told.get("champion")
        about = f"against v{against}" if against else ""
        click.echo(
            f"{number:4}  {entry.at}  {entry.kind:12} {ledger.what(entry):12} {about:12} "
            f"by {who or entry.by}  {_said(entry, found[: number - 1])}"
        )
    if left_out:
        few = f"{counted(left_out, 'nightly certificate')} left out, older than the newest"
        click.echo(f"{few}. See all: ratchet history {loop.name} --all")


def _said(entry: entries.Entry, before: entries.Entries) -> str:
    """Say which training an entry is about, where it is about one, on data up to which day, and why."""
    told, reason = entries.line(entry), entry.reason
    about = told.get("run") or told.get("evidence") or ""  # a night's evidence names the training that it asks for
    if isinstance(entry, entries.Won | entries.Promoted) and entry.day:
        about = f"{about}, data up to {entry.day}"
    if isinstance(entry, entries.Promoted):
        won = [each.reason for each in entries.only(before, entries.Won) if each.evaluated == entry.evaluated]
        reason = "as won" if reason in won else reason
    return f"{about}: {reason}" if about else reason
