"""`ratchet lint`, `ratchet schema`, `ratchet new`: write and check a loop's contract."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from ratchet import catalog, provenance
from ratchet.adapters import expectations
from ratchet.contract.reading import nearest
from ratchet.data import features
from ratchet.errors import ContractError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings


@click.command()
@click.argument("names", nargs=-1)
def lint(names: tuple[str, ...]) -> None:
    """Check loops, all by default: the contract, what it names, its suites, and its SQL over empty tables."""
    unknown = [name for name in names if name not in catalog.names()]
    if unknown:
        raise ContractError(f"There is no loop {unknown[0]!r}; {nearest(unknown[0], catalog.names())}")
    wrong = []
    for name in names or catalog.names():
        try:
            loop = catalog.load(name)
            for table in loop.tables.values():
                expectations.read_suite(Settings.current().suites, table.suite)
            found = features.dry_run(loop)
            click.echo(
                f"{name}: {loop.task}, {len(loop.tables)} tables, {len(found)} features, {loop.training.trainer}. In order"
            )
        except ContractError as error:
            wrong.append(str(error))
    if wrong:
        raise ContractError("\n".join(wrong))


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Write it here instead of printing it.")
def schema(output: Path | None) -> None:
    """Print the JSON schema of loop.yaml, for editors."""
    text = json.dumps(catalog.schema(), indent=2)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    else:
        click.echo(text)


@click.command()
@click.argument("name")
def key(name: str) -> None:
    """Print a key for a training of loop NAME by hand: contract, features, data and code of now.

    `dvc repro` uses it.
    """
    loop = catalog.load(name)
    parts = [(loop.folder / "loop.yaml").read_bytes(), (loop.folder / loop.features.sql).read_bytes()]
    parts += [dataset.registry().head().encode(), provenance.code(Settings.current().home)["code.revision"].encode()]
    click.echo(f"repro-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}")


@click.command()
@click.argument("name")
@click.option(
    "--sample",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="CSV, Parquet or JSON file, or a folder of them.",
)
@click.option("--time", "time_column", help="Column with each row's timestamp; found by its type if left out.")
@click.option("--target", required=True, help="Column to predict.")
@click.option("--key", multiple=True, help="Column(s) that name a row; found if left out.")
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression"]), help="Found from the target if left out."
)
def new(name: str, sample: Path, time_column: str | None, target: str, key: tuple[str, ...], task: str | None) -> None:
    """Lay out the files of the loop NAME from a sample of its data: contract, features, suite and DAG file."""
    from ratchet import scaffold

    for path in scaffold.lay_out(name, sample, time_column, target, key, task):
        click.echo(f"wrote {path}")
    click.echo(f"Read include/loops/{name}/loop.yaml, then run: ratchet lint {name}")
