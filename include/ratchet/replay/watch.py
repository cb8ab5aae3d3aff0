"""The drift check of a replay's night: the production's reference, thresholds and distances, without its report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.data import targets
from ratchet.files import atomic
from ratchet.monitoring import reference
from ratchet.partitions import shift
from ratchet.replay import keys
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fitted

if TYPE_CHECKING:
    import pyarrow as pa


def drifted(champion: Fitted, data: DataVersion, night: str) -> tuple[str, ...]:
    """Return the columns beyond their thresholds, the furthest first."""
    loop = data.loop
    first = shift(night, 1 - loop.monitor.window_days)
    days = [day for day in data.days if first <= day <= night]
    past, rows = _reference(champion, loop), data.between(first, night)
    found = reference.judged(loop, champion.model, past, rows, len(days), partial(_rows, champion, loop))
    beyond = {each.column: each.distance / each.threshold for each in found if each.drifted}
    return tuple(sorted(beyond, key=lambda name: -beyond[name]))


def _rows(champion: Fitted, loop: Loop) -> pa.Table:
    return targets.known(loop, champion.data.between(champion.first, champion.until))


def _reference(champion: Fitted, loop: Loop) -> reference.Reference:
    folder = champion.folder / f"reference-{keys.reference(loop)}"
    if not folder.exists():
        rows = _rows(champion, loop)
        with atomic(folder) as made:
            made.mkdir()
            for name, content in reference.make(loop, champion.model, reference.sampled(loop, rows), [rows]).items():
                (made / name.rpartition("/")[2]).write_bytes(content)
    stored = (reference.COUNTS, reference.THRESHOLDS)
    return reference.read(lambda name: (folder / name.rpartition("/")[2]).read_bytes(), stored)
