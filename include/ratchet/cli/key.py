"""`ratchet key`: name a training by hand."""

from __future__ import annotations

import hashlib

import click

from ratchet import catalog, provenance
from ratchet.lifecycle import dataset
from ratchet.settings import Settings


@click.command(short_help="Print a key for a training of loop NAME by hand.")
@click.argument("name")
def key(name: str) -> None:
    """Print a key for a training of loop NAME by hand: contract, features, data and code of now.

    `dvc repro` uses it.
    """
    loop = catalog.load(name)
    parts = [(loop.folder / "loop.yaml").read_bytes(), (loop.folder / loop.features.sql).read_bytes()]
    parts += [dataset.registry().content_id(f"{loop.name}/data").encode()]
    parts += [provenance.code(Settings.current().home)["code.revision"].encode()]
    click.echo(f"repro-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}")
