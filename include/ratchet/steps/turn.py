"""Turn: open the nights that an ingestion begins, and say what is missing before them.

A night waits for the nights before it; `fetch` and `score` say so. Here it is only opened, so that later ones see it.
"""

from __future__ import annotations

from pydantic import Field

from ratchet import partitions
from ratchet.adapters import writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions.nights import MOST_MADE_UP, made_up, missing
from ratchet.lifecycle import contracts, dataset, nights
from ratchet.partitions import Days
from ratchet.steps import Key, StepRequest, StepResult


class TurnRequest(StepRequest):
    """What is begun."""

    partitions: Days = Field(description="The nights to begin.")
    run: Key = Field(description="What began it: a second run of the same night waits for the first.")


class TurnResult(StepResult):
    """What was opened."""

    opened: tuple[str, ...] = ()  # nights; one that has ended is not opened again
    make_up: str = ""  # the night before, where it was missing: its run is to be started, and does the same in turn
    run: str = ""  # the name of that run
    missing: tuple[str, ...] = ()  # nights that are too many to be made up: a person is to ask for them


def run(loop: Loop, request: TurnRequest) -> TurnResult:
    """Open nights, and those that are missing before them, once."""
    registry, days = dataset.registry(), partitions.parse(request.partitions)
    gap = missing(days[0], nights.known(registry, loop.name))
    asked = {**gap.runs, **dict.fromkeys(days, request.run)}

    def act(writer: Writer) -> list[str]:
        nights.settle(writer, loop)
        return nights.begin(writer, loop, asked, contracts.take(loop))

    opened = writing.change(registry, act)
    waits = nights.waits_for(registry, loop.name, days[0], request.run)
    before = partitions.shift(days[0], -1)
    make_up = any(night.partition == before and night.run == made_up(before) for night in waits)
    said = [f"begun: {', '.join(opened)}" if opened else "nothing new is begun"]
    if gap.made_up:
        said.append(f"nobody asked for {gap.days[0]}..{gap.days[-1]}, which is made up first")
    elif gap.days:
        said.append(
            f"{len(gap.days)} nights before it, {gap.days[0]}..{gap.days[-1]}, are missing. More than {MOST_MADE_UP} "
            f"are not made up by themselves. Ask for them: ratchet airflow backfill create --dag-id {loop.name}.ingest "
            f"--from-date {gap.days[0]} --to-date {partitions.shift(gap.days[-1], 1)}, or to the last day that the "
            "source has; where it has none of now, say schedule: {ingest: null}"
        )
    if waits:
        said.append(f"waits for the night of {waits[0].partition}")
    return TurnResult(
        reason="; ".join(said),
        outcome="done" if opened else "unchanged",
        opened=tuple(opened),
        make_up=before if make_up else "",
        run=made_up(before) if make_up else "",
        missing=() if gap.made_up else gap.days,
    )
