"""Close: end a night that was scored, monitored and decided. One that asked for a training ends when that is judged."""

from __future__ import annotations

from pydantic import Field

from ratchet.adapters import writing
from ratchet.contract.loop import Loop
from ratchet.decisions.nights import asked
from ratchet.lifecycle import dataset, nights
from ratchet.partitions import Partition
from ratchet.steps import StepRequest, StepResult


class CloseRequest(StepRequest):
    """What is ended."""

    partition: Partition = Field(description="The night.")


class CloseResult(StepResult):
    """What became of the night."""

    training: str = ""  # the key of the training that it waits for


def run(loop: Loop, request: CloseRequest) -> CloseResult:
    """End a night, once."""
    registry, night = dataset.registry(), request.partition
    training = asked(night, registry.ledger(loop.name))
    ended = nights.ended(registry, loop.name, night)
    if ended and ended["state"] == "published":
        return CloseResult(reason=f"the night of {night} has ended before", outcome="unchanged", training=training)
    if training:
        writing.change(registry, lambda writer: nights.wait_for_training(writer, loop, night, training))
    else:
        said = "scored, monitored and decided"
        writing.change(registry, lambda writer: nights.end(writer, loop, [night], "published", said))
    waits = f"; it is over when the training {training} is judged" if training else ""
    return CloseResult(reason=f"the night of {night} is lived{waits}", training=training)
