"""What waits without a worker: a night, for the nights before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ratchet.errors import RatchetError
from ratchet.lifecycle import dataset, nights

PAUSE = 1.0  # seconds between two looks; a look reads the names of a folder of the data registry


class NightTrigger(BaseTrigger):
    """Fire when no night before `partition` is open, nor the night itself for another run.

    :param loop: name of the loop.
    :param partition: the night that waits.
    :param run: what lives it.
    """

    def __init__(self, loop: str, partition: str, run: str = "") -> None:
        super().__init__()
        self.loop = loop
        self.partition = partition
        self.run_key = run

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes it again from."""
        about = {"loop": self.loop, "partition": self.partition, "run": self.run_key}
        return f"{type(self).__module__}.{type(self).__qualname__}", about

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the turn has come."""
        while await asyncio.to_thread(self._waits):
            await asyncio.sleep(PAUSE)
        yield TriggerEvent({"partition": self.partition})

    def _waits(self) -> bool:
        try:
            return bool(nights.waits_for(dataset.registry(), self.loop, self.partition, self.run_key))
        except RatchetError as error:
            if error.retriable:  # such as a Git remote that is away: the next look may find it
                return True
            raise
