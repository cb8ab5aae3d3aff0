"""Promote: register the challenger once, make it the champion, and write it down."""

from __future__ import annotations

from ratchet.adapters import dataset, tracking
from ratchet.errors import RequestError
from ratchet.loop import Loop
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import gate, ledger


class Request(Base):
    """run: the key of this training. mlflow_run: the run that the gate judged; by default the one of that key."""

    run: str
    mlflow_run: str = ""


class Result(BaseResult):
    """version: of the registered model; none where the gate held it."""

    mlflow_run: str
    version: str | None = None


def run(loop: Loop, request: Request) -> Result:
    """Promote what the gate let through. Register, alias, ledger: each is done once, so that a retry completes them.

    The registry's writer lock is held throughout, so that two trainings cannot promote at once.
    """
    registry = dataset.registry()
    with tracking.connected() as client, registry.writer() as writer:
        mlflow_run = request.mlflow_run or tracking.trained_run(client, loop.name, request.run)
        tags = client.get_run(mlflow_run).data.tags
        verdict, reason = tags.get(gate.VERDICT), tags.get("ratchet.verdict_reason", "")
        if verdict is None:
            raise RequestError(f"The run {mlflow_run} has not passed the gate. Run: ratchet step gate --loop {loop.name} …")
        if verdict != "promote":
            return Result(reason=reason, outcome="skipped", mlflow_run=mlflow_run)
        key = f"promoted:{mlflow_run}"
        done = next((entry for entry in registry.ledger(loop.name) if entry["key"] == key), None)
        if done:
            return Result(
                reason=f"already promoted as v{done['version']}", outcome="unchanged",
                mlflow_run=mlflow_run, version=done["version"],
            )  # fmt: skip
        before = tracking.champion(client, loop.name)
        version = tracking.register(client, loop.name, mlflow_run, reason)
        tracking.set_champion(client, version)
        replaced = before.number if before and before.number != version.number else None
        entry = {
            "kind": "promoted", "version": version.number, "replaces": replaced, "run": request.run,
            "mlflow_run": mlflow_run, "because": tags.get("ratchet.reason", ""), "reason": reason,
            "data": {name: tags.get(f"data.{name}") for name in ("revision", "train", "holdout", "hash")},
        }  # fmt: skip
        ledger.write(writer, loop, key, entry, f"Promote {loop.name} v{version.number}")
    return Result(
        reason=f"v{version.number} is the champion{f', replacing v{replaced}' if replaced else ''}: {reason}",
        mlflow_run=mlflow_run, version=version.number,
    )  # fmt: skip
