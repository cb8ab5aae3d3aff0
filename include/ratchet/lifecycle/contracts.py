"""The contract and SQL that a run began with: kept by their hash, so that the run lives by them to its end.

A night takes them when it is opened, a training when its snapshot is pinned. What is edited meanwhile counts from the
next one on. A copy lies in `<var>/contracts`, to live by; one of each that something was decided by in the data
registry, `<loop>/contracts/<digest>/`, where a ledger's entry finds it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from ratchet import catalog
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.errors import ContractError, DataError
from ratchet.files import atomic
from ratchet.settings import Settings

# Part of each digest: what a contract means where it says nothing. Without it, `Gate.of_before` says what was meant.
DEFAULTS = "non_inferior, refit"
_KINDS = {
    ".yaml",
    ".yml",
    ".sql",
    ".py",
    ".json",
}  # of files that say how a loop lives


def take(loop: Loop) -> str:
    """Copy the contract as it is now, once; return its digest.

    Raises ContractError where it is broken now: somebody has edited it since the loop was read.
    """
    files = _files(loop.folder)
    digest = _named(loop.folder, files)
    target = _folder(loop.name, digest)
    if not target.is_dir():
        with atomic(target) as temporary:
            for path, content in files.items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_bytes(content)
        try:
            catalog.read(target / "loop.yaml")
        except ContractError as error:
            shutil.rmtree(target)
            raise ContractError(str(error).replace(str(target), str(loop.folder))) from None
    return digest


def pinned(registry: Registry, loop: Loop, digest: str) -> Loop:
    """Return a loop as it was when its contract had this digest; the one of now where it has none.

    Raises DataError where the copy is gone, and nothing was decided by it.
    """
    if not digest or digest == _digest(_files(loop.folder)):
        return loop
    folders = [_folder(name, digest) for name in (loop.name, *registry.former(loop.name))]
    folder = next((each for each in folders if each.is_dir()), None) or _restore(registry, loop, digest)
    found = catalog.read(folder / "loop.yaml").model_copy(update={"name": loop.name})
    older = digest == _digest(_files(folder), defaults="")
    return found.model_copy(update={"gate": found.gate.of_before()}) if older else found


def keep(writer: Writer, loop: Loop) -> str:
    """Put the contract that a decision was taken by into the registry, once; return its digest."""
    files = _files(loop.folder)
    digest = _named(loop.folder, files)
    folder = f"{loop.name}/contracts/{digest}"
    if not writer.registry.exists(folder):
        for path, content in files.items():
            writer.write(f"{folder}/{path}", content.decode())
    return digest


def _restore(registry: Registry, loop: Loop, digest: str) -> Path:
    """Bring a contract back from the registry; return its folder, named as the loop was then."""
    prefix = f"{loop.name}/contracts/{digest}/"
    texts = registry.texts_below(prefix)
    found = re.search(r"^name: *[\"']?(\w+)", texts.get(f"{prefix}loop.yaml", ""), flags=re.MULTILINE)
    folder = _folder(found.group(1) if found else loop.name, digest)
    if not texts:
        raise DataError(
            f"The contract {digest} that this run of {loop.name} began with is neither in {folder.parents[1]} nor in "
            "the data registry. Start a new run: it takes the contract of now"
        )
    with atomic(folder) as temporary:
        for path, text in texts.items():
            file = temporary / path.removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    """Read the files that say how a loop lives: path below its folder -> content."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in _KINDS and path.is_file())
    below = {path.relative_to(folder): path for path in found}
    return {
        where.as_posix(): path.read_bytes()
        for where, path in below.items()
        if not any(part.startswith((".", "__")) for part in where.parts[:-1])
    }


def _named(folder: Path, files: dict[str, bytes]) -> str:
    """Return the digest of a loop's files: a copy that is lived by keeps the one that it was taken by."""
    kept = folder.parent.parent == Settings.current().var / "contracts"
    return folder.parent.name if kept else _digest(files)


def _digest(files: dict[str, bytes], defaults: str = DEFAULTS) -> str:
    parts = [f"{path}:{hashlib.sha256(content).hexdigest()}\n" for path, content in sorted(files.items())]
    return hashlib.sha256("".join([*parts, defaults]).encode()).hexdigest()[:16]


def _folder(loop: str, digest: str) -> Path:
    return Settings.current().var / "contracts" / digest / loop
