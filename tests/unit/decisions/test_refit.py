"""A refit is judged as the evaluated model was, and has to be near it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Bound, Fairness, Gate
from ratchet.decisions import duel, refit
from ratchet.decisions.entries import Terms
from ratchet.training.evaluation import distance
from tests.given.clusters import days
from tests.given.evaluations import training

GATE = Gate(
    floors={"mae": Bound(max=2.0)},
    fairness=Fairness(columns=("sex",), demographic_parity=0.2),
    latency_ms=10,
    size_mb=10,
)
EVALUATED = training("judged", [], signatures=[{"inputs": {"a": "number"}, "outputs": ["x"]}] * 2).evaluation
ORDINARY: dict[str, Any] = {
    "metrics": {"challenger": {"mae": 0.9}},
    "fairness": {"sex": {"demographic_parity": 0.1}},
    "behaviour": {"up": (0.1, 0.2, "higher", 0.0)},
    "latency_ms": 1.0,
    "size_mb": 1.0,
    "signatures": [{"inputs": {"a": "number"}, "outputs": ["x"]}],
    "challenger_loss": 0.95,
    "compared": duel.dump(days([-0.04, -0.06, -0.05])),
    "distance": 0.1,
    "learnt": 3000,
}


def _judge(gate: Gate = GATE, **changed: Any) -> Any:
    return refit.judge(gate, None, {**ORDINARY, **changed}, EVALUATED.model_dump())


def test_an_ordinary_refit_passes() -> None:
    listed = _judge()
    assert [check.name for check in listed if not check.passed] == []
    assert (refit.refusal(listed), refit.delay(listed), refit.failed(listed)) == ("", "", ())
    assert len(listed) == 8


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"metrics": {"challenger": {"mae": 3.0}}}, "mae"),
        ({"metrics": {"challenger": {}}}, "mae"),
        ({"fairness": {"sex": {"demographic_parity": 0.3}}}, "demographic_parity over sex"),
        ({"behaviour": {"up": (0.2, 0.1, "higher", 0.0)}}, "up"),
        ({"size_mb": 11.0}, "size_mb"),
        ({"signatures": [{"inputs": {"b": "number"}, "outputs": ["x"]}]}, "signature"),
        ({"challenger_loss": 1.5}, "loss"),
        ({"challenger_loss": math.nan}, "loss"),
        ({"distance": 0.7}, "distance"),
        ({"distance": math.inf}, "distance"),
        ({"distance": math.nan}, "distance"),
    ],
)
def test_each_check_refuses_a_refit_by_its_own_number(changed: dict[str, Any], name: str) -> None:
    listed = _judge(**changed)
    assert refit.failed(listed) == (f"refit: {name}",)
    assert refit.refusal(listed).startswith("its refit: ")


def test_a_timing_lets_a_refit_wait_and_refuses_none() -> None:
    listed = _judge(latency_ms=11.0)
    assert (refit.refusal(listed), refit.failed(listed)) == ("", ())
    assert "latency_ms is 11.0000, above its ceiling 10" in refit.delay(listed)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.floats(-2, 2), st.floats(0, 0.5))
def test_a_loss_may_be_worse_by_the_margin_or_by_what_days_alone_make_of_it(
    daily: list[float], worse: float, margin: float
) -> None:
    found = {"challenger_loss": EVALUATED.challenger_loss + worse, "compared": duel.dump(days(daily))}
    check = refit.loss(margin, found, EVALUATED.model_dump())
    assert check.high is not None
    assert check.passed == (check.number <= check.high)
    if margin:
        assert check.high == margin
    elif len(daily) == 1:
        assert check.high == pytest.approx(0.1)
    else:
        assert check.high == pytest.approx(2 * np.std(daily, ddof=1) / math.sqrt(len(daily)), abs=1e-9)
    assert worse > 0 or check.passed


@given(st.integers(0, 1000), st.sampled_from(["constant", "flipped", "shuffled"]))
def test_the_default_bound_lies_where_failures_do(seed: int, kind: str) -> None:
    """Of predictions that are spread as a probability or a value may be; a shuffled fit is all but a constant."""
    rng = np.random.default_rng(seed)
    said = rng.normal(size=2000)
    ordinary = said + rng.normal(0, 0.3, 2000)
    broken = {"constant": np.full(2000, 0.3), "flipped": -said, "shuffled": rng.normal(0, 0.3, 2000)}[kind]
    assert refit.distance(Gate(), distance(ordinary, said), 3000).passed
    assert not refit.distance(Gate(), distance(broken, said), 3000).passed


def test_of_few_rows_a_distance_is_told_unless_the_contract_names_one() -> None:
    told = refit.distance(Gate(), 0.93, 2999)
    assert (told.passed, told.number) == (True, 0.93)
    assert told.text.endswith("told only: that model has learnt from 2,999 rows, and it takes 3,000")
    assert not refit.distance(Gate(), math.inf, 2999).passed
    assert not refit.distance(Gate(), math.nan, 2999).passed
    assert not refit.distance(Gate(refit_distance=0.6), 0.93, 2999).passed
    assert refit.distance(Gate(refit_distance=0.6), 0.5, 2999).text.endswith(
        "0.50 deviations from the evaluated model's"
    )


def test_the_margin_is_that_of_the_terms_that_were_won_by() -> None:
    by = Terms(loss="absolute_error", cluster="day", margin=0.4, bound=1.0, level=0.05)
    found = {**ORDINARY, "challenger_loss": EVALUATED.challenger_loss + 0.3}

    def high(gate: Gate, terms: Terms | None) -> float | None:
        listed = refit.judge(gate, terms, found, EVALUATED.model_dump())
        return next(check.high for check in listed if check.name == "refit: loss")

    assert high(GATE, by) == 0.4  # follows from the bound of its time, which the contract does not say
    assert high(Gate(margin=0.2), by) == 0.4
    assert high(Gate(margin=0.2), None) == 0.2  # of a ledger of before there were terms
    assert high(GATE, by.model_copy(update={"margin": 0.0})) == pytest.approx(0.0115, abs=1e-4)
