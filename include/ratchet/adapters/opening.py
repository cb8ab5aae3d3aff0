"""Open the data registry, and make it where there has never been one: never in the place of one that is gone."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from ratchet import settings
from ratchet.adapters import git_objects, git_remote, storage
from ratchet.adapters.data_registry import DVC_FILE, FORMAT, FORMAT_FILE, Registry
from ratchet.adapters.git_objects import Objects
from ratchet.errors import FormatError, RegistryError, storage_errors
from ratchet.files import atomic, write_text

_BEGINNING = {  # what a clone needs so that DVC's own commands work in it
    ".gitignore": "*.parquet\n*.html\n*.tmp\n",
    ".dvcignore": "",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    FORMAT_FILE: json.dumps({"format": FORMAT}) + "\n",
}
_CHECKED: set[tuple[Path, str]] = set()  # registries whose format and remote this process knows to be its own


def open_registry(root: Path, remote: str, git_url: str = git_remote.NONE) -> Registry:
    """Open the data registry, and make it where there has never been one.

    Safe when two processes do so at once, or one is killed. Raises RegistryError where it is gone and its remotes are
    not, or where its data lie elsewhere than in `remote`.
    """
    registry = Registry(root, remote, git_url)
    if not (root / ".git").exists():
        with storage_errors(root):
            root.parent.mkdir(parents=True, exist_ok=True)
            with root.with_name(f".{root.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not (root / ".git").exists():
                    refuse_to_begin(registry)
                    with atomic(root) as temporary:
                        _begin(temporary, root, remote)
    if (root, remote) not in _CHECKED:
        check_format(registry)
        _check_remote(registry)
        _CHECKED.add((root, remote))
    return registry


def beginning(root: Path, remote: str) -> dict[str, str]:
    """Return the files of a registry that holds nothing yet: path -> text."""
    return {**_BEGINNING, DVC_FILE: storage.config(relative(root, remote))}


def relative(root: Path, remote: str) -> str:
    """Write a DVC remote as the registry's .dvc/config names it: a folder as seen from there, so that both can move."""
    if settings.folder(remote) is None:
        return remote
    return os.path.relpath(os.path.realpath(remote), os.path.realpath(root / ".dvc"))


def configured(registry: Registry) -> str:
    """Return the DVC remote that the registry's own .dvc/config names: a URL, or a folder from the root on."""
    url = storage.configured(registry.text(DVC_FILE) or "")
    return url if "://" in url else os.path.normpath(registry.root / ".dvc" / url)


def refuse_to_begin(registry: Registry) -> None:
    """Raise RegistryError where a registry must not be made: it was there, or something else is."""
    root, git_url, remote = registry.root, registry.git_remote, registry.remote
    if root.is_dir() and any(root.iterdir()):
        raise RegistryError(f"{root} is neither empty nor a data registry. Move what is there, or set RATCHET_REGISTRY")
    if git_url != git_remote.NONE and git_remote.head(root.parent, git_url):
        raise RegistryError(
            f"The data registry {root} is gone, and its Git remote {git_url} holds one. "
            "Bring it back: ratchet registry restore"
        )
    beside = registry.storage.beside
    if beside is not None and any(beside.glob("*/*")):
        raise RegistryError(
            f"There is no data registry in {root}, and its DVC remote {remote} holds data. Where the registry is gone, "
            "bring it back: ratchet registry restore. To begin anew, move that folder away"
        )


def _begin(folder: Path, root: Path, remote: str) -> None:
    """Make a registry in a folder that takes its place only when it is whole. root: that place."""
    git_objects.init(folder / ".git")
    objects = Objects(root, folder / ".git")
    files = beginning(root, remote)
    tip = objects.write("", {path: text.encode() for path, text in files.items()}, "Begin the data registry")
    objects.move("", tip)
    write_text(folder / DVC_FILE, files[DVC_FILE])  # DVC's own commands look for it here


def check_format(registry: Registry) -> None:
    """Refuse a state that another version has written. Raises FormatError."""
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


def _check_remote(registry: Registry) -> None:
    """Refuse a setting that names another place than the one where the data lie."""
    url = storage.configured(registry.text(DVC_FILE) or "")
    if url != relative(registry.root, registry.remote):
        there = configured(registry)
        raise RegistryError(
            f"The DVC remote is {registry.remote} by the settings, and the data of the registry {registry.root} lie in "
            f"{there}. Where that is their place, set RATCHET_REMOTE={there} for every command, and for the services "
            "(make down, make up); else bring the data over: ratchet registry push"
        )
