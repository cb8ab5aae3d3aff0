"""A retraining where what models are made by has changed since the last one: SQL, trainer, parameters, or packages."""

from __future__ import annotations

from ratchet.contract.part import Part
from ratchet.decisions.policies.facts import NightFacts


class Options(Part):
    """A retraining where what models are made by has changed; there is nothing to choose."""


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask once a change: the training that it asks for is made by what is there now."""
    return f"recipe: {facts.changed}" if facts.changed else None
