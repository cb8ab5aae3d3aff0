"""Whoever can call the champion can call the challenger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the signature, where the gate asks for a compatible one and there is a champion."""
    if gate.signature != "compatible" or len(found["signatures"]) != 2:
        return []
    ours, theirs = found["signatures"]
    return [signature(ours["inputs"], theirs["inputs"], (ours["outputs"], theirs["outputs"]))]


def signature(ours: Mapping[str, str], theirs: Mapping[str, str], outputs: tuple[object, object]) -> Check:
    """Check that whoever can call the champion can call the challenger.

    It needs no other input, and answers in the same form.

    ours, theirs: input -> kind, of challenger and champion. outputs: the form of their answers.
    """
    broken = [f"needs {name} ({kind})" for name, kind in ours.items() if theirs.get(name) != kind]
    if outputs[0] != outputs[1]:
        broken.append(f"answers with {outputs[0]} in place of {outputs[1]}")
    if broken:
        return Check(
            "signature",
            False,
            f"signature: the challenger {', '.join(broken)}; set gate.signature: any where that is meant",
        )
    return Check("signature", True, "signature: compatible with the champion's")
