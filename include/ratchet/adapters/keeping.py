"""A data registry and its remotes: bring one back from them, and everything that it holds to them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from ratchet import settings
from ratchet.adapters import git, git_objects, git_remote, opening, storage, writing
from ratchet.adapters.data_registry import DVC_FILE, Registry
from ratchet.adapters.git_objects import BRANCH, Objects
from ratchet.adapters.storage import Storage
from ratchet.adapters.writing import Writer
from ratchet.errors import RegistryError, RequestError
from ratchet.files import atomic, write_text

_UNDER_WAY = "ratchet.restoring"  # a file that is there until the bytes of a restored registry have come
_LOOSE = 500  # objects; fewer are not worth a pack
_DAY = 86400.0


def restore(registry: Registry, say: Callable[[str], None]) -> None:
    """Make a registry that is gone from its remotes alone. Raises RequestError where it is there, or they hold none."""
    root, url = registry.root, registry.git_remote
    there = (root / ".git").exists()
    if there and not (root / ".git" / _UNDER_WAY).exists():
        raise RequestError(f"There is a data registry in {root}. Move it away, if it is to be made from its remote")
    if not there and root.is_dir() and any(root.iterdir()):  # such as a cache, with what no remote has
        raise RequestError(f"{root} is neither empty nor a data registry. Move what is there, or set RATCHET_REGISTRY")
    root.parent.mkdir(parents=True, exist_ok=True)
    tip = git_remote.head(root.parent, url) if url != git_remote.NONE else ""
    if not tip:
        raise RequestError(
            f"The Git remote {url} holds no data registry. Name the one that does: RATCHET_GIT_REMOTE, a folder or URL"
        )
    if not there:
        with atomic(root) as folder:
            _clone(folder / ".git", url)
            text = Objects(root, folder / ".git").read(tip, DVC_FILE) or b""
            write_text(folder / DVC_FILE, text.decode())
            (folder / ".git" / _UNDER_WAY).touch()
    opening.check_format(registry)
    say(f"{root}: {tip[:10]} from {url}")
    names = {storage.parse(text, path)[0]: path for path, text in registry.pointers("", tip).items()}
    registry.storage.fetch(names)
    missing = [path for digest, path in names.items() if not registry.storage.has(digest)]
    if missing:
        raise RegistryError(
            f"The DVC remote {registry.remote} lacks {len(missing)} of {len(names)} files: {missing[0]} …. Name "
            "the remote that has them: RATCHET_REMOTE; or ingest those days again"
        )
    (root / ".git" / _UNDER_WAY).unlink(missing_ok=True)
    say(f"{len(names)} files from {registry.remote}")


def push(registry: Registry, say: Callable[[str], None]) -> None:
    """Bring all that a registry holds, of all times, to the remotes that the settings name, and name them in it."""
    if not (registry.root / ".git").exists():
        raise RequestError(f"There is no data registry in {registry.root}. Bring it back: ratchet registry restore")
    opening.check_format(registry)
    digests = {storage.parse(text, path)[0]: path for path, text in _pointers(registry)}
    before = opening.configured(registry)
    with contextlib.suppress(RegistryError):  # where it is gone, what the cache has is all that there is
        lost = {digest: path for digest, path in digests.items() if not registry.storage.has(digest)}
        Storage(registry.root, before).fetch(lost)
    here = {digest for digest in digests if registry.storage.has(digest)}
    registry.storage.push(here)
    say(f"{registry.remote}: {len(here)} files")
    if len(here) < len(digests):
        say(f"{len(digests) - len(here)} files are neither in the cache nor in {before}")
    config = opening.beginning(registry.root, registry.remote)[DVC_FILE]

    def act(writer: Writer) -> None:
        writer.write(DVC_FILE, config)
        writer.commit(f"Keep the data in {storage.configured(config)}")

    writing.change(registry, act)
    write_text(registry.root / DVC_FILE, config)
    if registry.git_remote != git_remote.NONE:
        git_remote.complete(registry.objects, registry.git_remote)
        say(f"{registry.git_remote}: {registry.head()[:10]}")


def pack(registry: Registry) -> None:
    """Put Git's loose objects into packs, which hold differences: of a registry, and of a remote that is a folder."""
    folders = [registry.root / ".git"]
    if (remote := settings.folder(registry.git_remote)) is not None and (remote / "HEAD").exists():
        folders.append(remote)
    for folder in folders:
        with (folder / "ratchet.packer").open("w") as lock, contextlib.suppress(BlockingIOError):  # another is at it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _pack(folder, lock.fileno())


def _pack(folder: Path, lock: int) -> None:
    """Pack a repository's loose objects, where they are many, and remove what killed processes were writing."""
    loose = 0
    for place, _, names in os.walk(folder / "objects"):
        for left in (Path(place) / name for name in names if name.startswith("tmp_")):
            if left.exists() and left.stat().st_mtime < time.time() - _DAY:
                left.unlink(missing_ok=True)
        loose += len(names) if len(Path(place).name) == 2 else 0
    if loose > _LOOSE:
        git.run(folder, "repack", "-d", "-l", "-q", "--geometric=2", keep=[lock])
        git.run(folder, "prune", "--expire=2.weeks.ago", keep=[lock])


def _clone(folder: Path, url: str) -> None:
    git_objects.init(folder)
    git.run(folder, "fetch", "--quiet", "--no-tags", url, f"{BRANCH}:{BRANCH}", remote=True)


def _pointers(registry: Registry) -> list[tuple[str, str]]:
    """List the pointers of all times: path and text."""
    found = []
    for revision, paths in registry.commits("%H", "--diff-filter=AM", "main", "--", "*.dvc"):
        found += [(path, text) for path in paths if (text := registry.text(path, revision)) is not None]
    return found
