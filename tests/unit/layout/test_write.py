"""A loop laid out from files: all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.contract import reading
from ratchet.errors import RequestError
from ratchet.layout import write
from ratchet.layout.write import Given
from ratchet.settings import Settings


def test_every_file_is_written_and_the_page_beside_the_loops_reports(place: Path, observations: Path) -> None:
    made = write.from_files("gusts", observations, Given("wind_speed"), dags=place / "dags")
    assert {path.name for path in made.files} == {"loop.yaml", "features.sql", "gusts.json", "gusts.py"}
    assert all(path.is_file() for path in made.files)
    assert reading.read(made.contract).main_table.key == ("observed_at", "origin")
    assert "The sample of gusts" in made.page.read_text()
    assert made.page.is_relative_to(Settings.current().reports)
    assert any("enters the contract as an absolute path" in note for note in made.notes)


def test_files_named_by_another_day_than_their_rows_are_all_read(place: Path) -> None:
    folder = place / "data"
    folder.mkdir()
    for day in (1, 2, 3):
        rows = [f"{day}-{n},2024-03-0{day} 10:{n:02},{n * 7 % 13}" for n in range(30)]
        (folder / f"s_2024-03-0{day + 1}.csv").write_text("\n".join(["id,at,y", *rows]))
    made = write.from_files("late", folder, Given("y"), dags=place / "dags")
    assert "s_*.csv" in made.contract.read_text()
    assert any("does not keep to" in note for note in made.notes)


@pytest.mark.parametrize(("name", "words"), [("Wind", "is not a name"), ("wind", "exists already")])
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(
    place: Path, observations: Path, name: str, words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        write.from_files(name, observations, Given("wind_speed"), dags=place / "dags")
    assert not (place / "dags").exists()


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n1,2\n", "b", "no column of timestamps"),
        ("at,b\n2013-01-01 10:00:00,2\n", "c", "no column 'c'"),
        ("at,my col\n2013-01-01 10:00:00,2\n", "my cl", "no column 'my cl'; did you mean 'my_col'"),
        ("at,b\n2013-01-01 10:00:00,2\n2013-01-01 10:00:00,2\n", "b", "Say which do"),
    ],
)
def test_a_sample_that_will_not_do_is_refused(place: Path, content: str, target: str, words: str) -> None:
    (place / "sample.csv").write_text(content)
    with pytest.raises(RequestError, match=words):
        write.from_files("fresh", place / "sample.csv", Given(target), dags=place / "dags")
    assert not (place / "loops" / "fresh").exists()
