"""Replay: run the loop's past under several policies, and recommend the one that would have cost least."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Promoted, only
from ratchet.files import write_text
from ratchet.lifecycle import ledger
from ratchet.lifecycle.progress import span
from ratchet.partitions import Partition, shift
from ratchet.replay import apply, history, spec
from ratchet.replay import run as replays
from ratchet.replay import table as tables
from ratchet.replay.fits import Fits
from ratchet.reports import replay as report
from ratchet.settings import Settings
from ratchet.steps import StepRequest, StepResult, Words

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

EVERY = 60.0  # seconds without a line in the log, at most


class ReplayRequest(StepRequest):
    """Which nights to replay, and under what."""

    first: Partition = Field(
        default="", description="The first night; by default the one after the first champion's training."
    )
    last: Partition = Field(default="", description="The last night; by default the latest.")
    policies: Words = Field(
        default=spec.POLICIES, description="The policies to try, parted by spaces, as docs/replay.md says."
    )
    gates: Words = Field(default=spec.OWN, description="The gates to try, as policies; each policy is run under each.")
    cost: float | None = Field(
        default=None,
        description="What a retraining is worth, in the loss's units times days; by default the contract's own, else "
        "nothing.",
    )


class ReplayResult(StepResult):
    """What the policies came to."""

    recommended: str  # the policy that costs least, or the present one where none is proved to cost less
    gate: str  # the gate that it is run under
    diff: str  # what they would change in the contract
    rows: tuple[dict[str, Any], ...]  # the table
    report: str  # the page
    mlflow_run: str  # that holds table, figure and page
    seconds: float


def run(loop: Loop, request: ReplayRequest, progress: replays.Progress | None = None) -> ReplayResult:
    """Replay; the same history and policies give the same, from the cache. Raises RequestError, DataError."""
    with runs.connected() as client:
        return _run(loop, request, progress or _log(), client)


def _run(loop: Loop, request: ReplayRequest, progress: replays.Progress, client: Tracking) -> ReplayResult:
    begun = time.monotonic()
    cache = Settings.current().var / "replay" / loop.name
    past = history.read(loop, cache)
    first = request.first or _first(loop, past)
    last = request.last or past.nights[-1]
    texts = dict.fromkeys([spec.OWN, *request.policies.split()]), dict.fromkeys([spec.OWN, *request.gates.split()])
    cases = [replays.Case(policy, gate) for gate, policy in product(texts[1], texts[0])]
    outcomes = replays.run(past, cases, first, last, cache, progress)
    best = tables.hindsight(past, outcomes, Fits(loop, cache))
    table = tables.rows(outcomes, best, loop.gate.value.unit if loop.gate.value else "")
    own = loop.retrain.policies.get("cost_aware")
    cost = request.cost if request.cost is not None else own["cost"] if own else 0.0
    chosen = tables.recommended(table, len(outcomes[0].nights), cost)
    least = tables.cheapest(table, len(outcomes[0].nights), cost)
    case = next(each for each in outcomes if each.name == chosen.name)
    difference = apply.diff(loop, apply.changed(loop, case.policy, case.gate)) if chosen.name != spec.OWN else ""
    title = f"{loop.name}: {first}..{last} replayed"
    priced = f"with a retraining at {cost:g} ({loop.loss_words} times days)"
    said = f"{chosen.name} costs least {priced}: live loss {chosen.loss:.5f}, {chosen.retrainings} retrainings"
    if least is not chosen:
        said = (
            f"{chosen.name} stays: of {len(table) - 1} others {least.name} has cost least {priced}, live loss "
            f"{least.loss:.5f} against {chosen.loss:.5f}, and that is not proved to be more than chance"
        )
    said += f"; {told}" if (told := report.worth(chosen)) else ""
    picture = report.figure(table, best, title)
    page = report.page(title, table, picture, said, difference, {each.name: each.nights for each in outcomes})
    name = hashlib.sha256(json.dumps([first, last, request.model_dump()]).encode()).hexdigest()[:10]
    path = Settings.current().reports / loop.name / "replays" / f"{first}-{last}-{name}.html"
    write_text(path, page)
    rows = tuple(row.__dict__ | {"gap": list(row.gap)} for row in table)
    tags = {"ratchet.kind": "replay", "ratchet.recommended": chosen.name, "mlflow.note.content": said}
    made = runs.start_run(client, f"{loop.name}.replay", f"{first}..{last} {name}", tags).run_id
    runs.log_files(
        client, made, {"replay.html": page, "replay.png": picture, "replay.json": json.dumps(rows, indent=1)}
    )
    runs.log_metrics(
        client, made, {"recommended_loss": chosen.loss, "recommended_retrainings": float(chosen.retrainings)}
    )
    return ReplayResult(
        reason=said,
        recommended=case.policy,
        gate=case.gate,
        diff=difference,
        rows=rows,
        report=str(path),
        mlflow_run=made,
        seconds=time.monotonic() - begun,
    )


def _first(loop: Loop, past: history.History) -> str:
    """Return the night after the first champion's training.

    Where there was none, after two weeks and a holdout, or a window.
    """
    first = next((each.day for each in only(ledger.read(loop), Promoted) if each.day), None)
    if first:
        return shift(first, loop.label_delay_days + 1)
    days = loop.training.window if isinstance(loop.training.window, int) else 14
    return shift(past.nights[0], days + loop.training.holdout_days + loop.label_delay_days + 1)


def _log(clock: Callable[[], float] = time.monotonic) -> replays.Progress:
    """Tell the task's log every tenth, and every minute, with the time that is left."""
    told: dict[str, tuple[float, int, float]] = {}  # what -> when it began, the last tenth told, and when

    def tell(what: str, done: int, total: int) -> None:
        now, tenth = clock(), 10 * done // max(1, total)
        begun, before, at = told.get(what, (now, 0, now))
        if tenth == before and now - at < EVERY:
            told[what] = begun, before, at
            return
        told[what] = begun, tenth, now
        left = f"; {span((now - begun) / done * (total - done))} left" if 0 < done < total else ""
        print(f"{what}: {done} of {total}{left}", flush=True)

    return tell
