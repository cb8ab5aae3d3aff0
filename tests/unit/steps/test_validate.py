"""Validate: each thing that a delivery can be has one outcome."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.adapters.expectations import large
from ratchet.data import tables
from ratchet.lifecycle import dataset, progress
from ratchet.steps.fetch import staged
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, counts, deliver, published, quarantined, rows_of_day, verdict_now


def test_an_empty_day(place: Path) -> None:
    deliver(place, [])
    result = ingest("wind", DAY)
    assert result.outcome == "skipped"
    assert "no rows" in result.reason
    assert verdict_now()["status"] == "empty"
    assert dataset.registry().partitions("wind", "weather", "HEAD") == []


def test_exact_copies_keep_the_first(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows, *rows])
    assert ingest("wind", DAY).outcome == "done"
    assert counts(verdict_now()) == (120, 60, 60)
    assert published().sort_by("observed_at").column("temp").to_pylist() == [row["temp"] for row in rows]


def test_a_key_with_two_contents_keeps_neither(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows, {**rows[4], "temp": 99.0}])
    assert ingest("wind", DAY).outcome == "done"
    assert counts(verdict_now()) == (61, 59, 2)
    assert {row["temp"] for row in quarantined()} == {99.0, rows[4]["temp"]}
    assert all("expect_compound_columns_to_be_unique" in row["_ratchet_broke"] for row in quarantined())


def test_of_a_refused_day_each_row_says_what_it_has_broken_itself(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows[:-10], *({**row, "wind_speed": 400.0} for row in rows[-10:])])
    assert ingest("wind", DAY).outcome == "refused"
    broke = [row["_ratchet_broke"] for row in quarantined()]
    assert len(broke) == 60
    assert sum(text.startswith("expect_column_values_to_be_between(wind_speed); ") for text in broke) == 10
    assert all("16.7% of 60 rows break an expectation" in text for text in broke)


def test_a_new_column_is_kept_and_noted(place: Path) -> None:
    deliver(place, rows_of_day(visibility=7))
    assert ingest("wind", DAY).outcome == "done"
    assert "new column visibility" in verdict_now()["reason"]
    assert set(published().column("visibility").to_pylist()) == {"7"}  # of a CSV, and in no contract: text


def test_a_dropped_column_refuses_the_delivery(place: Path) -> None:
    deliver(place, rows_of_day())
    ingest("wind", DAY)
    folder = place / "loops" / "wind"
    text = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    result = ingest("wind", DAY, "without-humid")
    assert result.outcome == "refused"
    assert "dropped column humid" in result.reason
    assert counts(verdict_now()) == (60, 0, 60)
    assert len(quarantined()) == 60
    assert published().num_rows == 60  # what was good before stays


@pytest.mark.parametrize(
    ("value", "outcome", "words"),
    [("12", "done", "as expected"), ("warm", "refused", "type change of temp")],
)
def test_a_type_change(place: Path, value: str, outcome: str, words: str) -> None:
    deliver(place, rows_of_day())
    folder = place / "loops" / "wind"
    text = (folder / "loop.yaml").read_text()
    (folder / "loop.yaml").write_text(text.replace("SELECT * FROM", f"SELECT * REPLACE ('{value}' AS temp) FROM"))
    result = ingest("wind", DAY)
    assert result.outcome == outcome
    assert words in verdict_now()["reason"]
    assert sum(counts(verdict_now())[1:]) == 60


def test_an_unknown_category_goes_to_quarantine(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows[:-1], {**rows[-1], "origin": "XXX"}])
    assert ingest("wind", DAY).outcome == "done"
    assert counts(verdict_now()) == (60, 59, 1)
    assert [row["origin"] for row in quarantined()] == ["XXX"]
    assert "expect_column_values_to_be_in_set(origin)" in quarantined()[0]["_ratchet_broke"]


def test_a_null_in_the_key_goes_to_quarantine(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows[:-1], {**rows[-1], "origin": None}])
    assert ingest("wind", DAY).outcome == "done"
    assert counts(verdict_now()) == (60, 59, 1)
    assert "expect_column_values_to_not_be_null(origin)" in quarantined()[0]["_ratchet_broke"]


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
    deliver(place, rows_of_day())
    result = ingest("wind", DAY)
    assert result.outcome == "refused"
    assert "expect_table_row_count_to_be_between" in result.reason


def _corrupted(corruptions: list[tuple[int, str]]) -> list[dict[str, Any]]:
    rows = rows_of_day()
    for at, kind in corruptions:
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
    return rows


KINDS = ("origin", "copy", "twin", "wind", "null")
corruptions = st.lists(st.tuples(st.integers(0, 59), st.sampled_from(KINDS)), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corruptions)
def test_no_row_is_lost_or_doubled(place: Path, corrupted: list[tuple[int, str]]) -> None:
    rows = _corrupted(corrupted)
    deliver(place, rows)
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=DAY)
    judged = staged(catalog.load("wind"), DAY, DAY) / "judged"
    fetched, accepted, quarantined_ = counts(json.loads((judged / "verdict.json").read_text()))
    assert fetched == len(rows)
    parts = [judged / part / "weather.parquet" for part in ("accepted", "quarantined")]
    good, bad = (tables.read_table(path).to_pylist() if path.exists() else [] for path in parts)
    assert (len(good), len(bad)) == (accepted, quarantined_)
    _whole(good, bad, rows)


@pytest.mark.parametrize("corrupted", [list(enumerate(KINDS)), [(5, "copy")], [(n, "wind") for n in range(30)]])
def test_what_is_published_and_what_is_kept_is_what_came(place: Path, corrupted: list[tuple[int, str]]) -> None:
    rows = _corrupted(corrupted)
    deliver(place, rows)
    ingest("wind", DAY)
    fetched, accepted, quarantined_ = counts(verdict_now())
    assert fetched == len(rows)
    held = quarantined(f"{verdict_now()['delivery'][:12]}/")
    assert len(held) == quarantined_
    _whole(published().to_pylist() if accepted else [], held, rows)


def _whole(good: list[dict[str, Any]], bad: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Check that both together are the rows that came, and that no key is good twice."""
    whole = [*good, *({k: v for k, v in row.items() if k not in ("_ratchet_broke", "_ratchet_row")} for row in bad)]
    assert sorted(map(str, whole)) == sorted(map(str, rows))
    keys = [(row["observed_at"], row["origin"]) for row in good]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("corrupted", [[], list(enumerate(KINDS)), [(n, "wind") for n in range(30)]])
def test_a_day_in_parts_is_judged_as_the_whole(
    place: Path, corrupted: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(place, _corrupted(corrupted))
    step("fetch", "wind", partitions=DAY)
    judged = staged(catalog.load("wind"), DAY, DAY) / "judged"
    found = []
    for rows in (large.CHUNK, 7):
        monkeypatch.setattr(large, "CHUNK", rows)
        page = Path(step("validate", "wind", partitions=DAY).docs["weather"]).read_text()
        parts = [path.read_bytes() for path in sorted(judged.rglob("*.parquet"))]
        found.append((json.loads((judged / "verdict.json").read_text()), parts, re.sub(r"\d{8}T[\d.]+Z", "", page)))
    assert found[0] == found[1]


def test_a_long_range_tells_how_far_it_is(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Somebody waited 21 minutes for 1,454 days and saw nothing."""
    deliver(place, rows_of_day())
    step("fetch", "wind", partitions=f"{DAY}..2013-01-08")
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    step("validate", "wind", partitions=f"{DAY}..2013-01-08")
    assert re.search(
        rf"^validated 1 of \d+ days, {DAY}; less than a minute left$", capfd.readouterr().err, re.MULTILINE
    )


def test_the_name_of_a_column_forges_no_line(place: Path) -> None:
    deliver(place, rows_of_day())
    path = place / "loops" / "wind" / "loop.yaml"
    named = json.dumps('SELECT *, 1 AS "\x1b[31mred\nforged: line" FROM')[1:-1]
    text = path.read_text().replace("weather: SELECT * FROM", f'weather: "{named}').replace("< $end", '< $end"')
    path.write_text(text)
    assert ingest("wind", DAY).outcome == "done"
    assert "new column \\x1b[31mred forged: line (int32), kept" in verdict_now()["reason"]
