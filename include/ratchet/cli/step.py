"""`ratchet step`: run one step anywhere, with or without Airflow."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from ratchet import catalog, steps
from ratchet.contract.reading import nearest
from ratchet.errors import MissingPackage, RatchetError, RequestError, StorageError, storage_errors
from ratchet.files import write_text


class Refused(Exception):
    """A step refused; a person has to look."""


EXAMPLES = """\b
ratchet step fetch    --loop flight_delays --partitions 2013-01-01..2013-01-31
ratchet step snapshot --loop flight_delays --run first --until 2013-01-31
"""


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, epilog=EXAMPLES)
@click.argument("name")
@click.option("--loop", "loop_name", required=True, help="The loop that the step works for.")
@click.option("--result", type=click.Path(path_type=Path), help="Leave the result here as JSON, errors included.")
@click.pass_context
def step(context: click.Context, name: str, loop_name: str, result: Path | None) -> None:
    """Run the step NAME. What it is asked for follows as --field value: its request's fields."""
    try:
        found_step = steps.find(name)
        loop = catalog.load(loop_name)
        request = _request(name, found_step.request, context.args)
        with storage_errors(loop.folder):
            done = found_step.run(loop, request)
    except (RatchetError, ModuleNotFoundError, OSError) as found:
        error = _known(found)
        if result:
            content = {"type": type(error).__name__, "message": str(error), "retriable": error.retriable}
            write_text(result, json.dumps({"error": content}))
        raise error from found
    if result:
        write_text(result, done.model_dump_json())
    click.echo(f"{name} {loop_name}: {done.reason}" + ("" if done.outcome == "done" else f" ({done.outcome})"))
    if not result:
        click.echo(done.model_dump_json(indent=1))
    if done.outcome == "refused":
        raise Refused(done.reason)


def _request(name: str, model: Any, arguments: list[str]) -> Any:
    """Read `--field value` pairs into a request. Raises RequestError naming the field and the nearest right one."""
    values: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        field, equals, value = word.removeprefix("--").partition("=")
        field = field.replace("-", "_")
        if not word.startswith("--") or field not in model.model_fields:
            raise RequestError(f"The step {name} takes no {word!r}; {nearest(field, list(model.model_fields))}")
        if not equals:
            try:
                value = next(words)
            except StopIteration:
                raise RequestError(f"The step {name}: {word} needs a value") from None
        values[field] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        item = error.errors()[0]
        raise RequestError(f"The step {name}: --{'.'.join(map(str, item['loc']))}: {item['msg'].lower()}") from None


def _known(error: Exception) -> RatchetError:
    if isinstance(error, RatchetError):
        return error
    if isinstance(error, ModuleNotFoundError):
        return MissingPackage(f"The package {error.name} is not installed. Run: make install")
    text = errno.errorcode.get(getattr(error, "errno", 0) or 0, type(error).__name__)
    return StorageError(f"{text}: {error}. Mend it and retry")
