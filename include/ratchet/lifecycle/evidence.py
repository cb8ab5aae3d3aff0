"""The evidence of a duel, day by day: `<loop>/duels/<mlflow run>.json` in the data registry.

Carried on by the next challenger of its recipe; a copy lies with the challenger's MLflow run, for people.

Not a step, but what `gate`, `performance` and `duel` share.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ratchet.adapters import models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.decisions import duel, shadows
from ratchet.decisions.duel import Cluster
from ratchet.lifecycle import dataset, feature_days, predictions, records

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.runs import Tracking

FILE = "duel/evidence.json"  # the copy with the MLflow run
LOSS = "challenger/loss"  # metric of a run, for people: its loss on the holdout


def read(loop: Loop, run: str) -> list[Cluster]:
    """Return the days of a challenger's evidence; none where it has not been judged."""
    content = dataset.registry().text(path(loop.name, run))
    return duel.load(json.loads(content)["days"]) if content else []


def write(loop: Loop, client: Tracking, run: str, champion: str | None, days: Sequence[Cluster]) -> None:
    """Keep a challenger's evidence. The registry is not held while the copy is made."""
    writing.change(dataset.registry(), lambda writer: commit(writer, loop, run, champion, days))
    copy(client, run, champion, days)


def commit(writer: Writer, loop: Loop, run: str, champion: str | None, days: Sequence[Cluster]) -> None:
    """Commit a challenger's evidence; the same days change nothing."""
    writer.write(path(loop.name, run), text(champion, days))
    writer.commit(f"Keep {len(days)} days of the duel of {run[:10]}, a challenger of {loop.name}")


def copy(client: Tracking, run: str, champion: str | None, days: Sequence[Cluster]) -> None:
    """Lay a copy with the MLflow run."""
    runs.log_files(client, run, {FILE: text(champion, days)})


def text(champion: str | None, days: Sequence[Cluster]) -> str:
    """Write evidence as it is kept."""
    return json.dumps({"champion": champion, "days": duel.dump(days)}, indent=1)


def extend(
    loop: Loop,
    client: Tracking,
    registry: Registry,
    revision: str,
    waiting: shadows.Challenger,
    champion: models.Version,
    last: str,
    corrected: Collection[str] = (),
) -> list[Cluster]:
    """Add the labelled days up to `last` that are not yet in a challenger's evidence; return it whole.

    corrected: days that are compared again, those of the challenger's holdout and after it.
    """
    before = read(loop, waiting.mlflow_run)
    held, until = records.read(loop, waiting.mlflow_run).held_out
    published = dataset.published(registry, loop, revision, held, last)
    known, days = duel.due(before, published, until, corrected)
    if not days:
        return known
    rival, opponent = predictions.contender(loop, waiting.mlflow_run), predictions.contender(loop, champion.run_id)
    table = feature_days.of_days(registry, loop, revision, days)
    found = []
    for day in days:
        rows = _of(table, day)
        told = _told(loop, day, {champion.number})
        standing = opponent.on(day)
        if told is None and standing is not None:
            told = predictions.shadow(loop, standing, rows, day)
        ours = rival.on(day)
        if told is not None and ours is not None:
            found += compare(loop, day, rows, predictions.shadow(loop, ours, rows, day), told)
    whole = duel.merge(known, found)
    if whole != before:
        write(loop, client, waiting.mlflow_run, champion.number, whole)
    return whole


def against_predecessor(
    loop: Loop, client: Tracking, registry: Registry, revision: str, predecessor: shadows.Predecessor, last: str
) -> list[Cluster]:
    """Compare the predecessor, in shadow, with what its successors have told the world since."""
    rival = predictions.contender(loop, models.version(client, loop.name, predecessor.version).run_id)
    first = shadows.watched_since(predecessor, last, loop.gate.patience_days)
    days = dataset.published(registry, loop, revision, first, last)
    told = {day: found for day in days if (found := _told(loop, day, set(predecessor.versions))) is not None}
    if not told:
        return []
    table = feature_days.of_range(registry, loop, revision, min(told), max(told))
    found = []
    for day, champion in told.items():
        standing = rival.on(day)
        if standing is not None:
            rows = _of(table, day)
            found += compare(loop, day, rows, predictions.shadow(loop, standing, rows, day), champion)
    return found


def compare(loop: Loop, day: str, rows: pa.Table, rival: pa.Table, champion: pa.Table) -> list[Cluster]:
    """Return a day's cluster over the labelled rows that both have predicted; none where there is no such row."""
    ours, theirs = predictions.losses(loop, rival, rows), predictions.losses(loop, champion, rows)
    keys = [key for key in ours if key in theirs]
    return duel.cluster([day] * len(keys), np.array([ours[k] for k in keys]), np.array([theirs[k] for k in keys]))


def path(loop: str, run: str) -> str:
    """Say where the evidence of a run lies in the data registry."""
    return f"{loop}/duels/{run}.json"


def _of(table: pa.Table, day: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.equal(table.column(features.PARTITION), day))


def _told(loop: Loop, day: str, versions: set[str]) -> pa.Table | None:
    """Return the live predictions of a day that these versions made and that count, where there are any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = predictions.told(loop, day)
    if told is None:
        return None
    table = predictions.unseen(told)
    mine = table.filter(pc.is_in(table.column(predictions.VERSION), value_set=pa.array(sorted(versions))))
    return mine if mine.num_rows else None
