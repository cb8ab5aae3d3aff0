"""What a source delivers, against what the contract expects."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.linting import delivery
from tests.given.deliveries import deliver, rows_of_day

DAY = dt.date(2013, 1, 5)


FILES = "kind: files\n  options:\n    tables:\n      weather: data/*.csv\n"


def _told(place: Path, old: str = "", new: str = "") -> tuple[list[str], list[str]]:
    """Lint the loop wind, by the source files where that has what is replaced."""
    path = place / "loops" / "wind" / "loop.yaml"
    text = path.read_text()
    simple = re.sub(r"kind: query.*?\n(?=\n)", FILES, text, count=1, flags=re.DOTALL)
    text = simple if old in simple else text
    assert old in text
    path.write_text(text.replace(old, new, 1))
    wrong, notes = delivery.mistakes(catalog.load("wind"), DAY)
    return [str(each).removeprefix(f"{path}:") for each in wrong], notes


def test_a_delivery_that_fits_is_counted(place: Path) -> None:
    assert _told(place) == ([], ["weather: 72 rows of 2013-01-05"])


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("temp: float64", "tmp: float64", "tmp: float64", ("no column 'tmp'", "did you mean 'temp'?")),
        (
            "origin: string",
            "origin: int64",
            "origin: int64",
            ("72 of 72 rows hold what is no int64 in 'origin'", "the first is row 1"),
        ),
        ("data/*.csv", "dta/*.csv", "dta/*.csv", ("There is no file dta/*.csv",)),
        ("FROM observations", "FROM observed", "options:", ("observed",)),
        ("humid: float64", "humid: float64\n      gust: float64", "gust: float64", ("no column 'gust'",)),
        ("weather: SELECT", "wether: SELECT", "  weather:", ("no table 'weather'", "did you mean 'wether'?")),
    ],
)
def test_what_is_missing_or_of_another_type_is_told_at_its_line(
    place: Path, old: str, new: str, line: str, words: tuple[str, ...]
) -> None:
    (told,), _ = _told(place, old, new)
    text = (place / "loops" / "wind" / "loop.yaml").read_text()
    assert told.startswith(f"{text.partition(line)[0].count(chr(10)) + 1}:"), told
    assert [word for word in words if word not in told] == []


def test_a_new_column_is_a_note(place: Path) -> None:
    wrong, notes = _told(place, "      humid: float64\n", "")
    assert (wrong, notes) == ([], ["weather: 72 rows of 2013-01-05; new columns humid, kept"])


def test_numbers_that_are_written_another_way_wait_for_validation(place: Path) -> None:
    folder = place / "loops" / "wind"
    (folder / "data").unlink()
    (folder / "data").mkdir()
    header = "observed_at,origin,temp,humid,wind_speed,pressure\n"
    (folder / "data" / "a.csv").write_text(f'{header}2013-01-05 03:00:00,JFK,"3,5","1,5","2,5","3,5"\n')
    assert len(_told(place)[0]) == 4
    assert _told(place, "tolerance: 0.1", 'tolerance: 0.1\n    decimal: ","')[0] == []


def test_what_its_suite_would_refuse_is_told_at_its_line_and_what_it_would_keep_apart_is_a_note(place: Path) -> None:
    suite = place / "suites" / "expectations" / "wind.json"
    text = suite.read_text()
    suite.write_text(text.replace('"max_value": 150', '"max_value": 1'))
    (told,), _ = _told(place)
    assert "suite wind would refuse the delivery of 2013-01-05: " in told
    assert "of the rows break it (" in told
    assert "tolerated are 10.0%. Mend the source, or " in told
    lines = (place / "loops" / "wind" / "loop.yaml").read_text().splitlines()
    assert lines[int(told.split(":")[0]) - 1].strip() == "suite: wind"
    suite.write_text(text.replace('"max_value": 150', '"max_value": 19'))
    wrong, notes = _told(place)
    assert wrong == []
    assert re.search(
        r"\d+ rows of 2013-01-05 would go to quarantine: \d+ × expect_column_values_to_be_between", notes[0]
    )


def test_exact_copies_tell_nothing_against_a_delivery(place: Path) -> None:
    """Lint refused what a night accepts, since it held the rows to the suite in its own way."""
    deliver(place, [*rows_of_day(), *rows_of_day()])
    assert delivery.mistakes(catalog.load("wind"), DAY) == ([], ["weather: 120 rows of 2013-01-05"])
