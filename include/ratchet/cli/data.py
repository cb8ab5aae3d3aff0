"""`ratchet data`: look into the data registry."""

from __future__ import annotations

from pathlib import Path

import click

from ratchet import catalog
from ratchet.data import tables
from ratchet.lifecycle import dataset


@click.group()
def data() -> None:
    """Look into the data registry."""


@data.command("log")
@click.argument("loop_name", required=False, default="")
@click.option("-n", "--number", default=20, show_default=True, help="Commits to show.")
def log(loop_name: str, number: int) -> None:
    """List the newest commits: revision, time, what was published."""
    limits = [f"--max-count={number}", "--date=format:%Y-%m-%d %H:%M", "--format=%h  %ad  %s"]
    registry = dataset.existing()
    paths = ["--", *registry.ever(catalog.load(loop_name).name)] if loop_name else []
    click.echo(registry.git("log", *limits, "main", *paths).rstrip())


@data.command("diff", short_help="Say which partitions differ between two revisions.")
@click.argument("first")
@click.argument("second", default="HEAD")
def diff(first: str, second: str) -> None:
    """Say which partitions differ between two revisions, and by how many rows."""
    registry = dataset.existing()
    old, new = registry.resolve(first), registry.resolve(second)
    lines = registry.git("diff", "--name-status", "--no-renames", old, new).splitlines()
    changed = [line.split("\t") for line in lines if line.endswith(".parquet.dvc") and "/data/" in line]
    for status, path in changed:
        table = path.removesuffix(".dvc")
        counts = [
            str(registry.read([table], revision)[table].num_rows) if exists else "-"
            for revision, exists in ((old, status != "A"), (new, status != "D"))
        ]
        click.echo(f"{ {'A': 'added', 'D': 'removed', 'M': 'changed'}[status]:8} {table}  {' -> '.join(counts)} rows")
    if not changed:
        click.echo(f"No partition differs between {old[:10]} and {new[:10]}")


@data.command("checkout", short_help="Write a loop's dataset, as of a revision, into FOLDER.")
@click.argument("loop_name")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--revision", default="HEAD", show_default=True)
def checkout(loop_name: str, folder: Path, revision: str) -> None:
    """Write a loop's dataset, as of a revision, into FOLDER as Parquet."""
    loop, registry = catalog.load(loop_name), dataset.existing()
    found = registry.resolve(revision)
    count = 0
    for table in loop.tables:
        paths = [dataset.path(loop, table, day) for day in registry.partitions(loop.name, table, found)]
        for path, content in registry.read(paths, found).items():
            tables.write_table(content, folder / table / Path(path).name)
            count += 1
    click.echo(f"wrote {count} partitions of {loop.name} at {found[:10]} into {folder}")
