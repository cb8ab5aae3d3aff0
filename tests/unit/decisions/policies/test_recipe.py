"""A retraining where what models are made by has changed."""

from __future__ import annotations

from ratchet.decisions.policies import recipe
from tests.given.facts import facts


def test_a_change_asks_and_says_what_it_is() -> None:
    assert recipe.ask(facts(), recipe.Options()) is None
    told = recipe.ask(facts(changed="features.sql changed: commit abc1234 Count seats"), recipe.Options())
    assert told == "recipe: features.sql changed: commit abc1234 Count seats"
