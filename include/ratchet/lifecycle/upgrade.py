"""Bring a state that an older Ratchet has written forward, one format at a time.

Format 1 is that of 0.1. Its names (`ring`, `held`, `harm`, a twin) are read here and nowhere else.

From 1 to 2: contracts and runs get today's names; a ledger's entries get today's kinds, a format, and the hash of the
one before; every day with a verdict becomes a night that has ended. The registry is last, in one commit: an upgrade
that was interrupted is run again, and one that was run changes nothing. What was there before stands in Git's history.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ratchet.adapters import runs
from ratchet.adapters.data_registry import FORMAT, FORMAT_FILE, IGNORE_FILE, IGNORED, Registry, Writer
from ratchet.decisions import chain
from ratchet.errors import FormatError
from ratchet.files import write_text
from ratchet.settings import Settings

_KINDS = {"held": "rejected"}
_KEYS = {"held:": "rejected:", "refit-held:": "refit-rejected:"}
_STATES = {"accepted": "published", "rejected": "refused", "empty": "rested"}
_TWIN, _EVALUATED = "ratchet.twin", "ratchet.evaluated_run"


def upgrade(say: Callable[[str], None]) -> bool:
    """Bring this installation's state forward; say whether there was anything to do. Raises RatchetError."""
    settings = Settings.current()
    registry = Registry(settings.registry)
    if not (settings.registry / ".git").exists():
        return False
    found = registry.format()
    if found > FORMAT:
        raise FormatError(
            f"The state in {settings.registry} has the format {found}; this program knows {FORMAT}. Install a later one"
        )
    if found == FORMAT:
        return False
    for path in sorted(settings.loops.glob("*/loop.yaml")):
        if _contract(path):
            say(f"{path}: today's names")
    loops = [name for name in registry.folders() if not name.startswith(".")]
    for loop in loops:
        if tagged := _runs(loop):
            say(f"{loop}: {tagged} runs in MLflow name the evaluated model behind a refit")
    with registry.writer() as writer:
        paths = [path for loop in loops for path in _registry(writer, loop, say)]
        writer.write(FORMAT_FILE, json.dumps({"format": 2}) + "\n")
        writer.write(IGNORE_FILE, IGNORED)
        writer.commit([*paths, FORMAT_FILE, IGNORE_FILE], "Bring the state from format 1 to format 2")
    say(f"{settings.registry}: format 2")
    return True


def entry(old: Mapping[str, Any]) -> dict[str, Any]:
    """Write an entry of 0.1 with today's names."""
    new = {**old, "kind": _KINDS.get(old["kind"], old["kind"])}
    for before, after in _KEYS.items():
        if str(new["key"]).startswith(before):
            new["key"] = after + new["key"].removeprefix(before)
    if "vetoes" in new:
        new["failed"] = new.pop("vetoes")
    return new


def contract(text: str) -> str:
    """Write a contract of 0.1 with today's names; comments and order stay as they are."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    renamed = False
    for where, old, new in ((("gate",), "ring", "shadows"), (("retrain", "policies"), "harm", "degradation")):
        part = document
        for name in where:
            part = part.get(name) if isinstance(part, dict) else None
        if isinstance(part, dict) and old in part:
            order: Any = part  # a mapping of ruamel's, which knows places and comments
            comment = order.ca.items.pop(old, None)
            order.insert(list(part).index(old), new, part.pop(old))
            if comment:
                order.ca.items[new] = comment
            renamed = True
    if not renamed:
        return text
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _contract(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    changed = contract(text)
    if changed != text:
        write_text(path, changed)
    return changed != text


def _runs(loop: str) -> int:
    """Tag refits with the evaluated model, beside 0.1's own tag; return how many."""
    with runs.connected() as client:
        found = runs.tagged(client, loop, _TWIN)
        for run, value in found.items():
            client.set_tag(run, _EVALUATED, value)
    return len(found)


def _registry(writer: Writer, loop: str, say: Callable[[str], None]) -> list[str]:
    """Write a loop's ledger and nights in the new format; return what was written. Does not commit."""
    registry, written = writer.registry, []
    text = registry.text(f"{loop}/ledger.jsonl")
    if text:
        entries: list[dict[str, Any]] = []
        for line in text.splitlines():
            entries.append(chain.link(entry(json.loads(line)), entries[-1] if entries else None))
        writer.write_ledger(loop, entries)
        written.append(f"{loop}/ledger.jsonl")
    verdicts = registry.verdicts(loop)
    for day, verdict in verdicts.items():
        fact = {"partition": day, "state": _STATES[verdict.status], "reason": "ended before format 2"}
        path = f"{loop}/nights/{day}.json"
        writer.write(path, json.dumps(fact, sort_keys=True) + "\n")
        written.append(path)
    say(f"{loop}: {len(text.splitlines()) if text else 0} entries in the ledger, {len(verdicts)} nights")
    return written
