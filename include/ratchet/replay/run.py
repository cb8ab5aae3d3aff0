"""Run a replay: as many processes as cores, everything cached by content.

One that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.data import windows
from ratchet.decisions.entries import Promoted, RolledBack, only
from ratchet.errors import DataError, RequestError, TrainingError
from ratchet.files import write_text
from ratchet.partitions import days_between, parse, shift
from ratchet.replay import keys, spec
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.score import Outcome
from ratchet.replay.simulation import Simulation

Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True)
class Case:
    """One policy under one gate, as texts of `spec`."""

    policy: str = spec.OWN
    gate: str = spec.OWN


def run(
    history: History, cases: Sequence[Case], first: str, last: str, cache: Path, progress: Progress
) -> list[Outcome]:
    """Replay the nights first..last under each case. Raises RequestError, DataError."""
    loop = history.loop
    parse(f"{first}..{last}")
    nights = [night for night in history.nights if first <= night <= last]
    if not nights:
        raise RequestError(f"No day of {loop.name} between {first} and {last} is published: there is nothing to replay")
    windows.window(
        loop, [day for day in history.nights if day < first], shift(first, -1)
    )  # a first champion can be trained
    for case in cases:
        _loop(loop, case)
    found: dict[Case, Outcome] = {}
    missing: list[Case] = []
    for case in cases:
        path = _path(history, case, nights, cache)
        if path.exists():
            found[case] = _load(path)
        else:
            missing.append(case)
    if missing:
        _compute(history, missing, nights, cache, progress, found)
    return [found[case] for case in cases]


def _compute(
    history: History, cases: list[Case], nights: list[str], cache: Path, progress: Progress, found: dict[Case, Outcome]
) -> None:
    cores = os.cpu_count() or 1
    context = get_context("spawn")
    lived = context.Value("i", 0)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # a process a core: more threads would only wait for each other
    pool = ProcessPoolExecutor(cores, mp_context=context, initializer=_open, initargs=(history, cache, lived))
    try:
        wanted = _foreseen(history, cases, nights, Fits(history.loop, cache))
        jobs = [pool.submit(_fit, *each) for each in _in_turns(wanted)]
        progress("models", 0, len(jobs))
        for done, _ in enumerate(_as_they_end(jobs, lambda: None), 1):
            progress("models", done, len(jobs))
        total = len(cases) * len(nights)
        progress("nights", 0, total)
        lives = {
            pool.submit(_live, case, nights): case
            for case in sorted(cases, key=lambda case: -_weight(history.loop, case))
        }
        for future in _as_they_end(list(lives), lambda: progress("nights", lived.value, total)):
            outcome, case = future.result(), lives[future]
            write_text(_path(history, case, nights, cache), json.dumps(dataclasses.asdict(outcome)))
            found[case] = outcome
        progress("nights", total, total)
    except BaseException:
        for process in list(getattr(pool, "_processes", None) or {}).copy():
            os.kill(process, 15)
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        os.environ.pop("OMP_NUM_THREADS")
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


def _as_they_end(jobs: list[Future[Any]], meanwhile: Callable[[], None]) -> Any:
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        meanwhile()
        for job in done:
            job.result()
            yield job


def _foreseen(history: History, cases: list[Case], nights: list[str], fits: Fits) -> list[tuple[str, str, str]]:
    """List the fits that are sure to be needed, whatever comes: those of the first champion, and of calendars."""
    loop, wanted = history.loop, {}
    due = {shift(nights[0], -1)}
    for case in cases:
        calendar = _loop(loop, case).retrain.policies.get("calendar")
        if calendar:
            due |= {night for night in nights if days_between(shift(nights[0], -1), night) % calendar["days"] == 0}
    for night in due:
        data = history.at(night)
        try:
            train, holdout = windows.window(loop, [day for day in data.days if day <= night], night)
        except DataError:
            continue
        for last in (train[-1], *([holdout[-1]] if loop.gate.deploy == "refit" else [])):
            name = fits.name(data, train[0], last)
            if not (fits.folder / name / "about.json").exists():
                wanted[name] = (night, train[0], last)
    return [each for _, each in sorted(wanted.items())]


def _in_turns(fits: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield the longest fit, the shortest, the longest of the others, ...: so each two take as long as the last two.

    So what is left can be told from what is done, and no long fit is waited for at the end. fits: the shortest first.
    """
    left = deque(fits)
    while left:
        yield left.pop()
        if left:
            yield left.popleft()


_history: History
_fits: Fits
_lived: Any


def _open(history: History, cache: Path, lived: Any) -> None:
    global _history, _fits, _lived
    _history, _fits, _lived = history, Fits(history.loop, cache), lived


def _fit(night: str, first: str, last: str) -> None:
    try:
        _fits.get(_history.at(night), first, last)
    except TrainingError:
        return  # the simulation that asks for it will be told


def _live(case: Case, nights: list[str]) -> Outcome:
    def lived() -> None:
        with _lived.get_lock():
            _lived.value += 1

    return live(_history, _fits, case, nights, lived)


def live(
    history: History, fits: Fits, case: Case, nights: list[str], each: Callable[[], None] = lambda: None
) -> Outcome:
    """Live through the nights under one case."""
    simulation, lived = Simulation(_changed(history, case), fits, nights[0]), []
    deployed = [simulation.champion.stands[0]] if simulation.champion else []
    for night in nights:
        lived.append(dataclasses.asdict(simulation.night(night)))
        if simulation.champion and (not deployed or simulation.champion.stands[0] is not deployed[-1]):
            deployed.append(simulation.champion.stands[0])
        each()
    entries = simulation.ledger
    return Outcome(
        policy=case.policy,
        gate=case.gate,
        nights=tuple(lived),
        promotions=max(0, len(only(entries, Promoted)) - 1),  # the first champion replaces none
        rollbacks=len(only(entries, RolledBack)),
        minutes=simulation.seconds / 60,
        deployed=tuple((fit.first, fit.until) for fit in deployed),
    )


def _loop(loop: Loop, case: Case) -> Loop:
    return loop.model_copy(update={"retrain": spec.policy(loop, case.policy), "gate": spec.gate(loop, case.gate)})


def _changed(history: History, case: Case) -> History:
    """Return the history under the case's contract."""
    loop = _loop(history.loop, case)
    return dataclasses.replace(
        history,
        loop=loop,
        versions=[(first, dataclasses.replace(data, loop=loop)) for first, data in history.versions],
        _known={},
    )


def _weight(loop: Loop, case: Case) -> float:
    """Guess how long a case takes, to begin with the longest."""
    calendar = _loop(loop, case).retrain.policies.get("calendar")
    return 1000 / calendar["days"] if calendar else 500


def _path(history: History, case: Case, nights: list[str], cache: Path) -> Path:
    name = keys.life(
        _loop(history.loop, case),
        nights=nights,
        deliveries=[dataclasses.astuple(each)[1:] for each in history.deliveries if each.known <= nights[-1]],
        heard=[repr(each) for each in history.heard if each.night <= nights[-1]],
        rows=[(first, data.content("", nights[-1])) for first, data in history.versions],
    )
    return cache / "outcomes" / f"{name}.json"


def _load(path: Path) -> Outcome:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Outcome(
        **{
            **content,
            "nights": tuple(content["nights"]),
            "deployed": tuple(tuple(each) for each in content["deployed"]),
        }
    )
