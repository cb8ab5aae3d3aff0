"""The nights of a loop, as facts in the data registry: which are open, and how the others ended.

    <loop>/open/<partition>.json      a night that is under way: who began it, and the training it waits for
    <loop>/nights/<partition>.json    how a night ended, and why

Open nights are few, whatever a loop's age; a night that waits reads their names and no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ratchet.adapters.data_registry import Registry, Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import nights
from ratchet.decisions.nights import Open, State


def opened(registry: Registry, loop: str, revision: str = "HEAD") -> list[Open]:
    """List the open nights, oldest first."""
    found = registry.texts(f"{loop}/open/", revision)
    return [Open(**json.loads(text)) for _, text in sorted(found.items())]


def ended(registry: Registry, loop: str, partition: str, revision: str = "HEAD") -> dict[str, Any] | None:
    """Return how a night ended: its `state` and `reason`; None where it has not."""
    text = registry.text(_path(loop, partition), revision)
    return json.loads(text) if text else None


def known(registry: Registry, loop: str, revision: str = "HEAD") -> set[str]:
    """List the days that are published, judged, ended or open."""
    folders = ("verdicts", "nights", "open")
    return {Path(name).stem for folder in folders for name in registry.names(f"{loop}/{folder}/", revision)}


def waits_for(registry: Registry, loop: str, partition: str, run: str = "") -> list[Open]:
    """List the nights that a night has to wait for, oldest first."""
    open_nights = opened(registry, loop)
    if not any(night.partition <= partition for night in open_nights):
        return []
    return nights.before(partition, run, open_nights, registry.ledger(loop))


def may_decide(registry: Registry, loop: str, partition: str) -> bool:
    """Say whether a night may still decide."""
    present = opened(registry, loop)
    if any(night.partition == partition for night in nights.settled(present, registry.ledger(loop))):
        return False
    return nights.may_decide(partition, _states(registry, loop, [partition]), present)


def begin(writer: Writer, loop: Loop, asked: Mapping[str, str]) -> list[str]:
    """Open nights: day -> the run that lives it. One that is open, or may not be lived again, is left as it is.

    Return those that were opened.
    """
    registry = writer.registry
    present, states = opened(registry, loop.name), _states(registry, loop.name, asked)
    taken = {night.partition for night in present}
    begun = [day for day in asked if day not in taken and nights.may_begin(day, states, present)]
    if not begun:
        return []
    paths = [_write(writer, loop, Open(day, asked[day])) for day in begun]
    writer.commit(paths, f"Begin {_range(begun)} of {loop.name}")
    return begun


def settle(writer: Writer, loop: Loop) -> None:
    """End the nights that waited for a training alone, which is judged."""
    for night in nights.settled(opened(writer.registry, loop.name), writer.registry.ledger(loop.name)):
        end(writer, loop, [night.partition], "published", f"its training {night.training} was judged")


def wait_for_training(writer: Writer, loop: Loop, partition: str, training: str) -> None:
    """Let an open night stay open until a training is judged."""
    night = next((each for each in opened(writer.registry, loop.name) if each.partition == partition), None)
    if night is None or night.training == training:
        return
    path = _write(writer, loop, replace(night, training=training))
    writer.commit([path], f"Let {partition} of {loop.name} wait for {training}")


def end(writer: Writer, loop: Loop, days: Iterable[str], state: State, reason: str) -> None:
    """Write down how nights ended. One that ended the same way before is left as it is."""
    ended_days, paths = [*days], list[str]()
    taken = {night.partition for night in opened(writer.registry, loop.name)}
    for day in ended_days:
        fact = {"partition": day, "state": state, "reason": reason}
        writer.write(_path(loop.name, day), json.dumps(fact, sort_keys=True) + "\n")
        paths.append(_path(loop.name, day))
        if day in taken:
            writer.remove(_open_path(loop.name, day))
            paths.append(_open_path(loop.name, day))
    title = {"published": "End", "rested": "Rest on", "refused": "Refuse", "given_up": "Give up"}[state]
    writer.commit(paths, f"{title} {_range(ended_days)} of {loop.name}\n\n{reason}\n")


def _write(writer: Writer, loop: Loop, night: Open) -> str:
    path = _open_path(loop.name, night.partition)
    writer.write(path, json.dumps(asdict(night), sort_keys=True) + "\n")
    return path


def _states(registry: Registry, loop: str, days: Iterable[str]) -> dict[str, State]:
    """Return how nights ended: those of `days`, and at least the latest, which says whether a later one has begun."""
    names = sorted(Path(name).stem for name in registry.names(f"{loop}/nights/", "HEAD"))
    wanted = {*days, *names[-1:]} & set(names)
    texts = registry.texts_of([_path(loop, day) for day in sorted(wanted)], "HEAD")
    return {fact["partition"]: fact["state"] for fact in map(json.loads, texts.values())}


def _range(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{min(days)}..{max(days)}" if days else "nothing"


def _path(loop: str, partition: str) -> str:
    return f"{loop}/nights/{partition}.json"


def _open_path(loop: str, partition: str) -> str:
    return f"{loop}/open/{partition}.json"
