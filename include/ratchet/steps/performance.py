"""Performance: measure what was predicted against the labels that have come since, and feed the duels with them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import deleted, models, runs
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.decisions import anchors, duel, shadows
from ratchet.decisions.entries import Entries
from ratchet.decisions.evaluation import Dumped
from ratchet.lifecycle import (
    corrections,
    dataset,
    evaluations,
    evidence,
    feature_days,
    ledger,
    looks,
    nights,
    predictions,
    records,
)
from ratchet.monitoring import estimate
from ratchet.partitions import Partition, days_between, shift
from ratchet.steps import Revision, StepRequest, StepResult
from ratchet.training import value
from ratchet.training.metrics import measured

if TYPE_CHECKING:
    import pyarrow as pa


FILE = "performance.json"
_LEFT = "predicted by a model that was trained on that day or later: left out"


class PerformanceRequest(StepRequest):
    """Which night to measure."""

    partition: Partition = Field(
        description="The night that looks; labels are known up to `label_delay_days` before it."
    )
    revision: Revision = Field(
        default="", description="The state of the data registry; by default what the night knew."
    )


class PerformanceResult(StepResult):
    """What the labels that have come say of the models."""

    partition: str  # the night that looked
    champion: str | None = None  # its version, or none
    holdout_loss: float | None = None  # the champion's, at its promotion; None where that was measured in another loss
    loss: str = ""  # which losses are in; an older look does not say
    # Day -> version -> metrics, loss and rows.
    days: dict[str, dict[str, dict[str, float]]] = Field(default_factory=dict)
    # Day -> the champion's estimated loss, of days whose labels have not come.
    estimated: dict[str, float] = Field(default_factory=dict)
    challengers: dict[str, int] = Field(default_factory=dict)  # days of evidence of each that waits, by MLflow run
    predecessor: Dumped = ()  # the days of its duel with its successors
    anchor: str = ""  # the name of the anchor ...
    anchored: Dumped = ()  # ... and the champion's own days against it


def run(loop: Loop, request: PerformanceRequest) -> PerformanceResult:
    """Measure the labelled days of the monitor's window, and those of which a correction has become known.

    The same predictions and labels give the same numbers. What the night saw first stays.
    """
    import pyarrow.compute as pc

    registry, night = dataset.registry(), request.partition
    loop = nights.contract(registry, loop, night)
    revision = nights.revision(registry, loop, night, request.revision)
    last = shift(night, -loop.label_delay_days)
    first = shift(last, 1 - loop.monitor.window_days)
    corrected = corrections.known(registry, loop, _before(loop, night), night)
    published = dataset.published(registry, loop, revision, min([first, *corrected]), last)
    looked = [day for day in published if day >= first or day in corrected]
    told = {day: said for day in looked if (said := predictions.told(loop, day)) is not None}
    days = [*told]
    with runs.connected() as client:
        champion, entries = ledger.champion(client, loop), registry.ledger(loop.name)
        over = not nights.may_decide(registry, loop.name, night)
        known = evidence.Known(client, registry, revision, champion, last, corrected, over)
        now = anchors.anchor(entries)
        waiting = _waiting(loop, known, entries, now.name if now else "")
        if champion is None:
            reason = f"{loop.name} has no champion yet: nothing to measure"
            if not waiting:
                return _keep(loop, PerformanceResult(reason=reason, outcome="skipped", partition=night))
            reason += f" but what {len(waiting)} challengers say in shadow; labels up to {last}"
            return _keep(loop, PerformanceResult(reason=reason, partition=night, challengers=waiting))
        judged = _evaluation(loop, champion)
        found: dict[str, dict[str, dict[str, float]]] = {}
        if days:
            rows = feature_days.of_days(registry, loop, revision, days)
            found = {
                day: live(loop, rows.filter(pc.equal(rows.column(features.PARTITION), day)), told[day]) for day in days
            }
            newest = {f"live/v{version}/{k}": x for version, m in found[days[-1]].items() for k, x in m.items()}
            with deleted.copying(champion.run_id):
                runs.log_metrics(client, champion.run_id, newest, step=days_between("2000-01-01", days[-1]))
        estimated = _estimated(loop, champion, judged["calibrator"], shift(last, 1), night)
        before = shadows.predecessor(entries)
        shadowed = evidence.against_predecessor(loop, known, before) if before else []
        seen = read(loop, night) if over else None  # later nights have gone on with the champion's own days
        own = duel.Gathered((), seen.anchor, tuple(duel.load(seen.anchored))) if seen else duel.NOTHING
        if now and not seen:
            own = evidence.of_champion(loop, known, now.name)
    again = sorted(corrected & {*days})
    left = {day: n for day, said in told.items() if (n := said.num_rows - predictions.unseen(said).num_rows)}
    latest = f"no scored day between {first} and {last} has labels"
    if days:
        of = (f"v{v}: {loop.loss_words} {m['loss']:.4f} on {m['rows']:.0f} rows" for v, m in found[days[-1]].items())
        latest = f"{days[-1]}: {'; '.join(of) or ('nothing that counts' if days[-1] in left else 'no label yet')}"
    result = PerformanceResult(
        reason=f"labels up to {last}; {latest}"
        + (f"; measured again, as corrected: {', '.join(again)}" if again else "")
        + "".join(f"; {n:,} rows of {day} were {_LEFT}" for day, n in left.items()),
        partition=night,
        champion=champion.number,
        holdout_loss=judged["challenger_loss"] if judged.get("loss", loop.measured_in) == loop.measured_in else None,
        loss=loop.measured_in,
        days=found,
        estimated=estimated,
        challengers=waiting,
        predecessor=duel.dump(shadowed),
        anchor=own.anchor,
        anchored=duel.dump(own.anchored),
    )
    return _keep(loop, result)


def _waiting(loop: Loop, known: evidence.Known, entries: Entries, anchor: str) -> dict[str, int]:
    """Add to the evidence of who waits against the champion of now: MLflow run -> days."""
    number, found = known.champion.number if known.champion else None, dict[str, int]()
    for each in shadows.challengers(entries):
        if each.champion == number:
            held = evidence.extend(loop, known, each, anchor)
            found[each.mlflow_run] = len(held.days or held.anchored)
    return found


def live(loop: Loop, rows: pa.Table, told: pa.Table) -> dict[str, dict[str, float]]:
    """Measure one day's predictions: version -> metrics, `loss` (the loop's own) and `rows` with a label.

    Of a version that has seen the day there is nothing to measure.
    """
    import numpy as np

    found = {}
    target, predicted, joined = predictions.paired(loop, predictions.unseen(told), rows)
    versions = (
        joined.column(predictions.VERSION).to_numpy(zero_copy_only=False).astype(str)
        if joined.num_rows
        else np.array([])
    )
    for version in np.unique(versions):
        mine = versions == version
        metrics = measured(loop, target[mine], predicted[mine])
        own = joined.filter(mine)
        classes = predictions.classes(joined)
        lost = value.losses(loop, target[mine], predicted[mine], partial(predictions.beside, loop, own, rows), classes)
        loss = float(lost.mean())
        found[str(version)] = {**metrics, "loss": loss, "rows": float(mine.sum())}
    return found


def history(loop: Loop, version: str, partition: str) -> dict[str, float]:
    """Return the live loss of a version on every labelled day since it went live, as known on a night: day -> loss.

    In the contract's loss: what was measured in another, before that was changed, is left out. Looks that measured days
    that it has seen were written before those were left out.
    """
    found, until = dict[str, float](), predictions.trained(loop).get(version, "")
    for path in _looks(loop):
        if path.parent.name <= partition:
            measured = PerformanceResult.model_validate_json(path.read_text(encoding="utf-8"))
            if measured.loss in ("", loop.measured_in):
                found |= {d: versions[version]["loss"] for d, versions in measured.days.items() if version in versions}
    return {day: loss for day, loss in sorted(found.items()) if not duel.seen(day, until)}


def _estimated(loop: Loop, champion: models.Version, knots: Any, first: str, last: str) -> dict[str, float]:
    """Estimate the champion's loss on the days that it has scored and that have no label yet."""
    import pyarrow.compute as pc

    found = {}
    for day in (shift(first, n) for n in range(days_between(first, last) + 1)):
        told = predictions.told(loop, day) if estimate.told(loop, knots) else None
        if told is not None:
            mine = predictions.unseen(told).filter(pc.field(predictions.VERSION) == champion.number)
            if mine.num_rows:
                found[day] = float(estimate.losses(loop.loss, knots, predictions.probabilities(loop, mine)).mean())
    return found


def _evaluation(loop: Loop, champion: models.Version) -> dict[str, Any]:
    """Return what was judged of a champion: of the evaluated model where it is a refit."""
    evaluated = records.read(loop, champion.run_id).evaluated or champion.run_id
    return dict(json.loads(evaluations.text(loop, evaluated)))


def read(loop: Loop, partition: str) -> PerformanceResult | None:
    """Return what was measured on a night, or None."""
    text = looks.read(loop, partition, FILE)
    return PerformanceResult.model_validate_json(text) if text else None


def _looks(loop: Loop) -> list[Path]:
    return sorted(looks.folder(loop, "").glob(f"*/{FILE}"))


def _before(loop: Loop, partition: str) -> str:
    """Return the last night before that was measured; where there is none, the day before it."""
    earlier = [path.parent.name for path in _looks(loop) if path.parent.name < partition]
    return max(earlier, default=shift(partition, -1))


def _keep(loop: Loop, result: PerformanceResult) -> PerformanceResult:
    before = read(loop, result.partition)
    if before and before.outcome == "skipped":  # there was nothing to see
        looks.forget(loop, result.partition, FILE)
    looks.keep(loop, result.partition, FILE, json.dumps(result.model_dump(mode="json"), indent=1))
    return result
