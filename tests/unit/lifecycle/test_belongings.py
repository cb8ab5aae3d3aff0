"""What a loop has on this machine."""

from __future__ import annotations

from pathlib import Path

from ratchet.lifecycle import belongings
from ratchet.settings import Settings


def test_suites_are_known_by_the_loops_that_name_them(place: Path) -> None:
    (place / "loops" / "broken").mkdir()
    (place / "loops" / "broken" / "loop.yaml").write_text("tables: [")
    found = belongings.suites(Settings.current())
    assert "flight_delays" in found["weather"]
    assert found["wind"] == ["wind"]


def test_what_there_is_is_found_and_the_folder_comes_last(place: Path) -> None:
    (Settings.current().models / "wind" / "1").mkdir(parents=True)
    found = belongings.find("wind")
    assert found.all == (
        Settings.current().models / "wind",
        place / "suites" / "expectations" / "wind.json",
        place / "loops" / "wind",
    )
    assert belongings.find("nothing").all == ()


def test_a_suite_of_another_loop_too_is_not_its_own(place: Path) -> None:
    found = belongings.find("flight_delays")
    assert {path.stem for path in found.shared} == {"flights", "weather"}
    assert found.suites == ()
