"""What a row costs, and what is decided by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.contract.rules import Gate
from ratchet.contract.value import OUTCOMES, Value
from ratchet.errors import ContractError, DataError
from ratchet.training import value

PRICE = st.floats(-20, 100)
CLASSES = ("early", "late", "on time")
HAND = {"late": {"on time": 60, "early": 70}, "on time": {"late": 15}}


def _loop(task: str = "binary", target: str = "late", **about: Any) -> Loop:
    known = catalog.load("flight_delays")
    gate = Gate.model_validate({"loss": "value", "bound": 10, "value": {"unit": "minutes", **about}})
    update = {"task": task, "gate": gate, "target": known.target.model_copy(update={"name": target})}
    return known.model_copy(update=update)


def _rows(label: Any, name: str = "late", **columns: Any) -> Any:
    n = len(label)
    key = {
        "sched_dep": [f"t{i}" for i in range(n)],
        "carrier": ["UA"] * n,
        "flight": [*range(n)],
        "origin": ["JFK"] * n,
    }
    return lambda: pa.table({**key, "_ratchet_partition": ["d"] * n, **columns, name: pa.array(label)})


def _never() -> pa.Table:
    raise AssertionError("rows are asked for where nothing needs them")


def test_another_loss_is_the_tasks_own() -> None:
    loop = catalog.load("flight_delays")
    found = value.losses(loop, np.array([1.0, 0.0]), np.array([0.5, 0.5]), _never)
    assert found == pytest.approx(np.log([2, 2]))


@given(st.tuples(PRICE, PRICE), st.tuples(st.floats(0.01, 90), st.floats(0.01, 90)), st.floats(0, 1), st.floats(0, 1))
def test_no_other_threshold_costs_less_where_probabilities_are_true(
    right: tuple[float, float], more: tuple[float, float], chance: float, other: float
) -> None:
    """Elkan 2001: of rows that are positive with probability p, as said."""
    costs = {"true_positive": right[0], "true_negative": right[1]}
    costs |= {"false_negative": right[0] + more[0], "false_positive": right[1] + more[1]}
    loop = _loop(costs=costs)
    assert loop.gate.value is not None
    assert 0 < loop.gate.value.threshold < 1

    def expected(threshold: float) -> float:
        said = "positive" if chance >= threshold else "negative"
        if said == "positive":
            return chance * costs["true_positive"] + (1 - chance) * costs["false_positive"]
        return chance * costs["false_negative"] + (1 - chance) * costs["true_negative"]

    assert expected(loop.gate.value.threshold) <= expected(other) + 1e-9
    outcomes = value.costs(loop, np.array([1.0, 0.0]), np.array([chance, chance]), _never)
    assert chance * outcomes[0] + (1 - chance) * outcomes[1] == pytest.approx(expected(loop.gate.value.threshold))


@given(st.lists(st.floats(0.1, 100), min_size=9, max_size=9), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_no_other_class_costs_less_where_probabilities_are_true(prices: list[float], weights: list[float]) -> None:
    matrix, chances = np.reshape(prices, (3, 3)) * (1 - np.eye(3)), np.array(weights) / sum(weights)
    costs = {a: dict(zip(CLASSES, row, strict=True)) for a, row in zip(CLASSES, matrix.tolist(), strict=True)}
    loop = _loop("multiclass", costs=costs)
    (said,) = value.decided(loop, chances[None], CLASSES)
    expected = chances @ matrix
    assert expected[said] == pytest.approx(expected.min(), abs=1e-9)
    found = value.costs(loop, np.arange(3.0), np.tile(chances, (3, 1)), _rows([*CLASSES]), CLASSES)
    assert found == pytest.approx(matrix[:, said])


def test_of_two_classes_that_cost_the_same_the_likelier_is_said() -> None:
    loop = _loop("multiclass", costs=HAND)
    said = value.decided(loop, np.array([[0.3, 0.0, 0.7], [0.7, 0.0, 0.3]]), CLASSES)
    assert [CLASSES[each] for each in said] == ["on time", "early"]


def test_a_class_that_costs_do_not_name_is_never_said_and_costs_nothing() -> None:
    """To say it would cost nothing in any row: it would be said of all."""
    loop, classes = _loop("multiclass", costs=HAND), ("cancelled", *CLASSES)
    said = value.decided(loop, np.array([[0.97, 0.01, 0.01, 0.01], [0.1, 0.1, 0.7, 0.1]]), classes)
    assert "cancelled" not in [classes[each] for each in said]
    found = value.costs(loop, np.zeros(1), np.array([[0.0, 0.1, 0.8, 0.1]]), _rows(["cancelled"]), classes)
    assert found == [0.0]
    assert value.decided(loop, np.array([[0.2, 0.8]]), ("x", "y")).tolist() == [1]  # none is named: the likeliest


def test_a_class_that_the_model_does_not_know_costs_what_it_costs() -> None:
    loop = _loop("multiclass", costs=HAND)
    found = value.costs(loop, np.array([-1.0]), np.array([[0.5, 0.5]]), _rows(["late"]), ("early", "on time"))
    assert found[0] in (60, 70)


@settings(max_examples=20)
@given(
    st.tuples(st.integers(0, 90), st.integers(1, 90)),
    st.tuples(st.integers(0, 90), st.integers(1, 90)),
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_sql_that_says_the_same_costs_the_same(
    positive: tuple[int, int], negative: tuple[int, int], drawn: list[tuple[bool, float]]
) -> None:
    (right, more), (none, worse) = positive, negative
    costs: dict[str, float] = dict(zip(OUTCOMES, (right, none + worse, right + more, none), strict=True))
    by_costs = _loop(costs=costs)
    assert by_costs.gate.value is not None
    right, wrongly, missed, none = (costs[name] for name in OUTCOMES)
    at = f"prediction >= CAST({by_costs.gate.value.threshold!r} AS DOUBLE)"
    told = f"CASE WHEN label = 1 AND {at} THEN {right} WHEN {at} THEN {wrongly}"
    told = f"{told} WHEN label = 1 THEN {missed} ELSE {none} END"
    target, prediction = np.array([float(a) for a, _ in drawn]), np.array([p for _, p in drawn])
    expected = value.costs(by_costs, target, prediction, _never)
    for label in ([int(a) for a, _ in drawn], [a for a, _ in drawn]):
        assert np.array_equal(value.costs(_loop(sql=told), target, prediction, _rows(label)), expected)


def test_sql_of_classes_reads_the_likeliest_and_all_probabilities() -> None:
    text = '100 * probability_late + 1000 * "probability_on time" + CASE WHEN prediction = label THEN 0 ELSE 1 END'
    loop = _loop("multiclass", sql=text)
    prediction = np.array([[0.75, 0.25], [0.25, 0.75]])
    found = value.costs(loop, np.zeros(2), prediction, _rows(["early", "early"]), ("early", "late"))
    assert found.tolist() == [25, 76]  # no model knows `on time`: its probability is 0


def test_sql_reads_the_rows_own_columns_each_row_alone() -> None:
    rows = _rows([3.0, 5.0], name="flow", seats=[10.0, 20.0], Prediction=["shadowed", "by ours"])
    loop = _loop("regression", "flow", sql="abs(prediction - label) * seats + max(flight) OVER ()")
    assert value.costs(loop, np.zeros(2), np.array([4.0, 3.0]), rows).tolist() == [10.0, 41.0]


def test_a_row_without_a_cost_is_named_and_a_prediction_that_is_none_has_none() -> None:
    loop = _loop(sql="CASE WHEN prediction < 0.5 THEN 1 END")
    with pytest.raises(DataError, match=r"1 of 2 rows have no cost .* as of sched_dep t1, carrier UA, flight 1"):
        value.costs(loop, np.zeros(2), np.array([0.2, 0.7]), _rows([0, 0]))
    with pytest.raises(DataError, match="ELSE 0"):
        value.costs(_loop(sql="prediction / 0"), np.zeros(1), np.array([0.2]), _rows([0]))
    nan = np.array([np.nan, 0.2])
    for about in (
        {"sql": "CASE WHEN prediction < 0.5 THEN 1 END"},
        {"costs": {"false_positive": 1, "false_negative": 1}},
    ):
        found = value.costs(_loop(**about), np.ones(2), nan, _rows([1, 1]))
        assert np.array_equal(found, [np.nan, 1.0], equal_nan=True)
    assert value.costs(loop, np.zeros(0), np.zeros(0), _never).tolist() == []


@pytest.mark.parametrize(
    "text",
    ["predicton + 1", "prediction; DROP TABLE x", "(SELECT count(*) FROM read_csv('/etc/passwd')) + prediction"],
)
def test_sql_that_fails_or_reaches_further_is_a_mistake_of_the_contract(place: Path, text: str) -> None:
    with pytest.raises(ContractError, match=r"loop\.yaml.*gate\.value\.sql"):
        value.costs(_loop(sql=text), np.zeros(1), np.array([0.2]), _rows([0]))
    with pytest.raises(ContractError, match=r"loop\.yaml.*gate\.value\.sql"):
        value.type_of(_loop(sql=text), _rows([0])())


def test_what_duckdb_suggests_is_never_a_name_of_ours(place: Path) -> None:
    with pytest.raises(
        ContractError, match=r"DuckDB says: Binder Error: Referenced column \"plac\" not found"
    ) as caught:
        value.costs(_loop(sql="plac + prediction"), np.zeros(1), np.array([0.2]), _rows([0]))
    assert "_ratchet" not in str(caught.value)
    assert 'Candidate bindings: "' in str(caught.value)


def test_whether_costs_decide() -> None:
    assert [value.decides(_loop(**about)) for about in ({"costs": HAND}, {"sql": "prediction"})] == [True, False]
    assert not value.decides(catalog.load("flight_delays"))
    assert Value(unit="hours", costs={"false_positive": 15, "true_negative": 5, "false_negative": 40}).threshold == 0.2
