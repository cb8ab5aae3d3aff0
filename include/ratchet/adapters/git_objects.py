"""Git's objects, read and written by libgit2: no process, no index, no worktree, and none of the user's configuration.

What is read costs what is read, whatever the age of the repository. What is written is written aside, and counts when
the branch is moved to it: from the revision that it was built on, or not at all.
"""

from __future__ import annotations

import functools
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters import git
from ratchet.errors import MissingPackage, RegistryBusy, RegistryError
from ratchet.files import atomic

if TYPE_CHECKING:
    from pygit2 import Commit, Object, Repository, Tree

BRANCH = "refs/heads/main"
_FILE, _FOLDER = 0o100644, 0o040000
_HASH = re.compile("[0-9a-f]{4,40}")  # of an object, whole or its beginning
_LOCK_WAIT = 10.0  # seconds that another holder of a reference's lock is waited for


class Lost(RegistryBusy):
    """Another writer was faster; what was decided is decided again on what it has written."""


class Objects:
    """The objects and the branch of a bare repository. Errors name `root`, the folder that users know it by."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        with self._told("cannot be opened"):
            flags = _pygit2().enums.RepositoryOpenFlag
            self._repository: Repository = _pygit2().Repository(str(folder), flags.NO_SEARCH | flags.BARE)
        self._ended: set[str] = set()  # objects whose files are known to have their end
        self._folders: dict[tuple[str, str], Object | None] = {}  # that were looked up: revision and path

    def head(self) -> str:
        """Return the commit that the branch is at; an empty string where there is none yet."""
        with self._told("its branch main cannot be read"):
            found = self._repository.references.get(BRANCH)
            return str(found.target) if found else ""

    def resolve(self, revision: str) -> str:
        """Return the commit of a revision's name. Raises RegistryError where there is none."""
        try:
            if _HASH.fullmatch(revision):
                with self._told(f"the revision {revision}"):
                    for path in (self.folder / "objects" / revision[:2]).glob(f"{revision[2:]}*"):
                        self._ends(revision[:2] + path.name)
            return str(self._repository.revparse_single(revision).peel(_pygit2().Commit).id)
        except (KeyError, ValueError, _pygit2().GitError):
            raise RegistryError(f"The data registry {self.root}: there is no revision {revision!r}") from None

    def has(self, revision: str) -> bool:
        """Say whether a commit is here."""
        with self._told(f"{revision[:10]} cannot be looked for"):
            return self._get(revision) is not None

    def descends(self, revision: str, ancestor: str) -> bool:
        """Say whether a commit follows another, or is the same."""
        with self._told(f"{revision[:10]} cannot be compared with {ancestor[:10]}"):
            return revision == ancestor or self._repository.descendant_of(revision, ancestor)

    def read(self, revision: str, path: str) -> bytes | None:
        """Return a file as of a commit; None where that tree has no such path, and only there."""
        found = self._at(revision, path)
        return None if found is None else self._content(found, path)

    def folder_id(self, revision: str, path: str) -> str:
        """Return the hash of a folder's content as of a commit; an empty string where there is no such folder."""
        found = self._at(revision, path)
        return str(found.id) if found is not None else ""

    def names(self, revision: str, path: str, folders: bool = False) -> list[str]:
        """List what a folder holds as of a commit: its files, or its folders; nothing where there is no such folder."""
        found = self._at(revision, path)
        kind = _pygit2().enums.ObjectType.TREE
        if found is None or found.type != kind:
            return []
        tree: Any = found
        return [entry.name for entry in tree if (entry.type == kind) == folders]

    def files(self, revision: str, path: str, ending: str = "") -> dict[str, bytes]:
        """Return the files below a folder as of a commit, all or those of an ending: path below it -> content."""
        found = self._at(revision, path)
        return dict(self._below(found, path, "", ending)) if found is not None else {}

    def write(self, base: str, changes: Mapping[str, bytes | None], message: str) -> str:
        """Write a commit upon `base` (or as the first) aside; return it, or `base` where nothing differs.

        changes: path -> content, None where it is to be gone.
        """
        pygit2 = _pygit2()
        with self._told("a commit cannot be written"):
            before = self._commit(base) if base else None
            tree = self._build(before.tree if before else None, changes)
            tree = tree or self._repository.TreeBuilder().write()
            if before is not None and tree == before.tree.id:
                return base
            who = pygit2.Signature("Ratchet", "ratchet@localhost", int(time.time()), 0)
            parents = [before.id] if before else []
            return str(self._repository.create_commit(None, who, who, message, tree, parents))

    def move(self, base: str, tip: str) -> None:
        """Move the branch from one commit to another, in one step. Raises Lost where it is no longer at `base`."""
        pygit2, deadline = _pygit2(), time.monotonic() + _LOCK_WAIT
        while True:
            try:
                with self._told("its branch main cannot be moved"), self._repository.transaction() as held:
                    held.lock_ref(BRANCH)
                    now = self.head()
                    if now not in (base, tip):
                        raise Lost(f"Another writer has moved {self.root} from {base[:10]} to {now[:10]}. Retry")
                    held.set_target(BRANCH, pygit2.Oid(hex=tip))
                return
            except RegistryError as error:
                if "lock" not in str(error) or isinstance(error, Lost) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _commit(self, revision: str) -> Commit:
        found = self._get(revision)
        if found is None or found.type != _pygit2().enums.ObjectType.COMMIT:
            raise RegistryError(f"The data registry {self.root} has lost the commit {revision}")
        commit: Any = found
        self._ends(str(commit.tree_id))
        return commit  # type: ignore[no-any-return]

    def _at(self, revision: str, path: str) -> Object | None:
        above, _, name = path.strip("/").rpartition("/")
        with self._told(f"{path} at {revision[:10]} cannot be read"):
            if not name:
                return self._commit(revision).tree
            folder: Any = self._folder(revision, above)
            if folder is None or folder.type != _pygit2().enums.ObjectType.TREE or name not in folder:
                return None
            return self._found(folder[name].id, path)

    def _folder(self, revision: str, path: str) -> Object | None:
        """Look a folder up once: many of its files are read one after another."""
        if (revision, path) not in self._folders:
            self._folders[revision, path] = self._at(revision, path)
        return self._folders[revision, path]

    def _found(self, name: Any, path: str) -> Object:
        with self._told(f"{path} cannot be read"):
            found = self._get(str(name))
        if found is None:
            raise RegistryError(f"The data registry {self.root} has lost {path} (the object {name})")
        return found

    def _get(self, name: str) -> Object | None:
        self._ends(name)
        return self._repository.get(name)

    def _ends(self, name: str) -> None:
        """Raise ValueError where the file of an object was cut off: libgit2 (to 1.9.7) reads such a one for ever."""
        if name in self._ended:
            return
        try:
            content, inflated = (self.folder / "objects" / name[:2] / name[2:]).read_bytes(), zlib.decompressobj()
        except FileNotFoundError:  # in a pack, or nowhere
            return
        try:
            inflated.decompress(content)
        except zlib.error as error:
            raise ValueError(f"the object {name} is damaged: {error}") from error
        if not inflated.eof:
            raise ValueError(f"the object {name} is damaged: its file ends too early")
        self._ended.add(name)

    def _content(self, found: Object, path: str) -> bytes:
        with self._told(f"{path} cannot be read"):
            blob: Any = found
            return bytes(blob.data)

    def _below(self, node: Any, path: str, prefix: str, ending: str) -> Iterator[tuple[str, bytes]]:
        kind = _pygit2().enums.ObjectType.TREE
        if node.type != kind:
            yield prefix, self._content(node, path)
            return
        for entry in node:
            below = f"{prefix}/{entry.name}" if prefix else str(entry.name)
            if entry.type == kind or below.endswith(ending):
                yield from self._below(self._found(entry.id, f"{path}/{below}"), path, below, ending)

    def _build(self, before: Tree | None, changes: Mapping[str, bytes | None]) -> Any:
        """Write the tree that follows another; return its id, None where nothing is left in it."""
        repository = self._repository
        builder = repository.TreeBuilder(before) if before is not None else repository.TreeBuilder()
        below: dict[str, dict[str, bytes | None]] = {}
        for path, content in changes.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = content
            elif content is not None:
                builder.insert(name, repository.create_blob(content), _FILE)
            elif builder.get(name) is not None:
                builder.remove(name)
        for name, inner in below.items():
            old: Any = self._found(before[name].id, name) if before is not None and name in before else None
            if old is not None and old.type != _pygit2().enums.ObjectType.TREE:
                old = None  # a file, whose place a folder takes
            tree = self._build(old, inner)
            if tree is not None:
                builder.insert(name, tree, _FOLDER)
            elif old is not None:
                builder.remove(name)
        return builder.write() if len(builder) else None

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (_pygit2().GitError, KeyError, ValueError, OSError) as error:
            said = str(error).strip("'\"") or type(error).__name__
            raise git.failure(self.root, what, said) from error


def init(folder: Path) -> None:
    """Make an empty bare repository, or none."""
    with atomic(folder) as temporary:
        try:
            _pygit2().init_repository(str(temporary), bare=True, initial_head="main")
        except _pygit2().GitError as error:
            raise git.failure(folder, "it cannot be made", str(error)) from error


@functools.cache
def _pygit2() -> Any:
    try:
        import pygit2
    except ImportError as error:
        raise MissingPackage(f"pygit2 cannot be imported ({error}). Run: make install") from error
    option, level = pygit2.enums.Option, pygit2.enums.ConfigLevel
    pygit2.option(option.ENABLE_FSYNC_GITDIR, True)  # a power cut loses no object that the branch names
    pygit2.option(option.SET_OWNER_VALIDATION, False)
    for each in (level.SYSTEM, level.GLOBAL, level.XDG):
        pygit2.option(option.SET_SEARCH_PATH, each, "")
    return pygit2
