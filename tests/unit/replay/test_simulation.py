"""The nights of a policy, lived again: nothing is known before it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet import catalog
from ratchet.decisions.entries import Certified, Delayed, Promoted, Rejected, Waiting, Won, only
from ratchet.lifecycle import evaluations, ledger, records
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from ratchet.replay.simulation import Simulation
from ratchet.training import latency
from ratchet.training.latency import Latency
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


def _limited(past: History, folder: Path, **gate: Any) -> Simulation:
    """Let a first champion live, and from then on by a gate that promotes easily, with these keys changed."""
    case = Case("calendar:days=4", "level=0.4,margin=20,bound=90")
    lived = Simulation(replays._changed(past, case), Fits(past.loop, folder), FIRST)
    assert lived.champion is not None
    lived.loop = lived.loop.model_copy(update={"gate": lived.loop.gate.model_copy(update=gate)})
    return lived


def test_a_timing_lets_wait_and_a_quiet_night_lets_in(
    past: History, replayed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived, first, quiet = _limited(past, replayed / "cache", latency_ms=0.001), "", "2013-01-20"
    for night in [night for night in past.nights if FIRST <= night <= quiet]:
        ms = 0.0005 if night == quiet else 5.0
        monkeypatch.setattr(latency, "latency", lambda *_, ms=ms: Latency(ms, 7.0))
        done = lived.night(night)
        first = first or (night if done.gate == "wait" else "")
    assert first
    assert first < quiet
    waiting, won = only(lived.ledger, Waiting)[0], only(lived.ledger, Won)[-1]
    assert (waiting.failed, waiting.delayed, waiting.run, won.night) == ((), ("latency_ms",), won.run, quiet)
    assert not only(lived.ledger, Rejected)
    timings = lived.runs[won.run].training.evaluation.timings
    assert [*timings.values()] == [5.0] * (len(timings) - 1) + [0.0005]


BROKEN = {
    "constant": (lambda said: np.full_like(said, said.mean()), {"refit_distance": 0.6}, "refit: distance"),
    "worse": (lambda said: said + 30, {}, "refit: loss"),
    "size": (None, {"size_mb": 0.001}, "refit: size_mb"),
    "behaviour": (None, {}, "refit: up"),
    "ordinary": (None, {}, ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_refit_is_judged_by_what_the_evaluated_model_was(
    past: History, replayed: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    said, gate, name = BROKEN[kind]
    lived, refitted = _limited(past, replayed / "cache"), Simulation._refit

    def refit(self: Simulation, night: str, run: Any) -> Any:
        made = refitted(self, night, run)
        broken = {"up": (1.0, 0.5, "higher", 0.0)} if kind == "behaviour" else made.about["behaviour"]
        made = replace(made, about={**made.about, "behaviour": broken}, _said={}, _sums={}, _losses={})
        if said:
            answers = made.answers
            made.answers = lambda data, day: said(answers(data, day))  # type: ignore[method-assign]
        self.loop = self.loop.model_copy(update={"gate": self.loop.gate.model_copy(update=gate)})
        return made

    monkeypatch.setattr(Simulation, "_refit", refit)
    for night in [night for night in past.nights if FIRST <= night <= "2013-01-19"]:
        lived.night(night)
    ends = [(each.kind, each.failed) for each in lived.ledger if each.kind in ("promoted", "rejected")][1:]
    assert ends
    assert all(kind == ("rejected" if name else "promoted") for kind, _ in ends)
    assert all(name in failed for _, failed in ends if name)


def test_a_refit_that_takes_too_long_waits_and_is_measured_again_on_later_nights(
    past: History, replayed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived, refitted, quiet = _limited(past, replayed / "cache", latency_ms=1000.0), Simulation._refit, "2013-01-21"

    def slow(self: Simulation, night: str, run: Any) -> Any:
        made = refitted(self, night, run)
        return replace(made, about={**made.about, "latency_ms": 5000.0}, _said={}, _sums={}, _losses={})

    monkeypatch.setattr(Simulation, "_refit", slow)
    for night in [night for night in past.nights if FIRST <= night <= quiet]:
        ms = 1.0 if night == quiet else 5000.0
        monkeypatch.setattr(latency, "latency", lambda *_, ms=ms: Latency(ms, 7.0))
        lived.night(night)
        assert (len(only(lived.ledger, Promoted)) > 1) == (night == quiet)
    (delayed,) = only(lived.ledger, Delayed)
    assert delayed.delayed == ("refit: latency_ms",)
    assert only(lived.ledger, Promoted)[-1].evaluated == delayed.mlflow_run
    assert delayed.mlflow_run not in [each.evaluated for each in only(lived.ledger, Rejected)]


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
