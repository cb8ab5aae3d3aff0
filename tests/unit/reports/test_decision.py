"""The page about a decision."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.contract.rules import Gate
from ratchet.decisions import anchors, duel, gate, worth
from ratchet.decisions.checks import limits
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Gathered
from ratchet.lifecycle.records import Record
from ratchet.reports import decision
from ratchet.reports.parties import Back
from tests.given.clusters import days
from tests.given.evaluations import training

FOUND = training(
    "told",
    [],
    champion_loss=0.5,
    calibration=[[0.1, 0.2, 5], [0.8, 0.7, 5]],
    importance={"wind_now": 2.0, "temp_now": 0.5},
    metrics={"challenger": {"mae": 1.25}},
).evaluation
BROKEN = Check("mae", False, "mae is 1.2500, above its ceiling 1", 1.25, None, 1.0)


@pytest.mark.parametrize(
    ("mean", "checks", "word", "said"),
    [
        (-0.04, [], "Promote", "would come up at most once in"),
        (0.04, [], "Reject", "the champion does better"),
        (0.0, [], "Wait", "do not show yet whether"),
        (-0.04, [BROKEN], "Reject", "At least one check forbids it"),
    ],
)
def test_a_decision_is_told_to_who_does_not_compute(
    tracked: Path, mean: float, checks: list[Check], word: str, said: str
) -> None:
    loop, evidence = catalog.load("wind"), days([mean] * 30)
    decided = gate.decide(checks, duel.judge(evidence, margin=0.0, bound=0.05, level=0.05))
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", word + str(len(checks)), {})
        about = Record(run=run.run_id, key="<told>", data={"train": "2013-01-02..2013-01-09"})
        page = decision.decision(loop, client, about, decided, Gathered(tuple(evidence)), FOUND, "gate of 2013-01-09")
        stored = runs.read_file(client, run.run_id, "report/gate-of-2013-01-09.html").decode()
    kept = (decision.folder(loop) / decision.path(run.run_id, "gate of 2013-01-09")).read_text()
    assert page == stored == kept
    assert f">{word}</p>" in page
    assert "<h1>wind: challenger &lt;told&gt; against the champion v1, gate of 2013-01-09</h1>" in page
    assert "<p>The challenger &lt;told&gt; against the champion v1, the model in use. Decided on 20" in page
    assert said in page
    assert "none was trained with it" in page  # an evaluation of before there were baselines
    for text in ("Model card", "2013-01-02..2013-01-09", "mae 1.2500", "2013-01-30"):
        assert text in page
    assert page.count("data:image/png") == 3
    assert "alt=''" not in page  # of any picture
    assert "alt='Bars of mean absolute SHAP values: wind_now 2, temp_now 0.5.'" in page
    assert "by tenths of the predictions: mean predicted and share that came true, 0.10 0.20, 0.80 0.70.'" in page
    assert "http" not in page.replace("data:image", "")
    assert ("forbids it</td>" in page) == bool(checks)
    assert "<th>squared_error: challenger less champion</th>" in page
    assert "rival" not in page  # a party has one name
    assert "<p>Differences are means of days; what the brackets say stands under the evidence.</p>" in page
    assert "losses are means of rows. The verdict goes by means of days.</p><table>" in page.replace("\n", "")
    with runs.connected() as client:
        args = (loop, client, about, decided, Gathered(tuple(evidence)), FOUND, "first look")
        told = decision.decision(*args, needed="A challenger <as good> will need 9 days")
    assert "<p>A challenger &lt;as good&gt; will need 9 days.</p>" in told


@pytest.mark.parametrize(
    ("champion", "anchor", "title", "said", "pictures"),
    [
        (-0.04, "1", "Against the anchor, v1", "It holds against the anchor, the best model before it, as well", 4),
        (0.0, "1", "Against the anchor, v1", "is better than the champion, and holds against the anchor", 4),
        (0.04, "1", "Against the anchor, v1", "the champion, or the anchor, does better", 4),
        (
            None,
            "baseline:x",
            "Against the anchor, the baseline",
            "loses at most 0.01 (squared_error) more than the",
            3,
        ),
    ],
)
def test_the_page_shows_the_anchor_beside_the_champion(
    tracked: Path, champion: float | None, anchor: str, title: str, said: str, pictures: int
) -> None:
    loop, against = catalog.load("wind"), days([-0.04] * 30)
    evidence = [] if champion is None else days([champion] * 30)
    shown = None if champion is None else duel.judge(evidence, margin=0.0, bound=0.05, level=0.05)
    held = duel.judge(against, margin=0.01, bound=0.05, level=0.05)
    decided = gate.decide([], shown, "day", anchors.shown(anchor), held)
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", f"{anchor}{champion}", {})
        gathered = Gathered(tuple(evidence), anchor, tuple(against))
        page = decision.decision(loop, client, Record(run=run.run_id), decided, gathered, FOUND, "gate of 2013-01-09")
    assert f"<h2>{title}</h2>" in page
    assert said in page
    assert page.count("data:image/png") == pictures
    assert ("The evidence, day by day" in page) == (champion is not None)
    assert f"challenger less {'anchor' if champion is not None else 'baseline'}</th>" in page


@pytest.mark.parametrize(
    ("anchor", "shifts", "told"),
    [
        ("1", {}, "+0.250"),  # the champion is the anchor
        ("3", {"anchor": {"2013-01-02": [0.75]}}, "+0.750"),
        ("baseline:x", {}, "+0.500"),
        ("4", {"anchor": {"2013-01-02": [0.75]}}, ""),  # that has moved since the evaluation
    ],
)
def test_shifts_that_the_evaluation_has_kept_stand_beside_the_days(
    tracked: Path, anchor: str, shifts: dict[str, Any], told: str
) -> None:
    loop, known = catalog.load("wind"), days([-0.04] * 30)
    kept = {who: {"2013-01-02": [shift]} for who, shift in (("challenger", 0.1), ("champion", 0.25), ("baseline", 0.5))}
    about = {"calibration": [], "importance": {}, "anchor": "3" if anchor == "4" else anchor}
    found = training("shifted", [], shifts={**kept, **shifts}, **about).evaluation
    shown = duel.judge(known, margin=0.0, bound=0.05, level=0.05)
    decided, held = gate.decide([], shown, "day", anchor, shown), Gathered(tuple(known), anchor, tuple(known))
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", f"shifted{anchor}", {})
        page = decision.decision(loop, client, Record(run=run.run_id), decided, held, found, "first look")
    assert "<td>2013-01-03</td><td>10</td><td>-0.0400</td><td>–</td><td>–</td>" in page
    assert "<td>2013-01-08</td><td>10</td><td>-0.0400</td><td></td><td></td>" in page  # in shadow
    champions, anchors = page.split("<h2>Against the anchor")
    assert "<td>2013-01-02</td><td>10</td><td>-0.0400</td><td>+0.100</td><td>+0.250</td>" in champions
    assert f"<td>2013-01-02</td><td>10</td><td>-0.0400</td><td>+0.100</td><td>{told}</td>" in anchors


def test_a_turn_back_is_told_without_an_evaluation(tracked: Path) -> None:
    loop, evidence = catalog.load("wind"), days([-0.04] * 30)
    decided = gate.Decision("promote", "rolled back", (), duel.judge(evidence, margin=0.0, bound=0.05, level=0.05))
    back, when = Back("predecessor", "2", "3"), "rollback on 2013-01-09"
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", "back", {})
        page = decision.decision(loop, client, Record(run=run.run_id), decided, Gathered(tuple(evidence)), back, when)
    assert "<h1>wind: predecessor v2 against the champion v3, rollback on 2013-01-09</h1>" in page
    assert "<h2>Model card of v3, which is left</h2>" in page
    assert ">Roll back</p>" in page
    assert "see the run that was judged" in page
    assert "the predecessor is better than the champion" in page
    assert "predecessor less champion</th>" in page
    assert page.count("data:image/png") == 1


def test_markdown_lists_the_checks_and_links_the_run(place: Path) -> None:
    loop = catalog.load("wind")
    decided = gate.decide([BROKEN, Check("size_mb", True, "size", 3.0, None, 50.0)], None)
    text = decision.markdown(loop, "abc", decided.verdict, decided.reason, decided.checks)
    assert text.startswith("**Reject**: rejected: mae is 1.2500")
    assert "| `mae` | 1.25 | ≤ 1 | ✗ |\n| `size_mb` | 3 | ≤ 50 | ✓ |" in text
    assert text.endswith("[MLflow run](http://127.0.0.1:9/#/runs/abc)")


def test_a_timing_that_lets_wait_is_told_as_no_refusal(tracked: Path) -> None:
    loop, evidence = catalog.load("wind"), days([-0.04] * 30)
    slow = limits.latency(12.0, 340.0, 10.0)
    decided = gate.decide([slow], duel.judge(evidence, margin=0.0, bound=0.05, level=0.05))
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", "slow", {})
        held = Gathered(tuple(evidence))
        page = decision.decision(loop, client, Record(run=run.run_id), decided, held, FOUND, "gate")
    assert ">Wait</p>" in page
    assert "lets it wait</td>" in page
    assert "forbids it</td>" not in page
    assert "measured again each night; the best of all counts" in page
    text = decision.markdown(loop, "abc", decided.verdict, decided.reason, decided.checks)
    assert "| `latency_ms` | 12 | ≤ 10 | waits |" in text


@pytest.mark.parametrize("tick", ["", "`", "``"])
def test_a_delivered_value_forges_nothing_that_an_approver_reads(place: Path, tick: str) -> None:
    """A category's level is part of the name of a slice: it wrote its own links, pictures and rows into the form."""
    hostile = (
        f"origin=x{tick} | ✓ |\n\n[The report](https://evil.example/){tick} ![](https://evil.example/a.png)\\| <b>"
    )
    checks = [Check(hostile, False, f"{hostile}: worse", 1.0, None, 0.5)]
    decided = gate.decide(checks, None)
    text = decision.markdown(catalog.load("wind"), "abc", decided.verdict, decided.reason, checks)
    shown = MarkdownIt("commonmark").enable("table").render(text)
    assert re.findall('href="([^"]*)', shown) == ["http://127.0.0.1:9/#/runs/abc"]
    assert not re.findall("<(img|b)\\b", shown)
    assert re.findall("<(p|table|tr|td)\\b", shown) == ["p", "table", "tr", "tr", "td", "td", "td", "td", "p"]
    assert f"<td><code>origin=x{tick} | ✓ | [The report](https://evil.example/){tick} ![]" in shown


def test_a_baseline_stands_beside_each_metric_and_too_few_rows_are_said(tracked: Path) -> None:
    told = training(
        "alone",
        None,
        calibration=[],
        importance={},
        metrics={"challenger": {"mae": 1.25, "r2": None, "own": 0.7}, "baseline": {"mae": 2.5, "r2": None}},
        baseline=[["2013-01-01", 7, -8.75, 0]],
        baseline_loss=2.5,
        baseline_words="median of the last week: 14 (7 rows of 2012-12-25..2012-12-31)",
        too_few={"rows": "on 7 rows <nothing> can be said yet"},
    ).evaluation
    decided = gate.decide([], None)
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", "baseline", {})
        page = decision.decision(
            catalog.load("wind"), client, Record(run=run.run_id), decided, Gathered(), told, "first look"
        )
    assert "<th>metric</th><th>challenger</th><th>baseline</th>" in page
    assert "<td>mae</td><td>1.25</td><td>2.5</td>" in page
    assert "<td>r2</td><td>–</td><td>–</td>" in page
    assert "<td>own</td><td>0.7</td><td>–</td>" in page
    assert "A baseline answers alike for all rows of a day" in page
    assert "<td>Baseline</td><td>median of the last week: 14 (7 rows of 2012-12-25..2012-12-31)</td>" in page
    assert "on 7 rows &lt;nothing&gt; can be said yet.</p>" in page
    assert "<a href='importance.html'>What predictions come from</a>" in page  # made when somebody opens it
    assert page.count("data:image/png") == 0


def test_the_page_tells_what_rows_cost_what_a_promotion_was_worth_and_what_is_decided(tracked: Path) -> None:
    loop, evidence = catalog.load("flight_delays"), days([-0.04] * 30)
    told = {"unit": "minutes <of> delay", "costs": {"false_positive": 15, "false_negative": 60}}
    loop = loop.model_copy(update={"gate": Gate.model_validate({"value": told})})
    value = {"unit": told["unit"], "challenger": 3.25, "champion": 4.5, "baseline": None, "against": "champion"}
    value["days"] = [["2013-01-01", 100, -125.0, 0], ["2013-01-02", 100, -120.0, 0]]
    metrics = {"challenger": {"log_loss": 0.4}, "champion": {"log_loss": 0.5}}
    about = {"calibration": [], "importance": {}, "metrics": metrics, "value": value}
    found = training("worthy", [], **about).evaluation
    held = Gathered(tuple(evidence))
    shown = duel.judge(evidence, margin=0.0, bound=0.05, level=0.05)
    decided = gate.decide([], shown, worth=worth.worth(loop, found, held))
    with runs.connected() as client:
        run = runs.start_run(client, "wind_told", "worth", {})
        page = decision.decision(loop, client, Record(run=run.run_id), decided, held, found, "first look")
    assert (
        "promoting it would be worth 858 minutes &lt;of&gt; delay a week (95 %: 635 to 1,080, by 2 days of its holdout)"
        in page
    )
    assert "<td>minutes &lt;of&gt; delay, a row</td><td>3.25</td><td>4.5</td>" in page
    assert "<td>mean</td><td>100</td><td>–</td><td>–</td><td>-122</td>" in page  # of an evaluation of before
    assert "positive where the probability is at least 0.2, by what each costs in minutes &lt;of&gt; delay" in page
