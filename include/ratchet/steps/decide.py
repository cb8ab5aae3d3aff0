"""Decide: weigh the night's evidence, and ask for a retraining once where it calls for one."""

from __future__ import annotations

from typing import Any

from ratchet.adapters import dataset
from ratchet.decisions import retrain
from ratchet.errors import DataError
from ratchet.loop import Loop
from ratchet.partitions import shift
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import drift, ledger, performance


class Request(Base):
    """partition: the night whose drift and performance were measured."""

    partition: str


class Result(BaseResult):
    """verdict: retrain, wait or veto. key: of the evidence; the run of the training it asks for is named by it."""

    partition: str
    verdict: retrain.Verdict
    key: str = ""
    champion: str | None = None


def run(loop: Loop, request: Request) -> Result:
    """Decide once a night: a night that has asked before gives the same answer, and is written down once."""
    registry = dataset.registry()
    before = next((entry for entry in registry.ledger(loop.name) if entry["key"] == f"requested:{request.partition}"), None)
    if before:
        return Result(
            reason=before["reason"], outcome="unchanged", partition=request.partition, verdict="retrain",
            key=before["evidence"], champion=before["champion"],
        )  # fmt: skip
    evidence = gather(loop, request.partition)
    monitor = loop.monitor
    rules = retrain.Rules(monitor.window_days, monitor.harm_days, monitor.harm_margin, monitor.cooldown_days)
    decision = retrain.decide(evidence, rules)
    if decision.verdict != "wait":
        entry: dict[str, Any] = {
            "kind": "requested" if decision.verdict == "retrain" else "vetoed", "partition": request.partition,
            "evidence": decision.key, "champion": evidence.champion, "reason": decision.reason,
        }  # fmt: skip
        with registry.writer() as writer:
            title = "Ask for a retraining of" if decision.verdict == "retrain" else "Veto a retraining of"
            ledger.write(writer, loop, f"{entry['kind']}:{request.partition}", entry, f"{title} {loop.name}")
    return Result(
        reason=decision.reason, partition=request.partition, verdict=decision.verdict, key=decision.key, champion=evidence.champion
    )


def gather(loop: Loop, partition: str) -> retrain.Evidence:
    """Gather what is known on a night. Raises DataError where drift or performance were not measured."""
    registry = dataset.registry()
    drifted, measured = drift.read(loop, partition), performance.read(loop, partition)
    if drifted is None or measured is None:
        raise DataError(f"The monitor has not measured {loop.name} {partition}. Run the steps drift and performance of that night first")
    found = drift.Result.model_validate(drifted)
    first = shift(partition, 1 - loop.monitor.window_days)
    bad = {
        day: verdict["reason"] for day, verdict in registry.verdicts(loop.name).items()
        if first <= day <= partition and verdict["status"] != "accepted"
    }  # fmt: skip
    champion = found.champion or ""
    losses = [versions[champion]["loss"] for _, versions in sorted(measured.days.items()) if champion in versions]
    return retrain.Evidence(
        partition=partition, champion=champion, bad_data=bad, drifted=found.drifted, drift_days=found.days, live_losses=losses,
        holdout_loss=measured.holdout_loss,
        requested=[entry["partition"] for entry in registry.ledger(loop.name) if entry["kind"] == "requested"],
    )  # fmt: skip
