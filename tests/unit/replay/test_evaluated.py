"""What a training and a refit of a replay are judged by, as in production."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.decisions.entries import Delayed, Promoted, Rejected, Waiting, Won, only
from ratchet.replay.history import History
from ratchet.replay.simulation import Simulation
from ratchet.training import latency
from ratchet.training.latency import Latency
from tests.given.replays import FIRST, limited


def test_a_timing_lets_wait_and_a_quiet_night_lets_in(
    past: History, replayed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived, first, quiet = limited(past, replayed / "cache", latency_ms=0.001), "", "2013-01-20"
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
    lived, refitted = limited(past, replayed / "cache"), Simulation._refit

    def refit(self: Simulation, night: str, run: Any) -> Any:
        made = refitted(self, night, run)
        broken = {"up": (1.0, 0.5, "higher", 0.0)} if kind == "behaviour" else made.about["behaviour"]
        made = replace(made, about={**made.about, "behaviour": broken}, _said={}, _sums={}, _shifts={}, _losses={})
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
    lived, refitted, quiet = limited(past, replayed / "cache", latency_ms=1000.0), Simulation._refit, "2013-01-21"

    def slow(self: Simulation, night: str, run: Any) -> Any:
        made = refitted(self, night, run)
        return replace(made, about={**made.about, "latency_ms": 5000.0}, _said={}, _sums={}, _shifts={}, _losses={})

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
