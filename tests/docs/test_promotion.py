"""docs/promotion.md: the duel of its example is fought by the code, and the contract of flight_delays."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest

from ratchet import catalog
from ratchet.decisions import duel, gate
from ratchet.decisions.duel import Cluster
from tests.conftest import ROOT
from tests.given.clusters import days

SECTION = (ROOT / "docs" / "promotion.md").read_text().partition("\n## The duel\n")[2].partition("\n## ")[0]
SAID = " ".join(SECTION.split())
ROW = re.compile(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([-+][\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
ROWS = [[float(cell) for cell in row] for row in ROW.findall(SECTION)]
FOUGHT = days([difference for _, _, _, difference, _, _ in ROWS])
FOURTH = 3  # the day that is worse by more than the margin: its place


@pytest.fixture(autouse=True)
def _own_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATCHET_LOOPS", "RATCHET_SUITES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RATCHET_HOME", str(ROOT))


def _terms() -> dict[str, float]:
    rules = catalog.load("flight_delays").gate
    assert rules.bound is not None
    return {"margin": rules.margin, "bound": rules.bound}


def _capital(clusters: Sequence[Cluster], place: int = -1, **changed: float) -> str:
    return f"{math.exp(duel.curve(clusters, **{**_terms(), **changed})[place][0]):.2f}"


def test_each_day_of_the_table_is_as_the_code_has_it() -> None:
    assert len(ROWS) == 8
    for champion, challenger, difference in (row[1:4] for row in ROWS):
        assert challenger - champion == pytest.approx(difference, abs=1e-9)
    fought = [[f"{math.exp(each):.2f}" for each in capital] for capital in duel.curve(FOUGHT, **_terms())]
    assert fought == [[f"{each:.2f}" for each in row[4:]] for row in ROWS]


def test_the_terms_are_those_of_the_contract() -> None:
    rules = catalog.load("flight_delays").gate
    said = re.findall(r"(?:level|\*\*margin\*\*|\*\*bound\*\*) of ([\d.]+)", SAID)
    assert [float(each.rstrip(".")) for each in said] == [rules.level, rules.margin, rules.bound]
    assert (rules.aim, round(1 / rules.level)) == ("non_inferior", 20)


def test_what_is_said_after_seven_days_and_after_eight_is_what_the_loop_says() -> None:
    loop = catalog.load("flight_delays")
    said = re.findall(r'"((?:waits in shadow|has won): [^"]*)"', SAID)
    told = [
        gate.decide([], duel.judge(FOUGHT[:n], level=loop.gate.level, **_terms()), loss=loop.loss_words) for n in (7, 8)
    ]
    assert [each.verdict for each in told] == ["wait", "promote"]
    assert said == [each.reason for each in told]


def test_what_else_would_come_of_these_days() -> None:
    worse = [*FOUGHT[:FOURTH], *days([0.08]), *FOUGHT[FOURTH + 1 :]]
    left = f"leave a capital of {_capital(worse, FOURTH)}"
    assert f"Worse by 0.08 it would count as 0.05, **clipped** to the bound, and {left}" in SAID
    assert f"these days come to {_capital(FOUGHT, margin=0.0)}, and it waits" in SAID
    assert f"begins with 0.50 and has {_capital(FOUGHT, debt=math.log(0.5))} here" in SAID
