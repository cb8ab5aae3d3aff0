"""Whether a cron and its zone are such."""

from __future__ import annotations

import re

import pytest

from ratchet.contract import cron


@pytest.mark.parametrize(
    "text", ["25 9 * * *", "0 */6 * * *", "0 3 * * mon", "@daily", "0 1 1 * *", "0 0 L * *", "0 1 29 2 *"]
)
def test_a_cron_that_comes_round_is_one(text: str) -> None:
    assert cron.check(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("25 99 * * *", "'25 99 * * *' is not a cron; its fields are minute, hour"),
        ("every night", "it has five fields"),
        ("0 1 * * * 30", "it has five fields"),
        ("@nightly", "is not a cron"),
        ("", "it has five fields"),
        ("0 1 31 2 *", "names a day that no calendar has"),
    ],
)
def test_one_that_never_does_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        cron.check(text)


def test_a_zone_is_known_or_its_nearest_is_named() -> None:
    assert cron.check_zone("America/New_York") == "America/New_York"
    with pytest.raises(ValueError, match="no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'"):
        cron.check_zone("Europe/Berln")
    for zone in ("../etc/passwd", "Europe", "", "/etc/passwd"):
        with pytest.raises(ValueError, match=re.escape(f"no time zone {zone!r}")):
            cron.check_zone(zone)
