"""Write the documentation of a DAG from the loop's contract."""

from __future__ import annotations

from typing import Any

from ratchet.contract.loop import Loop
from ratchet.contract.rules import Bound
from ratchet.decisions import hypothesis
from ratchet.text import counted

SUMMARIES = {
    "ingest": "Fetch, validate and publish a day of data",
    "train": "Train a challenger, judge it, and promote it, refuse it or let it wait in shadow",
    "score": "Predict the rows of a published day with the champion",
    "approve": "Ask a person whether a challenger that has won may be promoted, and promote it",
    "replay": "Try retraining policies on the loop's own past, and recommend the one that would have cost least",
    "monitor": "Watch drift and performance, look at the duels, and ask for a retraining where the evidence does",
}


def page(loop: Loop, part: str) -> str:
    """Return a DAG's page in Markdown."""
    lines = [f"**{SUMMARIES[part]}.** {loop.description}", "", *_rows(loop, part), "", _how(loop, part)]
    return "\n".join([*lines, "", f"From `include/loops/{loop.name}/loop.yaml`. The map of the code is in README.md."])


def _rows(loop: Loop, part: str) -> list[str]:
    rows: dict[str, str] = {"Owner": loop.owner}
    if part == "ingest":
        rows["Source"] = loop.source.kind
        for name, table in loop.tables.items():
            rows[f"Table {name}"] = (
                f"key {', '.join(table.key)}; suite `{table.suite}`; up to {table.tolerance:.1%} to quarantine"
            )
    elif part == "train":
        training = loop.training
        rows["Trainer"] = f"{training.trainer}, seed {training.seed}"
        rows["Window"] = f"{training.window}, {training.holdout_days} days held out"
        gate = loop.gate
        aim = (
            "better than the champion"
            if gate.aim == "superior"
            else f"not worse than the champion by more than {hypothesis.margin_words(loop)}"
        )
        rows["Gate"] = (
            f"{aim} in {loop.loss_words} by {gate.cluster}s, {gate.level:.0%} of promotions may be false; "
            f"deploys the {gate.deploy} model"
        )
        rows["In shadow"] = f"up to {gate.shadows} challengers and the predecessor, {gate.patience} days"
        if gate.approval:
            rows["Approval"] = f"by {' or '.join(gate.approval)}, within {gate.approval_hours:g} hours"
        rows["Floors"] = ", ".join(_floor(name, bound) for name, bound in gate.floors.items()) or "none"
        for name, options in gate.checks.items():
            rows[f"Check {name}"] = _options(options)
    elif part == "monitor":
        monitor = loop.monitor
        rows["Drift"] = f"the latest {monitor.window_days} days, {monitor.alarms_per_year:g} false alarms a year"
        retrain = loop.retrain
        for name, policy in retrain.policies.items():
            rows[f"Asks by {name}"] = _options(policy)
        rows["Cool-down"] = counted(retrain.cooldown, "day")
        if retrain.per_week:
            rows["Budget"] = f"{retrain.per_week} a week"
        if retrain.minutes_per_week:
            rows["Minutes"] = f"{retrain.minutes_per_week:g} of training a week"
    else:
        rows["Task"] = f"{loop.task}: {loop.target.name} = `{loop.target.sql}`"
    return ["| | |", "| --- | --- |", *(f"| {_cell(name)} | {_cell(text)} |" for name, text in rows.items())]


def _floor(name: str, bound: Bound) -> str:
    """Tell a floor: `mae ≤ 10`, or `bias from -1 to 1` where it has two ends."""
    if bound.min is not None and bound.max is not None:
        return f"{name} from {bound.min:g} to {bound.max:g}"
    return f"{name} ≥ {bound.min:g}" if bound.min is not None else f"{name} ≤ {bound.max:g}"


def _options(options: dict[str, Any]) -> str:
    """Tell an extension's options, whatever their types are; those left open are not told."""
    return ", ".join(f"{key} {_value(value)}" for key, value in options.items() if value is not None) or "yes"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return f"({', '.join(f'{key} {_value(each)}' for key, each in value.items())})"
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(map(_value, value)) or "none"
    return str(value)


def _cell(text: str) -> str:
    """Keep a text within its cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def _how(loop: Loop, part: str) -> str:
    return {
        "ingest": (
            "Runs each night for the day before. By hand: give a day or a range; once there is a champion, each day is "
            "scored and monitored, in order. A range of nights in runs of their own: "
            f"`ratchet airflow backfill create --dag-id {loop.name}.ingest --from-date … --to-date …`."
        ),
        "train": "Runs when the monitor admits a retraining, or by hand with a reason.",
        "approve": (
            "One run a challenger, started where one has won; nothing waits for it. The first answer stays, in the "
            "ledger; none in time is a no. Who has asked for the training is not asked."
        ),
        "score": "Follows each published day. Predictions once made are not rewritten.",
        "replay": (
            "Runs by hand: choose nights, policies and gates. "
            "Models are shared between policies and cached; nothing is deployed."
        ),
        "monitor": (
            "Follows each scored day. A request for a retraining is named by its evidence: asking twice is asking once."
        ),
    }[part]
