"""Readmit: quarantine put back through a mended suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import cli
from ratchet.errors import RequestError
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, counts, deliver, published, quarantined, rows_of_day, verdict_now


def test_beyond_the_tolerance_all_is_refused_and_readmitted_when_the_suite_is_mended(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_day()
    deliver(place, [*rows[:-10], *({**row, "wind_speed": 400.0} for row in rows[-10:])])
    result = ingest("wind", DAY)
    assert result.outcome == "refused"
    assert "10 break expect_column_values_to_be_between(wind_speed)" in result.reason
    assert "ratchet quarantine readmit wind" in result.reason
    assert counts(verdict_now()) == (60, 0, 60)
    assert ingest("wind", DAY).outcome == "refused"  # refused it stays, and no new commit
    cli.ratchet.main(["quarantine", "list", "wind"], standalone_mode=False)
    assert DAY in capsys.readouterr().out
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    assert step("readmit", "wind", partition=DAY).outcome == "done"
    assert counts(verdict_now()) == (60, 60, 0)
    assert published().num_rows == 60
    assert quarantined() == []


def test_single_rows_are_readmitted_beside_what_was_accepted(place: Path) -> None:
    rows = rows_of_day()
    deliver(place, [*rows[:-1], {**rows[-1], "wind_speed": 400.0}])
    ingest("wind", DAY)
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    step("readmit", "wind", partition=DAY)
    assert sorted(published().column("wind_speed").to_pylist()) == sorted(
        [*(row["wind_speed"] for row in rows[:-1]), 400.0]
    )
    assert quarantined() == []


def test_where_nothing_is_in_quarantine_nothing_is_readmitted(place: Path) -> None:
    with pytest.raises(RequestError, match="Nothing of wind 2013-01-05 is in quarantine"):
        step("readmit", "wind", partition=DAY)
