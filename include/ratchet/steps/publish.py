"""Publish: write what was accepted into the data registry, one commit a partition.

Keep what was not in quarantine there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import Field

from ratchet import partitions
from ratchet.adapters.data_registry import Registry, Writer
from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.decisions.nights import State
from ratchet.errors import DataError
from ratchet.files import atomic
from ratchet.lifecycle import dataset, ledger, nights
from ratchet.steps import StepRequest, StepResult
from ratchet.steps.fetch import staged


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
        files = {
            day: _place(registry, loop, verdict, staged(loop, delivery, day) / "judged")
            for day, verdict in changed.items()
        }
        writer.add([path for placed in files.values() for path in placed])
        for day, verdict in changed.items():
            _commit(writer, loop, verdict, files[day])
        lived = _nights(writer, loop, verdicts, set(changed))
    accepted = [day for day, verdict in verdicts.items() if verdict["status"] == "accepted"]
    refused = [verdict for verdict in verdicts.values() if verdict["status"] == "rejected"]
    rows = sum(v["tables"][loop.main]["accepted"] for v in verdicts.values())
    quarantined = sum(t["quarantined"] for v in verdicts.values() for t in v["tables"].values())
    if refused:
        outcome, reason = "refused", "; ".join(f"{v['partition']} {v['reason']}" for v in refused)
        reason += ". The delivery is kept whole. Mend the source, or the suite and then: "
        reason += f"ratchet quarantine readmit {loop.name} DAY"
    elif not accepted:
        outcome, reason = "skipped", "; ".join(f"{v['partition']} {v['reason']}" for v in verdicts.values())
    else:
        outcome = "done" if changed else "unchanged"
        reason = f"published {rows:,} rows of {len(accepted)} days, {quarantined} rows in quarantine"
        if not changed:
            reason = f"already published: {rows:,} rows of {len(accepted)} days"
        if not lived and not ledger.champions(registry.ledger(loop.name)):
            reason += "; there is no champion yet, and nothing is scored"
    return PublishResult.model_validate(
        {
            "reason": reason,
            "outcome": outcome,
            "revision": registry.head(),
            "published": accepted,
            "rows": rows,
            "quarantined": quarantined,
            "nights": lived,
        }
    )


def _nights(writer: Writer, loop: Loop, verdicts: dict[str, dict[str, Any]], changed: set[str]) -> list[str]:
    """End the open nights that nothing follows, and return the days that are to be scored and monitored."""
    nights.settle(writer, loop)
    taken = {night.partition for night in nights.opened(writer.registry, loop.name)}
    states: dict[str, State] = {"rejected": "refused", "empty": "rested"}
    for status, state in states.items():
        for day, verdict in verdicts.items():
            if verdict["status"] == status and day in taken:
                nights.end(writer, loop, [day], state, verdict["reason"])
    accepted = [day for day, verdict in verdicts.items() if verdict["status"] == "accepted"]
    if ledger.champions(writer.registry.ledger(loop.name)):
        return [day for day in accepted if day in taken or day in changed]
    history = [day for day in accepted if day in taken]
    if history:
        nights.end(writer, loop, history, "published", "there was no champion yet: nothing to score")
    return []


def quarantine_path(loop: Loop, partition: str, delivery: str, table: str) -> str:
    """Say where the quarantined rows of a delivery lie in the data registry."""
    return f"{loop.name}/quarantine/{partition}/{delivery[:12]}/{table}.parquet"


def _verdict(loop: Loop, delivery: str, day: str) -> dict[str, Any]:
    path = staged(loop, delivery, day) / "judged" / "verdict.json"
    if not path.exists():
        raise DataError(
            f"No verdict on {loop.name} {day} in {path.parent}. "
            f"Run: ratchet step validate --loop {loop.name} --partitions {day}"
        )
    verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return verdict


def _known(registry: Registry, loop: Loop, verdict: dict[str, Any]) -> bool:
    return registry.verdict(loop.name, verdict["partition"]) == verdict


def _place(registry: Registry, loop: Loop, verdict: dict[str, Any], judged: Path) -> list[str]:
    """Copy a day's files to their places in the worktree; return the paths."""
    day, placed = verdict["partition"], []
    for name in loop.tables:
        if verdict["status"] == "accepted":
            placed.append((judged / "accepted" / f"{name}.parquet", dataset.path(loop, name, day)))
        kept = judged / "quarantined" / f"{name}.parquet"
        if kept.exists():
            placed.append((kept, quarantine_path(loop, day, verdict["delivery"], name)))
    for source, path in placed:
        tables.read_table(source)  # a damaged file is refused here, not found in a training
        with atomic(registry.root / path) as temporary:
            shutil.copyfile(source, temporary)
    return [path for _, path in placed]


def _commit(writer: Writer, loop: Loop, verdict: dict[str, Any], files: list[str]) -> None:
    day, root = verdict["partition"], writer.registry.root
    touched = [f"{path}.dvc" for path in files]
    if verdict["status"] == "accepted":
        # An accepted delivery supersedes what earlier ones of the day left in quarantine; Git's history keeps it.
        for old in writer.registry.git("ls-files", "--", f"{loop.name}/quarantine/{day}").splitlines():
            if old not in touched:
                (root / old).unlink(missing_ok=True)
                (root / old.removesuffix(".dvc")).unlink(missing_ok=True)
                touched.append(old)
    path = f"{loop.name}/verdicts/{day}.json"
    writer.write(path, json.dumps(verdict, indent=1, sort_keys=True) + "\n")
    title = {"accepted": "Publish", "rejected": "Refuse", "empty": "Note the empty"}[verdict["status"]]
    counts = "\n".join(
        f"{name}: {part['fetched']} fetched, {part['accepted']} accepted, {part['quarantined']} quarantined"
        for name, part in verdict["tables"].items()
    )
    message = f"{title} {loop.name} {day}\n\n{verdict['reason']}\n\n{counts}\nDelivery: {verdict['delivery']}\n"
    writer.commit([*touched, path], message)
