"""What is too good to be true has a person's word, or is the champion's too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check

MODEL = "too_good"  # what gate.accept calls a model that is hardly ever wrong


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check what an evaluation has found too good; an evaluation of before this was looked for has nothing.

    A loop that lives with a champion of which the same was found, or of which nobody has looked, goes on as it did.
    """
    champions = found.get("champion_too_good")
    unknown = found.get("champion") is not None and champions is None
    return [_check(gate, each, unknown or _has(champions or (), each)) for each in found.get("too_good") or ()]


def _check(gate: Gate, finding: Mapping[str, Any], champions: bool) -> Check:
    names, model = list(finding["names"]), bool(finding["model"])
    whose = ", ".join(names)
    name = f"too good: {'model' if model else whose}"
    said = f"{'the model' if model else whose} is too good to be true: {finding['words']}"
    if model and names:
        said += f", by {whose}"
    if (model and MODEL in gate.accept) or (names and set(names) <= set(gate.accept)):
        return Check(name, True, f"{said}; gate.accept says that it is right")
    if champions:
        return Check(name, True, f"{said}; so is the champion's")
    return Check(name, False, f"{said}; {_ask(names)}")


def _ask(names: Sequence[str]) -> str:
    """Say what a person is to do."""
    if not names:
        return f"if that is right, say so: gate.accept: [{MODEL}]; else take out of features.sql what knows the target"
    one = len(names) == 1
    these, are, them = ("this", "is", "it") if one else ("these", "are", "them")
    return (
        f"if {these} {are} known before the prediction, say so: gate.accept: [{', '.join(names)}]; "
        f"else take {them} out of features.sql"
    )


def _has(champions: Sequence[Mapping[str, Any]], finding: Mapping[str, Any]) -> bool:
    """Say whether the champion's evaluation has found the same."""
    if finding["model"]:
        return any(each["model"] for each in champions)
    return set(finding["names"]) <= {name for each in champions for name in each["names"]}
