"""Validate: hold a delivery to the contract and its expectations; part what is accepted from what goes to quarantine.

Each outcome, by what came:

- no rows in the first table: `empty`; nothing is published;
- a dropped column, a type that does not convert without loss, an expectation about the whole table broken, or more rows
  to
  quarantine than the table's tolerance: `rejected`; every row of the delivery goes to quarantine;
- else `accepted`: rows that break a critical expectation (a null or doubled key among them) go to quarantine, the
  others on.
  Of rows that are equal in every column the first is kept. New columns are kept, convertible types converted, both
  noted.

Accepted rows and quarantined rows are always the fetched rows.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet import partitions
from ratchet.adapters import expectations
from ratchet.contract.loop import Loop, Table
from ratchet.data import tables
from ratchet.errors import DataError
from ratchet.files import atomic, write_text
from ratchet.partitions import Days
from ratchet.reports import page
from ratchet.settings import Settings
from ratchet.steps import Key, StepRequest, StepResult
from ratchet.steps.fetch import staged
from ratchet.text import one_line

if TYPE_CHECKING:
    import pyarrow as pa

BROKE = "_ratchet_broke"


class ValidateRequest(StepRequest):
    """Which delivery to judge."""

    partitions: Days  # a day or a range
    delivery: Key = ""  # the name that fetch gave it


class ValidateResult(StepResult):
    """How the delivery was judged."""

    delivery: str  # its name
    statuses: dict[str, str]  # partition -> accepted, rejected or empty
    docs: dict[str, str]  # table -> the Data Docs page of the last partition


def run(loop: Loop, request: ValidateRequest) -> ValidateResult:
    """Judge each day, leaving accepted and quarantined rows and the verdict beside the delivery."""
    delivery = request.delivery or request.partitions
    days = partitions.parse(request.partitions)
    verdicts = {day: _judge(loop, day, staged(loop, delivery, day)) for day in days}
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


def _judge(loop: Loop, day: str, folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise DataError(
            f"Nothing is staged for {loop.name} {day} in {folder}. "
            f"Run: ratchet step fetch --loop {loop.name} --partitions {day}"
        )
    raw = {name: tables.read_table(folder / f"{name}.parquet") for name in loop.tables}
    found = {name: _check(loop, name, day, raw[name]) for name in loop.tables}
    refusals = [f"{name}: {why}" for name, part in found.items() for why in part["refused"]]
    empty = raw[loop.main].num_rows == 0
    status = "empty" if empty else "rejected" if refusals else "accepted"
    judged: dict[str, Any] = {}
    with atomic(folder / "judged") as temporary:
        for kind in ("accepted", "quarantined"):
            (temporary / kind).mkdir(parents=True)
        for name, part in found.items():
            accepted, quarantined = part["accepted"], part["quarantined"]
            if status == "rejected":
                accepted, quarantined = (
                    accepted.slice(0, 0),
                    _quarantine(raw[name], ["; ".join(refusals)] * raw[name].num_rows),
                )
            tables.write_table(accepted, temporary / "accepted" / f"{name}.parquet")
            if quarantined.num_rows:
                tables.write_table(quarantined, temporary / "quarantined" / f"{name}.parquet")
            judged[name] = {
                "fetched": raw[name].num_rows,
                "accepted": accepted.num_rows,
                "quarantined": quarantined.num_rows,
                "broke": dict(Counter(e for text in quarantined.column(BROKE).to_pylist() for e in text.split("; "))),
                "notes": part["notes"],
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


def _check(loop: Loop, name: str, day: str, raw: pa.Table) -> dict[str, Any]:
    """Check one table: what is accepted, what not and why, what refuses the whole, what is only noted."""
    import numpy as np

    spec = loop.tables[name]
    try:
        table, notes = tables.conform(raw, spec.columns)
    except DataError as error:
        none = raw.slice(0, 0)
        return {"accepted": none, "quarantined": _quarantine(none, []), "refused": [str(error)], "notes": []}
    if not table.num_rows:
        return {"accepted": table, "quarantined": _quarantine(table, []), "refused": [], "notes": [*notes, "no rows"]}
    check = expectations.validate(table.to_pandas(), Settings.current().suites, spec.suite, spec.key)
    docs = page.page(f"Expectation Validation Result: {name} of {day}", expectations.render(check), page.OF_DATA_DOCS)
    write_text(docs_page(loop, name, day), docs)
    broken, copies = _keep_first(table, spec, check.broken)
    refused, share = list(check.refused), (len(broken) - len(copies)) / table.num_rows
    if share > spec.tolerance:
        worst, count = Counter(e for row, names in broken.items() if row not in copies for e in names).most_common(1)[0]
        refused.append(
            f"{share:.1%} of {table.num_rows} rows break an expectation, tolerated are {spec.tolerance:.1%}; "
            f"{count} break {worst}"
        )
    keep = np.ones(table.num_rows, dtype=bool)
    keep[list(broken)] = False
    return {
        "accepted": table.filter(keep),
        "quarantined": _quarantine(table.filter(~keep), ["; ".join(broken[row]) for row in sorted(broken)]),
        "refused": refused,
        "notes": [*notes, *check.warnings, *([f"{len(copies)} exact copies of other rows"] if copies else [])],
    }


def _keep_first(table: pa.Table, spec: Table, broken: dict[int, list[str]]) -> tuple[dict[int, list[str]], set[int]]:
    """Let the first of rows that are equal in every column pass, where being doubled is all that is wrong with it.

    Returns the rows that stay broken, and which of them are such copies: they tell nothing against the delivery.
    """
    doubled = [row for row, names in broken.items() if all("unique" in name for name in names)]
    if not doubled:
        return broken, set()
    groups: dict[str, dict[str, list[int]]] = {}
    for row in sorted(doubled):
        values = table.slice(row, 1).to_pylist()[0]
        key = json.dumps([str(values[column]) for column in spec.key])
        groups.setdefault(key, {}).setdefault(json.dumps(values, default=str), []).append(row)
    passed, copies = set(), set()
    for versions in groups.values():
        if len(versions) == 1:
            rows = next(iter(versions.values()))
            passed.add(rows[0])
            copies.update(rows[1:])
    return {row: names for row, names in broken.items() if row not in passed}, copies


def _quarantine(table: pa.Table, broke: list[str]) -> pa.Table:
    import pyarrow as pa

    if BROKE in table.column_names:
        table = table.drop_columns([BROKE])
    return table.append_column(BROKE, pa.array(broke, pa.string()))


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
        return f"empty: the source delivered no rows of {loop.main}"
    if status == "rejected":
        return f"rejected: {'; '.join(refusals)}"
    parts = []
    for name, part in judged.items():
        if part["quarantined"]:
            broke = ", ".join(f"{n} {why}" for why, n in sorted(part["broke"].items()))
            parts.append(f"{part['quarantined']} of {part['fetched']} rows of {name} quarantined: {broke}")
        parts += [f"{name}: {note}" for note in part["notes"]]
    return "; ".join(parts) or "as expected"
