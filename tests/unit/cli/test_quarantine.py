"""`ratchet quarantine`."""

from __future__ import annotations

from pathlib import Path

from ratchet import cli
from tests.conftest import ingest
from tests.given.deliveries import DAY, deliver, rows_of_day
from tests.unit.cli.conftest import Ratchet


def test_what_is_held_is_listed_and_put_back_when_the_suite_is_mended(place: Path, ratchet: Ratchet) -> None:
    assert ratchet("quarantine", "list", "wind")[1] == "Nothing of wind is in quarantine\n"
    rows = rows_of_day()
    deliver(place, [*rows[:-10], *({**row, "wind_speed": 400.0} for row in rows[-10:])])
    ingest("wind", DAY)
    listed = ratchet("quarantine", "list", "wind")[1]
    assert listed.startswith(f"{DAY}  rejected  ")
    shown = ratchet("quarantine", "show", "wind", DAY)[1].splitlines()
    assert shown[0].startswith('"observed_at","origin"')
    assert len(shown) == 61
    assert "400" in shown[-1]
    assert ratchet("quarantine", "show", "wind", DAY, "--table", "wether")[0] != 0
    code, _, err = ratchet("quarantine", "readmit", "wind", DAY)
    assert code == cli.REFUSED
    assert "10 break expect_column_values_to_be_between(wind_speed)" in err
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    code, out, _ = ratchet("quarantine", "readmit", "wind", DAY)
    assert code == 0
    assert f"trigger wind.score with the partition {DAY}" in out
    assert ratchet("quarantine", "list", "wind")[1] == "Nothing of wind is in quarantine\n"


def test_the_days_of_a_range_that_have_rows_in_quarantine_are_put_back(place: Path, ratchet: Ratchet) -> None:
    deliver(place, [{**row, "wind_speed": 400.0} for row in rows_of_day()])
    ingest("wind", f"2013-01-03..{DAY}")
    assert ratchet("quarantine", "readmit", "wind", "2013-01-03..2013-01-04")[0] != 0
    code, _, err = ratchet("quarantine", "readmit", "wind", f"2013-01-03..{DAY}")
    assert (code, err.count(DAY)) == (cli.REFUSED, 1)
    suite = place / "suites" / "expectations" / "wind.json"
    suite.write_text(suite.read_text().replace('"max_value": 150', '"max_value": 500'))
    code, out, _ = ratchet("quarantine", "readmit", "wind", f"2013-01-03..{DAY}")
    assert (code, out.count("To score what is new")) == (0, 1)
