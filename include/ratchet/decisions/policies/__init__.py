"""Policies: what may ask for a retraining. One file a policy: `Options`, and `ask(facts, options) -> str | None`.

A policy is a pure function of what is known on a night; it returns why a retraining is asked for, or None. Several may
be named under `retrain.policies`, and any one is enough. One of your own is a file `policies/<name>.py` in the loop's
folder, or an entry point in the group `ratchet.policies` (see ratchet.extensions).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ratchet.decisions.policies.facts import NightFacts

Ask = Callable[[NightFacts], str | None]  # a policy, its options bound

# The order in which they are asked; a loop's own come after.
FIRST = ("recipe", "degradation", "drift", "cost_aware", "calendar")


def causes(facts: NightFacts, asking: Mapping[str, Ask]) -> list[tuple[str, str]]:
    """Ask each policy that is named: what asks, and why. A person comes first."""
    found = [("request", f"asked for by {'; '.join(facts.asked)}")] if facts.asked else []
    order = [*(name for name in FIRST if name in asking), *sorted(set(asking) - set(FIRST))]
    return found + [(name, why) for name in order if (why := asking[name](facts))]
