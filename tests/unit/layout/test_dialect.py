"""How a CSV file is written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ratchet.errors import RequestError
from ratchet.layout import dialect, files
from ratchet.layout.dialect import Dialect


def _sniffed(path: Path, text: str, encoding: str = "utf-8") -> Dialect:
    path.write_text(text, encoding=encoding)
    with duckdb.connect() as connection:
        return dialect.sniff(connection, files.listed(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["id", "text", "amount"], *([f"i{n}", f"a {n}", f"{n}5"] for n in range(30))]
    text = "\n".join(delimiter.join(row) for row in rows) + "\n"
    assert _sniffed(tmp_path / "a.csv", text) == Dialect(delimiter)


def test_text_alone_has_its_header(tmp_path: Path) -> None:
    text = "name,town\n" + "\n".join(f"n{n},Köln" for n in range(30)) + "\n"
    assert _sniffed(tmp_path / "a.csv", text) == Dialect()


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="has no header"):
        _sniffed(tmp_path / "a.csv", "\n".join(f"{n},{n}.5,2024-03-01" for n in range(30)))
