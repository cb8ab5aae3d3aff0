"""A retraining every so many days."""

from __future__ import annotations

from ratchet.decisions.policies import calendar
from tests.given.facts import facts


def test_a_calendar_counts_from_the_last_training_or_request() -> None:
    weekly = calendar.Options(days=7)
    assert calendar.ask(facts(partition="2013-02-06"), weekly) is None
    assert "7 days since the last training" in str(calendar.ask(facts(partition="2013-02-07"), weekly))
    assert calendar.ask(facts(partition="2013-02-07", requested={"2013-02-03": "k"}), weekly) is None
