"""What the page about a decision shows over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.decisions import duel
from ratchet.reports import days, figures
from tests.given import clusters
from tests.given.entries import entry


def _night(day: str, difference: float, **given: Any) -> Any:
    told = {"difference": difference, "low": difference - 0.01, "high": difference + 0.01, "reason": f"<of> {day}"}
    return entry("certified", version="2", anchor="1", partition=day, **{**told, **given})


def test_only_certificates_in_the_loss_of_now_are_drawn_and_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of loss the curve went on, in another unit."""
    loop = catalog.load("wind")
    drawn: list[Any] = []
    monkeypatch.setattr(figures, "of_certificates", lambda *args: (drawn.append(args), b"")[1])
    before = [_night("2013-02-01", 5.0, loss="absolute_error"), _night("2013-02-02", 0.01)]
    now = [_night("2013-02-05", -0.02, loss=loop.measured_in)]
    page = "".join(days.certificates(loop, [*before, *now, _night("2013-02-06", 4.0, loss="absolute_error")]))
    ((nights, unit),) = drawn
    assert ([night for night, *_ in nights], unit) == (["2013-02-02", "2013-02-05"], "squared_error")
    assert "2013-02-05: &lt;of&gt; 2013-02-05." in page
    assert "over the nights 2013-02-02 to 2013-02-05: the champion&#x27;s squared_error less the anchor" in page
    assert "-0.0200 [-0.0300, -0.0100]; below 0 is for the champion" in page
    assert days.certificates(loop, before[:1]) == []


def test_a_champion_that_is_the_anchor_has_no_picture_of_those_before_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = catalog.load("wind")
    monkeypatch.setattr(figures, "of_certificates", lambda *_: b"")
    since = entry("certified", version="2", anchor="2", partition="2013-02-06", reason="v2 is the anchor")
    page = "".join(days.certificates(loop, [_night("2013-02-05", -0.02), since]))
    assert "2013-02-06: v2 is the anchor." in page
    assert "<img" not in page
    assert "<img" in "".join(days.certificates(loop, [since, _night("2013-02-07", -0.02)]))


def test_days_beyond_the_bound_are_marked(place: Path) -> None:
    """They stood there like any other, and counted as less than they were."""
    loop, compared = catalog.load("wind"), clusters.days([-0.01, 0.7, float("inf")])
    page = "".join(
        days.evidence(loop, compared, duel.judge(compared, margin=0.0, bound=0.1, level=0.05), "<her>", {}, {})
    )
    for cell in ("<td>-0.0100</td>", "<td>+0.7000 †</td>", "<td>undefined †</td>"):
        assert cell in page
    assert "† Beyond the bound: counts as ±0.1." in page
    assert "<th>squared_error: challenger less &lt;her&gt;</th>" in page
    assert "rival" not in page
    assert (
        "alt='Bars: squared_error of the challenger less that of the &lt;her&gt;, on 3 days from 2013-01-01 "
        "to 2013-01-03, 2 of" in page
    )
    within = days.evidence(
        loop, compared[:1], duel.judge(compared[:1], margin=0.0, bound=0.1, level=0.05), "champion", {}, {}
    )
    assert "†" not in "".join(within)


@pytest.mark.parametrize(
    ("mean", "margin", "said"),
    [
        (-0.01, 0.02, "the challenger is better than the anchor by 0.0100 (squared_error); it may be worse by 0.02."),
        (0.01, 0.02, "the challenger is worse than the anchor by 0.0100 (squared_error); it may be worse by 0.02."),
        (0.03, 0.02, "by 0.0300 (squared_error); more than the 0.02 by which it may be worse."),
        (-0.00001, 0.02, "the challenger equals the anchor (squared_error); it may be worse by 0.02."),
        (-0.01, 0.0, "the challenger is better than the anchor by 0.0100 (squared_error); it has to be better."),
    ],
)
def test_it_is_said_what_the_mean_is_and_what_the_brackets_hold(
    place: Path, mean: float, margin: float, said: str
) -> None:
    """They stood in every verdict, reached over its margin, and were explained nowhere."""
    loop, compared = catalog.load("wind"), clusters.days([mean] * 3)
    shown = duel.judge(compared, margin=margin, bound=0.1, level=0.05)
    page = "".join(days.evidence(loop, compared, shown, "anchor", {}, {}))
    assert "In the mean of 3 days, " in page
    assert said in page
    assert f"The brackets, [{shown.low:+.4f}, {shown.high:+.4f}], hold this mean at all looks together" in page
    assert "probability of at least 0.95: half of the level, 0.05, is spent on each side" in page
    assert f"may reach over {'the margin' if margin else 'zero'} where it has been passed" in page


def test_a_day_without_a_difference_has_no_sign(place: Path) -> None:
    loop, compared = catalog.load("wind"), clusters.days([-0.0, -0.00001])
    shown = duel.judge(compared, margin=0.0, bound=0.1, level=0.05)
    page = "".join(days.evidence(loop, compared, shown, "champion", {}, {}))
    assert page.count("<td>0.0000</td>") == 2
    assert "0.0000 [" in page
    assert "-0.0000" not in page


def test_the_shifts_of_both_stand_beside_their_days(place: Path) -> None:
    loop, compared = catalog.load("wind"), clusters.days([-0.01, 0.02, 0.03])
    shown = duel.judge(compared, margin=0.0, bound=0.1, level=0.05)
    ours: days.Shifts = {"2013-01-01": (), "2013-01-02": (0.25,)}
    theirs: days.Shifts = {"2013-01-01": (-0.5,), "2013-01-02": (1.0, 2.0)}
    page = "".join(days.evidence(loop, compared, shown, "anchor", ours, theirs))
    assert "<th>shift of the challenger</th><th>shift of the anchor</th>" in page
    assert "<td>-0.0100</td><td>–</td><td>-0.500</td>" in page
    assert "<td>+0.0200</td><td>+0.250</td><td>+1.000, +2.000</td>" in page
    assert "<td>+0.0300</td><td></td><td></td>" in page  # a day in shadow
    assert "what all answers of a day were moved by, in units of wind," in page
    assert "Of days in shadow the predictions keep it, in the column <code>intercept</code>." in page
    assert "shift of" not in "".join(days.evidence(loop, compared, shown, "anchor", {"2013-01-01": ()}, {}))
    weekly = loop.model_copy(update={"gate": loop.gate.model_copy(update={"cluster": "week"})})
    assert "shift of" not in "".join(days.evidence(weekly, compared, shown, "anchor", ours, theirs))


def test_what_the_rows_of_each_day_cost_is_listed() -> None:
    """The page said what a promotion was worth a week, and not by which days."""
    value: dict[str, Any] = {
        "unit": "<min>",
        "challenger": 3.0,
        "champion": 4.0,
        "baseline": None,
        "against": "champion",
    }
    value["days"] = [["2013-01-01", 100, -125.0, 0], ["2013-01-02", 50, 5.5, 0], ["2013-01-03", 9, 0.0, 1]]
    value["daily"] = {"2013-01-01": {"challenger": 1875.0, "champion": 2000.0}}
    page = "".join(days.costs(value))
    assert "In &lt;min&gt;, all rows of a day together; " in page
    assert "<th>challenger</th><th>champion</th><th>challenger less champion</th>" in page
    assert "<td>2013-01-01</td><td>100</td><td>1,875</td><td>2,000</td><td>-125</td>" in page
    assert "<td>2013-01-02</td><td>50</td><td>–</td><td>–</td><td>+5.5</td>" in page
    assert "<td>2013-01-03</td><td>9</td><td>–</td><td>–</td><td>undefined</td>" in page
    assert "<td>mean</td>" not in page  # of something undefined
    del value["daily"]  # of before it was kept
    value["days"] = value["days"][:2]
    assert "<td>mean</td><td>75</td><td>–</td><td>–</td><td>-59.8</td>" in "".join(days.costs(value))
    assert days.costs({**value, "against": "", "days": []}) == []
    assert days.costs(None) == []
    value["days"] = [["2013-01-01", 100, -0.0, 0]]
    assert "<td>-0</td>" not in "".join(days.costs(value))
