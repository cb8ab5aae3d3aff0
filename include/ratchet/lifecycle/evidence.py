"""The evidence of a duel, day by day: `<loop>/duels/<mlflow run>.json` in the data registry.

Of a challenger against the champion and the anchor; of a champion, under the run that was evaluated for it, its own
days against the anchor. A copy lies with the MLflow run, for people.

Not a step, but what `gate`, `performance` and `duel` share.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.adapters import deleted, models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.decisions import anchors, duel, lifecycle, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Judged, only
from ratchet.lifecycle import dataset, feature_days, predictions, records
from ratchet.training import value
from ratchet.training.value import Measure

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.runs import Tracking

FILE = "duel/evidence.json"  # the copy with the MLflow run
LOSS = "challenger/loss"  # metric of a run, for people: its loss on the holdout
LATEST = 100  # duels that are a loop's history: each is a file to be read


def read(loop: Loop, run: str, registry: Registry | None = None) -> Gathered:
    """Return the days of a run's evidence; none where it has not been judged."""
    content = (registry or dataset.registry()).text(path(loop.name, run))
    if not content:
        return duel.NOTHING
    told = json.loads(content)
    days, anchored = (tuple(duel.load(told.get(name) or ())) for name in ("days", "anchored"))
    return Gathered(days, told.get("anchor") or "", anchored)


def past(loop: Loop, registry: Registry) -> dict[str, Gathered]:
    """Return the days of the latest duels in the contract's loss, oldest first: run that was judged -> its days."""
    judged = only(registry.ledger(loop.name), Judged)
    named = dict.fromkeys(each.evaluated for each in judged if each.terms and each.terms.loss == loop.measured_in)
    return {run: read(loop, run, registry) for run in [*named][-LATEST:]}


def write(loop: Loop, client: Tracking, run: str, champion: str | None, gathered: Gathered) -> None:
    """Keep the evidence of a run. The registry is not held while the copy is made."""
    writing.change(dataset.registry(), lambda writer: commit(writer, loop, run, champion, gathered))
    copy(client, run, champion, gathered)


def commit(writer: Writer, loop: Loop, run: str, champion: str | None, gathered: Gathered) -> None:
    """Commit the evidence of a run; the same days change nothing."""
    writer.write(path(loop.name, run), text(champion, gathered))
    count = max(len(gathered.days), len(gathered.anchored))
    writer.commit(f"Keep {count} days of the duel of {run[:10]}, a model of {loop.name}")


def copy(client: Tracking, run: str, champion: str | None, gathered: Gathered) -> None:
    """Lay a copy with the MLflow run."""
    with deleted.copying(run):
        runs.log_files(client, run, {FILE: text(champion, gathered)})


def text(champion: str | None, gathered: Gathered) -> str:
    """Write evidence as it is kept."""
    told: dict[str, Any] = {"champion": champion, "days": duel.dump(gathered.days)}
    if gathered.anchor:
        told |= {"anchor": gathered.anchor, "anchored": duel.dump(gathered.anchored)}
    return json.dumps(told, indent=1)


@dataclass(frozen=True)
class Known:
    """What a night compares by: who is champion, and what labels there are."""

    client: Tracking
    registry: Registry
    revision: str
    champion: models.Version | None
    last: str  # the last day with labels
    corrected: Collection[str] = ()  # days that are compared again
    over: bool = False  # later nights have gone on with the evidence, and this one adds nothing


def extend(loop: Loop, known: Known, waiting: shadows.Challenger, anchor: str) -> Gathered:
    """Add the labelled days that are not yet in a challenger's evidence; return it whole.

    anchor: the name of the one of now; empty where there is none, and the baseline of before stays.
    """
    run, before = waiting.mlflow_run, read(loop, waiting.mlflow_run)
    if known.over:
        return before
    compare = _comparing(loop, known, run, predictions.contender(loop, run))
    champion = known.champion.number if known.champion else None
    return _kept(loop, known, run, before, anchors.gathered(before, champion, anchor or before.anchor, compare))


def of_champion(loop: Loop, known: Known, anchor: str) -> Gathered:
    """Add the labelled days to the champion's own days against the anchor; return them. None where it is the anchor.

    They are kept under the run that was evaluated for it, whose first look has gathered the first of them.
    """
    assert known.champion is not None
    if anchor == known.champion.number:
        return Gathered((), anchor)
    run = judged_run(loop, known.champion)
    before = read(loop, run)
    if known.over:
        return Gathered((), before.anchor, before.anchored)
    promoted = lifecycle.promotion(known.registry.ledger(loop.name), known.champion.number)
    if promoted and promoted.terms and promoted.terms.loss != loop.measured_in:  # kept is its unit
        return Gathered((), anchor, against(loop, known, anchor))
    own = anchors.against(before, anchor, _comparing(loop, known, run, _side(loop, known, known.champion.number)))
    _kept(loop, known, run, before, Gathered(before.days, anchor, own))
    return Gathered((), anchor, own)


def against(loop: Loop, known: Known, anchor: str) -> tuple[Cluster, ...]:
    """Compare the champion's own days with an anchor anew. Nothing of it is kept."""
    assert known.champion is not None
    run, ours = judged_run(loop, known.champion), _side(loop, known, known.champion.number)
    return anchors.against(duel.NOTHING, anchor, _comparing(loop, known, run, ours))


def valued(loop: Loop, known: Known, run: str) -> tuple[Cluster, ...]:
    """Compare the days of a challenger's duel with the champion in the contract's own unit. Nothing of it is kept."""
    assert known.champion is not None
    return _comparing(loop, known, run, predictions.contender(loop, run), value.costs)((), known.champion.number)


def judged_run(loop: Loop, version: models.Version) -> str:
    """Return the run that was evaluated for a version."""
    return records.read(loop, version.run_id).evaluated or version.run_id


def against_predecessor(loop: Loop, known: Known, predecessor: shadows.Predecessor) -> list[Cluster]:
    """Compare the predecessor, in shadow, with what its successors have told the world since."""
    rival = predictions.contender(loop, models.version(known.client, loop.name, predecessor.version).run_id)
    first = shadows.watched_since(predecessor, known.last, loop.gate.patience)
    days = dataset.published(known.registry, loop, known.revision, first, known.last)
    told = {day: found for day in days if (found := _told(loop, day, {*predecessor.versions})) is not None}
    if not told:
        return []
    table = feature_days.of_range(known.registry, loop, known.revision, min(told), max(told))
    found = []
    for day, champion in told.items():
        standing = rival.on(day)
        if standing is not None:
            rows = _of(table, day)
            said = predictions.shadow(known.registry, loop, known.revision, standing, rows, day)
            found += compare(loop, day, rows, said, champion)
    return found


def _side(loop: Loop, known: Known, name: str) -> predictions.Contender:
    """Return a side of a duel. name: a version's or a baseline's; what the champion has told counts before all else."""
    if known.champion and name == known.champion.number:
        return replace(predictions.contender(loop, known.champion.run_id), told=frozenset({name}))
    run = name if shadows.trained_with(name) else models.version(known.client, loop.name, name).run_id
    return predictions.contender(loop, run)


def _comparing(
    loop: Loop, known: Known, run: str, ours: predictions.Contender, measure: Measure = value.losses
) -> anchors.Compare:
    """Return how a model's days are compared with another's.

    run: the one that was evaluated for it. measure: of losses, or of what rows cost.
    """
    held, until = records.read(loop, run).held_out

    def compared(before: Sequence[Cluster], name: str) -> tuple[Cluster, ...]:
        """Add the days that are new, from the first that the run has held out."""
        published = dataset.published(known.registry, loop, known.revision, held, known.last)
        kept, days = duel.due(before, published, until if before else "", known.corrected)
        if not days:
            return tuple(kept)
        theirs, found = _side(loop, known, name), list[Cluster]()
        table = feature_days.of_days(known.registry, loop, known.revision, days)
        for day in days:
            rows = _of(table, day)
            mine, other = _said(loop, known, ours, day, rows), _said(loop, known, theirs, day, rows)
            if mine is not None and other is not None:
                found += compare(loop, day, rows, mine, other, measure)
        return tuple(duel.merge(kept, found))

    return compared


def _said(loop: Loop, known: Known, side: predictions.Contender, day: str, rows: pa.Table) -> pa.Table | None:
    """Return what a side says of a day's rows: what was told or, where nothing was, what stands for it; or None."""
    told, standing = _told(loop, day, side.told) if side.told else None, side.on(day)
    if told is not None or standing is None:
        return told
    return predictions.shadow(known.registry, loop, known.revision, standing, rows, day)


def _kept(loop: Loop, known: Known, run: str, before: Gathered, whole: Gathered) -> Gathered:
    """Keep the evidence of a run where it has changed."""
    if whole != before:
        write(loop, known.client, run, known.champion.number if known.champion else None, whole)
    return whole


def compare(
    loop: Loop, day: str, rows: pa.Table, rival: pa.Table, champion: pa.Table, measure: Measure = value.losses
) -> list[Cluster]:
    """Return a day's cluster over the labelled rows that both have predicted; none where there is no such row."""
    ours, theirs = (predictions.losses(loop, side, rows, measure) for side in (rival, champion))
    keys = [key for key in ours if key in theirs]
    return duel.cluster([day] * len(keys), np.array([ours[k] for k in keys]), np.array([theirs[k] for k in keys]))


def path(loop: str, run: str) -> str:
    """Say where the evidence of a run lies in the data registry."""
    return f"{loop}/duels/{run}.json"


def _of(table: pa.Table, day: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.equal(table.column(features.PARTITION), day))


def _told(loop: Loop, day: str, versions: Collection[str]) -> pa.Table | None:
    """Return the live predictions of a day that these versions made and that count, where there are any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = predictions.told(loop, day)
    if told is None:
        return None
    table = predictions.unseen(told)
    mine = table.filter(pc.is_in(table.column(predictions.VERSION), value_set=pa.array(sorted(versions))))
    return mine if mine.num_rows else None
