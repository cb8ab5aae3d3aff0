"""What the ledger says of a training: which run was judged under its key, and what was said of it last."""

from __future__ import annotations

from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Entries, Judged, Left, only
from ratchet.errors import RequestError
from ratchet.lifecycle import ledger


def judged(loop: Loop, key: str, asked: str = "") -> str:
    """Return the run that was judged under a training's key, as the ledger has it. Raises RequestError."""
    entries = ledger.read(loop)
    found = next((each.evaluated for each in only(entries, Judged) if each.run == key), None)
    if found is None:
        raise RequestError(
            f"Nothing of {loop.name} was judged under the key {key!r}. Run: ratchet step gate --loop {loop.name} "
            f"--run {key}"
        )
    if asked not in ("", found):
        raise RequestError(
            f"The MLflow run {asked} is not what was judged for {loop.name} under the key {key!r}; that is {found}. "
            "A run is promoted under its own loop and key alone"
        )
    return found


def said(entries: Entries, run: str) -> str:
    """Return what the ledger has said last of a run that was judged."""
    about = (
        each.reason
        for each in reversed(entries)
        if (isinstance(each, Judged) and each.evaluated == run) or (isinstance(each, Left) and each.mlflow_run == run)
    )
    return next(about)
