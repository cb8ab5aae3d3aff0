"""The days on which a loop rests."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from ratchet.contract import resting
from ratchet.contract.loop import Schedule


@pytest.mark.parametrize(
    ("rules", "day", "why"),
    [
        ({}, "2024-12-25", ""),
        ({"calendar": "weekdays"}, "2024-12-28", "Saturday"),
        ({"calendar": "weekdays"}, "2024-12-29", "Sunday"),
        ({"calendar": "weekdays"}, "2024-12-30", ""),
        ({"holidays": ["2024-12-24"]}, "2024-12-24", "a holiday of the contract"),
        ({"holidays": ["2024-12-24"]}, "2025-12-24", ""),
        ({"holidays": ["DE"]}, "2024-12-25", "Christmas Day (DE)"),
        ({"holidays": ["DE"]}, "2024-11-01", ""),
        ({"holidays": ["DE-BY"]}, "2024-11-01", "All Saints' Day (DE-BY)"),
        ({"holidays": ["2024-12-24", "US-NY"]}, "2024-07-04", "Independence Day (US-NY)"),
    ],
)
def test_a_day_of_rest_has_its_reason(rules: dict[str, object], day: str, why: str) -> None:
    assert resting.rests(Schedule.model_validate(rules), dt.date.fromisoformat(day)) == why


def test_the_days_of_rest_of_a_range() -> None:
    rules = Schedule(calendar="weekdays", holidays=("DE",))
    assert resting.days_of_rest(rules, "2024-12-23", "2024-12-30") == {
        "2024-12-25",
        "2024-12-26",
        "2024-12-28",
        "2024-12-29",
    }
    assert resting.days_of_rest(Schedule(), "2024-12-23", "2024-12-30") == set()


@pytest.mark.parametrize(
    ("holiday", "words"),
    [
        ("2024-13-01", "is not a date; write one as 2024-12-25"),
        ("24.12.2024", "is not a date"),
        ("20241224", "is not a date"),
        ("Germany", "neither a date nor a country; "),
        ("de", "neither a date nor a country; did you mean 'DE'"),
        ("US-NYC", "US has no part 'NYC' with holidays of its own; did you mean 'NY'"),
        ("DE-", "DE has no part ''"),
    ],
)
def test_what_is_no_holiday_is_refused(holiday: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resting.check(holiday)


def test_countries_are_looked_up_only_where_one_is_named() -> None:
    """A contract is read for every task of Airflow; the holidays of all countries take a fifth of a second."""
    code = "import sys; from ratchet.contract.loop import Schedule; Schedule(holidays=['2024-12-24']); "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print('holidays' in sys.modules)"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
