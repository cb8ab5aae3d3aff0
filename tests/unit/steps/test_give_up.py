"""Give up: what failed for good ends, so that later nights go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.errors import RequestError
from tests.conftest import step
from tests.given.nights import DAYS, ask_for_a_training, ended, turn


def test_a_training_that_fails_gives_its_night_up(place: Path) -> None:
    turn(DAYS[0])
    ask_for_a_training(DAYS[0], "drift__v1")
    assert step("give_up", "wind", training="by-hand", reason="x").outcome == "unchanged"
    assert step("give_up", "wind", training="drift__v1", reason="it diverged").nights == (DAYS[0],)
    assert ended(DAYS[0]) == "given_up"
    with pytest.raises(RequestError, match="Name what is given up"):
        step("give_up", "wind")
