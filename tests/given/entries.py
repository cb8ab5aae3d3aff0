"""Entries of a ledger, of which a test says what matters."""

from __future__ import annotations

from typing import Any, get_args

from ratchet.decisions.entries import Entry

TYPES = {each.model_fields["kind"].default: each for each in get_args(get_args(Entry)[0])}
_RUNS = ("run", "mlflow_run", "evaluated")


def entry(kind: str, run: str = "", **given: Any) -> Any:
    """Make an entry of a kind; what it needs and is not given is the run's key, or empty."""
    needed = {name for name, field in TYPES[kind].model_fields.items() if field.is_required()}
    filled = {name: run if name in _RUNS else "" for name in needed}
    if kind == "answered":
        filled["answer"] = "Approve"
    if kind == "anchored":
        filled["how"] = "better"
    return TYPES[kind](**{**filled, "key": f"{kind}:{run}", **given})
