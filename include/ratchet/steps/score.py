"""Score: predict every row of a partition with the champion, the model's version on every row.

And, in shadow, with its rivals.

A prediction once made stays: it is what the world was told that day. When a corrected delivery is scored, rows that
have one keep it and only new rows get one from the champion of today, marked where that one has seen the day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.decisions import anchors, duel, shadows
from ratchet.errors import ModelLost
from ratchet.lifecycle import dataset, feature_days, intercepts, ledger, nights, predictions, proven, records
from ratchet.lifecycle.predictions import live, predict, without
from ratchet.partitions import Partition
from ratchet.steps import Revision, StepRequest, StepResult
from ratchet.training import intercept

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.runs import Tracking


class ScoreRequest(StepRequest):
    """Which day to score."""

    partition: Partition = Field(description="The day to score.")
    revision: Revision = Field(default="", description="The state of the data registry; by default the newest.")


class ScoreResult(StepResult):
    """What was predicted."""

    partition: str  # the day
    rows: int = 0  # predictions that there are now ...
    new: int = 0  # ... of which this call made so many ...
    version: str | None = None  # ... by this version
    shadows: int = 0  # rivals that scored too


def run(loop: Loop, request: ScoreRequest) -> ScoreResult:
    """Score the rows of the partition that have no prediction yet."""
    registry = dataset.registry()
    day, path = request.partition, live(loop, request.partition)
    if any(night.partition == day for night in nights.opened(registry, loop.name)):
        loop = nights.contract(registry, loop, day)  # a day that came again is scored as the champion of now wants it
    if waits := nights.waits_for(registry, loop.name, day):
        return ScoreResult(reason=waits[0].told, outcome="waiting", partition=day)
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None and not shadows.challengers(ledger.read(loop)):
            return ScoreResult(
                reason=f"{loop.name} has no champion yet: nothing is scored", outcome="skipped", partition=day
            )
        revision = registry.resolve(request.revision or "HEAD")  # a correction is scored as it came, whatever the night
        rows = feature_days.of_range(registry, loop, revision, day, day)
        rivals, lost = _shadow(loop, client, revision, rows, day)
        if champion is None:
            reason = f"{loop.name} has no champion yet: {rivals} who wait have scored {rows.num_rows:,} rows in shadow"
            return ScoreResult(reason=reason, partition=day, shadows=rivals)
        held = predictions.told(loop, day)
        fresh = without(rows, held, list(loop.main_table.key)) if held is not None else rows
        if held is not None and not fresh.num_rows:
            return ScoreResult(
                reason=f"{held.num_rows:,} rows of {day} have their predictions",
                outcome="unchanged",
                partition=day,
                rows=held.num_rows,
                version=champion.number,
                shadows=rivals,
            )
        seen = duel.seen(day, records.read(loop, champion.run_id).trained[1])
        model = proven.answering(loop, champion)
        shift = intercepts.shift(registry, loop, revision, champion.run_id, day, model)
        made = predict(loop, model, fresh, champion.number, seen, shift)
    import pyarrow as pa

    whole = pa.concat_tables([held, made], promote_options="default") if held is not None else made
    tables.write_table(whole, path)
    return ScoreResult(
        reason=f"scored {made.num_rows:,} rows of {day} with v{champion.number}"
        + (f", intercept {intercept.words(shift)}" if shift else "")
        + _decided(loop)
        + (", which was trained on that day or later: they count in no loss and in no duel" if seen else "")
        + (f", {rivals} more in shadow" if rivals else "")
        + "".join(f"; in shadow: {said}" for said in lost),
        partition=day,
        rows=whole.num_rows,
        new=made.num_rows,
        version=champion.number,
        shadows=rivals,
    )


def _decided(loop: Loop) -> str:
    """Say by what a binary task decides, where it does: the contract of now may say it otherwise than yesterday's."""
    value = loop.gate.value
    return f", positive from {value.threshold:.3g} on" if value and value.costs and loop.task == "binary" else ""


def _shadow(loop: Loop, client: Tracking, revision: str, rows: pa.Table, day: str) -> tuple[int, list[str]]:
    """Score the shadows: challengers that wait, the predecessor, and the anchor. Baselines know what they say.

    Their predictions are kept apart, and told to nobody. Returns how many scored, and of who is lost, why: what the
    champion tells the world does not wait for them.
    """
    entries = ledger.read(loop)
    rivals = [(each.mlflow_run, "") for each in shadows.challengers(entries)]
    rivals += [("", version) for version in anchors.in_shadow(entries)]
    lost = []
    for run, version in rivals:
        try:
            of = run or models.version(client, loop.name, version).run_id
            if (standing := predictions.contender(loop, of).on(day)) is not None:
                predictions.shadow(dataset.registry(), loop, revision, standing, rows, day)
        except ModelLost as error:
            lost.append(str(error))
    return len(rivals) - len(lost), lost
