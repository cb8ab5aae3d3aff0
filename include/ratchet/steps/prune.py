"""Prune: take away what a loop's contract says need not be kept, and put Git's objects into packs."""

from __future__ import annotations

from pydantic import Field

from ratchet.adapters import keeping, runs
from ratchet.contract.loop import Loop
from ratchet.lifecycle import dataset, ledger, pruning
from ratchet.steps import StepRequest, StepResult


class PruneRequest(StepRequest):
    """Whether it is only asked what would go."""

    dry_run: bool = Field(default=False, description="Say what would go, and let it be.")


class PruneResult(StepResult):
    """What went, or would go."""

    files: int = 0  # that can be made again, and old pages
    partitions: int = 0  # that were let go
    blobs: int = 0  # contents that nothing names any more
    runs: int = 0  # of MLflow, which can be restored until `mlflow gc`
    freed: int = 0  # bytes


def run(loop: Loop, request: PruneRequest) -> PruneResult:
    """Prune, once: a second call finds nothing more. What a registered version's manifest names stays."""
    registry = dataset.registry()
    with runs.connected() as client:
        ledger.champion(client, loop)  # where that is lost, or MLflow another, it does not say what may go
        files = [*pruning.work(loop), *pruning.pages(loop)]
        days, old = pruning.partitions(loop), pruning.unneeded_runs(loop, client)
        freed = 0
        if not request.dry_run:
            freed = pruning.remove(files)
            for each in old:
                client.delete(each)
            pruning.forget(loop, old)
            pruning.let_go(loop, days)
        blobs = pruning.blobs(loop, client, days if request.dry_run else ())
        if not request.dry_run:
            freed += pruning.take_away(blobs)
            keeping.pack(registry)
    span = f" ({days[0]}..{days[-1]})" if days else ""
    counts = {
        "files and folders": len(files),
        f"partitions{span}": len(days),
        "contents": len(blobs),
        "MLflow runs": len(old),
    }
    said = f"{'would take' if request.dry_run else 'took'} away {pruning.told(counts)}"
    return PruneResult(
        reason=said + ("" if request.dry_run else f"; {freed / 1e6:,.1f} MB"),
        outcome="done" if any(counts.values()) else "unchanged",
        files=len(files),
        partitions=len(days),
        blobs=len(blobs),
        runs=len(old),
        freed=freed,
    )
