"""Bring a state that an older Ratchet has written forward, one format at a time.

Format 1 is that of 0.1. Its names (`ring`, `held`, `harm`, a twin) are read here and nowhere else.

From 1 to 2: contracts and runs get today's names; a ledger's entries get today's kinds, a format, and the hash of the
one before; every day with a verdict becomes a night that has ended.

From 2 to 3: the registry has no worktree any more, and names its DVC remote as seen from itself.

From 3 to 4: what MLflow says of trainings now is believed once more, and from then on the records in the registry are.

The registry's commit is last: an upgrade that was interrupted is run again, and one that was run changes nothing. What
was there before stands in Git's history.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from ratchet.adapters import git, models, opening, runs, storage, writing
from ratchet.adapters.data_registry import DVC_FILE, FORMAT, Registry, fact_path
from ratchet.adapters.writing import Writer
from ratchet.decisions import chain
from ratchet.errors import DataError, FormatError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, evaluations, evidence, records
from ratchet.lifecycle.records import Record
from ratchet.monitoring import reference
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

_KINDS = {"held": "rejected"}
_KEYS = {"held:": "rejected:", "refit-held:": "refit-rejected:"}
_STATES = {"accepted": "published", "rejected": "refused", "empty": "rested"}
_TWIN, _EVALUATED, _REFIT = "ratchet.twin", "ratchet.evaluated_run", "ratchet.refit"


def upgrade(say: Callable[[str], None]) -> bool:
    """Bring this installation's state forward; say whether there was anything to do. Raises RatchetError."""
    settings = Settings.current()
    registry = dataset.named()
    if not (settings.registry / ".git").exists():
        return False
    found = registry.format()
    if found > FORMAT:
        raise FormatError(
            f"The state in {settings.registry} has the format {found}; this program knows {FORMAT}. Install a later one"
        )
    if found == FORMAT:
        return False
    loops = [name for name in registry.folders() if not name.startswith(".")]
    if found < 2:
        for path in sorted(settings.loops.glob("*/loop.yaml")):
            if _contract(path):
                say(f"{path}: today's names")
        for loop in loops:
            if tagged := _runs(loop):
                say(f"{loop}: {tagged} runs in MLflow name the evaluated model behind a refit")
    known = {loop: _records(registry, loop) for loop in loops if registry.exists(f"{loop}/ledger.jsonl")}
    url = _bare(registry) if found < 3 else opening.configured(registry)

    def act(writer: Writer) -> None:
        for loop in loops if found < 2 else ():
            _registry(writer, loop, say)
        for loop, files in known.items():
            for path, text in files.items():
                writer.write(path, text)
            say(f"{loop}: {sum('/runs/' in path for path in files)} trainings have a record")
        for path, text in opening.beginning(registry.root, url).items():
            writer.write(path, text)
        writer.commit(f"Bring the state from format {found} to format {FORMAT}")

    writing.change(registry, act)
    say(f"{settings.registry}: format {FORMAT}")
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


def _records(registry: Registry, loop: str) -> dict[str, str]:
    """Return the records of what MLflow has of a loop: path -> text. What a decision rests on is the ledger's."""
    facts = {}
    for line in (registry.text(f"{loop}/ledger.jsonl") or "").splitlines():
        told = json.loads(line)
        if digest := told.get("facts", {}).get("evaluation.json"):
            facts[told.get("evaluated")] = digest
    found: dict[str, str] = {}
    with runs.connected() as client:
        trained = runs.tagged(client, loop, runs.MODEL)
        for run in trained:
            found |= _record(client, loop, run, facts.get(run, ""))
    return found


def _record(client: Tracking, loop: str, run: str, evaluation: str) -> dict[str, str]:
    """Return the record of a run and what belongs to it: path -> text."""
    tags, files, kept = client.tags(run), dict[str, str](), dict[str, str]()
    for name in (reference.REFERENCE, reference.COUNTS, reference.THRESHOLDS, evaluations.FILE, evidence.FILE):
        with suppress(DataError):  # one that was never judged has no such file
            content = runs.read_file(client, run, name)
            if name == evidence.FILE:
                kept[evidence.path(loop, run)] = content.decode()
            elif name != evaluations.FILE:
                files[name] = records.digest(content)
            elif not evaluation:
                evaluation = records.digest(content)
                kept[fact_path(loop, evaluation, ".json")] = content.decode()
    evaluated = tags.get(_EVALUATED) or tags.get(_TWIN, "")
    record = Record(
        run=run,
        key="" if evaluated else tags.get(runs.KEY, ""),
        evaluated=evaluated,
        refit=tags.get(_REFIT, ""),
        recipe=tags.get(evaluations.RECIPE, ""),
        reason=tags.get("ratchet.reason", ""),
        data={name.removeprefix("data."): value for name, value in tags.items() if name.startswith("data.")},
        code=tags.get("code.revision", ""),
        model=tags.get(models.SHA256) or models.digest(tags[runs.MODEL]),
        uri=tags[runs.MODEL],
        seconds=client.metrics(run).get("train_seconds", 0.0),
        files=files,
        evaluation=evaluation,
    )
    return {**kept, **records.files(loop, record)}


def _bare(registry: Registry) -> str:
    """Take away the worktree, as far as Git or DVC hold what lies in it; return where the DVC remote is."""
    root, head = registry.root, registry.head()
    for path, text in registry.texts_below("", head).items():
        file = root / path.lstrip("/")
        elsewhere = [file] if file.is_file() and file.read_bytes() == text.encode() else []
        if path.endswith(".dvc"):
            digest, _ = storage.parse(text, path)
            data = file.with_suffix("")
            if data.is_file() and storage.md5(data) == digest and registry.storage.has(digest):
                elsewhere.append(data)
        for held in elsewhere:
            if ".dvc" not in held.relative_to(root).parts[:1]:
                held.unlink()
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if folder.relative_to(root).parts[0] not in (".git", ".dvc") and not any(folder.iterdir()):
            folder.rmdir()
    git.run(root / ".git", "config", "core.bare", "true")
    (root / ".git" / "index").unlink(missing_ok=True)
    place = opening.configured(registry)
    write_text(root / DVC_FILE, opening.beginning(root, place)[DVC_FILE])
    return place


def _registry(writer: Writer, loop: str, say: Callable[[str], None]) -> None:
    """Write a loop's ledger and nights in format 2. Does not commit."""
    registry = writer.registry
    text = registry.text(f"{loop}/ledger.jsonl")
    if text:
        entries: list[dict[str, Any]] = []
        for line in text.splitlines():
            entries.append(chain.link(entry(json.loads(line)), entries[-1] if entries else None))
        writer.write_ledger(loop, entries)
    verdicts = registry.verdicts(loop)
    for day, verdict in verdicts.items():
        fact = {"partition": day, "state": _STATES[verdict.status], "reason": "ended before format 2"}
        writer.write(f"{loop}/nights/{day}.json", json.dumps(fact, sort_keys=True) + "\n")
    say(f"{loop}: {len(text.splitlines()) if text else 0} entries in the ledger, {len(verdicts)} nights")
