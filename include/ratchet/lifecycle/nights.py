"""The nights of a loop, as facts in the data registry: which are open, and how the others ended.

    <loop>/open/<partition>.json      a night that is under way: who began it, by which contract, what it knows (a
                                      revision of this registry), and the training it waits for
    <loop>/nights/<partition>.json    how a night ended, and why; its contract, and what it knew

Open nights are few, whatever a loop's age; a night that waits reads their names and no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import nights
from ratchet.decisions.entries import Requested, only
from ratchet.decisions.nights import Open, State
from ratchet.lifecycle import contracts
from ratchet.partitions import shift


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
    return {_stem(name) for folder in folders for name in registry.names(f"{loop}/{folder}/", revision)}


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


def contract(registry: Registry, loop: Loop, partition: str) -> Loop:
    """Return the loop as its contract was when a night began."""
    return contracts.pinned(registry, loop, _lived(registry, loop.name, [partition])[partition].get("contract", ""))


def revision(registry: Registry, loop: Loop, partition: str, asked: str = "") -> str:
    """Return what a night knows: the revision at which its day was published, the newest where it was by no night.

    asked: a revision by name, which comes first.
    """
    known = asked or _lived(registry, loop.name, [partition])[partition].get("revision", "")
    return registry.resolve(known or "HEAD")


def coming(registry: Registry, loop: str) -> str:
    """Return the first night that will know what is published now: one whose own day is yet to come."""
    unborn = [night.partition for night in opened(registry, loop) if not night.revision]
    latest = max(known(registry, loop), default="")
    return min(unborn) if unborn else shift(latest, 1) if latest else ""


def present(registry: Registry, loop: str) -> str:
    """Return the night that is under way, the oldest of several; where there is none, the next."""
    found = opened(registry, loop)
    over = nights.settled(found, registry.ledger(loop))
    under_way = [night.partition for night in found if night not in over]
    return min(under_way) if under_way else coming(registry, loop)


def hearing(registry: Registry, loop: str) -> str:
    """Return the first night that will hear what a person says now: one that has not asked for a training yet."""
    asked = {entry.partition for entry in only(registry.ledger(loop), Requested)}
    under_way = [night.partition for night in opened(registry, loop) if night.partition not in asked]
    return min(under_way) if under_way else coming(registry, loop)


def begin(writer: Writer, loop: Loop, asked: Mapping[str, str], digest: str = "") -> list[str]:
    """Open nights: day -> the run that lives it. One that is open, or may not be lived again, is left as it is.

    Return those that were opened. digest: of the contract that they are lived by.
    """
    registry = writer.registry
    present, states = opened(registry, loop.name), _states(registry, loop.name, asked)
    taken = {night.partition for night in present}
    begun = [day for day in asked if day not in taken and nights.may_begin(day, states, present)]
    if not begun:
        return []
    for day in begun:
        _write(writer, loop, Open(day, asked[day], contract=digest))
    writer.commit(f"Begin {_range(begun)} of {loop.name}")
    return begun


def settle(writer: Writer, loop: Loop) -> None:
    """End the nights that waited for a training alone, which is judged."""
    for night in nights.settled(opened(writer.registry, loop.name), writer.registry.ledger(loop.name)):
        end(writer, loop, [night.partition], "published", f"its training {night.training} was judged")


def know(writer: Writer, loop: Loop, days: Iterable[str], revision: str) -> None:
    """Write down what open nights know, once: a revision of this registry."""
    fresh = [night for night in opened(writer.registry, loop.name) if night.partition in {*days} and not night.revision]
    if fresh:
        for night in fresh:
            _write(writer, loop, replace(night, revision=revision))
        writer.commit(f"Let {_range([n.partition for n in fresh])} of {loop.name} know {revision[:10]}")


def wait_for_training(writer: Writer, loop: Loop, partition: str, training: str) -> None:
    """Let an open night stay open until a training is judged."""
    night = next((each for each in opened(writer.registry, loop.name) if each.partition == partition), None)
    if night is None or night.training == training:
        return
    _write(writer, loop, replace(night, training=training))
    writer.commit(f"Let {partition} of {loop.name} wait for {training}")


def end(writer: Writer, loop: Loop, days: Iterable[str], state: State, reason: str) -> None:
    """Write down how nights ended. One that ended the same way before is left as it is."""
    ended_days = [*days]
    taken = {night.partition for night in opened(writer.registry, loop.name)}
    lived = _lived(writer.registry, loop.name, ended_days)
    for day in ended_days:  # what a night knew stays with it, however often it ends
        kept = {name: lived[day][name] for name in ("contract", "revision") if lived[day].get(name)}
        fact = {"partition": day, "state": state, "reason": reason, **kept}
        writer.write(_path(loop.name, day), json.dumps(fact, sort_keys=True) + "\n")
        if day in taken:
            writer.remove(_open_path(loop.name, day))
    title = {"published": "End", "rested": "Rest on", "refused": "Refuse", "given_up": "Give up"}[state]
    writer.commit(f"{title} {_range(ended_days)} of {loop.name}\n\n{reason}\n")


def _write(writer: Writer, loop: Loop, night: Open) -> None:
    writer.write(_open_path(loop.name, night.partition), json.dumps(vars(night), sort_keys=True) + "\n")


def _lived(registry: Registry, loop: str, days: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what is written down of nights, open or ended: day -> its fact, an empty one where it is no night."""
    places = {day: (_open_path(loop, day), _path(loop, day)) for day in days}
    found = registry.texts_of([place for pair in places.values() for place in pair])
    return {
        day: next((json.loads(found[place]) for place in pair if place in found), {}) for day, pair in places.items()
    }


def _states(registry: Registry, loop: str, days: Iterable[str]) -> dict[str, State]:
    """Return how nights ended: those of `days`, and at least the latest, which says whether a later one has begun."""
    names = registry.names(f"{loop}/nights/", "HEAD")
    latest = [_stem(max(names))] if names else []
    wanted = {day for day in {*days, *latest} if _path(loop, day) in {*names}}
    texts = registry.texts_of([_path(loop, day) for day in sorted(wanted)], "HEAD")
    return {fact["partition"]: fact["state"] for fact in map(json.loads, texts.values())}


def _stem(name: str) -> str:
    """Return the partition of `<loop>/<folder>/<partition>.json`."""
    return name.rpartition("/")[2].removesuffix(".json")


def _range(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{min(days)}..{max(days)}" if days else "nothing"


def _path(loop: str, partition: str) -> str:
    return f"{loop}/nights/{partition}.json"


def _open_path(loop: str, partition: str) -> str:
    return f"{loop}/open/{partition}.json"
