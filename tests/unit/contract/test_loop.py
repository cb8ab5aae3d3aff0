"""The contract of one model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ratchet import catalog
from ratchet.contract.loop import Loop, Training
from ratchet.contract.rules import Gate
from ratchet.errors import ContractError


def test_the_contract_is_frozen(place: Path) -> None:
    loop = catalog.load("wind")
    with pytest.raises(ValidationError):
        loop.task = "binary"  # type: ignore[misc]


@given(window=st.integers(1, 40), holdout=st.integers(1, 40))
def test_a_window_always_holds_more_than_its_holdout(window: int, holdout: int) -> None:
    if window > holdout:
        assert Training(window=window, holdout_days=holdout).window == window
    else:
        with pytest.raises(ValidationError, match="leaves nothing to train on"):
            Training(window=window, holdout_days=holdout)


def test_what_is_left_out_has_its_default(place: Path) -> None:
    loop = catalog.load("flight_delays")
    assert loop.main == "flights"
    assert loop.main_table.key == loop.tables["flights"].key
    assert loop.model_copy(update={"gate": Gate()}).loss == "log_loss"
    assert catalog.load("wind").loss == "squared_error"
    assert loop.runtime_of("train").kind == "local"


@pytest.mark.parametrize(
    ("lines", "at", "words"),
    [
        (["ingest: 25 99 * * *"], 1, "schedule.ingest: '25 99 * * *' is not a cron"),
        (["ingest: 0 1 * * *", "timezone: Europe/Berln"], 2, "did you mean 'Europe/Berlin'"),
        (["partition: week"], 1, "partitions are days, and any cron works over them"),
        (["ingest: 0 1 * * *", "partition: 7"], 2, "7 is no length of a partition"),
        (["calendar: weekday"], 1, "schedule.calendar is 'weekday'; did you mean 'weekdays'"),
        (["holidays:", "  - 2024-12-24", "  - Germany"], 3, "'Germany' is neither a date nor a country"),
        (["holidays:", "  - 24.12.2024"], 2, "'24.12.2024' is not a date"),
    ],
)
def test_a_schedule_that_is_none_is_refused_at_its_line(place: Path, lines: list[str], at: int, words: str) -> None:
    path = _schedule(place, lines)
    with pytest.raises(ContractError, match=re.escape(words)) as caught:
        catalog.load("wind")
    first = path.read_text().splitlines().index("schedule:") + 1
    assert str(caught.value).startswith(f"{path}:{first + at}: ")


def test_yamls_own_dates_are_holidays(place: Path) -> None:
    _schedule(place, ["calendar: weekdays", "holidays: [2024-12-24, US-NY]"])
    assert catalog.load("wind").schedule.holidays == ("2024-12-24", "US-NY")


def _schedule(place: Path, lines: list[str]) -> Path:
    """Write a schedule into the contract of wind; return its file."""
    path = place / "loops" / "wind" / "loop.yaml"
    text, found = re.subn(
        r"(?m)^schedule:\n  ingest: null$", "\n".join(["schedule:", *(f"  {line}" for line in lines)]), path.read_text()
    )
    assert found == 1
    path.write_text(text)
    return path


def test_losses_of_two_values_are_not_of_one_unit(place: Path) -> None:
    loop = catalog.load("flight_delays")
    said = {"unit": "minutes", "costs": {"false_positive": 15, "false_negative": 60}}
    other = {**said, "costs": {"false_positive": 15, "false_negative": 50}}

    def under(**gate: object) -> Loop:
        return loop.model_copy(update={"gate": Gate.model_validate(gate)})

    one, two = (under(loss="value", bound=5, value=each) for each in (said, other))
    assert one.measured_in != two.measured_in
    assert (one.loss, one.learnt_loss, one.loss_words) == ("value", "log_loss", "minutes a row")
    told = under(value=said)  # told beside the loss, and not fought in
    assert (told.measured_in, told.learnt_loss, told.loss_words) == ("log_loss", "log_loss", "log_loss")
