"""Writing the data registry: aside, from what is to be written alone, and moved in when it is whole.

A commit is built upon the newest one from the changes of one act, never from an index or a worktree. It counts when the
Git remote has taken it and the branch is moved to it. A writer that dies before leaves nothing; one that has lost to
another decides again on what that has written.
"""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ratchet import settings
from ratchet.adapters import git_remote
from ratchet.adapters.data_registry import PAGES, Registry, fact_path, verify
from ratchet.adapters.git_objects import Lost
from ratchet.decisions import chain, entries
from ratchet.decisions.entries import Entry
from ratchet.errors import LedgerError, RegistryBusy, storage_errors

Done = TypeVar("Done")

_HOLDING: set[Path] = set()  # registries that this process holds
_ASKED: dict[Path, float] = {}  # when this process has last asked a remote host
_FRESH = 15.0  # seconds that its answer is good for: a step looks many times, and a night that waits every second
_PATIENCE = 120.0  # seconds that a writer waits for another: a range of a year publishes in less


class Writer:
    """The one writer of a registry on this machine. Use `change`, or `held`, to get one."""

    def __init__(self, registry: Registry, lock: int) -> None:
        self._lock, self._base = lock, registry.head()
        self.registry = replace(registry, newest=self._base)  # as it is with what was committed here, landed or not
        self._changes: dict[str, bytes | None] = {}

    def text(self, path: str) -> str | None:
        """Return a small file as it will be committed, or None."""
        if path in self._changes:
            content = self._changes[path]
            return None if content is None else content.decode()
        return self.registry.text(path)

    def write(self, path: str, text: str) -> None:
        """Write a small file that Git keeps."""
        self._changes[path] = text.encode()

    def remove(self, path: str) -> None:
        """Remove a small file that Git keeps, where it is there."""
        self._changes[path] = None

    def add(self, files: Mapping[str, Path]) -> None:
        """Put files into DVC's cache and its remote: path in the registry -> where its bytes lie now.

        Raises RegistryError where the remote cannot be reached.
        """
        for path, pointer in (self.registry.storage.add(files) if files else {}).items():
            self.write(f"{path}.dvc", pointer)

    def append(self, loop: str, new: Sequence[Entry]) -> None:
        """Append entries to the ledger, each with `format`, the hash of the one `before` it, and room for `signature`.

        Raises LedgerError where the ledger is broken: nothing follows what was changed.
        """
        path = f"{loop}/ledger.jsonl"
        before = self.text(path) or ""
        known = chain.read(before, f"{path} in {self.registry.root}", verify(loop))
        last, text = (known[-1] if known else None), before
        for entry in new:
            last = chain.link(entries.line(entry), last)
            text += chain.line(last) + "\n"
        self.write(path, text)

    def keep(self, loop: str, suffix: str, content: str) -> str:
        """Keep what a decision rests on; return its SHA-256."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        path = fact_path(loop, digest, suffix)
        if suffix not in PAGES:
            self.write(path, content)
        elif not self.registry.exists(f"{path}.dvc"):
            folder = self.registry.root / ".dvc" / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as made:
                page = Path(made) / digest
                page.write_text(content, encoding="utf-8")
                self.add({path: page})
        return digest

    def write_ledger(self, loop: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write a ledger anew: for an upgrade alone."""
        self.write(f"{loop}/ledger.jsonl", "".join(chain.line(each) + "\n" for each in lines))

    def commit(self, message: str) -> str:
        """Commit what was written since the last commit, aside; return the revision. It counts when it has landed.

        Nothing that differs leaves the revision as it is.
        """
        head = self.registry.head()
        for path, content in self._changes.items():
            if path.endswith("/ledger.jsonl"):
                self._lengthens(path, content)
        tip = self.registry.objects.write(head, self._changes, message)
        self._changes = {}
        self.registry = replace(self.registry, newest=tip)
        return tip

    def land(self) -> str:
        """Let what was committed count; return the revision. Raises Lost where another writer was faster."""
        tip = self.registry.head()
        if tip != self._base:
            if self.registry.git_remote != git_remote.NONE:
                git_remote.push(self.registry.objects, self.registry.git_remote, self._base, tip, self._lock)
            self.registry.objects.move(self._base, tip)
            self._base = tip
        return tip

    def _lengthens(self, path: str, content: bytes | None) -> None:
        """Raise LedgerError where a ledger would lose an entry. One without a chain, of 0.1, is written anew once."""
        before = self.registry.text(path) or ""
        moved = content is None and before.encode() in self._changes.values()  # a loop is renamed
        if '"before": ' in before and not moved and not (content or b"").decode().startswith(before):
            raise LedgerError(f"{path} in {self.registry.root} would lose entries. Nothing was written")


def change(registry: Registry, act: Callable[[Writer], Done]) -> Done:
    """Hold the registry, let `act` decide and write, and let that land; where another was faster, let it decide again.

    Raises RegistryBusy where others keep being faster for two minutes, or keep the registry.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with held(registry) as writer:
                return act(writer)
        except Lost:
            if time.monotonic() > deadline:
                raise


def keep_up(registry: Registry) -> None:
    """Bring what other machines have written, where there is any. Raises RegistryBusy where the remote is away."""
    url = registry.git_remote
    if url == git_remote.NONE or registry.root in _HOLDING:  # the one who holds it has kept up
        return
    if settings.folder(url) is None and time.monotonic() - _ASKED.get(registry.root, -_FRESH) < _FRESH:
        return
    if git_remote.head(registry.root, url) not in ("", registry.objects.head()):
        with held(registry):
            pass
    _ASKED[registry.root] = time.monotonic()


@contextmanager
def held(registry: Registry) -> Iterator[Writer]:
    """Hold the registry for one try. Raises RegistryBusy where another keeps it, and Lost where another was faster."""
    with storage_errors(registry.root), (registry.root / ".git" / "ratchet.writer").open("w") as lock:
        _acquire(registry, lock.fileno())
        # We hold what every living writer holds, its children included: what is locked was left by a dead one.
        git_remote.clear(registry.root / ".git")
        if registry.git_remote != git_remote.NONE:
            git_remote.follow(registry.objects, registry.git_remote, lock.fileno())
        _HOLDING.add(registry.root)
        try:
            writer = Writer(registry, lock.fileno())
            yield writer
            writer.land()
        finally:
            _HOLDING.discard(registry.root)


def _acquire(registry: Registry, lock: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RegistryBusy(
                    f"Another writer has held {registry.root} for {_PATIENCE:.0f} s. Retry when it is done"
                ) from None
            time.sleep(0.02)
        else:
            return
