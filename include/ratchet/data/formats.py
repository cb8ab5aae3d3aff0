"""Read a file as it was written: CSV and JSON as text, Parquet by its own schema.

Nothing is guessed from its values.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from ratchet.data import listing, sql
from ratchet.errors import ContractError, DataError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb

_LONGEST = 64 * 2**20  # bytes of one CSV record: a quote that is never closed is told, instead of read to the end
_NOTHING = "(SELECT NULL AS c0 WHERE false)"
_OPEN_END = (
    "ends without the end of a line, so it may be cut off inside its last record. Deliver it whole; "
    "where whole files end so, say final_newline: false"
)


class File(BaseModel):
    """Which file or files, and how they are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1,
        description="A path seen from the loop's folder, a glob, a folder or a URL; {partition} or "
        "{partition:%Y%m%d} in it is the day, and then a night reads that day's file alone.",
    )
    format: Literal["csv", "json", "parquet"] | None = Field(default=None, description="By the suffix, if left out.")
    delimiter: str = Field(default=",", min_length=1, max_length=4, description="Between the fields of a CSV record.")
    quote: str = Field(default='"', max_length=1, description="Around a field of a CSV record.")
    encoding: str = Field(default="utf-8", description="Of a CSV or JSON file, as Python names it.")
    nulls: tuple[str, ...] = Field(
        default=(),
        description="Texts of a CSV that stand for no value in columns that the contract calls no string, beside none.",
    )
    rename: dict[str, str] = Field(
        default_factory=dict, description="Name of a column in the file -> its name in the contract."
    )
    final_newline: bool = Field(
        default=True, description="A whole CSV ends with a line's end; one that does not was cut off."
    )

    @model_validator(mode="before")
    @classmethod
    def _a_path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Let a path alone be a file to editors too."""
        return {"anyOf": [{"type": "string"}, handler(schema)]}

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; say one as utf-8, latin-1 or cp1252") from None


@dataclass(frozen=True)
class Opened:
    """A file that DuckDB can read."""

    path: str  # as it was listed, for people
    read: str  # DuckDB's table function; its columns are c0, c1, …
    lenient: str  # the same, without what is broken
    columns: tuple[str, ...]  # their names in the file
    kinds: dict[str, str]  # DuckDB's type of each
    at: str  # what is read: the file, or a copy of it in UTF-8
    cut: str = ""  # why it may have been cut off, though all that is there can be read

    def sql(self, name: str) -> str:
        """Return the expression of a column."""
        return f"c{self.columns.index(name)}"


def without(words: tuple[str, ...], text: str, kind: str | None) -> str:
    """Return the expression of a text where words stand for no value: they do in no column of text."""
    if not words or kind in (None, "string"):
        return text
    return f"CASE WHEN trim({text}) NOT IN ({', '.join(map(sql.quoted, words))}) THEN {text} END"


@contextlib.contextmanager
def opened(connection: duckdb.DuckDBPyConnection, path: str, file: File) -> Iterator[Opened]:
    """Look into a file: its columns, and how to read it. Raises DataError where it is damaged."""
    form = file.format or listing.format_of(path)
    if form is None:
        raise ContractError(f"{path}: its suffix does not tell what it is. Give it a format: csv, json or parquet")
    with contextlib.ExitStack() as stack:
        with reading(path):
            at = path
            if form != "parquet" and file.encoding != "utf-8":
                _refuse_utf8(path, file.encoding)
                at = stack.enter_context(_in_utf8(path, file.encoding))
            found = {"csv": _csv, "json": _json, "parquet": _parquet}[form](connection, path, at, file)
        yield found


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into DataError: it is damaged, or not what it is said to be."""
    import duckdb

    try:
        yield
    except (duckdb.Error, UnicodeError, EOFError, gzip.BadGzipFile) as error:
        raise damaged(path, error) from error


def damaged(path: str, error: Exception) -> DataError:
    """Say that a file is damaged, and where."""
    said = str(error)
    if isinstance(error, UnicodeError) or "unicode" in said.lower():
        return DataError(f"{path} is not in the encoding that the contract says: {_first(said)}. Declare its encoding")
    if "unterminated quote" in said or "unexpected end of data" in said:
        return DataError(
            f"{path} holds a record that does not end, so it may be cut off: {_first(said)}. Deliver it whole"
        )
    if "Expected Number of Columns" in said:
        return DataError(
            f"{path} holds a record of too few or too many fields: {_first(said)}. It may be cut off there, or a "
            "delimiter stands in a value without quotes. Deliver it whole"
        )
    if "invalid state" in said:
        return DataError(f"{path} is no CSV of one kind: its lines end in two ways, or its quotes are others. Mend it")
    return DataError(f"{path} cannot be read: {_first(said)}. Deliver it whole, or say how it is written")


def _first(said: str) -> str:
    """Return what DuckDB says first; the record itself is data, and stays out of logs."""
    kept = [line for line in said.splitlines() if line.strip() and not line.startswith(("Original Line", "Possible"))]
    return one_line("; ".join(kept[:2]), 300)


def _csv(connection: duckdb.DuckDBPyConnection, path: str, at: str, file: File) -> Opened:
    with _bytes(at) as raw:
        text = codecs.getreader("utf-8-sig")(raw)
        try:
            header = next(csv.reader(text, delimiter=file.delimiter[0], quotechar=file.quote or None), [])
        except csv.Error as error:
            raise DataError(f"{path}: its first line holds no names of columns: {error}. Deliver it whole") from error
    if len(file.delimiter) > 1:
        header = [part.strip(file.quote) for part in file.delimiter[0].join(header).split(file.delimiter)]
    names = tuple(file.rename.get(name, name) or f"column{n}" for n, name in enumerate(header))
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"{path} has two columns {doubled[0]!r}. Name one otherwise")
    if not names:
        raise DataError(
            f"{path} is empty, without the names of its columns, as a transfer leaves it that failed. Deliver it "
            "whole: a day without rows is a file with its first line alone"
        )
    columns = ", ".join(f"c{n}: 'VARCHAR'" for n in range(len(names)))
    shared = (
        f"{sql.quoted(at)}, auto_detect=false, header=true, delim={sql.quoted(file.delimiter)}, "
        f"quote={sql.quoted(file.quote)}, escape={sql.quoted(file.quote)}, columns={{{columns}}}, nullstr=[''], "
        f"allow_quoted_nulls=false, max_line_size={_LONGEST}, compression='{_compression(at)}'"
    )
    return Opened(
        path,
        f"read_csv({shared}, strict_mode=true)",
        f"read_csv({shared}, strict_mode=false, ignore_errors=true)",
        names,
        dict.fromkeys(names, "VARCHAR"),
        at,
        "" if not file.final_newline or _ends_a_line(at) else _OPEN_END,
    )


def _json(connection: duckdb.DuckDBPyConnection, path: str, at: str, file: File) -> Opened:
    packed = f"{sql.quoted(at)}, compression='{_compression(at)}', maximum_object_size={_LONGEST}"
    found = connection.sql(
        f"SELECT key, min(place) FROM (SELECT row_number() OVER () * 100000 + generate_subscripts(keys, 1) AS place, "
        f"unnest(keys) AS key FROM (SELECT json_keys(json) AS keys FROM read_json_objects({packed}))) "
        "GROUP BY key ORDER BY 2"
    ).fetchall()
    names = tuple(row[0] for row in found)
    if not names:
        return Opened(path, _NOTHING, _NOTHING, (), {}, at)
    columns = ", ".join(f"{sql.name(name)}: 'VARCHAR'" for name in names)
    renamed = ", ".join(f"{sql.name(name)} AS c{n}" for n, name in enumerate(names))
    read = f"(SELECT {renamed} FROM read_json({packed}, columns={{{columns}}}))"
    named = tuple(file.rename.get(name, name) for name in names)
    return Opened(path, read, read, named, dict.fromkeys(named, "VARCHAR"), at)


def _parquet(connection: duckdb.DuckDBPyConnection, path: str, at: str, file: File) -> Opened:
    described = connection.sql(f"DESCRIBE SELECT * FROM read_parquet({sql.quoted(at)})").fetchall()
    names = tuple(row[0] for row in described)
    renamed = ", ".join(f"{sql.name(name)} AS c{n}" for n, name in enumerate(names))
    read = f"(SELECT {renamed} FROM read_parquet({sql.quoted(at)}))"
    named = tuple(file.rename.get(name, name) for name in names)
    return Opened(path, read, read, named, dict(zip(named, (row[1] for row in described), strict=True)), at)


def _compression(path: str) -> str:
    return "gzip" if listing.packed(path) else "none"


@contextlib.contextmanager
def _bytes(path: str) -> Iterator[IO[bytes]]:
    """Open a file's bytes, unpacked."""
    import fsspec

    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(fsspec.open(path, "rb"))
        yield stack.enter_context(cast("IO[bytes]", gzip.GzipFile(fileobj=raw))) if listing.packed(path) else raw


def _ends_a_line(path: str) -> bool:
    """Say whether the last byte ends a line; a packed file is unpacked for it, and read to its end."""
    with _bytes(path) as stream:
        if not listing.packed(path):
            end = stream.seek(0, 2)
            stream.seek(max(end - 1, 0))
            return stream.read(1) in (b"", b"\n", b"\r")
        last = b""
        while block := stream.read(2**20):
            last = block[-1:]
        return last in (b"", b"\n", b"\r")


def _refuse_utf8(path: str, encoding: str) -> None:
    """Raise DataError where a file is UTF-8 though the contract says another, in which its bytes mean something too."""
    if encoding.startswith("utf"):
        return
    decoder, other = codecs.getincrementaldecoder("utf-8")(), False
    with _bytes(path) as raw:
        try:
            while block := raw.read(2**20):
                other |= not block.isascii()
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return
    if other:
        raise DataError(
            f"{path} is written in utf-8, and the contract says {encoding}. Deliver it as before, or say so"
        )


@contextlib.contextmanager
def _in_utf8(path: str, encoding: str) -> Iterator[str]:
    """Copy a file into UTF-8. Raises UnicodeError where it is not in its encoding."""
    with tempfile.TemporaryDirectory(prefix="ratchet-") as folder:
        copy = Path(folder) / "copy"
        with _bytes(path) as raw, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(codecs.getreader(encoding)(raw), target, 2**20)
        yield str(copy)
