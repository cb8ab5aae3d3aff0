"""Ingestion against the real Great Expectations, DVC and Git: each thing that a delivery can be has one outcome."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv

from ratchet import cli
from ratchet.errors import DataError, SourceError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, step

DAY = "2013-01-05"


def _rows(count: int = 60, **changes: Any) -> list[dict[str, Any]]:
    """Observations of one day, three airports a hour."""
    return [
        {
            "observed_at": dt.datetime(2013, 1, 5) + dt.timedelta(hours=i // 3),
            "origin": ("EWR", "JFK", "LGA")[i % 3],
            "temp": 30.0 + i / 10,
            "humid": 50.0,
            "wind_speed": float(i % 20),
            "pressure": 1010.0,
            **changes,
        }
        for i in range(count)
    ]


def _deliver(place: Path, rows: list[dict[str, Any]]) -> None:
    """Let the loop's CSV file hold these rows, and the next delivery bring them."""
    folder = place / "loops" / "wind" / "data"
    if folder.is_symlink():
        folder.unlink()
        folder.mkdir()
    header = [
        {
            "observed_at": dt.datetime(1999, 1, 1),
            "origin": "EWR",
            **dict.fromkeys(("temp", "humid", "wind_speed", "pressure"), 0.5),
        }
    ]
    names = list(rows[0]) if rows else list(header[0])
    filler = [{name: header[0].get(name, rows[0][name] if rows else None) for name in names}]
    table = pa.Table.from_pylist([*filler, *rows], schema=None)
    csv.write_csv(table, folder / "all.csv")


def _counts(verdict: dict[str, Any]) -> tuple[int, int, int]:
    part = verdict["tables"]["weather"]
    assert part["accepted"] + part["quarantined"] == part["fetched"]
    return part["fetched"], part["accepted"], part["quarantined"]


def _verdict() -> dict[str, Any]:
    verdict = dataset.registry().verdict("wind", DAY)
    assert verdict is not None
    return verdict


def _published(revision: str = "HEAD") -> pa.Table:
    path = f"wind/data/weather/{DAY}.parquet"
    registry = dataset.registry()
    return registry.read([path], registry.resolve(revision))[path]


def _quarantined(delivery: str = "") -> list[dict[str, Any]]:
    """Return the day's rows in quarantine, of one delivery or of all that no accepted one has superseded."""
    registry = dataset.registry()
    listing = registry.git("ls-tree", "-r", "--name-only", "HEAD", f"wind/quarantine/{DAY}/{delivery}").splitlines()
    paths = [line.removesuffix(".dvc") for line in listing]
    return [row for table in registry.read(paths, registry.head()).values() for row in table.to_pylist()]


def test_a_good_day(place: Path) -> None:
    _deliver(place, _rows())
    result = ingest("wind", DAY)
    assert result.outcome == "done"
    assert _counts(_verdict()) == (60, 60, 0)
    assert _published().num_rows == 60
    message = dataset.registry().git("log", "-1", "--format=%B", result.revision)
    assert message.startswith(f"Publish wind {DAY}")
    assert "60 fetched, 60 accepted, 0 quarantined" in message
    page = Settings.current().data_docs / "wind" / "weather" / f"{DAY}.html"
    assert "Expectation Validation Result" in page.read_text()


def test_twice_changes_nothing(place: Path) -> None:
    _deliver(place, _rows())
    first = ingest("wind", DAY)
    for name in ("fetch", "validate", "publish"):
        step(name, "wind", partitions=DAY)
    again = ingest("wind", DAY)
    assert again.outcome == "unchanged"
    assert again.revision == first.revision
    # The same content delivered under another name is the same delivery.
    assert ingest("wind", DAY, "sent-again").revision == first.revision


def test_an_empty_day(place: Path) -> None:
    _deliver(place, [])
    result = ingest("wind", DAY)
    assert result.outcome == "skipped"
    assert "no rows" in result.reason
    assert _verdict()["status"] == "empty"
    assert dataset.registry().partitions("wind", "weather", "HEAD") == []


def test_exact_copies_keep_the_first(place: Path) -> None:
    rows = _rows()
    _deliver(place, [*rows, *rows])
    assert ingest("wind", DAY).outcome == "done"
    assert _counts(_verdict()) == (120, 60, 60)
    assert _published().sort_by("observed_at").column("temp").to_pylist() == [row["temp"] for row in rows]


def test_a_key_with_two_contents_keeps_neither(place: Path) -> None:
    rows = _rows()
    _deliver(place, [*rows, {**rows[4], "temp": 99.0}])
    assert ingest("wind", DAY).outcome == "done"
    assert _counts(_verdict()) == (61, 59, 2)
    assert {row["temp"] for row in _quarantined()} == {99.0, rows[4]["temp"]}
    assert all("expect_compound_columns_to_be_unique" in row["_ratchet_broke"] for row in _quarantined())


def test_a_late_correction(place: Path) -> None:
    _deliver(place, _rows())
    first = ingest("wind", DAY)
    _deliver(place, _rows(temp=70.0))
    second = ingest("wind", DAY, "correction")
    assert second.outcome == "done"
    assert set(_published().column("temp").to_pylist()) == {70.0}
    assert set(_published(first.revision).column("temp").to_pylist()) != {70.0}
    assert dataset.registry().partitions("wind", "weather", "HEAD") == [DAY]


def test_a_new_column_is_kept_and_noted(place: Path) -> None:
    _deliver(place, _rows(visibility=7))
    assert ingest("wind", DAY).outcome == "done"
    assert "new column visibility" in _verdict()["reason"]
    assert set(_published().column("visibility").to_pylist()) == {7}


def test_a_dropped_column_refuses_the_delivery(place: Path) -> None:
    _deliver(place, _rows())
    ingest("wind", DAY)
    folder = place / "loops" / "wind"
    text = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    result = ingest("wind", DAY, "without-humid")
    assert result.outcome == "refused"
    assert "dropped column humid" in result.reason
    assert _counts(_verdict()) == (60, 0, 60)
    assert len(_quarantined()) == 60
    assert _published().num_rows == 60  # what was good before stays


@pytest.mark.parametrize(
    ("value", "outcome", "words"),
    [("12", "done", "temp was string, read as float64"), ("warm", "refused", "type change of temp")],
)
def test_a_type_change(place: Path, value: str, outcome: str, words: str) -> None:
    _deliver(place, _rows())
    folder = place / "loops" / "wind"
    text = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(text.replace("SELECT * FROM", f"SELECT * REPLACE ('{value}' AS temp) FROM"))
    result = ingest("wind", DAY)
    assert result.outcome == outcome
    assert words in _verdict()["reason"]
    assert sum(_counts(_verdict())[1:]) == 60


def test_an_unknown_category_goes_to_quarantine(place: Path) -> None:
    rows = _rows()
    _deliver(place, [*rows[:-1], {**rows[-1], "origin": "XXX"}])
    assert ingest("wind", DAY).outcome == "done"
    assert _counts(_verdict()) == (60, 59, 1)
    assert [row["origin"] for row in _quarantined()] == ["XXX"]
    assert "expect_column_values_to_be_in_set(origin)" in _quarantined()[0]["_ratchet_broke"]


def test_a_null_in_the_key_goes_to_quarantine(place: Path) -> None:
    rows = _rows()
    _deliver(place, [*rows[:-1], {**rows[-1], "origin": None}])
    assert ingest("wind", DAY).outcome == "done"
    assert _counts(_verdict()) == (60, 59, 1)
    assert "expect_column_values_to_not_be_null(origin)" in _quarantined()[0]["_ratchet_broke"]


def test_beyond_the_tolerance_all_is_refused_and_readmitted_when_the_suite_is_mended(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _rows()
    _deliver(place, [*rows[:-10], *({**row, "wind_speed": 400.0} for row in rows[-10:])])
    result = ingest("wind", DAY)
    assert result.outcome == "refused"
    assert "10 break expect_column_values_to_be_between(wind_speed)" in result.reason
    assert "ratchet quarantine readmit wind" in result.reason
    assert _counts(_verdict()) == (60, 0, 60)
    assert ingest("wind", DAY).outcome == "refused"  # refused it stays, and no new commit
    cli.ratchet.main(["quarantine", "list", "wind"], standalone_mode=False)
    assert DAY in capsys.readouterr().out
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    assert step("readmit", "wind", partition=DAY).outcome == "done"
    assert _counts(_verdict()) == (60, 60, 0)
    assert _published().num_rows == 60
    assert _quarantined() == []


def test_single_rows_are_readmitted_beside_what_was_accepted(place: Path) -> None:
    rows = _rows()
    _deliver(place, [*rows[:-1], {**rows[-1], "wind_speed": 400.0}])
    ingest("wind", DAY)
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    step("readmit", "wind", partition=DAY)
    assert sorted(_published().column("wind_speed").to_pylist()) == sorted(
        [*(row["wind_speed"] for row in rows[:-1]), 400.0]
    )
    assert _quarantined() == []


def test_a_suite_of_the_whole_table_refuses_the_whole(place: Path) -> None:
    suite = place / "suites" / "expectations" / "wind.json"
    content = json.loads(suite.read_text())
    content["expectations"].append(
        {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": 70},
            "severity": "critical",
            "meta": {},
        }
    )
    suite.write_text(json.dumps(content))
    _deliver(place, _rows())
    result = ingest("wind", DAY)
    assert result.outcome == "refused"
    assert "expect_table_row_count_to_be_between" in result.reason


corruptions = st.lists(
    st.tuples(st.integers(0, 59), st.sampled_from(["origin", "copy", "twin", "wind", "null"])), max_size=8
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corruptions)
def test_no_row_is_lost_or_doubled(place: Path, corrupted: list[tuple[int, str]]) -> None:
    rows = _rows()
    for at, kind in corrupted:
        row = rows[at]
        if kind in ("copy", "twin"):
            rows.append({**row, "temp": row["temp"] + (1 if kind == "twin" else 0)})
        else:
            change: dict[str, Any] = {
                "origin": {"origin": "ZZZ"},
                "wind": {"wind_speed": 999.0},
                "null": {"origin": None},
            }[kind]
            rows[at] = {**row, **change}
    _deliver(place, rows)
    ingest("wind", DAY)
    fetched, accepted, quarantined = _counts(_verdict())
    assert fetched == len(rows)
    # Examples share one registry: what earlier ones refused is still there beside this delivery's.
    held = _quarantined(f"{_verdict()['delivery'][:12]}/")
    assert len(held) == quarantined
    if accepted:
        whole = [*_published().to_pylist(), *({k: v for k, v in row.items() if k != "_ratchet_broke"} for row in held)]
        assert sorted(map(str, whole)) == sorted(map(str, rows))
        keys = [(row["observed_at"], row["origin"]) for row in _published().to_pylist()]
        assert len(keys) == len(set(keys))


def test_a_range_is_one_commit_a_day(place: Path) -> None:
    result = ingest("wind", "2013-01-02..2013-01-06")
    assert result.published == [f"2013-01-0{n}" for n in range(2, 7)]
    log = dataset.registry().git("log", "--format=%s").splitlines()
    assert log[:5] == [f"Publish wind 2013-01-0{n}" for n in range(6, 1, -1)]


def test_a_damaged_delivery_is_named_and_fetched_anew(place: Path) -> None:
    _deliver(place, _rows())
    step("fetch", "wind", partitions=DAY)
    path = Settings.current().staging / "wind" / DAY / DAY / "weather.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is damaged"):
        step("validate", "wind", partitions=DAY)
    assert step("fetch", "wind", partitions=DAY).outcome == "done"
    assert ingest("wind", DAY).outcome == "done"


def test_an_unreachable_source_is_worth_a_retry(place: Path) -> None:
    (place / "loops" / "wind" / "data").unlink()
    with pytest.raises(SourceError, match="Cannot read the files") as caught:
        step("fetch", "wind", partitions=DAY)
    assert caught.value.retriable


def test_the_projects_suites_open_as_a_file_context() -> None:
    import shutil
    import tempfile

    import great_expectations as gx
    from tests.conftest import ROOT

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "great_expectations", Path(folder) / "great_expectations")
        context = gx.get_context(mode="file", context_root_dir=str(Path(folder) / "great_expectations"))
        assert {suite.name for suite in context.suites.all()} >= {"flights", "weather"}
        assert len(context.suites.get("flights").expectations) == 15
