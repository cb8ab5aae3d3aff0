"""Find the files that a contract names: a path, a glob, a folder or a URL, whole or a day's."""

from __future__ import annotations

import datetime as dt
import glob
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.data import places
from ratchet.errors import ContractError, MissingPackage, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb

# fsspec knows more, among them other views of this machine's files: an archive in one, a repository, a cache.
SCHEMES = ("abfs", "az", "file", "gcs", "gs", "hf", "http", "https", "s3", "sftp")
_SUFFIXES = {"csv": (".csv", ".tsv", ".txt"), "parquet": (".parquet",), "json": (".json", ".jsonl", ".ndjson")}
FORMATS = {suffix: form for form, suffixes in _SUFFIXES.items() for suffix in suffixes}
_DAY = re.compile(r"\{partition(?::([^{}]*))?\}")
_FINER = re.compile(r"%[HIMSfpsX]")


def format_of(path: str) -> str | None:
    """Return a file's format by its suffix, of any case and packed by gzip or not; None where it tells nothing."""
    name = path.lower().removesuffix(".gz")
    return next((form for suffix, form in FORMATS.items() if name.endswith(suffix)), None)


def packed(path: str) -> bool:
    """Say whether a file is packed by gzip."""
    return path.lower().endswith(".gz")


def by_day(path: str) -> bool:
    """Say whether a path names a file for each day. Raises ContractError where it means a length that is no day."""
    forms = [found.group(1) or "%Y-%m-%d" for found in _DAY.finditer(path)]
    if any(_FINER.search(form) for form in forms):
        raise ContractError(f"{path}: partitions are days; name a file a day, as {{partition:%Y%m%d}}")
    return any("%d" in form or "%j" in form or "%x" in form for form in forms)


def paths(path: str, days: list[dt.date]) -> Iterator[tuple[str, dt.date | None]]:
    """Put days into a path: (path, its day), or (path, None) where one file holds several days."""
    alone, seen = by_day(path), set[str]()
    for day in days:
        named = _DAY.sub(partial(_spelt, day), path)
        if named not in seen:
            yield named, day if alone else None
        seen.add(named)


def _spelt(day: dt.date, found: re.Match[str]) -> str:
    return day.strftime(found.group(1) or "%Y-%m-%d")


def files(connection: duckdb.DuckDBPyConnection, path: str, field: str, folder: Path) -> list[str]:
    """List the files of a path, a glob or a folder, before any SQL of the contract runs; none are an empty list.

    field: the place in the contract of the loop in `folder`. Raises ContractError, MissingPackage, SourceError.
    """
    found = re.match(r"([\w.+-]+)://", path)
    scheme = found.group(1) if found else None
    if (scheme and scheme not in SCHEMES) or "::" in path:  # to fsspec, what follows is another file system's
        unread = "::" if "::" in path else f"{scheme}://"
        raise ContractError(
            f"{folder / 'loop.yaml'}: {field} names {path}, and {unread} is not read. "
            f"Give a path, or a URL of {', '.join(SCHEMES)}"
        )
    try:
        if scheme:
            system = _filesystem(connection, scheme)
            listed = sorted(system.unstrip_protocol(each) for each in system.glob(path))
        else:
            listed = _local(os.path.normpath(folder.resolve() / path))
    except ImportError as error:
        raise MissingPackage(f"{path}: {error}. Install the package, and add it to requirements.txt") from error
    except Exception as error:  # whatever a file system's own package raises
        said = f"{type(error).__name__}: {one_line(str(error), 400)}"
        raise SourceError(f"{path} cannot be listed: {said}. Check {field} in {folder}") from error
    if scheme in (None, "file"):
        for each in listed:
            if "::" in each:
                raise SourceError(f"{each}: a file's name with :: in it is not read. Rename it")
            places.data(each.removeprefix("file://"), field, folder)
    return listed


def _local(path: str) -> list[str]:
    """List files of this machine; of a folder those that have a known suffix."""
    if Path(path).is_dir():
        return sorted(str(each) for each in Path(path).iterdir() if each.is_file() and format_of(each.name))
    return sorted(each for each in glob.glob(path, recursive=True) if not Path(each).is_dir())  # noqa: PTH207


def _filesystem(connection: duckdb.DuckDBPyConnection, scheme: str) -> Any:
    import duckdb
    import fsspec

    system = fsspec.filesystem(scheme)
    try:
        connection.register_filesystem(system)
    except duckdb.Error as error:
        if "already" not in str(error):
            raise
    return system
