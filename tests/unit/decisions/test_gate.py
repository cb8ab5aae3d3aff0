"""The gate: checks forbid, then the duel says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Bound
from ratchet.decisions import duel, gate, worth
from ratchet.decisions.checks import limits
from ratchet.decisions.checks.floors import floors
from ratchet.decisions.duel import Evidence
from ratchet.decisions.entries import Terms
from ratchet.decisions.worth import Worth
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


def test_evidence_is_told_with_its_unit_what_may_be_lost_and_what_patience_leaves() -> None:
    near = duel.judge(days([-0.004] * 8), margin=0.02, bound=0.1, level=0.05)
    told = gate.words(near, whom="v1", loss="minutes of delay a row")
    assert told.startswith("minutes of delay a row against v1 -0.0040 [")
    assert "] over 8 days, where it may be 0.02 worse: evidence " in told
    assert near.more is not None
    assert told.endswith(f"; about {near.more} more days of labels would decide")
    assert gate.words(near, left=near.more).endswith(" would decide")
    late = gate.decide([], near, left=near.more - 1).reason
    assert late.endswith(f" would decide, of which its patience leaves {near.more - 1}")
    assert ", where it has to be better: " in gate.words(_duel(-0.04))


def test_clipped_days_are_told_with_what_they_were() -> None:
    found = duel.judge(days([-0.2, -0.04, 0.3, 0.01]), margin=0.0, bound=0.05, level=0.05)
    assert (found.clipped, found.unclipped) == (2, pytest.approx(0.0175))
    assert "] over 4 days (2 clipped to 0.05; unclipped +0.0175), where it has to be better: " in gate.words(found)


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


def test_what_a_promotion_is_worth_is_told_and_decides_nothing() -> None:
    dear = Worth("minutes", -1840.0, -3280.0, -400.0, 7, "champion")
    won = duel.judge(days([-0.04] * 30), margin=0.0, bound=0.05, level=0.05)
    broken = floors({}, {"roc_auc": Bound(min=0.6)})
    for listed, verdict, word in (([], "promote", "would be"), (broken, "reject", "would have been")):
        bare, told = (gate.decide(listed, won, worth=each) for each in (None, dear))
        assert bare.verdict == told.verdict == verdict
        said = f"promoting it {word} worth -1,840 minutes a week (95 %: -3,280 to -400, by 7 days)"
        assert told.reason == f"{bare.reason}; {said}"
        assert gate.facts(told) == gate.facts(bare) | {"worth": worth.facts(dear)}


@pytest.mark.parametrize(
    ("champion", "anchor", "verdict", "words"),
    [
        (-0.04, -0.04, "promote", "has won: loss against the champion"),
        (-0.04, 0.0, "wait", "waits in shadow: loss against the champion"),
        (0.0, -0.04, "wait", "waits in shadow"),
        (-0.04, 0.04, "reject", "rejected: beaten by v1: "),
        (0.04, -0.04, "reject", "rejected: beaten by the champion: "),
        (None, -0.04, "promote", "has won: loss against v1"),
        (None, 0.04, "reject", "rejected: beaten by v1: "),
        (-0.04, None, "promote", "has won: loss against the champion"),
    ],
)
def test_a_challenger_has_to_hold_against_both(
    champion: float | None, anchor: float | None, verdict: str, words: str
) -> None:
    judged = [
        None if mean is None else duel.judge(days([mean] * 30), margin=0.0, bound=0.05, level=0.05)
        for mean in (champion, anchor)
    ]
    found = gate.decide([], judged[0], "day", "v1", judged[1])
    assert found.verdict == verdict
    assert found.reason.startswith(words)
    assert [name in found.reason for name in ("loss against the champion", "loss against v1")] == [
        each is not None for each in judged
    ]
    assert gate.facts(found)["beaten"] == (verdict == "reject")
    assert ("difference" in gate.facts(found)) == (champion is not None)


def test_the_ledger_learns_what_the_anchor_said() -> None:
    terms = Terms(loss="log_loss", cluster="day", margin=0.01, bound=0.05, level=0.05)
    held = duel.judge(days([-0.04] * 30), margin=0.01, bound=0.05, level=0.05, debt=-0.5)
    found = gate.against("baseline:first", terms, held)
    assert (found.name, found.terms, found.debt, found.clusters) == ("baseline:first", terms, -0.5, 30)
    assert found.low <= found.difference <= found.high
    assert found.evidence["for"] >= found.evidence["needed"] > found.evidence["against"]


def _duel(difference: float) -> Evidence:
    return duel.judge(days([difference] * 30), margin=0.0, bound=0.05, level=0.05)


@given(st.floats(0.01, 1e6), st.sampled_from([None, -0.04, 0.0, 0.04]))
def test_a_timing_never_rejects_and_never_promotes_what_is_slow(ms: float, difference: float | None) -> None:
    evidence = None if difference is None else _duel(difference)
    plain, timed = gate.decide([], evidence), gate.decide([limits.latency(ms, None, 10.0)], evidence)
    assert timed.verdict == ("wait" if ms > 10 and plain.verdict == "promote" else plain.verdict)
    assert gate.facts(timed)["failed"] == []
    assert gate.facts(timed).get("delayed") == (["latency_ms"] if ms > 10 else None)
    assert gate.facts(timed)["beaten"] == gate.facts(plain)["beaten"]


@pytest.mark.parametrize("difference", [None, -0.04])
def test_who_waits_for_a_timing_alone_is_told_so(difference: float | None) -> None:
    slow = limits.latency(12.0, 340.0, 10.0)
    waits = gate.decide([slow], None if difference is None else _duel(difference))
    assert "latency_ms is 12.0000, above its ceiling 10 (340 ms by the clock); it is measured again" in waits.reason
    assert ("there is no champion yet, and nothing else is missing" in waits.reason) == (difference is None)
    broken = floors({"roc_auc": 0.5}, {"roc_auc": Bound(min=0.6)})
    refused = gate.decide([slow, *broken], None)
    assert (refused.verdict, gate.facts(refused)["failed"]) == ("reject", ["roc_auc"])
    assert "latency" not in refused.reason
