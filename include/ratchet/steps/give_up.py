"""Give up: end a night whose tasks have failed for good, so that the nights after it do not wait for ever."""

from __future__ import annotations

from pydantic import Field

from ratchet import partitions
from ratchet.adapters import writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions.nights import night_of
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, nights
from ratchet.partitions import Days
from ratchet.steps import Key, Reason, StepRequest, StepResult


class GiveUpRequest(StepRequest):
    """What is given up: nights, or the night that has asked for a training."""

    partitions: Days = Field(default="", description="The nights.")
    training: Key = Field(
        default="", description="The key of a training; nothing is given up where no night has asked for it."
    )
    reason: Reason = Field(default="a task failed", description="Why it is given up.")


class GiveUpResult(StepResult):
    """What was given up."""

    nights: tuple[str, ...] = ()


def run(loop: Loop, request: GiveUpRequest) -> GiveUpResult:
    """Give up the nights that have not ended. Raises RequestError where neither nights nor a training are named."""
    registry = dataset.registry()
    if not request.partitions and not request.training:
        raise RequestError("Name what is given up: --partitions DAY, or --training KEY")
    days = partitions.parse(request.partitions) if request.partitions else []
    if request.training:
        night = night_of(request.training, registry.ledger(loop.name))
        days = [night] if night else []

    def act(writer: Writer) -> list[str]:
        still = [day for day in days if nights.ended(writer.registry, loop.name, day) is None]
        if still:
            nights.end(writer, loop, still, "given_up", request.reason)
        return still

    still = writing.change(registry, act)
    if not still:
        return GiveUpResult(reason="no night of it is open", outcome="unchanged")
    return GiveUpResult(reason=f"given up: {', '.join(still)}: {request.reason}", nights=tuple(still))
