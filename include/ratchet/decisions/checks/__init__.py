"""Checks: what forbids a promotion whatever the duel says. One file a check: `judge(gate, found) -> list[Check]`.

gate: the contract's rules; found: the stored evaluation. A check of a loop's own (a file `checks/<name>.py` in its
folder), or of an installed distribution (an entry point in the group `ratchet.checks`), is named under `gate.checks`,
and is asked with what the contract says there: `judge(options, found)`. It may have `Options`, a pydantic model of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks import behaviour, data, fairness, floors, limits, signature, slices, too_good
from ratchet.decisions.checks.check import Check

Judge = Callable[[Mapping[str, Any]], list[Check]]  # of a check of the loop's own, its options bound

_BUILT_IN = (floors, data, too_good, slices, fairness, limits, signature, behaviour)


def every(gate: Gate, found: Mapping[str, Any], own: Sequence[Judge] = ()) -> list[Check]:
    """Judge a challenger by every check. found: its stored evaluation. own: checks that are not Ratchet's."""
    listed = [check for module in _BUILT_IN for check in module.judge(gate, found)]
    return listed + [check for judge in own for check in judge(found)]
