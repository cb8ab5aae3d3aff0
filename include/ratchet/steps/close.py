"""Close: end a night that was scored, monitored and decided. One that asked for a training ends when that is judged."""

from __future__ import annotations

from pydantic import Field

from ratchet.adapters import writing
from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Requested, RolledBack, Vetoed, only
from ratchet.decisions.nights import asked
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, nights
from ratchet.partitions import Partition
from ratchet.steps import StepRequest, StepResult, decide, drift, performance


class CloseRequest(StepRequest):
    """What is ended."""

    partition: Partition = Field(description="The night.")


class CloseResult(StepResult):
    """What became of the night."""

    training: str = ""  # the key of the training that it waits for
    alarm: str = ""  # what somebody will look at, and a page is made about: drift, degradation or a rollback


def run(loop: Loop, request: CloseRequest) -> CloseResult:
    """End a night, once. Raises DataError where it was not lived as far as its decision."""
    registry, night = dataset.registry(), request.partition
    training = asked(night, registry.ledger(loop.name))
    ended = nights.ended(registry, loop.name, night)
    if ended and ended["state"] == "published":
        said = f"the night of {night} has ended before"
        return CloseResult(reason=said, outcome="unchanged", training=training, alarm=_alarm(registry, loop, night))
    if missing := _published(registry, loop, night) or ("" if training else _decided(registry, loop, night)):
        raise DataError(f"The night of {night} was not lived, and does not end: {missing}")
    if training:
        writing.change(registry, lambda writer: nights.wait_for_training(writer, loop, night, training))
    else:
        said = "scored, monitored and decided"
        writing.change(registry, lambda writer: nights.end(writer, loop, [night], "published", said))
    waits = f"; it is over when the training {training} is judged" if training else ""
    alarm = _alarm(registry, loop, night)
    return CloseResult(reason=f"the night of {night} is lived{waits}", training=training, alarm=alarm)


def _alarm(registry: Registry, loop: Loop, night: str) -> str:
    """Say what on a night is an alarm; nothing where it compared nothing, for then there is no page to make."""
    found = (drift.read(loop, night) or {}).get("drifted")
    if found is None or not drift.seen(loop, night):
        return ""
    told = [f"drift of {', '.join(found)}"] if found else []
    entries = registry.ledger(loop.name)
    asking = [each for each in (*only(entries, Requested), *only(entries, Vetoed)) if each.partition == night]
    policies = {name for each in asking for name in each.evidence.partition("__")[0].split("-")}
    told += ["degradation"] if "degradation" in policies else []
    told += ["a rollback"] if any(each.partition == night for each in only(entries, RolledBack)) else []
    return "; ".join(told)


def _published(registry: Registry, loop: Loop, night: str) -> str:
    """Say what is to be done where a night's day is not published."""
    if night in dataset.published(registry, loop, "HEAD"):
        return ""
    return (
        "its day is not published. Run the steps fetch, validate and publish of it first, or let it go: "
        f"ratchet step give_up --loop {loop.name} --partitions {night}"
    )


def _decided(registry: Registry, loop: Loop, night: str) -> str:
    """Say what is to be done where a night was not measured, or has not decided though it could.

    Where there is no champion and nobody waits, drift and performance are skipped, and the decision with them.
    """
    drifted, measured = drift.read(loop, night), performance.read(loop, night)
    if drifted is None or measured is None:
        name = "drift" if drifted is None else "performance"
        return f"it is not measured. Run: ratchet step {name} --loop {loop.name} --partition {night}"
    skipped = (drifted["outcome"], measured.outcome) == ("skipped", "skipped")
    if skipped or decide.read(loop, night) or not nights.may_decide(registry, loop.name, night):
        return ""
    return f"it has not decided. Run: ratchet step decide --loop {loop.name} --partition {night}"
