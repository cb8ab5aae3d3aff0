"""`ratchet facts`: what a decision rests on."""

from __future__ import annotations

from pathlib import Path

import click

from ratchet import catalog
from ratchet.errors import RequestError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, ledger


@click.command(short_help="Show what the decision NUMBER of LOOP_NAME rests on.")
@click.argument("loop_name")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Write the files into this folder.")
def facts(loop_name: str, number: int, folder: Path | None) -> None:
    """Show what the decision NUMBER of LOOP_NAME's ledger rests on: files by their SHA-256, as they were then.

    The oldest entry is 1; `ratchet history` numbers them.
    """
    loop, registry = catalog.load(loop_name), dataset.existing()
    entries = ledger.read(loop)
    if number > len(entries):
        raise RequestError(f"The ledger of {loop.name} has {len(entries)} entries. See: ratchet history {loop.name}")
    entry = entries[number - 1]
    click.echo(f"{entry.at}  {entry.kind} {ledger.what(entry)}: {entry.reason}")
    if entry.contract:
        click.echo(f"contract  {entry.contract}  {loop.name}/contracts/{entry.contract}/ in {registry.root}")
    for name, digest in sorted(entry.facts.items()):
        text = registry.fact(loop.name, digest, Path(name).suffix)
        where = ""
        if folder:
            write_text(folder / name, text)
            where = f"  {folder / name}"
        click.echo(f"{digest}  {name}, {len(text):,} characters{where}")
    if not entry.facts:
        click.echo("It rests on what the entries before it say, or was written by an older Ratchet")
