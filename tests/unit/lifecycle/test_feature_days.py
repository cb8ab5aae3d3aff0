"""Features, a file a day: computed once, the same for all who read them, proved, anew where a correction is seen."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ratchet import catalog
from ratchet.data import features, tables
from ratchet.data.features import PARTITION
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, feature_days, progress
from ratchet.partitions import parse
from ratchet.replay import history
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, deliver, rows_of_day

DAYS = "2013-01-02..2013-01-08"
FIRST, LAST = DAYS.split("..")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the days whose features are computed, not read, from here on."""
    days: list[str] = []
    select = features.select

    def counted(loop: object, given: object, day: str) -> pa.Table:
        days.append(day)
        return select(loop, given, day)  # type: ignore[arg-type]

    monkeypatch.setattr(features, "select", counted)
    return days


def test_a_day_is_computed_once_and_read_by_all(place: Path, computed: list[str]) -> None:
    ingest("wind", DAYS)
    loop, registry = catalog.load("wind"), dataset.registry()
    whole = feature_days.of_range(registry, loop, registry.head(), FIRST, LAST)
    assert set(computed) == {f"2013-01-0{n}" for n in range(2, 9)}
    computed.clear()
    assert feature_days.of_range(registry, loop, registry.head(), FIRST, LAST).equals(whole)
    alone = feature_days.of_range(registry, loop, registry.head(), DAY, DAY)
    assert alone.equals(whole.filter(pc.equal(whole.column(PARTITION), DAY)))
    assert computed == []


def test_processes_give_the_same_bits_and_tell_how_far_they_are(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest("wind", DAYS)
    loop, registry = catalog.load("wind"), dataset.registry()
    alone = feature_days.of_range(registry, loop, registry.head(), FIRST, LAST)
    monkeypatch.setenv("RATCHET_VAR", str(place / "var"))
    for path in (place / "var" / "features").rglob("*.*"):
        path.unlink()
    monkeypatch.setattr(feature_days, "WORTH", 0.0)
    monkeypatch.setattr(feature_days, "CHUNK", 2)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    together = feature_days.of_range(registry, loop, registry.head(), FIRST, LAST)
    assert tables.ordered_hash(together) == tables.ordered_hash(alone)
    assert "computed the features of 3 of 7 days, 2013-01-04; " in capfd.readouterr().err


def test_a_correction_computes_the_days_anew_that_see_it(place: Path, computed: list[str]) -> None:
    ingest("wind", DAYS)
    loop, registry = catalog.load("wind"), dataset.registry()
    before = registry.head()
    old = feature_days.of_range(registry, loop, before, FIRST, LAST)
    deliver(place, rows_of_day())
    ingest("wind", DAY, delivery="again")
    computed.clear()
    now = feature_days.of_range(registry, loop, registry.head(), FIRST, LAST)
    assert set(computed) == {DAY, "2013-01-06"}, "the day, and the one that looks back at it"
    computed.clear()
    assert feature_days.of_range(registry, loop, before, FIRST, LAST).equals(old)
    assert computed == [], "as it was then is kept, too"
    assert not now.equals(old)


def test_what_becomes_known_after_a_day_changes_nothing_in_it(place: Path, computed: list[str]) -> None:
    """Labels that come the day after: the day itself showed none of them."""
    folder = place / "loops" / "wind"
    contract = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(
        contract.replace("wind_speed: {type: float64, known_at: observed_at}", "wind_speed: float64")
    )
    (folder / "features.sql").write_text(
        "SELECT observed_at, origin, observed_at AS event_time, temp, wind_speed AS never FROM weather"
    )
    ingest("wind", f"2013-01-03..{DAY}")
    loop, registry = catalog.load("wind"), dataset.registry()
    first = feature_days.of_range(registry, loop, registry.head(), DAY, DAY)
    assert first.column("never").null_count == first.num_rows
    rows = tables.read_table(next((place / "var" / "features").rglob("*.parquet")))
    assert "wind" not in rows.column_names, "targets are no part of what is kept"
    deliver(place, [{**row, "wind_speed": 7.0} for row in rows_of_day()])
    ingest("wind", DAY, delivery="again")
    deliver(place, [{**row, "wind_speed": 9.0} for row in rows_of_day()])
    ingest("wind", DAY, delivery="once-more")
    computed.clear()
    one = feature_days.of_range(registry, loop, registry.resolve("HEAD~1"), DAY, DAY)
    assert set(computed) == {DAY}
    computed.clear()
    other = feature_days.of_range(registry, loop, registry.head(), DAY, DAY)
    assert computed == [], "only labels differ"
    assert one.drop_columns(["wind"]).equals(other.drop_columns(["wind"]))
    assert other.column("wind").to_pylist() == [9.0] * 60


def test_training_scoring_and_replay_give_the_same_bits_for_the_same_row_over_a_month(place: Path) -> None:
    """A row that was trained on had all days of the window before it, a scored one its lookback."""
    first, last = "2013-01-02", "2013-01-31"
    ingest("wind", f"{first}..{last}")
    loop, registry = catalog.load("wind"), dataset.registry()
    (loop.folder / "features.sql").write_text(
        "SELECT asked.observed_at, asked.origin, asked.observed_at AS event_time, asked.temp, "
        "(SELECT count(*) FROM weather AS w WHERE w.observed_at < asked.observed_at) AS seen FROM weather AS asked"
    )
    trained = feature_days.of_range(registry, loop, registry.head(), first, last)
    replayed = history.read(loop, place / "cache").now.between(first, last)
    assert tables.ordered_hash(replayed) == tables.ordered_hash(trained)
    for path in (place / "var" / "features").rglob("*.*"):
        path.unlink()
    for day in reversed(parse(f"{first}..{last}")):  # as nights score them, each alone, in any order
        scored = feature_days.of_range(registry, loop, registry.head(), day, day)
        of_the_day = trained.filter(pc.equal(trained.column(PARTITION), day))
        assert tables.ordered_hash(scored) == tables.ordered_hash(of_the_day), day
    assert pc.max(trained.column("seen")).as_py() < 144, "one day of lookback, and its own"


def test_a_snapshot_is_refused_where_a_feature_sees_what_was_not_known(place: Path) -> None:
    ingest("wind", "2013-01-02..2013-01-14")
    folder = place / "loops" / "wind"
    sql = folder / "features.sql"
    good = sql.read_text()
    sql.write_text(good.replace("past.temp AS temp_now", "(SELECT avg(wind_speed) FROM weather) AS mean_wind"))
    with pytest.raises(DataError) as caught:
        step("snapshot", "wind", run="first", until="2013-01-14")
    said = str(caught.value)
    assert said.startswith(f"{sql}:7: the feature 'mean_wind' sees what was known only later (on ")
    assert "ratchet lint --data wind" in said
    past, back = "past.temp AS temp_now", "(SELECT count(*) FROM weather AS w WHERE w.observed_at < asked.observed_at)"
    sql.write_text(good.replace(past, f"{back} AS n"))
    with pytest.raises(DataError, match=r"the feature 'n' .*looks back further than lookback_days"):
        step("snapshot", "wind", run="first", until="2013-01-14")
    sql.write_text(good)
    assert step("snapshot", "wind", run="first", until="2013-01-14").proved > 200


def test_days_far_apart_are_read_apart(place: Path) -> None:
    ingest("wind", "2013-01-02..2013-01-03")
    ingest("wind", "2013-01-20..2013-01-21")
    loop, registry = catalog.load("wind"), dataset.registry()
    days = ["2013-01-03", "2013-01-21"]
    found = feature_days.of_days(registry, loop, registry.head(), days)
    assert pc.unique(found.column(PARTITION)).to_pylist() == days
