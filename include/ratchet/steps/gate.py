"""Gate: say whether the challenger may be promoted, and write a refusal down."""

from __future__ import annotations

import json

from ratchet.adapters import dataset, tracking
from ratchet.decisions import gate as decisions
from ratchet.loop import Loop
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import evaluate, ledger

VERDICT = "ratchet.verdict"


class Request(Base):
    """run: the key of this training. mlflow_run: the run that was evaluated; by default the one of that key."""

    run: str
    mlflow_run: str = ""


class Result(BaseResult):
    """verdict: promote or hold. difference, low, high: challenger's loss less champion's, with its interval."""

    mlflow_run: str
    verdict: decisions.Verdict
    difference: float | None
    low: float | None
    high: float | None
    days: int


def run(loop: Loop, request: Request) -> Result:
    """Judge by the stored evaluation; the same evaluation gives the same verdict."""
    with tracking.connected() as client:
        mlflow_run = request.mlflow_run or tracking.trained_run(client, loop.name, request.run)
        found = json.loads(tracking.read_file(client, mlflow_run, evaluate.FILE))
        decision = decisions.decide(found["metrics"]["challenger"], loop.gate.floors, found["differences"], loop.gate.confidence)
        client.set_tag(mlflow_run, VERDICT, decision.verdict)
        client.set_tag(mlflow_run, "ratchet.verdict_reason", decision.reason)
    if decision.verdict == "hold":
        entry = {
            "kind": "held", "run": request.run, "mlflow_run": mlflow_run, "champion": found["champion"],
            "reason": decision.reason, "difference": decision.difference, "low": decision.low, "high": decision.high,
        }  # fmt: skip
        with dataset.registry().writer() as writer:
            ledger.write(writer, loop, f"held:{mlflow_run}", entry, f"Hold a challenger of {loop.name}")
    return Result(
        reason=decision.reason, mlflow_run=mlflow_run, verdict=decision.verdict,
        difference=decision.difference, low=decision.low, high=decision.high, days=decision.days,
    )  # fmt: skip
