"""Whether a challenger's time is up before a duel can promote it."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.decisions import needed
from ratchet.decisions.needed import Needed, Past
from ratchet.errors import ContractError


def mistakes(loop: Loop) -> Iterator[ContractError]:
    """Yield a patience that is too short whatever the days hold; nothing where the contract does not say the bound."""
    if by := needed.by_contract(loop):
        yield from too_short(loop, needed.needed(loop, by, Past()))


def too_short(loop: Loop, found: Needed) -> Iterator[ContractError]:
    """Yield a patience that is shorter than what a duel needs, at its own line or at that of the margin."""
    if needed.short(loop, found):
        key = "patience_days" if "patience_days" in loop.gate.model_fields_set else "margin"
        yield fail(loop, ("gate", key), needed.words(loop, found))
