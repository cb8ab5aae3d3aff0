"""The data registry: a Git repository with DVC, apart from the code's.

    <loop>/data/<table>/<partition>.parquet             what was accepted            (DVC; in Git its .dvc file)
    <loop>/quarantine/<partition>/<delivery>/<table>.parquet   what was not          (DVC)
    <loop>/verdicts/<partition>.json                    the newest delivery's verdict, hashes and counts   (Git)
    <loop>/ledger.jsonl                                 decisions about models, a line each                (Git)
    <loop>/facts/<ab>/<sha256>.json, .html              what they rest on, by its hash            (Git; pages DVC)
    <loop>/runs/<run>.json, <loop>/keys/<key>           what steps have made of trainings, by its hash     (Git)
    <loop>/duels/<run>.json                             the days of a challenger's duel                    (Git)
    <loop>/contracts/<digest>/                          contracts and SQL that something was decided by    (Git)
    <loop>/open/<partition>.json, <loop>/nights/<partition>.json   nights under way, and how others ended  (Git)
    format.json                                         the format that all this is written in             (Git)
    renames.json                                        names that loops had before, the latest first      (Git)

The repository is bare: nothing lies in a worktree, so nothing can differ from what is committed. Here it is read, by
revision, without a lock; `opening.py` makes it, `writing.py` writes it, `keeping.py` brings it back.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ratchet.adapters import git, git_remote
from ratchet.adapters.git_objects import Objects
from ratchet.adapters.storage import Storage
from ratchet.decisions import chain, deliveries, entries
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.decisions.entries import Entry
from ratchet.errors import DataError, RegistryError

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 4  # of what is written; `ratchet upgrade` brings older states forward
FORMAT_FILE, DVC_FILE, RENAMES = "format.json", ".dvc/config", "renames.json"
PAGES = (".html",)  # facts that are too large for Git
_AT_ONCE = 64  # files whose bytes are in memory beside the tables that they become
_LEDGERS: dict[str, tuple[Entry, ...]] = {}  # the ledger that was read last, by the hash of its text


@dataclass(frozen=True)
class Registry:
    """A data registry in a folder. Use `opening.open_registry` to get one."""

    root: Path
    remote: str  # of DVC: a folder, or a URL
    git_remote: str = git_remote.NONE  # a folder, or a URL; none where there is no other copy
    newest: str = ""  # the revision that HEAD stands for, where that is not the branch: what a writer has written aside

    @functools.cached_property
    def objects(self) -> Objects:
        """Open Git's objects."""
        return Objects(self.root, self.root / ".git")

    @property
    def storage(self) -> Storage:
        """Return where the bytes lie that DVC keeps."""
        return Storage(self.root, self.remote)

    def head(self) -> str:
        """Return the newest revision: 40 hexadecimal digits."""
        found = self.newest or self.objects.head()
        if not found:
            raise RegistryError(f"The data registry {self.root} has no commit. Bring it back: ratchet registry restore")
        return found

    def format(self) -> int:
        """Return the format that the state is written in; 0.1 wrote none, which is 1."""
        text = self.text(FORMAT_FILE)
        return int(json.loads(text)["format"]) if text else 1

    def resolve(self, revision: str) -> str:
        """Return the full revision of a name. Raises RegistryError where there is none."""
        return self.head() if revision == "HEAD" else self.objects.resolve(revision)

    def git(self, *arguments: str) -> str:
        """Ask Git about history, and return what it says."""
        return git.run(self.root / ".git", *arguments)

    def partitions(self, loop: str, table: str, revision: str) -> list[str]:
        """List the published partitions of a table at a revision."""
        at = self._at(revision)
        found = self.objects.names(at, self._spelled(f"{loop}/data/{table}", at))
        return [name.removesuffix(".parquet.dvc") for name in found if name.endswith(".parquet.dvc")]

    def verdict(self, loop: str, partition: str, revision: str = "HEAD") -> DeliveryVerdict | None:
        """Return the verdict on the newest delivery of a partition, as of a revision."""
        path = f"{loop}/verdicts/{partition}.json"
        text = self.text(path, revision)
        return deliveries.parse(text, path) if text is not None else None

    def verdicts(
        self, loop: str, revision: str = "HEAD", first: str = "", last: str = "9999"
    ) -> dict[str, DeliveryVerdict]:
        """Return the verdicts on the partitions from `first` to `last`, as of a revision."""
        at = self._at(revision)
        paths = [p for p in self.names(f"{loop}/verdicts/", at) if first <= PurePosixPath(p).stem <= last]
        texts = self.texts_of(paths, at)
        return {PurePosixPath(path).stem: deliveries.parse(text, path) for path, text in texts.items()}

    def names(self, folder: str, revision: str = "HEAD") -> list[str]:
        """List the files that Git holds in a folder (`a/b/`), as of a revision; none where there is no such folder."""
        at = self._at(revision)
        return [f"{folder}{name}" for name in self.objects.names(at, self._spelled(folder, at))]

    def folders(self, revision: str = "HEAD") -> list[str]:
        """List the folders at the top, as of a revision."""
        return self.objects.names(self._at(revision), "", folders=True)

    def exists(self, path: str, revision: str = "HEAD") -> bool:
        """Say whether Git holds a file, as of a revision."""
        return bool(self.content_id(path, revision))

    def content_id(self, folder: str, revision: str = "HEAD") -> str:
        """Return a hash of a file, or of all below a folder, as of a revision; an empty string where nothing is."""
        at = self._at(revision)
        return self.objects.folder_id(at, self._spelled(folder, at))

    def former(self, loop: str) -> list[str]:
        """List the names that a loop had before, the latest first."""
        return self._renames().get(loop, [])

    def given_up(self) -> set[str]:
        """Return the names that loops had before: no other may have them, for past revisions know them by these."""
        return {name for names in self._renames().values() for name in names}

    def ever(self, path: str) -> list[str]:
        """Return a path of a loop with all names that the loop has had: what Git's history knows it by."""
        loop = path.partition("/")[0]
        return [path, *(name + path.removeprefix(loop) for name in self.former(loop))]

    def renamed(self) -> set[str]:
        """Return the commits that have renamed a loop: they touch all of it, and change nothing."""
        return {*self.git("log", "--format=%H", "main", "--", RENAMES).split()}

    def texts(self, folder: str, revision: str = "HEAD") -> dict[str, str]:
        """Return the small files of a folder, as of a revision: path -> text."""
        at = self._at(revision)
        return self.texts_of(self.names(folder, at), at)

    def texts_below(self, folder: str, revision: str = "HEAD") -> dict[str, str]:
        """Return the small files of a folder and of those in it, as of a revision: path -> text."""
        return self._below(folder, revision, "")

    def pointers(self, folder: str, revision: str = "HEAD") -> dict[str, str]:
        """Return the pointers below a folder, as of a revision: path of what DVC keeps -> text of its .dvc."""
        return {path.removesuffix(".dvc"): text for path, text in self._below(folder, revision, ".dvc").items()}

    def texts_of(self, paths: Iterable[str], revision: str = "HEAD") -> dict[str, str]:
        """Return small files that Git holds, those that there are: path -> text."""
        at = self._at(revision)
        return {path: text for path in paths if (text := self.text(path, at)) is not None}

    def texts_at(self, places: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return small files that Git holds, each as of a revision of its own: (revision, path) -> text.

        Raises RegistryError where one is missing.
        """
        found = {place: self.text(place[1], place[0]) for place in places}
        if lost := [f"{path} at {revision[:10]}" for (revision, path), text in found.items() if text is None]:
            raise RegistryError(f"The data registry {self.root} has lost {lost[0]}")
        return {place: text for place, text in found.items() if text is not None}

    def ledger(self, loop: str, revision: str = "HEAD") -> list[Entry]:
        """Return the entries of a loop's ledger, oldest first. Raises LedgerError where one is not known."""
        path = f"{loop}/ledger.jsonl"
        at = self._at(revision)
        content = self.content_id(path, at)
        found = _LEDGERS.get(content)
        if found is None:
            found = tuple(entries.parse(self.ledger_lines(loop, at), path))
            _LEDGERS.clear()  # another thread may do so at any moment
            _LEDGERS[content] = found
        return [*found]

    def ledger_lines(self, loop: str, revision: str = "HEAD") -> list[dict[str, Any]]:
        """Return the entries of a loop's ledger as they are written. Raises LedgerError where the chain breaks."""
        path = f"{loop}/ledger.jsonl"
        return chain.read(self.text(path, revision) or "", f"{path} in {self.root}", verify(loop))

    def read(self, paths: Iterable[str], revision: str) -> dict[str, pa.Table]:
        """Read Parquet files as of a revision, each compared with its hash. Takes no lock.

        Raises DataError where one is missing or damaged.
        """
        import pyarrow as pa
        from pyarrow import parquet

        tables: dict[str, pa.Table] = {}
        wanted = [*paths]
        for start in range(0, len(wanted), _AT_ONCE):
            pointers = self._pointers(wanted[start : start + _AT_ONCE], revision)
            for path, content in self.storage.read(pointers).items():
                try:
                    tables[path] = parquet.ParquetFile(pa.BufferReader(content)).read()
                except (pa.ArrowInvalid, OSError) as error:
                    raise DataError(f"{path} at {revision[:10]} is damaged: {error}. Ingest that day again") from error
        return tables

    def fact(self, loop: str, digest: str, suffix: str = ".json") -> str:
        """Return what a decision rests on, by its SHA-256. Raises DataError where it is missing or was changed."""
        path = fact_path(loop, digest, suffix)
        text = self.text(f"{path}.dvc" if suffix in PAGES else path)
        if text is not None and suffix in PAGES:
            text = self.storage.read({path: text})[path].decode()
        if text is None or hashlib.sha256(text.encode()).hexdigest() != digest:
            raise DataError(
                f"{path} is {'missing' if text is None else 'not what it was'} in the data registry {self.root}"
            )
        return text

    def replaced(self, *folders: str) -> Iterator[tuple[str, str, float]]:
        """Yield the pointers that a later commit has replaced or removed: path, text, and when (seconds since 1970)."""
        for about, paths in self.commits("%P %ct", "--diff-filter=MD", "main", "--", *folders):
            parent, when = about.split()
            for path in paths:
                text = self.text(path, parent)
                if path.endswith(".dvc") and text is not None:
                    yield path.removesuffix(".dvc"), text, float(when)

    def commits(self, form: str, *arguments: str) -> Iterator[tuple[str, list[str]]]:
        """Yield commits, the newest first: what Git's format says of each, and the paths that it has touched.

        arguments: of `git log`, such as what limits it.
        """
        text = self.git("log", f"--format=%x00{form}", "--name-only", "--no-renames", *arguments)
        for block in text.split("\0")[1:]:
            about, *paths = [line for line in block.splitlines() if line.strip()]
            yield about, paths

    def text(self, path: str, revision: str = "HEAD") -> str | None:
        """Return a small file that Git holds; None where the revision has none, and only there."""
        at = self._at(revision)
        content = self.objects.read(at, self._spelled(path, at))
        return None if content is None else content.decode()

    def _renames(self) -> dict[str, list[str]]:
        content = self.objects.read(self.head(), RENAMES)
        return dict(json.loads(content)) if content else {}

    def _spelled(self, path: str, revision: str) -> str:
        """Return a path as a revision has it: under the name that the loop had then."""
        loop = path.partition("/")[0]
        if loop and not self.objects.folder_id(revision, loop):
            for name in self.former(loop):
                if self.objects.folder_id(revision, name):
                    return name + path.removeprefix(loop)
        return path

    def _at(self, revision: str) -> str:
        return revision if len(revision) == 40 else self.resolve(revision)

    def _below(self, folder: str, revision: str, ending: str) -> dict[str, str]:
        at = self._at(revision)
        found = self.objects.files(at, self._spelled(folder, at), ending)
        above = f"{folder.rstrip('/')}/".lstrip("/")
        return {f"{above}{path}": content.decode() for path, content in found.items()}

    def _pointers(self, paths: Iterable[str], revision: str) -> dict[str, str]:
        found = {}
        for path in paths:
            text = self.text(f"{path}.dvc", revision)
            if text is None:
                raise DataError(f"{path} is not in the data registry at {revision[:10]}. See: ratchet data log")
            found[path] = text
        return found


def verify(loop: str) -> str:
    """Name the command that says where a chain breaks."""
    return f"ratchet history {loop} --verify"


def fact_path(loop: str, digest: str, suffix: str) -> str:
    """Say where something that a decision rests on lies."""
    return f"{loop}/facts/{digest[:2]}/{digest}{suffix}"
