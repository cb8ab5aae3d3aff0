"""Validate: hold a delivery to the contract and its expectations; part what is accepted from what goes to quarantine.

Each outcome, by what came:

- no rows in the first table: `empty`; what the other tables brought is published all the same;
- a dropped column, more values of a column than the table's tolerance that do not fit its type, an expectation about
  the whole table broken, or more rows to quarantine than that: `rejected`; every row goes to quarantine;
- else `accepted`: rows that hold a value that does not fit, are of another day, have a key that another day holds, or
  break a critical expectation (a null or doubled key among them) go to quarantine as they came, with row and reason;
  the others on. Of rows that are equal in every column the first is kept. New columns are kept, convertible types
  converted, both noted.

Accepted rows and quarantined rows are always the fetched rows.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet import partitions
from ratchet.adapters import expectations
from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.errors import DataError
from ratchet.files import atomic, write_text
from ratchet.lifecycle import dataset, due, inspection
from ratchet.lifecycle.progress import Progress
from ratchet.lifecycle.repeats import Keys
from ratchet.partitions import Days
from ratchet.reports import page
from ratchet.settings import Settings
from ratchet.steps import Key, StepRequest, StepResult
from ratchet.steps.fetch import staged
from ratchet.text import one_line

if TYPE_CHECKING:
    import pyarrow as pa

BROKE = "_ratchet_broke"  # why a row is in quarantine
ROW = "_ratchet_row"  # which of the delivery it was, from 1 on


class ValidateRequest(StepRequest):
    """Which delivery to judge."""

    partitions: Days = Field(description="The days of the delivery.")
    delivery: Key = Field(default="", description="The name that fetch gave it.")


class ValidateResult(StepResult):
    """How the delivery was judged."""

    delivery: str  # its name
    statuses: dict[str, str]  # partition -> accepted, rejected or empty
    docs: dict[str, str]  # table -> the Data Docs page of the last partition


def run(loop: Loop, request: ValidateRequest) -> ValidateResult:
    """Judge each day, leaving accepted and quarantined rows and the verdict beside the delivery."""
    delivery = request.delivery or request.partitions
    registry = dataset.registry()
    days = [*due.days(registry, loop, request.partitions), *partitions.parse(request.partitions)]
    keys = Keys(registry, loop, days)
    progress, verdicts = Progress("validated", len(days)), dict[str, dict[str, Any]]()
    for day in days:
        verdicts[day] = _judge(keys, loop, day, staged(loop, delivery, day))
        progress.done(day)
    statuses = {day: verdict["status"] for day, verdict in verdicts.items()}
    counts = Counter(statuses.values())
    reasons = [f"{day}: {verdict['reason']}" for day, verdict in verdicts.items() if verdict["reason"] != "as expected"]
    summary = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return ValidateResult(
        reason="; ".join([summary, *reasons[:20]]),
        delivery=delivery,
        statuses=statuses,
        docs={table: str(docs_page(loop, table, days[-1])) for table in loop.tables},
    )


def docs_page(loop: Loop, table: str, day: str) -> Path:
    """Say where the Data Docs page of a table's newest delivery of a day lies."""
    return Settings.current().data_docs / loop.name / table / f"{day}.html"


def _judge(keys: Keys, loop: Loop, day: str, folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise DataError(
            f"Nothing is staged for {loop.name} {day} in {folder}. "
            f"Run: ratchet step fetch --loop {loop.name} --partitions {day}"
        )
    raw = {name: tables.read_table(folder / f"{name}.parquet") for name in loop.tables}
    found = {name: inspection.inspect(keys, loop, name, day, raw[name]) for name in loop.tables}
    refusals = [f"{name}: {why}" for name, part in found.items() for why in part.refused]
    for name, part in found.items():
        if part.checked is not None:
            title = f"Expectation Validation Result: {name} of {day}"
            docs = page.page(title, expectations.render(part.checked), page.OF_DATA_DOCS)
            write_text(docs_page(loop, name, day), docs)
    empty = raw[loop.main].num_rows == 0
    status = (
        "rejected" if refusals and any(table.num_rows for table in raw.values()) else "empty" if empty else "accepted"
    )
    judged: dict[str, Any] = {}
    with atomic(folder / "judged") as temporary:
        for kind in ("accepted", "quarantined"):
            (temporary / kind).mkdir(parents=True)
        for name, part in found.items():
            accepted, broken = part.accepted, part.broken
            if status == "rejected":
                every = "; ".join(refusals)  # after what a row has broken itself
                accepted = accepted.slice(0, 0)
                broken = {row: [*part.broken.get(row, []), every] for row in range(raw[name].num_rows)}
            keys.bring(name, accepted)
            quarantined = _quarantine(raw[name], broken)
            tables.write_table(accepted, temporary / "accepted" / f"{name}.parquet")
            if quarantined.num_rows:
                tables.write_table(quarantined, temporary / "quarantined" / f"{name}.parquet")
            judged[name] = {
                "fetched": raw[name].num_rows,
                "accepted": accepted.num_rows,
                "quarantined": quarantined.num_rows,
                "broke": dict(Counter(why for whys in broken.values() for why in whys)),
                "notes": part.notes,
                "hash": tables.content_hash(accepted),
            }
        verdict = {
            "partition": day,
            "delivery": _delivery_hash(raw),
            "status": status,
            "reason": _reason(loop, status, refusals, judged),
            "tables": judged,
        }
        write_text(temporary / "verdict.json", json.dumps(verdict, indent=1, sort_keys=True))
    return verdict


def _quarantine(raw: pa.Table, broken: dict[int, list[str]]) -> pa.Table:
    """Return the rows that are broken as they came, with their number and why."""
    import pyarrow as pa

    rows = sorted(broken)
    kept = [name for name in raw.column_names if name not in (ROW, BROKE)]
    held = raw.select(kept).take(pa.array(rows, pa.int64()))
    held = held.append_column(ROW, pa.array([row + 1 for row in rows], pa.int64()))
    return held.append_column(BROKE, pa.array(["; ".join(broken[row]) for row in rows], pa.string()))


def _delivery_hash(raw: dict[str, pa.Table]) -> str:
    digest = hashlib.sha256()
    for name in sorted(raw):
        digest.update(f"{name}:{tables.content_hash(raw[name])}\n".encode())
    return digest.hexdigest()


def _reason(loop: Loop, status: str, refusals: list[str], judged: dict[str, Any]) -> str:
    """Say in one line what became of a delivery: names of columns and expectations are other people's."""
    return one_line(_said(loop, status, refusals, judged))


def _said(loop: Loop, status: str, refusals: list[str], judged: dict[str, Any]) -> str:
    if status == "empty":
        others = [f"{part['accepted']:,} rows of {name}" for name, part in judged.items() if part["accepted"]]
        return f"empty: the source delivered no rows of {loop.main}" + (
            f"; published: {', '.join(others)}" if others else ""
        )
    if status == "rejected":
        return f"rejected: {'; '.join(refusals)}"
    parts = []
    for name, part in judged.items():
        if part["quarantined"]:
            broke = ", ".join(f"{n} {why}" for why, n in sorted(part["broke"].items()))
            parts.append(f"{part['quarantined']} of {part['fetched']} rows of {name} quarantined: {broke}")
        parts += [f"{name}: {note}" for note in part["notes"]]
    return "; ".join(parts) or "as expected"
