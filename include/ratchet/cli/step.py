"""`ratchet step`: run one step anywhere, with or without Airflow."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import get_args

import click
from pydantic.fields import FieldInfo

from ratchet import catalog, steps
from ratchet.errors import RequestError, explain, storage_errors
from ratchet.files import write_text


class Refused(Exception):
    """A step refused; a person has to look."""


EXAMPLES = {
    "fetch": "ratchet step fetch    --loop flight_delays --partitions 2013-01-01..2013-01-31",
    "snapshot": "ratchet step snapshot --loop flight_delays --run first --until 2013-01-31",
}
NIGHT = ("turn", "fetch", "validate", "publish", "score", "drift", "performance", "decide", "duel", "close")
TRAINING = ("snapshot", "train", "evaluate", "gate", "refit", "promote")  # in which order each is lived


_NAMES = {bool: "true or false", float: "a number"}  # of types, in words


class _WithFields(click.Command):
    """A command whose help says what the step does that it is asked beside, and lists its fields; or all steps."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = [*args]  # help is printed before NAME is read
        return super().parse_args(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        name = _asked(ctx)
        if name is None:
            super().format_help_text(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(steps.about(name))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        name = _asked(ctx)
        shown = [text for step, text in EXAMPLES.items() if name in (None, step)]
        if shown:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text("\n".join(["\b", *shown]))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        name = _asked(ctx)
        if name is None:
            ordered = [*NIGHT, *TRAINING]
            with formatter.section("Steps"):
                listed = [*ordered, *(each for each in steps.names() if each not in ordered)]
                formatter.write_dl([(each, steps.about(each)) for each in listed])
            return
        fields = steps.find(name).request.model_fields
        with formatter.section(f"Fields of {name}"):
            formatter.write_dl([(f"--{field.replace('_', '-')}", _told(about)) for field, about in fields.items()])


@click.command(cls=_WithFields, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("name")
@click.option("--loop", "loop_name", required=True, help="The loop that the step works for.")
@click.option("--result", type=click.Path(path_type=Path), help="Leave the result here as JSON, errors included.")
@click.option("--request", help="What it is asked for, as a JSON object in this file, or in standard input (-).")
@click.pass_context
def step(context: click.Context, name: str, loop_name: str, result: Path | None, request: str | None) -> None:
    """Run the step NAME. What it is asked for follows as --field value; ratchet step NAME --help lists its fields."""
    try:
        found_step = steps.find(name)
        loop = catalog.load(loop_name)
        asked = steps.ask(name, _document(request) if request else _fields(name, context.args))
        with storage_errors(loop.folder):
            done = found_step.run(loop, asked)
    except Exception as found:
        error = explain(found)
        if result:
            content = {"type": type(error).__name__, "message": str(error), "retriable": error.retriable}
            write_text(result, json.dumps({"error": content}))
        raise error from found
    if result:
        write_text(result, done.model_dump_json())
    click.echo(f"{name} {loop_name}: {done.reason}" + ("" if done.outcome == "done" else f" ({done.outcome})"))
    if not result:
        click.echo(json.dumps(json.loads(done.model_dump_json()), indent=1))  # ASCII: no character moves a terminal
    if done.outcome == "refused":
        raise Refused(done.reason)


def _asked(ctx: click.Context) -> str | None:
    """Return the step that help is asked for; None where it is none."""
    return next((word for word in ctx.meta[__name__] if word in steps.names()), None)


def _told(field: FieldInfo) -> str:
    """Say what a field of a request holds, whether it is needed, and what it means."""
    kinds = [each for each in get_args(field.annotation) or (field.annotation,) if each is not type(None)]
    words = field.title or " or ".join(_NAMES.get(each) or str(each) for each in kinds)
    left = "may be left out"
    if field.is_required():
        left = "needed"
    elif field.default not in ("", None):
        left = f"by default {json.dumps(field.default)}"
    return f"{words}; {left}. {field.description or ''}"


def _document(where: str) -> object:
    """Read a request as it comes from a runtime. Raises RequestError where it is no JSON."""
    try:
        text = sys.stdin.read() if where == "-" else Path(where).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"The request in {where} cannot be read: {error}. Give a JSON object") from None


def _fields(name: str, arguments: list[str]) -> dict[str, str]:
    """Read `--field value` pairs, as a person types them. Raises RequestError where one has no value."""
    values: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        field, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            raise RequestError(f"The step {name} takes no {word!r}: give --field value")
        if not equals:
            try:
                value = next(words)
            except StopIteration:
                raise RequestError(f"The step {name}: {word} needs a value") from None
        values[field.replace("-", "_")] = value
    return values
