"""The files of a sample: which they are, how they are read, and the pattern that their names follow day by day."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from ratchet.data import listing
from ratchet.errors import RequestError

_DAY = re.compile(r"(?<!\d)(\d{4})(-?)(\d{2})\2(\d{2})(?!\d)")
CP1252 = "cp1252"  # latin-1 with quotes, dashes and € in the place of controls
_START = 1 << 20  # bytes of a file that its encoding is seen from, beyond which it is read on


@dataclass(frozen=True)
class Files:
    """Files of one kind."""

    paths: tuple[Path, ...]
    format: str  # csv, json, parquet
    pattern: str  # of the path, with {partition} where each name holds a day; or the file, or a glob
    days: tuple[dt.date, ...] = ()  # that the names hold, one a path; none where the names hold none


def listed(place: Path) -> Files:
    """List a file, or the files of a folder. Raises RequestError where they are not of one kind."""
    if not place.is_dir():
        if _format(place) is None:
            raise RequestError(f"{place} is neither CSV, Parquet nor JSON")
        return Files((place,), str(_format(place)), str(place))
    paths = tuple(sorted(path for path in place.iterdir() if path.is_file() and _format(path)))
    kinds = sorted({str(_format(path)) for path in paths})
    if len(kinds) != 1:
        raise RequestError(
            f"{place} holds {'several kinds of' if kinds else 'no'} CSV, Parquet or JSON files. Name one kind of file"
        )
    patterns, days = zip(*(_dated(path.name) for path in paths), strict=True)
    if None not in days and len({*patterns}) == 1 and len({*days}) == len(paths):
        return Files(paths, kinds[0], str(place / patterns[0]), days)
    endings = {"".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]) for path in paths}
    others = [path for path in place.iterdir() if path.is_file() and path not in paths]
    if len(endings) == 1:
        return Files(paths, kinds[0], str(place / f"*{endings.pop()}"))
    if others:
        raise RequestError(f"{place} holds other files too, as {others[0].name}. Keep the data in a folder of its own")
    return Files(paths, kinds[0], str(place / "*"))


def undated(files: Files) -> Files:
    """Return files whose names hold a day that their rows do not keep to, as a glob."""
    pattern = re.sub(r"\{partition[^}]*\}", "*", files.pattern)
    return Files(files.paths, files.format, pattern)


def encoding(files: Files) -> str:
    """Return how the text of CSV is written: utf-8 where all of it is, else cp1252, or utf-16 by its mark.

    latin-1 has the same letters, and would take any byte for one.
    """
    found = "utf-8"
    for path in files.paths:
        start = content(path)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        try:
            start.decode()
        except UnicodeDecodeError as error:
            if error.start < len(start) - 4:  # not a character that was cut
                found = CP1252
    return found


def ends(path: Path) -> bool:
    """Say whether a file ends with the end of a line."""
    with _opened(path) as file:
        last = b""
        while piece := file.read(_START):
            last = piece[-2:]
    return last.rstrip(b"\x00").endswith((b"\n", b"\r"))


def seen_from(path: str, folder: Path, home: Path) -> tuple[str, bool]:
    """Return a path as the contract in `folder` names it, and whether it stays right when the project moves."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 (a pattern is not resolved)
    if whole.is_relative_to(home) and folder.absolute().is_relative_to(home):
        return os.path.relpath(whole, folder.absolute()), True
    return str(whole), False


def content(path: Path) -> bytes:
    """Return what a file holds, unpacked, or its first 64 megabytes."""
    with _opened(path) as file:
        return file.read(64 * _START)


def _opened(path: Path) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _format(path: Path) -> str | None:
    return None if path.name.startswith(".") else listing.format_of(path.name)


def _dated(name: str) -> tuple[str, dt.date | None]:
    """Return the pattern of a name that holds a day, and the day."""
    for found in _DAY.finditer(name):
        year, dash, month, day = found.groups()
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError:
            continue
        word = "{partition}" if dash else "{partition:%Y%m%d}"
        return name[: found.start()] + word + name[found.end() :], date
    return name, None
