"""The gate: checks forbid, then the duel says."""

from __future__ import annotations

import numpy as np

from ratchet.contract.rules import Bound
from ratchet.decisions import duel, gate
from ratchet.decisions.checks.floors import floors
from tests.given.clusters import days


def test_a_better_rival_is_promoted_and_waiting_says_for_how_long() -> None:
    rng = np.random.default_rng(5)
    values = (rng.normal(-0.01, 0.008, 60)).tolist()
    waits = duel.judge(days(values[:8]), margin=0.0, bound=0.05, level=0.05)
    assert waits.verdict == "wait"
    assert waits.more is not None
    assert "would decide" in gate.words(waits)
    assert duel.judge(days(values[: 8 + 2 * waits.more]), margin=0.0, bound=0.05, level=0.05).verdict == "promote"
    nothing = duel.judge([], margin=0.0, bound=0.05, level=0.05)
    assert "no day of labels yet" in gate.words(nothing)


def test_vetoes_forbid_whatever_the_duel_says() -> None:
    best = duel.judge(days([-0.04] * 30), margin=0.0, bound=0.05, level=0.05)
    assert gate.decide([], best).verdict == "promote"
    floor = floors({"roc_auc": 0.5}, {"roc_auc": Bound(min=0.6)})
    held = gate.decide(floor, best)
    assert held.verdict == "reject"
    assert "roc_auc is 0.5000, below its floor 0.6" in held.reason
    assert gate.decide(floors({"roc_auc": 0.7}, {"roc_auc": Bound(min=0.6)}), None).verdict == "promote"


def test_the_ledger_learns_what_a_decision_stood_on() -> None:
    won = duel.judge(days([-0.04] * 30), margin=0.0, bound=0.05, level=0.05)
    found = gate.facts(gate.decide([], won))
    assert (found["failed"], found["beaten"], found["clusters"]) == ([], False, 30)
    assert found["evidence"]["for"] >= found["evidence"]["needed"] > found["evidence"]["against"]
    assert found["low"] <= found["difference"] <= found["high"]
    lost = gate.decide([], duel.judge(days([0.04] * 30), margin=0.0, bound=0.05, level=0.05))
    assert gate.facts(lost)["beaten"]
    forbidden = gate.decide(floors({}, {"roc_auc": Bound(min=0.6)}), won)
    assert (gate.facts(forbidden)["failed"], gate.facts(forbidden)["beaten"]) == (["roc_auc"], False)
