"""`ratchet schema`: the JSON schema of loop.yaml."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ratchet import catalog


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Write it here instead of printing it.")
def schema(output: Path | None) -> None:
    """Print the JSON schema of loop.yaml, for editors."""
    text = json.dumps(catalog.schema(), indent=2)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    else:
        click.echo(text)
