"""What a promotion is worth a week."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.contract.rules import Gate
from ratchet.decisions import duel, worth
from ratchet.decisions.duel import Cluster, Gathered
from tests.given.evaluations import training

VALUE = {"unit": "minutes of delay", "sql": "abs(prediction - label)"}


def _loop(calendar: str = "every_day", **gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    schedule = loop.schedule.model_copy(update={"calendar": calendar})
    return loop.model_copy(update={"gate": Gate.model_validate({"value": VALUE, **gate}), "schedule": schedule})


def _days(totals: list[float], rows: int = 100) -> list[Cluster]:
    return [Cluster(f"2013-01-0{n}", rows, total) for n, total in enumerate(totals, 1)]


def _found(totals: list[float], against: str = "champion") -> Any:
    value = {"unit": "minutes of delay", "challenger": 1.0, "champion": 2.0, "baseline": 3.0, "against": against}
    return training("x", [], value={**value, "days": duel.dump(_days(totals))}).evaluation


def test_a_week_costs_as_much_less_as_seven_days() -> None:
    """(Champion's less challenger's mean cost a row) times the rows of a week, and Student's interval over days."""
    totals = [-200.0, -300.0, -280.0, -272.0]
    found = worth.worth(_loop(), _found(totals), Gathered())
    assert found is not None
    assert found.a_week == pytest.approx(263 * 7)
    low, high = stats.t.interval(0.95, 3, loc=263, scale=stats.sem(totals))
    assert (found.low, found.high) == (pytest.approx(7 * low), pytest.approx(7 * high))
    said = f"promoting it would be worth 1,841 minutes of delay a week (95 %: {7 * low:,.0f} to {7 * high:,.0f}, by 4 "
    said += "days of its holdout)"
    assert worth.words(found, promoted=True) == said
    assert worth.words(found, promoted=False).startswith("promoting it would have been worth 1,841 minutes")
    assert worth.promoted(f"a; {said}").startswith("a; promoting it was worth 1,841 minutes")
    assert worth.facts(found)["a_week"] == found.a_week


def test_a_week_of_weekdays_has_five() -> None:
    weekdays, every = (worth.worth(_loop(kind), _found([-10.0]), Gathered()) for kind in ("weekdays", "every_day"))
    assert weekdays is not None
    assert every is not None
    assert (weekdays.a_week, every.a_week) == (50, 70)
    assert worth.words(every, promoted=True).endswith(
        "worth 70 minutes of delay a week (by one day, too few for an interval)"
    )


def test_without_a_champion_it_is_against_the_baseline() -> None:
    found = worth.worth(_loop(), _found([3.0, 4.0], "baseline"), Gathered())
    assert found is not None
    assert "worth -24.5 minutes of delay a week against the baseline" in worth.words(found, promoted=True)


def test_a_duel_in_the_value_is_told_by_all_of_its_days() -> None:
    loop, gathered = _loop(loss="value", bound=5), Gathered(tuple(_days([-1, -2, -3])), "b", tuple(_days([-9, -9])))
    ours, plain = (worth.worth(loop, _found([-5.0], against), gathered) for against in ("champion", "baseline"))
    assert ours is not None
    assert plain is not None
    assert (ours.a_week, ours.days, plain.a_week, plain.days) == (14, 3, 63, 2)


def test_a_duel_in_another_loss_is_told_by_all_of_its_days_where_they_are_known_in_the_unit() -> None:
    valued = _days([-1, -2, -3, -30, -30, -30, -30, -30])
    found, alone = (worth.worth(_loop(), _found([-5.0]), Gathered(), days) for days in (valued, ()))
    assert found is not None
    assert alone is not None
    assert (found.a_week, found.days, found.holdout) == (156 / 8 * 7, 8, False)
    assert (alone.a_week, alone.days, alone.holdout) == (35, 1, True)


@pytest.mark.parametrize("about", [{"value": None}, {"value": {"unit": "x", "against": "", "days": []}}, {}])
def test_nothing_is_said_of_what_was_not_measured(about: dict[str, Any]) -> None:
    found = training("x", [], **about).evaluation
    assert worth.worth(_loop(), found, Gathered()) is None
    assert worth.worth(catalog.load("flight_delays"), _found([-1.0]), Gathered()) is None


def test_of_days_that_have_no_cost_nothing_is_said() -> None:
    days = [["2013-01-01", 100, -5.0, 0], ["2013-01-02", 100, 0.0, 3]]
    found = training("x", [], value={"unit": "x", "against": "champion", "days": days}).evaluation
    assert worth.worth(_loop(), found, Gathered()) is None
