"""What a training of a replay is judged by: all that production's steps evaluate and refit measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.decisions import duel, lifecycle, staleness, timings
from ratchet.replay.data import DataVersion
from ratchet.replay.evidence import Challenger
from ratchet.replay.fits import Fits, Fitted
from ratchet.replay.history import History
from ratchet.replay.holdout import Holdout, of_refit
from ratchet.replay.measures import Version
from ratchet.training import latency, too_good


def of_challenger(
    history: History, fits: Fits, night: str, fit: Fitted, held: Holdout, train: Sequence[str], champion: Version | None
) -> dict[str, Any]:
    """Measure a training beside champion and baseline; what only the ledger knows is not among it.

    train: the days that it was trained on. held: those that it was not shown.
    """
    loop, data = held.loop, held.data
    found = held.compared(champion.stands, champion.scale) if champion else held.compared(None)
    used = {day for day in data.days if train[0] <= day <= held.days[-1]}
    said = found["metrics"]["challenger"]
    leaks = fits.leaks(data, train[0], held.days[-1])
    found |= {
        "champion": champion.number if champion else None,
        "size_mb": fit.about["size_mb"],
        "behaviour": fit.about["behaviour"],
        "latency_ms": fit.about["latency_ms"],
        "latency_wall_ms": fit.about.get("latency_wall_ms"),
        "unaccepted": {day: why for day, why in history.refused(night).items() if day in used},
        "signatures": [fit.about["signature"], *([champion.stands[0].about["signature"]] if champion else [])],
        "too_good": too_good.find(loop, leaks, held.rows, held.ours, said, lambda: fit.model),
        "first": None,
    }
    if champion and found["compared"]:
        days = duel.load(found["compared"])
        stood = {each.key: stands.trained for each in days if (stands := champion.on(each.key))}
        found["first"] = staleness.first_look(history.counts(night), days, stood, fit.trained)
    return found


def refitted(loop: Loop, run: Challenger, refit: Fitted) -> dict[str, Any]:
    """Measure a refit beside the model that was evaluated; of its latencies the best counts."""
    days, most = sorted(run.training.evaluation.days), loop.gate.latency_ms
    found, rows = of_refit(loop, run.data, days, refit, run.fit)
    run.refit_ms = min(run.refit_ms, refit.about["latency_ms"])
    if most is not None and run.refit_ms > most:
        run.refit_ms = min(run.refit_ms, latency.within(refit.model, rows, most).ms)
    about = {name: refit.about[name] for name in ("size_mb", "behaviour")}
    about["learnt"] = run.fit.about["rows"]
    return {**found, **about, "latency_ms": run.refit_ms, "signatures": [refit.about["signature"]]}


def timed_again(loop: Loop, run: Challenger, data: DataVersion, night: str) -> lifecycle.Training:
    """Measure again the latency of who waits for no more than it; return what is known of it."""
    found = run.training.evaluation
    if not timings.due(loop.gate, found, night):
        return run.training
    day = max(found.days)
    timed = latency.latency(run.fit.model, data.between(day, day))
    return replace(run.training, evaluation=timings.measured(found, night, timed.ms, timed.wall_ms))
