"""`ratchet new`: lay a loop out from a sample of its data.

Contract, features, expectation suite and DAG file, all meant to be edited, and a page that shows the sample.
"""

from __future__ import annotations

from pathlib import Path

import click

from ratchet.errors import RequestError
from ratchet.layout import write
from ratchet.layout.write import Given

_NEXT = """Next:
  1. look at the page, and edit {features}: delete every column that is known only afterwards
  2. ratchet lint {name}
     without Airflow go on with ratchet step: docs/nights.md#a-night-from-the-shell
  3. make up                  # if Airflow does not run yet
  4. ratchet start {name}     # its DAGs run from now on; it says how to import history and train a champion"""


@click.command(short_help="Lay out the files of the loop NAME from a sample of its data.")
@click.argument("name")
@click.option(
    "--sample", type=click.Path(exists=True, path_type=Path), help="CSV, Parquet or JSON file, or a folder of them."
)
@click.option("--database", help="SQL database: its URL, or the path of a SQLite or DuckDB file.")
@click.option("--table", help="Table of the database.")
@click.option("--query", help="SELECT of the database, in the place of a table.")
@click.option("--time", help="Column with each row's timestamp; found by its type if left out.")
@click.option("--target", required=True, help="Column to predict.")
@click.option("--key", multiple=True, help="Column(s) that name a row; found if left out.")
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression"]), help="Found from the target if left out."
)
@click.option("--date-format", help="How dates are written, as %d/%m/%Y, where the sample does not show it.")
def new(
    name: str,
    sample: Path | None,
    database: str | None,
    table: str | None,
    query: str | None,
    time: str | None,
    target: str,
    key: tuple[str, ...],
    task: str | None,
    date_format: str | None,
) -> None:
    """Lay out the files of the loop NAME from a sample of its data: contract, features, suite and DAG file."""
    given = Given(target, time, key, task, date_format)
    if (sample is None) == (database is None):
        raise RequestError("Say where the rows are: --sample PATH, or --database URL; one of the two")
    if sample is not None:
        if table or query:
            raise RequestError("--table and --query are of a database. Name it with --database, or leave them out")
        made = write.from_files(name, sample, given)
    else:
        made = write.from_database(name, str(database), query, table, given)
    for path in made.files:
        click.echo(f"wrote {path}")
    for note in made.notes:
        click.echo(f"note: {note}")
    click.echo(f"The sample as a page: {made.page}")
    click.echo(_NEXT.format(name=name, features=made.features))
