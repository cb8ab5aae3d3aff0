"""Progress: who waits is told where a long step is."""

from __future__ import annotations

import pytest

from ratchet.lifecycle.progress import Progress


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_long_step_tells_where_it_is_and_how_long_it_will_be(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("validated", 1_454, clock)
    for number in range(1, 121):
        clock.now += 0.135
        progress.done(f"day {number}")
    told = capfd.readouterr()
    assert told.out == ""  # where a step leaves its result
    assert told.err.splitlines() == ["validated 75 of 1,454 days, day 75; about 3 minutes left"]


@pytest.mark.parametrize(
    ("total", "words"),
    [(2, "less than a minute"), (6, "about 1 minute left"), (61, "about 15 minutes"), (2001, "about 8 hours")],
)
def test_what_is_left_is_told_in_words(total: int, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("validated", total, clock)
    clock.now += 15
    progress.done("2024-01-01")
    assert words in capfd.readouterr().err


def test_a_short_step_and_the_last_day_say_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("validated", 3, clock)
    progress.done("2024-01-01")
    clock.now += 9
    progress.done("2024-01-02")
    clock.now += 9
    progress.done("2024-01-03")
    assert capfd.readouterr().err == ""
