"""The data registry: a Git repository with DVC, apart from the code's.

    <loop>/data/<table>/<partition>.parquet             what was accepted            (DVC; in Git its .dvc file)
    <loop>/quarantine/<partition>/<delivery>/<table>.parquet   what was not          (DVC)
    <loop>/verdicts/<partition>.json                    the newest delivery's verdict, hashes and counts   (Git)
    <loop>/ledger.jsonl                                 decisions about models, a line each                (Git)
    <loop>/facts/<ab>/<sha256>.json, .html              what they rest on, by its hash            (Git; pages DVC)
    <loop>/contracts/<digest>/                          contracts and SQL that something was decided by    (Git)
    <loop>/open/<partition>.json, <loop>/nights/<partition>.json   nights under way, and how others ended  (Git)
    format.json                                         the format that all this is written in             (Git)

One writer at a time holds an exclusive lock; a reader names a revision and takes none. Git is its command line; files
go into DVC's storage by adapters/storage.py, and are read through DVC's API.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters import storage
from ratchet.decisions import chain, deliveries, entries
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.decisions.entries import Entry
from ratchet.errors import DataError, FormatError, MissingPackage, RegistryBusy, RegistryError, storage_errors
from ratchet.files import atomic, write_text

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2  # of what is written; `ratchet upgrade` brings older states forward
FORMAT_FILE = "format.json"
IGNORE_FILE, IGNORED = ".gitignore", "*.parquet\n*.html\n*.tmp\n"  # what DVC holds, and what is half-written
_PAGES = (".html",)  # facts that are too large for Git
_CHECKED: set[Path] = set()  # registries whose format this process knows to be its own
_PATIENCE = 120.0  # seconds that a writer waits for another: a range of a year publishes in less


@dataclass(frozen=True)
class Registry:
    """A data registry in a folder. Use `open_registry` to get one."""

    root: Path

    def head(self) -> str:
        """Return the newest revision: 40 hexadecimal digits."""
        return self.git("rev-parse", "HEAD").strip()

    def format(self) -> int:
        """Return the format that the state is written in; 0.1 wrote none, which is 1."""
        text = self.text(FORMAT_FILE)
        return int(json.loads(text)["format"]) if text else 1

    def resolve(self, revision: str) -> str:
        """Return the full revision of a name. Raises RegistryError where there is none."""
        return self.git(
            "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", hint=f"there is no revision {revision!r}"
        ).strip()

    def git(self, *arguments: str, hint: str = "") -> str:
        """Run git in the registry and give its output."""
        return _run(["git", "-C", str(self.root), *arguments], self.root, hint)

    def partitions(self, loop: str, table: str, revision: str) -> list[str]:
        """List the published partitions of a table at a revision."""
        listing = self.git("ls-tree", "--name-only", revision, f"{loop}/data/{table}/")
        return sorted(
            Path(line).name.removesuffix(".parquet.dvc") for line in listing.splitlines() if line.endswith(".dvc")
        )

    def verdict(self, loop: str, partition: str, revision: str = "HEAD") -> DeliveryVerdict | None:
        """Return the verdict on the newest delivery of a partition, as of a revision."""
        path = f"{loop}/verdicts/{partition}.json"
        text = self.text(path, revision)
        return deliveries.parse(text, path) if text else None

    def verdicts(self, loop: str, revision: str = "HEAD") -> dict[str, DeliveryVerdict]:
        """Return the verdicts on all partitions, as of a revision."""
        texts = self.texts(f"{loop}/verdicts/", revision)
        return {Path(path).stem: deliveries.parse(text, path) for path, text in texts.items()}

    def names(self, folder: str, revision: str = "HEAD") -> list[str]:
        """List the files that Git holds in a folder (`a/b/`), as of a revision; none where there is no such folder."""
        return self.git("ls-tree", "--name-only", revision, folder).splitlines()

    def folders(self, revision: str = "HEAD") -> list[str]:
        """List the folders at the top, as of a revision."""
        return self.git("ls-tree", "-d", "--name-only", revision).splitlines()

    def texts(self, folder: str, revision: str = "HEAD") -> dict[str, str]:
        """Return the small files of a folder, as of a revision: path -> text."""
        return self.texts_of(self.names(folder, revision), revision)

    def texts_of(self, paths: list[str], revision: str = "HEAD") -> dict[str, str]:
        """Return small files that Git holds, in one go: path -> text."""
        if not paths:
            return {}
        listing = (
            self.git("ls-tree", revision, "--", *paths) if len(paths) < 500 else self.git("ls-tree", "-r", revision)
        )
        wanted = set(paths)
        blobs = {line.split("\t")[1]: line.split()[2] for line in listing.splitlines()}
        blobs = {path: blob for path, blob in blobs.items() if path in wanted}
        return dict(zip(blobs, self._objects(list(blobs.values())), strict=True))

    def texts_at(self, places: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return small files that Git holds, each as of a revision of its own, in one go: (revision, path) -> text."""
        return dict(zip(places, self._objects([f"{revision}:{path}" for revision, path in places]), strict=True))

    def ledger(self, loop: str, revision: str = "HEAD") -> list[Entry]:
        """Return the entries of a loop's ledger, oldest first. Raises LedgerError where one is not known."""
        return entries.parse(self.ledger_lines(loop, revision), f"{loop}/ledger.jsonl")

    def ledger_lines(self, loop: str, revision: str = "HEAD") -> list[dict[str, Any]]:
        """Return the entries of a loop's ledger as they are written."""
        text = self.text(f"{loop}/ledger.jsonl", revision)
        return [json.loads(line) for line in (text or "").splitlines()]

    def read(self, paths: Iterable[str], revision: str) -> dict[str, pa.Table]:
        """Read Parquet files as of a revision. Takes no lock. Raises DataError where one is missing or damaged."""
        import pyarrow as pa
        from pyarrow import parquet

        tables: dict[str, pa.Table] = {}
        files = self._filesystem(revision)
        for path in paths:
            try:
                with files.open(path, "rb") as stream:
                    tables[path] = parquet.ParquetFile(pa.BufferReader(stream.read())).read()
            except FileNotFoundError:
                raise DataError(
                    f"{path} is not in the data registry at {revision[:10]}. See: ratchet data log"
                ) from None
            except (pa.ArrowInvalid, OSError) as error:
                raise DataError(f"{path} at {revision[:10]} is damaged: {error}. Ingest that day again") from error
        return tables

    def fact(self, loop: str, digest: str, suffix: str = ".json") -> str:
        """Return what a decision rests on, by its SHA-256. Raises DataError where it is missing or was changed."""
        path = fact_path(loop, digest, suffix)
        if suffix in _PAGES:
            try:
                text: str | None = self._filesystem(self.head()).read_text(path, encoding="utf-8")
            except FileNotFoundError:
                text = None
        else:
            text = self.text(path)
        if text is None or hashlib.sha256(text.encode()).hexdigest() != digest:
            raise DataError(
                f"{path} is {'missing' if text is None else 'not what it was'} in the data registry {self.root}"
            )
        return text

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Hold the registry for writing. Raises RegistryBusy where another writer keeps it for two minutes."""
        with storage_errors(self.root), (self.root / ".git" / "ratchet.lock").open("w") as lock:
            deadline = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise RegistryBusy(
                            f"Another writer has held {self.root} for {_PATIENCE:.0f} s. Retry when it is done"
                        ) from None
                    time.sleep(0.05)
            # Only a writer that was killed can have left Git's own lock behind, for we hold ours.
            (self.root / ".git" / "index.lock").unlink(missing_ok=True)
            yield Writer(self)

    def text(self, path: str, revision: str = "HEAD") -> str | None:
        """Return a small file that Git holds, or None."""
        done = subprocess.run(
            ["git", "-C", str(self.root), "show", f"{revision}:{path}"], capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    def _objects(self, names: list[str]) -> list[str]:
        """Return Git's objects of these names as text, in one go. Raises RegistryError where one is missing."""
        if not names:
            return []
        asked = "".join(f"{name}\n" for name in names).encode()
        command = ["git", "-C", str(self.root), "cat-file", "--batch"]
        out = subprocess.run(command, input=asked, capture_output=True, check=True).stdout
        found, at = [], 0
        for name in names:
            end = out.index(b"\n", at)
            if out[at:end].endswith(b" missing"):
                raise RegistryError(f"The data registry {self.root} has lost {name}")
            size = int(out[at:end].split()[2])
            found.append(out[end + 1 : end + 1 + size].decode())
            at = end + 1 + size + 1
        return found

    def _filesystem(self, revision: str) -> Any:
        os.environ["DVC_NO_ANALYTICS"] = "1"
        try:
            from dvc.api import DVCFileSystem
        except ImportError as error:
            raise MissingPackage(f"dvc cannot be imported ({error}). Run: make install") from error
        return DVCFileSystem(str(self.root), rev=revision)


@dataclass(frozen=True)
class Writer:
    """The one writer of a registry."""

    registry: Registry

    def add(self, paths: list[str]) -> None:
        """Put files into DVC's cache and its remote, and write their .dvc files beside them. Does not commit.

        Raises RegistryError where the remote cannot be reached.
        """
        if paths:
            storage.add(self.registry.root, paths)

    def write(self, path: str, text: str) -> None:
        """Write a small file that Git keeps."""
        write_text(self.registry.root / path, text)

    def remove(self, path: str) -> None:
        """Remove a small file that Git keeps, where it is there."""
        (self.registry.root / path).unlink(missing_ok=True)

    def append(self, loop: str, new: Sequence[Entry]) -> None:
        """Append entries to the ledger. Does not commit.

        Each gets the `format`, the hash of the one `before` it, and room for a `signature`.
        """
        lines = self.registry.ledger_lines(loop)
        for entry in new:
            lines.append(chain.link(entries.line(entry), lines[-1] if lines else None))
        self.write_ledger(loop, lines)

    def keep(self, loop: str, suffix: str, content: str) -> tuple[str, str]:
        """Keep what a decision rests on; return its SHA-256 and what is to be committed. Does not commit."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        path = fact_path(loop, digest, suffix)
        self.write(path, content)
        if suffix in _PAGES:
            self.add([path])
            path += ".dvc"
        return digest, path

    def write_ledger(self, loop: str, lines: list[dict[str, Any]]) -> None:
        """Write a ledger whole. Does not commit."""
        self.write(f"{loop}/ledger.jsonl", "".join(chain.line(each) + "\n" for each in lines))

    def commit(self, paths: list[str], message: str) -> str:
        """Commit exactly these paths, removals included; return the revision.

        Nothing to commit leaves HEAD as it is.
        """
        self.registry.git("add", "--all", "--", *paths)
        if self.registry.git("status", "--porcelain", "--untracked-files=no", "--", *paths).strip():
            self.registry.git("commit", "--quiet", "--no-verify", "--message", message, "--", *paths)
        return self.registry.head()


def fact_path(loop: str, digest: str, suffix: str) -> str:
    """Say where something that a decision rests on lies."""
    return f"{loop}/facts/{digest[:2]}/{digest}{suffix}"


def open_registry(root: Path, remote: str) -> Registry:
    """Open the data registry, and make it where there is none yet.

    Safe when two processes do so at once, or one is killed.
    """
    if (root / ".git").exists():
        return _of_this_format(Registry(root))
    with storage_errors(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        with root.with_name(f".{root.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if root.is_dir() and any(root.iterdir()) and not (root / ".git").exists():
                raise RegistryError(
                    f"{root} is neither empty nor a data registry. Move what is there, or set RATCHET_REGISTRY"
                )
            if not (root / ".git").exists():
                with atomic(root) as temporary:
                    _make(temporary, remote)
    return _of_this_format(Registry(root))


def _of_this_format(registry: Registry) -> Registry:
    """Refuse a state that another version has written. Raises FormatError."""
    if registry.root in _CHECKED:
        return registry
    found = registry.format()
    if found > FORMAT:
        raise FormatError(
            f"The state in {registry.root} has the format {found}, which is newer than this program's, {FORMAT}. "
            "Install the version of Ratchet that wrote it, or a later one"
        )
    if found < FORMAT:
        raise FormatError(
            f"The state in {registry.root} was written by an older Ratchet (format {found}; this one's is {FORMAT}). "
            "Bring it forward: ratchet upgrade"
        )
    _CHECKED.add(registry.root)
    return registry


def _make(root: Path, remote: str) -> None:
    """Make a registry in a folder that takes its place only when it is whole."""
    _run(["git", "init", "--quiet", "--initial-branch=main", str(root)], root.parent)
    for key, value in (
        ("user.name", "Ratchet"),
        ("user.email", "ratchet@localhost"),
        ("gc.auto", "0"),
        ("commit.gpgsign", "false"),
    ):
        _run(["git", "config", key, value], root)
    storage.init(root, remote)
    write_text(root / IGNORE_FILE, IGNORED)
    write_text(root / FORMAT_FILE, json.dumps({"format": FORMAT}) + "\n")
    _run(["git", "add", IGNORE_FILE, ".dvc", ".dvcignore", FORMAT_FILE], root)
    _run(["git", "commit", "--quiet", "--message", "Begin the data registry"], root)


def _run(command: list[str], root: Path, hint: str = "") -> str:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "GIT_TERMINAL_PROMPT": "0"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MissingPackage(f"{command[0]} is not installed. Install it (apt-get install {command[0]})") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        text = said[-1] if said else f"exit code {done.returncode}"
        kind = RegistryBusy if "lock" in text.lower() else RegistryError
        raise kind(f"The data registry {root}: {hint or ' '.join(command[:4])}: {text}")
    return done.stdout
