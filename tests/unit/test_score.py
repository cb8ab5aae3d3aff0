"""Hindsight is the best there is, frontiers have no better neighbour, and texts of policies are read or explained."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract import reading
from ratchet.errors import RequestError
from ratchet.replay import apply, score, spec, table
from ratchet.replay.score import Outcome
from ratchet.reports import replay as report
from ratchet.reports.replay import Row


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_hindsight_is_the_least_over_all_choices(fits: int, nights: int, most: int, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    losses, rows = rng.random((fits, nights)), rng.integers(1, 5, nights).astype(float)
    found = score.hindsight(losses, rows, most)
    for count in range(most + 1):
        least = np.inf
        for chosen in itertools.product(range(fits), repeat=nights):
            switches = sum(a != b for a, b in itertools.pairwise((0, *chosen)))
            if switches <= count:
                least = min(least, sum(losses[m, n] * rows[n] for n, m in enumerate(chosen)) / rows.sum())
        assert found[count] == pytest.approx(least)
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(found))


def _outcome(losses: list[float], asked: int = 0) -> Outcome:
    nights = tuple(
        {"night": f"n{i}", "loss": loss, "rows": 10, "decided": "retrain" if i < asked else "wait"}
        for i, loss in enumerate(losses)
    )
    return Outcome("p", "contract", nights, asked, 0, 1.0, ())


def test_a_difference_has_an_interval_over_days() -> None:
    rng = np.random.default_rng(0)
    easy, gap = rng.normal(0.5, 0.1, 300), rng.normal(0.01, 0.02, 300)
    mean, low, high = score.difference(_outcome(list(easy + gap)), _outcome(list(easy)))
    assert mean == pytest.approx(gap.mean())
    assert high - low == pytest.approx(2 * 1.96 * gap.std() / np.sqrt(300), rel=0.01)
    assert np.isnan(score.difference(_outcome([float("nan")]), _outcome([0.5]))[0])


def test_the_worst_week_is_measured_against_the_best_of_each_night() -> None:
    bad, good = _outcome([0.5] * 10 + [0.8] * 7 + [0.5] * 10), _outcome([0.5] * 27)
    assert score.worst_week(bad, [bad, good]) == pytest.approx(0.3)
    assert score.worst_week(good, [bad, good]) == pytest.approx(0.0)


def _row(name: str, loss: float, retrainings: int) -> Row:
    return Row(name, loss, (0, 0, 0), 0, retrainings, 0, 0, 0, 0, 0)


def test_the_frontier_and_the_recommendation() -> None:
    rows = [_row("never", 0.5, 0), _row("few", 0.45, 3), _row("worse", 0.46, 5), _row("many", 0.44, 100)]
    assert [row.name for row in report.frontier(rows)] == ["never", "few", "many"]
    assert table.recommended(rows, 100, 0.0).name == "many"
    assert table.recommended(rows, 100, 0.1).name == "few"
    assert table.recommended(rows, 100, 10.0).name == "never"
    assert report.figure(rows, [0.5, 0.44], "t").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weekly", "no policy 'weekly'. There is: calendar"),
        ("calendar:days", "not of the form key=value"),
        ("calendar:days=soon", "policies.calendar.days"),
        ("cost_aware", "policies.cost_aware.cost"),
        ("drift:colums=1", "colums"),
    ],
)
def test_a_policy_that_cannot_be_read_is_explained(place: Path, text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        spec.policy(catalog.load("wind"), text)


def test_policies_and_gates_are_read(place: Path) -> None:
    loop = catalog.load("flight_delays")
    found = spec.policy(loop, "drift+calendar:days=3,cooldown_days=0")
    assert found.policies == {"drift": {"columns": 1}, "calendar": {"days": 3}}
    assert found.cooldown_days == 0
    assert spec.policy(loop, "never").policies == {}
    assert spec.policy(loop, "contract") == loop.retrain
    assert spec.gate(loop, "aim=superior,margin=0").aim == "superior"
    with pytest.raises(RequestError, match="a margin belongs to"):
        spec.gate(loop, "aim=superior")


def test_a_recommendation_changes_nothing_else_in_the_contract(place: Path) -> None:
    loop = catalog.load("flight_delays")
    path = loop.folder / "loop.yaml"
    before = path.read_text()
    text = apply.changed(loop, "calendar:days=3,cooldown_days=1", "aim=superior,margin=0")
    lines = [line for line in apply.diff(loop, text).splitlines()[2:] if line[:1] in "+-" and line[1:].strip()]
    assert all(
        line.startswith("-") or "calendar" in line or "days" in line or "aim" in line or "margin" in line
        for line in lines
    )
    path.write_text(text)
    changed = reading.read(path)
    assert changed.retrain == spec.policy(loop, "calendar:days=3,cooldown_days=1")
    assert changed.gate == spec.gate(loop, "aim=superior,margin=0")
    assert changed.model_copy(update={"retrain": loop.retrain, "gate": loop.gate}) == loop
    assert before.count("#") <= text.count("#") + 3  # the comments beside what was replaced go with it
