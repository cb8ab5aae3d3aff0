"""Who stands for a model in a duel, and what it predicts."""

from __future__ import annotations

from pathlib import Path

from ratchet.adapters import runs
from ratchet.lifecycle import predictions


def test_a_challenger_is_compared_with_the_champions_twin_where_the_refit_has_seen_the_day(
    second: str, dueling: tuple[Path, str, str]
) -> None:
    with runs.connected() as client:
        opponent = predictions.contender(client, dueling[2])
    assert opponent.on("2013-01-12") == dueling[2]
    assert opponent.on("2013-01-09") not in (None, dueling[2])
    assert opponent.on("2013-01-05") is None
