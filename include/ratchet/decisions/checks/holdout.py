"""A challenger that carries its recipe's evidence on has to hold on its own days too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check, within
from ratchet.decisions.duel import load


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the mean difference over its own held-out days.

    Asked where its evidence began with earlier fits of its recipe.
    """
    compared = [each.mean for each in load(found["compared"] or [])]
    if not (found.get("carried") and compared):
        return []
    return [within("own holdout", sum(compared) / len(compared), high=gate.margin)]
