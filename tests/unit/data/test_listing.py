"""Which files a contract names: paths with a day in them, globs, folders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ratchet.data import listing, sql
from ratchet.errors import ContractError, SourceError
from ratchet.settings import Settings

DAYS = [dt.date(2024, 2, 29), dt.date(2024, 3, 1)]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("a_{partition}.csv", [("a_2024-02-29.csv", DAYS[0]), ("a_2024-03-01.csv", DAYS[1])]),
        ("{partition:%Y/%m/%d}.csv", [("2024/02/29.csv", DAYS[0]), ("2024/03/01.csv", DAYS[1])]),
        ("{partition:%Y}/{partition:%j}.csv", [("2024/060.csv", DAYS[0]), ("2024/061.csv", DAYS[1])]),
        ("m_{partition:%Y-%m}.csv", [("m_2024-02.csv", None), ("m_2024-03.csv", None)]),
        ("all.csv", [("all.csv", None)]),
    ],
)
def test_a_path_holds_days(path: str, named: list[tuple[str, dt.date | None]]) -> None:
    assert list(listing.paths(path, DAYS)) == named


def test_a_partition_is_a_day_and_nothing_shorter() -> None:
    with pytest.raises(ContractError, match="partitions are days"):
        listing.by_day("a_{partition:%Y%m%d%H}.csv")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.CSV", "csv"),
        ("a.csv.GZ", "csv"),
        ("a.jsonl", "json"),
        ("A.Parquet", "parquet"),
        ("a.xls", None),
        ("a.gz", None),
    ],
)
def test_a_suffix_tells_the_format(name: str, form: str | None) -> None:
    assert listing.format_of(name) == form


def test_globs_folders_and_what_is_not_there(place: Path) -> None:
    place /= "given"
    place.mkdir()
    for name in ("b.csv", "a.CSV", "notes.md"):
        (place / name).write_text("x")
    (place / "deep").mkdir()
    (place / "deep" / "c.csv").write_text("x")
    with sql.connect() as connection:

        def found(path: str) -> list[str]:
            return [Path(each).name for each in listing.files(connection, path, "source", place)]

        assert found(".") == ["a.CSV", "b.csv"]
        assert found("**/*.csv") == ["b.csv", "c.csv"]
        assert found("none/*.csv") == []
        assert found(f"file://{place}/b.csv") == ["b.csv"]
        for path, sign in (("zip://a.zip", "zip://"), ("https://x/a.csv::file:///etc/passwd", "::")):
            with pytest.raises(ContractError, match=f"{sign} is not read"):
                found(path)
        (place / "c::file:").mkdir()
        (place / "c::file:" / "x.csv").write_text("x")
        with pytest.raises(SourceError, match="Rename it"):
            found("c*/x.csv")
        with pytest.raises(ContractError, match="which is no data"):
            found(str(Settings.current().var / "registry" / ".git" / "config"))
