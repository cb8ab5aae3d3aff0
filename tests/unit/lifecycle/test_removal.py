"""Taking a loop away; from the command on, in tests/unit/cli/test_remove.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, removal
from tests.conftest import ingest


def test_data_and_decisions_stay_and_the_command_that_shows_them_is_named(place: Path) -> None:
    ingest("wind", "2013-01-02")
    goes, stays = removal.plan("wind")
    assert goes[-1] == str(place / "loops" / "wind")
    assert f"git -C {place / 'var' / 'registry'} log main -- wind" in stays[0]
    removal.remove("wind", lambda _: None)
    assert dataset.registry().partitions("wind", "weather", "HEAD") == ["2013-01-02"]
    goes, stays = removal.plan("wind")  # once more: what is left is still told
    assert goes == []
    assert len(stays) == 3


def test_what_is_a_link_goes_and_what_it_names_stays(place: Path, observations: Path) -> None:
    removal.remove("wind", lambda _: None)
    assert [*observations.glob("*.csv")]


def test_a_loop_that_never_was_is_told(place: Path) -> None:
    with pytest.raises(RequestError, match="There is no loop 'gale'"):
        removal.plan("gale")
