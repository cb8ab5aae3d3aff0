"""What is in force of a contract that says nothing: comments made from the model's own defaults, so they hold."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from ratchet.contract.loop import Loop

SECTIONS = ("schedule", "training", "gate", "monitor", "retrain", "keep")
_WIDTH = 120
_AT = 40  # column at which what a key means begins
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")


def word(value: str) -> str:
    """Write a text as a word of YAML, quoted where YAML would read another thing."""
    plain = _WORD.fullmatch(value) and value.lower() not in _RESERVED
    return value if plain else json.dumps(value, ensure_ascii=False)


def comments(section: str, written: tuple[str, ...] = ()) -> str:
    """Return a section of the contract as comments: each key that is not `written`, its default, and what it means.

    A section of which something is written gets comments below that; another one comments of its own.
    """
    model = Loop.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    lines = [] if written else [f"# {section}:"]
    for name, field in model.model_fields.items():
        if name not in written:
            default = field.get_default(call_default_factory=True)
            lines += _lines(name, default, field.description or "")
    return "\n".join(lines) + "\n"


def _lines(name: str, default: Any, about: str) -> Iterator[str]:
    said = f"#   {name}: {value(default)}"
    if about and len(said) >= _AT - 2:
        yield said
        said = "#"
    folded = textwrap.wrap(about.rstrip("."), _WIDTH - _AT - 2) or [""]
    for number, part in enumerate(folded):
        yield f"{said if number == 0 else '#':<{_AT}}# {part}".rstrip() if part else said


def value(given: Any) -> str:
    """Write a value as YAML in one line."""
    if isinstance(given, BaseModel):
        given = given.model_dump(mode="json")
    if isinstance(given, str):
        return given if re.fullmatch(r"(\S+ ){4}\S+", given) else word(given)  # a cron stands as it is
    if isinstance(given, dict):
        return "{" + ", ".join(f"{word(key)}: {value(each)}" for key, each in given.items()) + "}"
    if isinstance(given, tuple | list):
        return "[" + ", ".join(map(value, given)) + "]"
    return json.dumps(given)
