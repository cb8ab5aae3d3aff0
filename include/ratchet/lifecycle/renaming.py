"""Rename a loop, with all that it was: model, experiment, data, ledger and files carry on under the new name.

What was decided is not written anew. The registry moves the loop's folder in one commit, byte for byte, and notes the
name that it had; a revision from before is read under that name. So the chain of the ledger holds, and a rebuild or a
replay finds what it needs.

A note in the folder of all state says that a rename is under way: what was interrupted is taken up by the same command.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from ratchet import catalog
from ratchet.adapters import models, runs, writing
from ratchet.adapters.data_registry import RENAMES
from ratchet.adapters.writing import Writer
from ratchet.contract.reading import nearest
from ratchet.errors import RequestError, storage_errors
from ratchet.files import write_text
from ratchet.lifecycle import belongings, dataset, ending, nights
from ratchet.settings import Settings

Say = Callable[[str], None]


def rename(old: str, new: str, say: Say) -> None:
    """Rename a loop. Raises RequestError where it cannot be, before anything was changed."""
    note = Settings.current().var / "renames" / f"{old}.json"
    if not note.exists():
        _may(old, new)
        write_text(note, json.dumps({"to": new}) + "\n")
    elif (under_way := json.loads(note.read_text(encoding="utf-8"))["to"]) != new:
        then = f"Finish that first: ratchet rename {old} {under_way}"
        raise RequestError(f"{old} is being renamed to {under_way}. {then}")
    say(ending.runs(old, f"the loop was renamed to {new}", f"ratchet rename {old} {new}"))
    _in_mlflow(old, new, say)
    if dataset.begun() and writing.change(dataset.registry(), lambda writer: _in_registry(writer, old, new)):
        say(f"Data registry: {old}/ is {new}/")
    _files(old, new, say)
    with storage_errors(note):
        note.unlink()


def _may(old: str, new: str) -> None:
    settings = Settings.current()
    if old not in catalog.names():
        raise RequestError(f"There is no loop {old!r}; {nearest(old, catalog.names())}")
    belongings.refuse_name(new)
    taken = [*belongings.find(new).all]
    if taken:
        raise RequestError(f"{new} is there already: {taken[0]}. Choose another name")
    if not dataset.begun():
        return
    registry = dataset.registry()
    if new in registry.folders() or new in registry.given_up():
        raise RequestError(
            f"{new} was the name of a loop, and the data registry {settings.registry} holds what it was. Choose another"
        )
    if open_nights := nights.opened(registry, old):
        raise RequestError(
            f"The night of {open_nights[0].partition} of {old} is under way ({open_nights[0].run}). Let it end, and no "
            f"other begin: ratchet stop {old}; then rename"
        )


def _in_mlflow(old: str, new: str, say: Say) -> None:
    """Rename model and experiments, where a server is, or has to be: a loop with a champion has a model."""
    settings = Settings.current()
    if not runs.answers(settings.tracking_uri) and not _has_champion(old, new):
        say(f"MLflow at {settings.tracking_uri} was not asked: {old} has no champion yet")
        return
    with runs.connected() as client:
        model = models.rename(client, old, new)
        experiments = [name for name in ("", ".replay") if runs.rename(client, f"{old}{name}", f"{new}{name}")]
    if model or experiments:
        say(f"MLflow: {'the model and ' if model else ''}{len(experiments)} experiments are {new}")


def _has_champion(old: str, new: str) -> bool:
    if not dataset.begun():
        return False
    registry = dataset.registry()
    return any("promoted" in (registry.text(f"{name}/ledger.jsonl") or "") for name in (old, new))


def _in_registry(writer: Writer, old: str, new: str) -> bool:
    """Move a loop's folder in one commit; say whether it was there."""
    registry = writer.registry
    texts = registry.texts_below(old) if old in registry.folders() else {}
    if not texts:
        return False
    known = json.loads(writer.text(RENAMES) or "{}")
    known[new] = [old, *known.pop(old, [])]
    for path, text in texts.items():
        writer.write(f"{new}/{path.removeprefix(f'{old}/')}", text)
        writer.remove(path)
    writer.write(RENAMES, json.dumps(known, indent=1, sort_keys=True) + "\n")
    writer.commit(f"Rename {old} to {new}")
    return True


def _files(old: str, new: str, say: Say) -> None:
    """Move what lies on this machine, the contract's folder last."""
    settings = Settings.current()
    for before, after in zip(belongings.work(settings, old), belongings.work(settings, new), strict=True):
        if before.exists():
            _move(before, after, say)
    found = belongings.find(old)
    if found.dag:
        after = found.dag.with_name(f"{new}.py")
        text = found.dag.read_text(encoding="utf-8")
        write_text(after, re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, text))
        found.dag.unlink()
        say(f"{found.dag} is {after}")
    if found.folder:
        contract = found.folder / "loop.yaml"
        write_text(contract, _named(contract.read_text(encoding="utf-8"), new))
        _move(found.folder, settings.loops / new, say)


def _named(text: str, new: str) -> str:
    """Return a contract with another name; all else, comments too, stays as it is."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    line = document.lc.key("name")[0]
    lines = text.splitlines(keepends=True)
    lines[line] = re.sub(r"^(\s*[\"']?name[\"']?\s*:\s*)[\"']?\w+[\"']?", rf"\g<1>{new}", lines[line])
    changed = "".join(lines)
    if YAML(typ="safe").load(changed)["name"] != new:  # written in a way that only YAML knows
        document["name"] = new
        stream = io.StringIO()
        yaml.dump(document, stream)
        changed = stream.getvalue()
    return changed


def _move(before: Path, after: Path, say: Say) -> None:
    with storage_errors(after):
        after.parent.mkdir(parents=True, exist_ok=True)
        before.rename(after)
    say(f"{before} is {after}")
