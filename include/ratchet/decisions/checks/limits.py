"""Latency and size of a model.

A size is the model's, and refuses it. A latency is the machine's too: it lets a challenger wait, and is measured again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check, within


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check what the contract bounds of the two."""
    listed = []
    if gate.latency_ms is not None:
        listed.append(latency(found["latency_ms"], found.get("latency_wall_ms"), gate.latency_ms))
    if gate.size_mb is not None:
        listed.append(within("size_mb", found["size_mb"], high=gate.size_mb))
    return listed


def latency(ms: float, wall: float | None, most: float) -> Check:
    """Check a latency. ms: by the reference. wall: what went by on the machine that has measured it, where known."""
    check = within("latency_ms", ms, high=most)
    here = f" ({wall:.4g} ms by the clock)" if wall is not None else ""
    again = "" if check.passed else "; it is measured again each night, for a machine may be busy"
    return replace(check, text=f"{check.text}{here}{again}", waits=True)
