"""The drift check of a replay's night: the production's reference, thresholds and distances, without its report."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd

from ratchet.contract.loop import Loop
from ratchet.data import targets
from ratchet.files import atomic
from ratchet.monitoring import distances, reference
from ratchet.partitions import shift
from ratchet.replay import keys
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fitted


def drifted(champion: Fitted, data: DataVersion, night: str) -> tuple[str, ...]:
    """Return the columns beyond their thresholds, the furthest first."""
    loop = data.loop
    past, about = _reference(champion, loop)
    first = shift(night, 1 - loop.monitor.window_days)
    days = [day for day in data.days if first <= day <= night]
    current = reference.columns(loop, champion.model, data.between(first, night))
    found = distances.judged(current, past, *reference.kinds(past), reference.limits(about, len(days)))
    beyond = {each.column: each.distance / each.threshold for each in found if each.drifted}
    return tuple(sorted(beyond, key=lambda name: -beyond[name]))


def _reference(champion: Fitted, loop: Loop) -> tuple[pd.DataFrame, dict[str, Any]]:
    folder = champion.folder / f"reference-{keys.reference(loop)}"
    if not folder.exists():
        rows = targets.known(loop, champion.data.between(champion.first, champion.until))
        with atomic(folder) as made:
            made.mkdir()
            for name, content in reference.make(loop, champion.model, rows).items():
                (made / name.rpartition("/")[2]).write_bytes(content)
    past = pd.read_parquet(io.BytesIO((folder / "reference.parquet").read_bytes()))
    return past, json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))
