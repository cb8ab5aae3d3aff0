"""Publish: write what was accepted into the data registry, one commit a partition.

Keep what was not in quarantine there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet import partitions
from ratchet.adapters.data_registry import Registry, Writer
from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.decisions.deliveries import DeliveryVerdict, parse
from ratchet.decisions.nights import State
from ratchet.errors import DataError
from ratchet.files import atomic
from ratchet.lifecycle import corrections, dataset, ledger, nights
from ratchet.steps import StepRequest, StepResult
from ratchet.steps.fetch import staged

if TYPE_CHECKING:
    import pyarrow as pa


_TOLD = 5  # corrections that the reason tells one by one


class PublishRequest(StepRequest):
    """Which delivery to publish."""

    partitions: str  # a day or a range
    delivery: str = ""  # the name that fetch gave it


class PublishResult(StepResult):
    """What was published."""

    revision: str  # of the data registry after it
    published: list[str]  # partitions that now hold this delivery
    rows: int  # accepted, of the first table
    quarantined: int  # rows, of all tables
    nights: list[str] = Field(default_factory=list)  # days to be scored and monitored


def run(loop: Loop, request: PublishRequest) -> PublishResult:
    """Publish each day that was accepted. The same delivery published before changes nothing."""
    registry = dataset.registry()
    delivery = request.delivery or request.partitions
    verdicts = {day: _verdict(loop, delivery, day) for day in partitions.parse(request.partitions)}
    with registry.writer() as writer:
        changed = {day: verdict for day, verdict in verdicts.items() if not _known(registry, loop, verdict)}
        held, coming = {*registry.partitions(loop.name, loop.main, "HEAD")}, nights.coming(registry, loop.name)
        before = {day: _before(registry, loop, verdict, held, coming) for day, verdict in changed.items()}
        files = {
            day: _place(registry, loop, verdict, staged(loop, delivery, day) / "judged")
            for day, verdict in changed.items()
        }
        writer.add([path for placed in files.values() for path in placed])
        corrected = []
        for day, verdict in changed.items():
            touched = []
            old = before[day]
            if old is not None:
                after = {name: tables.read_table(registry.root / dataset.path(loop, name, day)) for name in loop.tables}
                if written := corrections.write(writer, loop, verdict, old, after):
                    touched.append(written[0])
                    corrected.append(written[1])
            _commit(writer, loop, verdict, files[day], touched)
        revision = registry.head()
        lived = _nights(writer, loop, verdicts, set(changed), revision)
    accepted = [day for day, verdict in verdicts.items() if verdict.status == "accepted"]
    refused = [verdict for verdict in verdicts.values() if verdict.status == "rejected"]
    rows = sum(v.tables[loop.main].accepted for v in verdicts.values())
    quarantined = sum(v.quarantined for v in verdicts.values())
    if refused:
        outcome, reason = "refused", "; ".join(f"{v.partition} {v.reason}" for v in refused)
        reason += ". The delivery is kept whole. Mend the source, or the suite and then: "
        reason += f"ratchet quarantine readmit {loop.name} DAY"
    elif not accepted:
        outcome, reason = "skipped", "; ".join(f"{v.partition} {v.reason}" for v in verdicts.values())
    else:
        outcome = "done" if changed else "unchanged"
        reason = f"published {rows:,} rows of {len(accepted)} days, {quarantined} rows in quarantine"
        if not changed:
            reason = f"already published: {rows:,} rows of {len(accepted)} days"
        more = [f"and {len(corrected) - _TOLD} more days came late or again"] if len(corrected) > _TOLD else []
        reason = "; ".join([reason, *corrected[:_TOLD], *more])
        if not lived and not ledger.champions(registry.ledger(loop.name)):
            reason += "; there is no champion yet, and nothing is scored"
    return PublishResult.model_validate(
        {
            "reason": reason,
            "outcome": outcome,
            "revision": revision,
            "published": accepted,
            "rows": rows,
            "quarantined": quarantined,
            "nights": lived,
        }
    )


def _nights(
    writer: Writer, loop: Loop, verdicts: dict[str, DeliveryVerdict], changed: set[str], revision: str
) -> list[str]:
    """End the open nights that nothing follows, and return the days that are to be scored and monitored."""
    nights.settle(writer, loop)
    taken = {night.partition for night in nights.opened(writer.registry, loop.name)}
    states: dict[str, State] = {"rejected": "refused", "empty": "rested"}
    for status, state in states.items():
        for day, verdict in verdicts.items():
            if verdict.status == status and day in taken:
                nights.end(writer, loop, [day], state, verdict.reason)
    accepted = [day for day, verdict in verdicts.items() if verdict.status == "accepted"]
    nights.know(writer, loop, accepted, revision)
    if ledger.champions(writer.registry.ledger(loop.name)):
        return [day for day in accepted if day in taken or day in changed]
    history = [day for day in accepted if day in taken]
    if history:
        nights.end(writer, loop, history, "published", "there was no champion yet: nothing to score")
    return []


def quarantine_path(loop: Loop, partition: str, delivery: str, table: str) -> str:
    """Say where the quarantined rows of a delivery lie in the data registry."""
    return f"{loop.name}/quarantine/{partition}/{delivery[:12]}/{table}.parquet"


def _verdict(loop: Loop, delivery: str, day: str) -> DeliveryVerdict:
    path = staged(loop, delivery, day) / "judged" / "verdict.json"
    if not path.exists():
        raise DataError(
            f"No verdict on {loop.name} {day} in {path.parent}. "
            f"Run: ratchet step validate --loop {loop.name} --partitions {day}"
        )
    return parse(path.read_text(encoding="utf-8"), str(path))


def _before(
    registry: Registry, loop: Loop, verdict: DeliveryVerdict, held: set[str], coming: str
) -> dict[str, pa.Table] | None:
    """Return what is published of a day before an accepted delivery: empty tables where it comes late.

    None where it is neither late nor corrects anything. held: days that are published. coming: the night to come.
    """
    day = verdict.partition
    if verdict.status != "accepted" or (day not in held and not day < coming):
        return None
    paths = {name: dataset.path(loop, name, day) for name in loop.tables}
    pointers = registry.texts_of([f"{path}.dvc" for path in paths.values()]) if day in held else {}
    there = [path for path in paths.values() if f"{path}.dvc" in pointers]
    found = registry.read(there, registry.head()) if there else {}
    return {name: found[path] for name, path in paths.items() if path in found}


def _known(registry: Registry, loop: Loop, verdict: DeliveryVerdict) -> bool:
    return registry.verdict(loop.name, verdict.partition) == verdict


def _place(registry: Registry, loop: Loop, verdict: DeliveryVerdict, judged: Path) -> list[str]:
    """Copy a day's files to their places in the worktree; return the paths."""
    day, placed = verdict.partition, []
    for name in loop.tables:
        if verdict.status == "accepted":
            placed.append((judged / "accepted" / f"{name}.parquet", dataset.path(loop, name, day)))
        kept = judged / "quarantined" / f"{name}.parquet"
        if kept.exists():
            placed.append((kept, quarantine_path(loop, day, verdict.delivery, name)))
    for source, path in placed:
        tables.read_table(source)  # a damaged file is refused here, not found in a training
        with atomic(registry.root / path) as temporary:
            shutil.copyfile(source, temporary)
    return [path for _, path in placed]


def _commit(writer: Writer, loop: Loop, verdict: DeliveryVerdict, files: list[str], facts: list[str]) -> None:
    day, root = verdict.partition, writer.registry.root
    touched = [*facts, *(f"{path}.dvc" for path in files)]
    if verdict.status == "accepted":
        # An accepted delivery supersedes what earlier ones of the day left in quarantine; Git's history keeps it.
        for old in writer.registry.git("ls-files", "--", f"{loop.name}/quarantine/{day}").splitlines():
            if old not in touched:
                (root / old).unlink(missing_ok=True)
                (root / old.removesuffix(".dvc")).unlink(missing_ok=True)
                touched.append(old)
    path = f"{loop.name}/verdicts/{day}.json"
    writer.write(path, json.dumps(verdict.model_dump(), indent=1, sort_keys=True) + "\n")
    title = {"accepted": "Publish", "rejected": "Refuse", "empty": "Note the empty"}[verdict.status]
    counts = "\n".join(
        f"{name}: {part.fetched} fetched, {part.accepted} accepted, {part.quarantined} quarantined"
        for name, part in verdict.tables.items()
    )
    message = f"{title} {loop.name} {day}\n\n{verdict.reason}\n\n{counts}\nDelivery: {verdict.delivery}\n"
    writer.commit([*touched, path], message)
