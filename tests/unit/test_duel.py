"""The duel: what it promises, as properties; its checks; and the shadows of those who wait."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ratchet.contract.rules import Bound
from ratchet.decisions import duel, gate, shadows
from ratchet.decisions.checks.behaviour import behaviour
from ratchet.decisions.checks.floors import floors
from ratchet.decisions.checks.signature import signature
from ratchet.decisions.checks.slices import slices
from ratchet.decisions.duel import Cluster
from ratchet.partitions import shift

losses = st.one_of(st.floats(0, 16), st.sampled_from([math.nan, math.inf]))
rows = st.lists(st.tuples(st.sampled_from(["2013-02-01", "2013-02-02", "2013-02-03"]), losses, losses), max_size=30)
differences = st.lists(st.floats(-0.3, 0.3), max_size=60)
rules = st.fixed_dictionaries(
    {"margin": st.floats(-0.02, 0.02), "bound": st.floats(0.05, 0.2), "level": st.floats(0.001, 0.2)}
)


def _clusters(table: list[tuple[str, float, float]]) -> list[Cluster]:
    days, ours, theirs = ([row[i] for row in table] for i in range(3))
    return duel.cluster(days, np.array(ours, dtype=float), np.array(theirs, dtype=float))


def _days(values: list[float]) -> list[Cluster]:
    return [Cluster(shift("2013-01-01", i), 10, 10 * value) for i, value in enumerate(values)]


@given(rows, st.randoms(use_true_random=False))
def test_permuting_rows_within_a_day_changes_nothing(table: list[tuple[str, float, float]], random: Any) -> None:
    other = list(table)
    random.shuffle(other)
    assert _clusters(other) == _clusters(table)


@given(rows, st.integers(0, 30))
def test_a_day_in_two_calls_is_the_day_in_one(table: list[tuple[str, float, float]], cut: int) -> None:
    parts = duel.merge(_clusters(table[:cut]), _clusters(table[cut:]))
    whole = _clusters(table)
    assert [(c.key, c.rows, c.undefined) for c in parts] == [(c.key, c.rows, c.undefined) for c in whole]
    assert [c.total for c in parts] == pytest.approx([c.total for c in whole])
    one, other = (duel.judge(each, margin=0.0, bound=0.1, level=0.05) for each in (parts, whole))
    assert one.verdict == other.verdict
    assert one.rival == pytest.approx(other.rival)


@given(rows)
def test_exchanging_rows_is_exchanging_clusters(table: list[tuple[str, float, float]]) -> None:
    assert _clusters([(day, theirs, ours) for day, ours, theirs in table]) == duel.exchange(_clusters(table))


@given(differences, rules)
def test_exchanging_the_models_mirrors_the_verdict(values: list[float], rule: dict[str, float]) -> None:
    ours = duel.judge(_days(values), **rule)
    theirs = duel.judge(duel.exchange(_days(values)), **{**rule, "margin": -rule["margin"]})
    assert theirs.verdict == {"promote": "reject", "reject": "promote", "wait": "wait"}[ours.verdict]
    assert (theirs.rival, theirs.champion) == (pytest.approx(ours.champion), pytest.approx(ours.rival))
    assert theirs.difference == pytest.approx(-ours.difference)
    assert (theirs.low, theirs.high) == (pytest.approx(-ours.high, abs=1e-9), pytest.approx(-ours.low, abs=1e-9))


@given(rows, rules)
def test_every_input_gets_a_verdict(table: list[tuple[str, float, float]], rule: dict[str, float]) -> None:
    """No rows, one row, one class, NaN and infinity on either side: a verdict, and finite evidence."""
    found = duel.judge(_clusters(table), **rule)
    assert found.verdict in ("promote", "reject", "wait")
    assert all(map(math.isfinite, (found.rival, found.champion, found.difference, found.low, found.high)))
    assert gate.decide([], found).reason


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"), [(math.nan, 0.5, "reject"), (0.5, math.inf, "promote"), (math.nan, math.nan, "wait")]
)
def test_a_loss_that_is_not_a_number_is_the_worst(ours: float, theirs: float, verdict: str) -> None:
    table = [(shift("2013-01-01", i), ours, theirs) for i in range(40)]
    assert duel.judge(_clusters(table), margin=0.0, bound=0.1, level=0.05).verdict == verdict


@given(differences, rules, st.floats(0.3, 0.9))
def test_a_stricter_level_never_decides_sooner(values: list[float], rule: dict[str, float], factor: float) -> None:
    strict = duel.judge(_days(values), **{**rule, "level": rule["level"] * factor})
    if strict.verdict != "wait":
        assert duel.judge(_days(values), **rule).verdict == strict.verdict


@given(differences.filter(bool), rules)
def test_the_curve_ends_in_the_verdict(values: list[float], rule: dict[str, float]) -> None:
    found = duel.judge(_days(values), **rule)
    assert duel.curve(_days(values), margin=rule["margin"], bound=rule["bound"])[-1] == (found.rival, found.champion)


@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_under_the_hypothesis_it_seldom_fires_however_often_one_looks(margin: float) -> None:
    """Days of heavy, skewed noise around the margin.

    Over 1,000 streams looked at each night, at most the level (99.9% of the binomial).
    """
    rng = np.random.default_rng(3)
    fired = 0
    for _ in range(1000):
        values = rng.choice([-1, 1], 120) * rng.exponential(0.01, 120) + margin
        fired += max(ours for ours, _ in duel.curve(_days(values.tolist()), margin=margin, bound=0.1)) >= -math.log(0.1)
    assert fired <= stats.binom.ppf(0.999, 1000, 0.1)


def test_the_confidence_sequence_holds_the_mean_at_every_night() -> None:
    rng = np.random.default_rng(4)
    missed = 0
    for _ in range(60):
        values = (rng.normal(-0.01, 0.01, 40)).tolist()
        for n in range(5, 41, 5):
            found = duel.judge(_days(values[:n]), margin=0.0, bound=0.1, level=0.1)
            if not found.low <= -0.01 <= found.high:
                missed += 1
                break
    assert missed <= stats.binom.ppf(0.999, 60, 0.1)


def test_a_better_rival_is_promoted_and_waiting_says_for_how_long() -> None:
    rng = np.random.default_rng(5)
    values = (rng.normal(-0.01, 0.008, 60)).tolist()
    waits = duel.judge(_days(values[:8]), margin=0.0, bound=0.05, level=0.05)
    assert waits.verdict == "wait"
    assert waits.more is not None
    assert "would decide" in gate.words(waits)
    assert duel.judge(_days(values[: 8 + 2 * waits.more]), margin=0.0, bound=0.05, level=0.05).verdict == "promote"
    nothing = duel.judge([], margin=0.0, bound=0.05, level=0.05)
    assert "no day of labels yet" in gate.words(nothing)


def test_a_fresher_model_no_worse_than_the_margin_is_promoted_where_that_is_the_aim() -> None:
    values = np.random.default_rng(6).normal(0.002, 0.008, 40).tolist()
    assert duel.judge(_days(values), margin=0.02, bound=0.05, level=0.05).verdict == "promote"
    assert duel.judge(_days(values), margin=0.0, bound=0.05, level=0.05).verdict != "promote"


@pytest.mark.parametrize(
    "rule", [{"margin": 0.1, "bound": 0.1}, {"margin": 0.0, "bound": math.inf}, {"margin": 0.0, "bound": 0.0}]
)
def test_rules_that_cannot_be(rule: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="margin of less than half"):
        duel.judge(_days([0.1]), **rule, level=0.05)
    with pytest.raises(ValueError, match="level"):
        duel.judge([], margin=0.0, bound=0.1, level=1.0)


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_the_levels_of_a_stream_keep_the_false_discovery_rate(promoted: list[bool]) -> None:
    """At whatever time it is promoted, a challenger's level is at most alpha g(i) times the promotions in the end.

    G sums to one.
    """
    total = sum(promoted)
    spent = sum(duel.level(0.05, i + 1, sum(promoted[:i])) / max(1, total) for i, won in enumerate(promoted) if won)
    assert spent <= 0.05
    assert sum(duel.level(0.05, i, 0) for i in range(1, 100_000)) <= 0.05


def test_vetoes_forbid_whatever_the_duel_says() -> None:
    best = duel.judge(_days([-0.04] * 30), margin=0.0, bound=0.05, level=0.05)
    assert gate.decide([], best).verdict == "promote"
    floor = floors({"roc_auc": 0.5}, {"roc_auc": Bound(min=0.6)})
    held = gate.decide(floor, best)
    assert held.verdict == "reject"
    assert "roc_auc is 0.5000, below its floor 0.6" in held.reason
    assert gate.decide(floors({"roc_auc": 0.7}, {"roc_auc": Bound(min=0.6)}), None).verdict == "promote"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_floor_on_an_undefined_metric_holds(value: float | None) -> None:
    metrics = {} if value is None else {"roc_auc": value}
    assert not floors(metrics, {"roc_auc": Bound(min=0.6)})[0].passed


def test_one_slice_worse_than_its_margin_is_found_among_many() -> None:
    rng = np.random.default_rng(7)
    found = {f"carrier={i}": _days(rng.normal(0, 0.02, 7).tolist()) for i in range(15)}
    assert all(check.passed for check in slices(found, 0.05, 0.05))
    checks = slices({**found, "carrier=AA": _days(rng.normal(0.15, 0.02, 7).tolist())}, 0.05, 0.05)
    assert [check.name for check in checks if not check.passed] == ["carrier=AA"]


@pytest.mark.parametrize("days", [[], [Cluster("a", 0, 0.0)]])
def test_an_empty_slice_is_no_slice(days: list[Cluster]) -> None:
    assert slices({"carrier=AA": days}, 0.05, 0.05) == []


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from([0.0, 0.1, math.inf, -math.inf]), max_size=3)))
def test_every_slice_gets_a_verdict(found: dict[str, list[float]]) -> None:
    for check in slices(
        {
            n: [Cluster(str(i), 1, 0.0, int(np.sign(v)) if math.isinf(v) else 0) for i, v in enumerate(vs)]
            for n, vs in found.items()
        },
        0.05,
        0.05,
    ):
        assert check.text


def test_behaviour_and_signature() -> None:
    results = {
        "up": (0.2, 0.5, "higher", 0.0),
        "flat": (0.2, 0.21, "same", 0.02),
        "down": (0.2, 0.4, "lower", 0.0),
        "odd": (0.2, math.nan, "same", 1.0),
    }
    assert [check.passed for check in behaviour(results)] == [True, True, False, False]
    same = signature({"a": "number"}, {"a": "number", "b": "category"}, ("binary", "binary"))
    assert same.passed
    more = signature({"a": "number", "c": "number"}, {"a": "number"}, ("binary", "binary"))
    assert "needs c (number)" in more.text
    assert not signature({}, {}, ("binary", "regression")).passed


def _entry(kind: str, run: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "run": run, "mlflow_run": run, "evaluated": run, **more}


def _wait(run: str, line: str, since: str = "2013-02-01") -> dict[str, Any]:
    return _entry("waiting", run, line=line, since=since, champion="1", day=since)


def test_the_ring_is_read_from_the_ledger() -> None:
    entries = [_wait("a", "A"), _wait("b", "B"), _wait("c", "C"), _entry("left", "a"), _entry("rejected", "b")]
    assert [each.run for each in shadows.challengers(entries)] == ["c"]
    promoted = _entry(
        "promoted", "c", version="4", replaces="1", day="2013-02-20", evaluated="c", champion="1", line="C"
    )
    assert shadows.challengers([*entries, promoted]) == []
    assert shadows.predecessor([*entries, promoted]) == shadows.Predecessor("1", "2013-02-20", ("4",))
    again = _entry("promoted", "d", version="6", replaces="4", day="2013-02-21", champion="4", line="C")
    assert shadows.predecessor([promoted, again]) == shadows.Predecessor("1", "2013-02-20", ("4", "6"))
    assert shadows.predecessor([promoted, _entry("released", version="1")]) is None
    assert shadows.predecessor([promoted, again, _entry("released", version="1")]) == shadows.Predecessor(
        "4", "2013-02-21", ("6",)
    )
    assert shadows.predecessor([promoted, _entry("rolled_back", version="1")]) is None


def test_who_has_to_leave_the_ring() -> None:
    waiting = shadows.challengers([_wait("a", "A", "2013-01-01"), _wait("b", "B"), _wait("c", "C")])
    assert set(shadows.leaving(waiting, None, 3, 28, "2013-02-10")) == {"a"}
    newcomer = shadows.Challenger("d", "d", "B", "2013-02-08", "1")
    assert "carries its recipe" in shadows.leaving(waiting, newcomer, 3, 28, "2013-02-10")["b"]
    other = shadows.Challenger("d", "d", "D", "2013-02-08", "1")
    assert set(shadows.leaving(waiting, other, 2, 28, "2013-02-10")) == {"a", "b"}
    assert set(shadows.leaving(waiting, other, 3, 28, "2013-02-10")) == {"a"}


def test_a_lines_place_in_the_stream() -> None:
    first = _entry("promoted", "x", line="X", champion=None)
    entries = [
        first,
        _wait("a", "A"),
        _entry("rejected", "b", line="B", champion="1"),
        _entry("promoted", "a", line="A", champion="1"),
    ]
    assert shadows.place(entries, "A") == (1, 0)
    assert shadows.place(entries, "B") == (2, 1)
    assert shadows.place(entries, "new") == (3, 1)
