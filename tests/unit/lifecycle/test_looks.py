"""What a night has seen, kept once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.lifecycle import looks
from ratchet.settings import Settings

NIGHT = "2013-01-16"


def test_the_first_look_has_its_name_and_a_later_one_lies_beside_it(place: Path) -> None:
    loop = catalog.load("wind")
    first = looks.keep(loop, NIGHT, "drift.json", "one")
    assert first == Settings.current().reports / "wind" / NIGHT / "drift.json"
    assert looks.keep(loop, NIGHT, "drift.json", "one") == first
    second = looks.keep(loop, NIGHT, "drift.json", "two")
    assert second.name == f"drift-{hashlib.sha256(b'two').hexdigest()[:12]}.json"
    assert looks.keep(loop, NIGHT, "drift.json", "two") == second
    looks.keep(loop, NIGHT, "drift.json", "three")
    assert (first.read_text(), second.read_text()) == ("one", "two")
    assert len(list(looks.folder(loop, NIGHT).iterdir())) == 3


def test_what_was_seen_first_is_read_whatever_came_later(place: Path) -> None:
    loop = catalog.load("wind")
    assert looks.read(loop, NIGHT, "drift.json") is None
    for text in ("one", "two"):
        looks.keep(loop, NIGHT, "drift.json", text)
    assert looks.read(loop, NIGHT, "drift.json") == "one"
    assert looks.read(loop, NIGHT, "performance.json") is None
    assert looks.read(loop, "2013-01-17", "drift.json") is None


@pytest.mark.parametrize("text", ["", "\u2264 1\n"])
def test_a_look_is_read_as_it_was_kept(place: Path, text: str) -> None:
    loop = catalog.load("wind")
    first = looks.keep(loop, NIGHT, "drift.html", text)
    assert looks.read(loop, NIGHT, "drift.html") == text
    assert looks.keep(loop, NIGHT, "drift.html", text) == first


def test_a_look_that_is_forgotten_makes_room_for_the_next(place: Path) -> None:
    loop = catalog.load("wind")
    looks.forget(loop, NIGHT, "drift.json")  # there is none
    first = looks.keep(loop, NIGHT, "drift.json", "nothing to see")
    beside = looks.keep(loop, NIGHT, "drift.json", "two")
    looks.forget(loop, NIGHT, "drift.json")
    assert looks.keep(loop, NIGHT, "drift.json", "three") == first
    assert (first.read_text(), beside.read_text()) == ("three", "two")
