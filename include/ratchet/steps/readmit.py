"""Readmit: put what is in quarantine back through, together with what was accepted.

A person asks for it once a suite was mended or a refusal judged wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ratchet.contract.loop import Loop
from ratchet.contract.table import Table
from ratchet.data import parting, tables
from ratchet.errors import RequestError
from ratchet.files import atomic
from ratchet.lifecycle import dataset
from ratchet.partitions import Partition
from ratchet.steps import StepRequest, publish, validate
from ratchet.steps.fetch import staged

if TYPE_CHECKING:
    import pyarrow as pa


class ReadmitRequest(StepRequest):
    """What is put back through."""

    partition: Partition = Field(description="The day.")


class ReadmitResult(publish.PublishResult):
    """What publishing it came to."""


def run(loop: Loop, request: ReadmitRequest) -> ReadmitResult:
    """Make the newest delivery whole again, validate it with the suites of now, and publish it. Raises RequestError."""
    registry, partition = dataset.registry(), request.partition
    verdict = registry.verdict(loop.name, partition)
    if verdict is None or not verdict.quarantined:
        raise RequestError(
            f"Nothing of {loop.name} {partition} is in quarantine. See: ratchet quarantine list {loop.name}"
        )
    revision, delivery = registry.head(), f"readmit-{partition}-{verdict.delivery[:12]}"
    with atomic(staged(loop, delivery, partition)) as temporary:
        temporary.mkdir()
        for name, counts in verdict.tables.items():
            paths = []
            if counts.accepted or not counts.quarantined:
                paths.append(dataset.path(loop, name, partition))
            if counts.quarantined:
                paths.append(publish.quarantine_path(loop, partition, verdict.delivery, name))
            present = [path for path in paths if registry.exists(f"{path}.dvc", revision)]
            parts = list(registry.read(present, revision).values()) or [tables.empty(loop.tables[name].columns)]
            tables.write_table(_join(parts, loop.tables[name]), temporary / f"{name}.parquet")
    validate.run(loop, validate.ValidateRequest(partitions=partition, delivery=delivery))
    published = publish.run(loop, publish.PublishRequest(partitions=partition, delivery=delivery))
    return ReadmitResult.model_validate(published.model_dump())


def _join(parts: list[pa.Table], spec: Table) -> pa.Table:
    plain = [part.drop_columns([n for n in (validate.BROKE, validate.ROW) if n in part.column_names]) for part in parts]
    return parting.join(plain, spec)
