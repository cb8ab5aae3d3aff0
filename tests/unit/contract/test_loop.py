"""The contract of one model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ratchet import catalog
from ratchet.contract.loop import Loop, Training
from ratchet.contract.rules import Gate


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


@pytest.mark.parametrize("column", ["my column", "_ratchet_x", "1st"])
def test_a_column_has_a_plain_name(column: str, place: Path) -> None:
    document = catalog.load("wind").model_dump()
    document["tables"]["weather"]["columns"][column] = "string"
    with pytest.raises(ValidationError, match="letters, digits and _ only"):
        Loop.model_validate(document)
