"""DVC's storage of a data registry: what `dvc add`, `dvc push` and `dvc pull` do to files, without repository or lock.

    .dvc/cache/files/md5/<2>/<30>     the bytes, by their MD5; likewise in the remote, whatever kind DVC knows
    <path>.dvc                        what Git keeps of a file: MD5, size, name

Everything that DVC's own commands say of the result (`status`, `fetch`, `pull`, `get`) stays right: the layout is
DVC's. Whatever is read is compared with its MD5; what the cache has lost or changed is taken from the remote again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet import settings
from ratchet.adapters import transfer
from ratchet.errors import DataError, MissingPackage, RegistryError, RequestError, storage_errors

REMOTE = "storage"  # the name of the remote in the registry's .dvc/config
_POINTER = re.compile(r"^outs:\n- md5: ([0-9a-f]{32})\n  size: (\d+)\n", re.MULTILINE)
_log = logging.getLogger("ratchet")


@dataclass(frozen=True)
class Storage:
    """The cache of a registry, and its remote."""

    root: Path  # the registry's folder
    remote: str  # a folder, or a URL that DVC knows

    @property
    def cache(self) -> Path:
        """Return the folder of the cache's files."""
        return self.root / ".dvc" / "cache" / "files" / "md5"

    @property
    def beside(self) -> Path | None:
        """Return the folder of the remote's files; None where the remote is no folder of this machine."""
        found = settings.folder(self.remote)
        return found / "files" / "md5" if found else None

    def add(self, files: Mapping[str, Path]) -> dict[str, str]:
        """Put files into cache and remote: path in the registry -> where its bytes lie now; return their pointers.

        The cache links to the bytes where it can, and makes them read-only. Raises RegistryError where the remote does
        not take them.
        """
        digests = {path: md5(source) for path, source in files.items()}
        with storage_errors(self.root):
            _add(self.cache, [*map(str, files.values())], [*digests.values()], link=True)
        self.push(digests.values())
        return {path: pointer(path, digests[path], source.stat().st_size) for path, source in files.items()}

    def has(self, digest: str) -> bool:
        """Say whether the cache has a file, whole."""
        return _whole(_at(self.cache, digest), digest)

    def holds(self, digest: str) -> bool:
        """Say whether the cache has a file, whole or not, or a remote that is a folder."""
        return any(_at(place, digest).exists() for place in (self.cache, self.beside) if place)

    def push(self, digests: Iterable[str]) -> None:
        """Bring files of the cache into the remote. Raises RegistryError where it does not take them."""
        wanted = sorted({*digests})
        if self.beside is None:
            transfer.run(self.root, "push", self.remote, wanted)
            return
        try:
            with storage_errors(self.beside):
                _add(self.beside, [str(_at(self.cache, digest)) for digest in wanted], wanted)
        except OSError as error:
            said = f"DVC's remote {self.remote} cannot be written: {error.strerror or error}"
            raise RegistryError(f"The data registry {self.root}: {said}") from error

    def read(self, pointers: Mapping[str, str]) -> dict[str, bytes]:
        """Return the bytes that pointers name: path -> bytes. Raises DataError where they are damaged or nowhere."""
        digests = {path: parse(text, path)[0] for path, text in pointers.items()}
        found = {path: content for path, digest in digests.items() if (content := self._cached(digest)) is not None}
        if lost := {digest: path for path, digest in digests.items() if path not in found}:
            self.fetch(lost)
            for digest, path in lost.items():
                content = self._cached(digest)
                if content is None:
                    raise DataError(
                        f"The bytes of {path} are damaged or gone in the data registry {self.root}, and its remote "
                        f"{self.remote} has none that are whole. What keep.data_days has let go of is gone for good; "
                        "else ingest that day again"
                    )
                found |= {each: content for each, wanted in digests.items() if wanted == digest}
        return found

    def fetch(self, lost: Mapping[str, str]) -> None:
        """Bring files of the remote into the cache, those that it has whole: MD5 -> what it is the content of."""
        beside = self.beside
        if beside is None:
            for digest in lost:
                _at(self.cache, digest).unlink(missing_ok=True)  # damaged: DVC would leave it as it is
            transfer.run(self.root, "fetch", self.remote, sorted(lost))
            return
        whole = [digest for digest in lost if _whole(_at(beside, digest), digest)]
        if whole:
            _log.warning("%d of the cache of %s, gone or damaged, taken from its remote", len(whole), self.root)
            _add(self.cache, [str(_at(beside, digest)) for digest in whole], whole)

    def remove(self, digests: Iterable[str]) -> int:
        """Remove files from cache and remote for good; return the bytes that the cache has gained."""
        gone, wanted = 0, sorted({*digests})
        if self.beside is None:
            transfer.run(self.root, "remove", self.remote, wanted)
        for digest in wanted:
            path = _at(self.cache, digest)
            gone += path.stat().st_size if path.exists() else 0
            path.unlink(missing_ok=True)
            if self.beside is not None:
                _at(self.beside, digest).unlink(missing_ok=True)
        return gone

    def _cached(self, digest: str) -> bytes | None:
        try:
            content = _at(self.cache, digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.md5(content, usedforsecurity=False).hexdigest() == digest else None


def pointer(path: str, digest: str, size: int) -> str:
    """Write the .dvc file of a path."""
    return f"outs:\n- md5: {digest}\n  size: {size}\n  hash: md5\n  path: {Path(path).name}\n"


def parse(text: str, path: str) -> tuple[str, int]:
    """Read a .dvc file: MD5, and size in bytes. Raises DataError where it is none of ours."""
    found = _POINTER.search(text)
    if found is None:
        raise DataError(f"{path}.dvc is not a pointer that Ratchet has written: {text[:200]!r}")
    return found.group(1), int(found.group(2))


def config(url: str) -> str:
    """Write the .dvc/config of a registry. Raises RequestError for a remote that DVC cannot read there."""
    if found := re.search(r"%\([^)]*\)s", url):
        raise RequestError(
            f"The DVC remote {url} has {found.group()} in its name, which DVC takes for the name of a setting. Name "
            "another folder: RATCHET_REMOTE"
        )
    quote = "" if not {*"#,"} & {*url} else "'" if '"' in url else '"'  # else a comment, or a list
    url = f"{quote}{url}{quote}"
    return f"[core]\n    analytics = false\n    remote = {REMOTE}\n['remote \"{REMOTE}\"']\n    url = {url}\n"


def configured(text: str) -> str:
    """Read the remote's URL from a .dvc/config."""
    found = re.search(rf"^\['remote \"{REMOTE}\"'\]\s+url = (['\"]?)(.*)\1\s*$", text, re.MULTILINE)
    return found.group(2).strip() if found else ""


def md5(path: Path) -> str:
    """Hash a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _add(folder: Path, sources: list[str], digests: list[str], link: bool = False) -> None:
    """Put local files into DVC's layout, and onto the disk; what is there and damaged is replaced."""
    try:
        from dvc.fs import LocalFileSystem
        from dvc_data.hashfile.db import get_odb
    except ImportError as error:
        raise MissingPackage(f"dvc cannot be imported ({error}). Run: make install") from error
    files: Any = LocalFileSystem()
    for digest in digests:
        if not _whole(_at(folder, digest), digest):  # DVC believes what is read-only, even where it is empty
            _at(folder, digest).unlink(missing_ok=True)
    get_odb(files, str(folder), hash_name="md5").add(sources, files, digests, hardlink=link, verify=True)
    for digest in digests:
        _sync(_at(folder, digest))
    for parent in {_at(folder, digest).parent for digest in digests}:
        _sync(parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole(path: Path, digest: str) -> bool:
    return path.is_file() and md5(path) == digest


def _at(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest[2:]
