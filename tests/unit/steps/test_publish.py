"""Publish: one commit a day, the same delivery once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.errors import DataError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, counts, deliver, published, quarantined, rows_of_day, verdict_now
from tests.given.forks import Forks
from tests.given.nights import end, turn


def test_a_good_day(place: Path) -> None:
    deliver(place, rows_of_day())
    result = ingest("wind", DAY)
    assert result.outcome == "done"
    assert counts(verdict_now()) == (60, 60, 0)
    assert published().num_rows == 60
    message = dataset.registry().git("log", "-1", "--format=%B", result.revision)
    assert message.startswith(f"Publish wind {DAY}")
    assert "60 fetched, 60 accepted, 0 quarantined" in message
    page = Settings.current().data_docs / "wind" / "weather" / f"{DAY}.html"
    assert "Expectation Validation Result" in page.read_text()


def test_twice_changes_nothing(place: Path) -> None:
    deliver(place, rows_of_day())
    first = ingest("wind", DAY)
    for name in ("fetch", "validate", "publish"):
        step(name, "wind", partitions=DAY)
    again = ingest("wind", DAY)
    assert again.outcome == "unchanged"
    assert again.revision == first.revision
    # The same content delivered under another name is the same delivery.
    assert ingest("wind", DAY, "sent-again").revision == first.revision


def test_a_late_correction(place: Path) -> None:
    deliver(place, rows_of_day())
    first = ingest("wind", DAY)
    deliver(place, rows_of_day(temp=70.0))
    second = ingest("wind", DAY, "correction")
    assert second.outcome == "done"
    assert set(published().column("temp").to_pylist()) == {70.0}
    assert set(published(first.revision).column("temp").to_pylist()) != {70.0}
    assert dataset.registry().partitions("wind", "weather", "HEAD") == [DAY]
    assert "; corrects 2013-01-05: 0 rows came, 0 went, 60 differ, 0 labels; known from the night of 2013-01-06, " in (
        second.reason
    )
    (fact,) = _corrections()
    assert (fact["partition"], fact["delivery"]) == (DAY, verdict_now()["delivery"])
    assert fact["known"] == "2013-01-06"
    # The fact is in the commit of the day that it is about, and the same delivery again is none.
    assert dataset.registry().names(f"wind/corrections/{DAY}/", second.revision)
    assert dataset.registry().names(f"wind/corrections/{DAY}/", f"{second.revision}~1") == []
    assert "corrects" not in ingest("wind", DAY, "correction").reason
    assert len(_corrections()) == 1


def test_each_correction_of_a_day_is_a_fact_of_its_own(place: Path) -> None:
    for temp in (30.0, 70.0, 80.0):
        deliver(place, rows_of_day(temp=temp))
        ingest("wind", DAY, f"warm-{temp}")
    assert [fact["rows"]["changed"] for fact in _corrections()] == [60, 60]


def test_columns_of_any_type_that_the_contract_does_not_name_come_along(place: Path) -> None:
    """A list from a JSON file stopped the whole delivery."""
    contract = place / "loops" / "wind" / "loop.yaml"
    more = (
        "[temp, humid] AS items, struct_pack(city := origin, ages := [temp]) AS customer, map(['a'], [temp]) AS prices"
    )
    text = contract.read_text().replace("SELECT * FROM", f"SELECT *, {more}, INTERVAL 1 DAY AS lasted FROM")
    contract.write_text(text)
    rows = rows_of_day()
    deliver(place, [*rows, rows[3], {**rows[4], "temp": 99.0}])
    assert ingest("wind", DAY).outcome == "done"
    assert counts(verdict_now()) == (62, 59, 3)
    assert "new column items (list<" in verdict_now()["reason"]
    found = {row["observed_at"]: row for row in published().to_pylist() if row["origin"] == "EWR"}
    first = found[rows[0]["observed_at"]]
    assert (first["items"], first["customer"]) == ([30.0, 50.0], {"city": "EWR", "ages": [30.0]})
    assert (first["prices"], first["lasted"]) == ([("a", 30.0)], "[0, 1, 0]")
    assert {tuple(row["items"]) for row in quarantined()} == {(30.3, 50.0), (30.4, 50.0), (99.0, 50.0)}
    assert step("fetch", "wind", partitions=DAY).outcome == "unchanged"
    assert ingest("wind", DAY).outcome == "unchanged"
    deliver(place, rows_of_day(temp=70.0))
    assert "; corrects 2013-01-05: 1 rows came, 0 went, 59 differ" in ingest("wind", DAY, "correction").reason
    contract.write_text(text.replace("SELECT *,", "SELECT * REPLACE ([temp] AS temp),"))
    refused = ingest("wind", DAY, "a-list")
    assert refused.outcome == "refused"
    assert "type change of temp: found list" in refused.reason


def test_the_first_delivery_of_a_day_and_one_that_is_refused_correct_nothing(place: Path) -> None:
    deliver(place, rows_of_day())
    assert "corrects" not in ingest("wind", DAY).reason
    deliver(place, rows_of_day(wind_speed=400.0))
    refused = ingest("wind", DAY, "broken")
    assert refused.outcome == "refused"
    assert "corrects" not in refused.reason
    assert _corrections() == []


def test_what_comes_after_a_refused_delivery_corrects_what_was_accepted_before_it(place: Path) -> None:
    deliver(place, rows_of_day())
    ingest("wind", DAY)
    deliver(place, rows_of_day(wind_speed=400.0))
    assert ingest("wind", DAY, "broken").outcome == "refused"
    deliver(place, rows_of_day(temp=70.0))
    assert "60 differ, 0 labels" in ingest("wind", DAY, "mended").reason
    assert [fact["rows"] for fact in _corrections()] == [{"added": 0, "removed": 0, "changed": 60}]


def test_a_day_that_came_late_is_known_from_the_night_to_come(place: Path) -> None:
    """Its night was lived without it, and so were nights after it."""
    deliver(place, rows_of_day(wind_speed=400.0))
    turn(DAY)
    assert ingest("wind", DAY, f"night__{DAY}").outcome == "refused"
    for day in ("2013-01-06", "2013-01-07"):
        turn(day)
        end(day)
    deliver(place, rows_of_day())
    late = ingest("wind", DAY, "late")
    assert f"{DAY}: 60 rows came, 0 went, 0 differ, 60 labels; known from the night of 2013-01-08" in late.reason
    (fact,) = _corrections()
    assert (fact["partition"], fact["known"]) == (DAY, "2013-01-08")
    assert fact["rows"] == {"added": 60, "removed": 0, "changed": 0}


def test_a_day_is_corrected_though_the_contract_has_learnt_a_column_since(place: Path) -> None:
    deliver(place, rows_of_day())
    ingest("wind", DAY)
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(
        contract.read_text().replace("      temp: float64\n", "      temp: float64\n      dew: float64\n")
    )
    deliver(place, rows_of_day(dew=20.0))
    again = ingest("wind", DAY, "with-the-new-column")
    assert again.outcome == "done"
    assert "60 differ, 0 labels" in again.reason
    assert set(published().column("dew").to_pylist()) == {20.0}


def _corrections() -> list[dict[str, Any]]:
    registry = dataset.registry()
    paths = registry.git("ls-tree", "-r", "--name-only", "HEAD", "wind/corrections/").splitlines()
    return [json.loads(text) for text in registry.texts_of(paths).values()]


def test_a_range_is_one_commit_a_day(place: Path) -> None:
    result = ingest("wind", "2013-01-02..2013-01-06")
    assert result.published == [f"2013-01-0{n}" for n in range(2, 7)]
    log = dataset.registry().git("log", "--format=%s").splitlines()
    assert log[:5] == [f"Publish wind 2013-01-0{n}" for n in range(6, 1, -1)]


def _titles() -> list[str]:
    return dataset.registry().git("log", "--format=%s").splitlines()


def test_two_writers_at_once(place: Path, forks: Forks) -> None:
    for day in ("2013-01-02", "2013-01-03"):
        for name in ("fetch", "validate"):
            step(name, "wind", partitions=day)
    both = [
        forks.start("step", "publish", "--loop", "wind", "--partitions", day) for day in ("2013-01-02", "2013-01-03")
    ]
    for process in both:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert dataset.registry().partitions("wind", "weather", "HEAD") == ["2013-01-02", "2013-01-03"]
    assert len([title for title in _titles() if title.startswith("Publish")]) == 2


def test_a_lock_that_a_killed_git_left_is_no_obstacle(place: Path) -> None:
    for name in ("fetch", "validate"):
        step(name, "wind", partitions="2013-01-02")
    (dataset.registry().root / ".git" / "index.lock").touch()
    assert step("publish", "wind", partitions="2013-01-02").outcome == "done"


def test_a_day_whose_bytes_were_damaged_everywhere_is_healed_by_the_same_delivery(place: Path) -> None:
    """As the error says: ingest that day again."""
    ingest("wind", "2013-01-02")
    registry = dataset.registry()
    for folder in (registry.storage.cache, Path(registry.remote) / "files"):
        for file in (path for path in folder.rglob("*") if path.is_file()):
            file.chmod(0o644)
            file.write_bytes(b"")
    path = "wind/data/weather/2013-01-02.parquet"
    with pytest.raises(DataError, match="ingest that day again"):
        registry.read([path], registry.head())
    ingest("wind", "2013-01-02")
    assert registry.read([path], registry.head())[path].num_rows == 72
