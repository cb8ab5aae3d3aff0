"""The Git remote of a data registry: what is written counts when the remote has taken it.

Where one is named it is the truth, and the registry on this machine a copy that keeps up with it: whoever writes
begins at the remote's head, and the remote takes what follows that, or nothing. So writers on several machines need no
common lock.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet import settings
from ratchet.adapters import git, git_objects
from ratchet.adapters.git_objects import BRANCH, Lost, Objects
from ratchet.errors import RegistryBusy, RegistryError, storage_errors

NONE = "none"  # a setting: there is no remote


class Unreachable(RegistryBusy):
    """The Git remote does not answer."""


def head(root: Path, url: str, held: int | None = None) -> str:
    """Return the commit that a remote is at; an empty string where it holds nothing yet."""
    folder = settings.folder(url)
    if folder is not None:
        return Objects(root, folder).head() if (folder / "HEAD").exists() else ""
    with _answering(url):
        said = git.run(root, "ls-remote", url, BRANCH, remote=True, keep=_fds(held), wait=120)
    return said.split()[0] if said.strip() else ""


def follow(objects: Objects, url: str, held: int) -> None:
    """Bring what the remote has and this machine has not. Raises RegistryError where the two have diverged."""
    there, here = head(objects.root, url, held), objects.head()
    if not there or there == here:
        return
    if not objects.has(there):
        with _answering(url):
            git.run(objects.folder, "fetch", "--quiet", "--no-tags", url, BRANCH, remote=True, keep=_fds(held))
    if not here or objects.descends(there, here):
        objects.move(here, there)
    elif not objects.descends(here, there):
        raise RegistryError(
            f"The data registry {objects.root} is at {here[:10]}, and its Git remote {url} at {there[:10]}, which does "
            "not follow it. One of the two belongs to another installation, or was restored from a copy. Move the "
            "wrong one away; ratchet registry restore makes the registry from the remote"
        )


def push(objects: Objects, url: str, base: str, tip: str, held: int) -> None:
    """Let the remote take `tip`, which follows `base`. Raises Lost where another writer was faster."""
    with _prepared(url) as lock:
        try:
            keep = (*_fds(held), *_fds(lock))
            git.run(objects.folder, "push", "--quiet", url, f"{tip}:{BRANCH}", remote=True, keep=keep)
        except RegistryError as error:
            there = head(objects.root, url, held)
            if there == tip:
                return
            if there and not (objects.has(there) and objects.descends(base, there)):
                raise Lost(f"Another writer has moved {url} from {base[:10]} to {there[:10]}. Retry") from None
            raise Unreachable(f"{error}. Nothing counts that it has not taken. Retry") from error


def complete(objects: Objects, url: str) -> None:
    """Let a remote have what it has not: one that is new, or was behind."""
    with _prepared(url) as lock, _answering(url):
        git.run(objects.folder, "push", "--quiet", url, f"{BRANCH}:{BRANCH}", remote=True, keep=_fds(lock))


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """Turn what a remote does not do into Unreachable, which is worth a retry."""
    try:
        yield
    except RegistryError as error:
        raise Unreachable(f"{error}. Its Git remote {url} has to answer. Retry, or set RATCHET_GIT_REMOTE") from error


@contextmanager
def _prepared(url: str) -> Iterator[int | None]:
    """Make a remote that is a folder, once; clear the locks that a killed push has left there, and hold our own."""
    folder = settings.folder(url)
    if folder is None:
        yield None
        return
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f".{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "HEAD").exists():
                git_objects.init(folder)
            clear(folder)
            yield lock.fileno()


def clear(folder: Path) -> None:
    """Remove what dead writers have left of Git's locks. For who holds the lock that every living one holds."""
    for path in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock"), *(folder / "objects").glob("*.lock")):
        path.unlink(missing_ok=True)


def _fds(held: int | None) -> tuple[int, ...]:
    return () if held is None else (held,)
