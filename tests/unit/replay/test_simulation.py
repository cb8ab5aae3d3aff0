"""The nights of a policy, lived again: nothing is known before it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.decisions.entries import Certified, Won, only
from ratchet.lifecycle import evaluations, ledger, records
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from ratchet.replay.simulation import Simulation
from tests.conftest import train
from tests.given.replays import FIRST, LAST


def _until(past: History, day: str, folder: Path) -> History:
    """Return a history that ends with a day."""
    rows = past.now.between("2013-01-01", day)
    cut = history.of_rows(past.loop, rows, folder)
    came = [each for each in past.deliveries if each.day <= day]
    return History(past.loop, [n for n in past.nights if n <= day], cut.versions, came)


def test_nothing_is_known_before_it_was(past: History, replayed: Path, tmp_path: Path) -> None:
    """Take the future away: what was decided before it is the same."""
    case, fits = Case("calendar:days=2,cooldown_days=0"), Fits(past.loop, replayed / "cache")
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    whole = replays.live(past, fits, case, nights).nights
    for end in (4, 8):
        cut = _until(past, nights[end - 1], tmp_path / str(end))
        short = replays.live(cut, Fits(past.loop, tmp_path / str(end)), case, nights[:end]).nights
        assert _comparable(short) == _comparable(whole[:end])


def _comparable(nights: Any) -> list[dict[str, Any]]:
    """Round what is computed; a night that served nothing has no loss."""
    return [{**night, "loss": round(night["loss"], 5) if night["rows"] else None} for night in nights]


def test_days_that_came_together_are_scored_each_on_its_own_night(past: History, replayed: Path) -> None:
    """Let a range be published on its first night: who answers on each of its days is the champion of that evening."""
    case, fits = (
        Case("calendar:days=1,cooldown_days=0", "level=0.4,margin=20,bound=90"),
        Fits(past.loop, replayed / "cache"),
    )
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    together = [replace(each, known=min(each.known, nights[0])) for each in past.deliveries]
    whole = replays.live(past, fits, case, nights).nights
    ranged = replays.live(replace(past, deliveries=together, _known={}), fits, case, nights).nights
    assert _comparable(ranged) == _comparable(whole)
    assert len({night["version"] for night in whole}) > 1


def test_what_is_too_good_is_refused_in_the_same_words_as_in_production(
    wind: str, tracked: Path, tmp_path: Path
) -> None:
    """A model that was given the answer, at the first gate of both; with a person's word it is promoted in both."""
    folder = tracked / "loops" / wind
    (folder / "features.sql").write_text(
        "SELECT observed_at, origin, observed_at AS event_time, temp, wind_speed - temp AS gust FROM weather"
    )
    train(wind, "first")
    loop = catalog.load(wind)
    (refused,) = ledger.read(loop)
    lived = Simulation(history.read(loop, tmp_path), Fits(loop, tmp_path), "2013-01-15")
    assert lived.champion is None
    assert [(each.kind, each.reason) for each in lived.ledger] == [("rejected", refused.reason)]
    assert "too good" in refused.reason
    accepted = loop.model_copy(update={"gate": loop.gate.model_copy(update={"accept": ("temp", "gust")})})
    again = Simulation(history.read(accepted, tmp_path), Fits(accepted, tmp_path), "2013-01-15")
    assert [each.kind for each in again.ledger] == ["won", "promoted"]


def test_a_training_of_a_replay_has_its_baseline_beside_it_as_in_production(
    wind: str, tracked: Path, tmp_path: Path
) -> None:
    train(wind, "first")
    loop = catalog.load(wind)
    made = evaluations.read(loop, records.trained_run(loop, "first"))
    lived = Simulation(history.read(loop, tmp_path), Fits(loop, tmp_path), "2013-01-15")
    (found,) = (each.training.evaluation for each in lived.runs.values())
    assert found.baseline_words == made.baseline_words != ""
    assert found.metrics["baseline"] == pytest.approx(made.metrics["baseline"])
    assert found.baseline_loss == pytest.approx(made.baseline_loss)
    assert found.usual_loss == pytest.approx(made.usual_loss)
    assert found.baseline is not None
    assert made.baseline is not None
    assert [each[:2] for each in found.baseline] == [each[:2] for each in made.baseline]
    assert found.too_few == made.too_few


def test_nights_are_lived_while_somebody_waits_for_a_first_champion(past: History, replayed: Path) -> None:
    """A first challenger that its few held-out days do not prove goes on in shadow, and may win by a night."""
    case = Case("calendar:days=3,cooldown_days=0", "level=0.02,deploy=evaluated")
    lived = Simulation(replays._changed(past, case), Fits(past.loop, replayed / "cache"), FIRST)
    (waiting,) = lived.ledger
    assert (waiting.kind, waiting.champion, waiting.against.name) == ("waiting", None, "baseline:first-champion")
    assert lived.champion is None
    counts, nights = [], [night for night in past.nights if FIRST <= night <= LAST]
    while lived.champion is None:
        counts.append(len(lived.runs["first-champion"].gathered.anchored))
        done = lived.night(nights.pop(0))
        assert (done.version, done.decided, done.rows) == ("", "wait", 0)
        assert done.night not in lived.measures.live
        assert [day for _, day in lived.measures._shadow if day == done.night]  # on the night itself
    assert counts == [*range(counts[0], counts[0] + len(counts))]  # a day a night
    assert len(counts) > 1
    (won,) = only(lived.ledger, Won)
    assert (won.champion, won.night, won.against.name) == (None, done.night, "baseline:first-champion")
    assert (done.duel, only(lived.ledger, Certified)) == ("promote", [])
    lived.night(nights.pop(0))
    (told,) = only(lived.ledger, Certified)
    assert (told.version, told.anchor) == (lived.champion.number, f"baseline:{won.evaluated}")
