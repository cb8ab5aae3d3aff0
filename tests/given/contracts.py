"""A contract with a mistake in it, and what is said of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import ContractError

# Of flight_delays: what stands there, and what could be written in its place. Nothing is made for any one of them:
# each raises what it raises, wherever it is met first.
HOSTILE = [
    pytest.param("seed: 2013", f"seed: 0x{'f' * 20_000}", id="a number too long to be told"),
    pytest.param("sql: features.sql", 'sql: "a\\0b"', id="a path with a NUL"),
    pytest.param("sql: features.sql", f"sql: {'a' * 5000}", id="a path too long"),
    pytest.param("gate:\n", 'gate:\n  behaviour: "a\\0b"\n', id="another path with a NUL"),
    pytest.param("features:\n", "a: &a\n  <<: *a\nfeatures:\n", id="a mapping that is merged into itself"),
]


def gated(text: str, *lines: str) -> str:
    """Return a contract with these lines first in its gate, in place of those that say the same of it."""
    before, _, after = text.partition("\ngate:\n")
    own, rest = after, ""
    if found := re.search(r"^\S", after, flags=re.MULTILINE):
        own, rest = after[: found.start()], after[found.start() :]
    said = tuple(f"  {line.partition(':')[0]}:" for line in lines)
    kept = "".join(line for line in own.splitlines(keepends=True) if not line.startswith(said))
    return f"{before}\ngate:\n{''.join(f'  {line}{chr(10)}' for line in lines)}{kept}{rest}"


def refused(place: Path, old: str, new: str) -> tuple[Path, str]:
    """Write something else into a contract; return its file, and what is said of it."""
    path = place / "loops" / "flight_delays" / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        catalog.load("flight_delays")
    return path, str(caught.value)


def broken(place: Path, old: str, new: str) -> str:
    path, message = refused(place, old, new)
    file, line, _ = message.split(":", 2)
    assert Path(file) == path
    assert int(line) >= 1
    return message
