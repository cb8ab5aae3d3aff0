"""Groups of rows in which a challenger must not be worse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Gate, Slices
from ratchet.decisions.checks.slices import judge, slices
from ratchet.decisions.duel import Cluster
from tests.given.clusters import days


def test_one_slice_worse_than_its_margin_is_found_among_many() -> None:
    rng = np.random.default_rng(7)
    found = {f"carrier={i}": days(rng.normal(0, 0.02, 7).tolist()) for i in range(15)}
    assert all(check.passed for check in slices(found, 0.05, 0.05))
    checks = slices({**found, "carrier=AA": days(rng.normal(0.15, 0.02, 7).tolist())}, 0.05, 0.05)
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


def test_a_gate_without_slices_judges_none() -> None:
    found = {"slices": {"carrier=AA": [["2013-01-01", 10, 99.0, 0], ["2013-01-02", 10, 99.0, 0]]}}
    assert judge(Gate(), found) == []
    assert [check.passed for check in judge(Gate(slices=Slices(columns=("carrier",))), found)] == [False]


@pytest.mark.parametrize("values", [[0.0], [99.0], [-math.inf, -math.inf]])
@pytest.mark.parametrize("undefined", ["forbid", "tell"])
def test_what_cannot_be_judged_is_undefined_and_not_passed_by_its_mean(values: list[float], undefined: Any) -> None:
    clusters = [Cluster(str(i), 1, v if math.isfinite(v) else 0.0, -int(math.isinf(v))) for i, v in enumerate(values)]
    (check,) = slices({"k=a": clusters}, 0.05, 0.05, undefined)
    assert (check.passed, check.told, check.number) == (undefined == "tell", undefined == "tell", None)
    assert "k=a: undefined: " in check.text


def test_a_column_without_a_level_that_can_be_judged_is_undefined() -> None:
    found = {"slices": {}, "small_slices": {"carrier": {"carrier=AA": 12, "carrier=HA": 3}}}
    rule = {"columns": ("carrier",)}
    (check,) = judge(Gate(slices=Slices.model_validate(rule)), found)
    assert check.forbids
    assert "undefined: no level has 200 rows; there is carrier=AA (12 rows), carrier=HA (3 rows)" in check.text
    (told,) = judge(Gate(slices=Slices.model_validate({**rule, "undefined": "tell"})), found)
    assert (told.passed, told.told) == (True, True)
    known = {"carrier=UA": [["a", 300, 0.0, 0], ["b", 300, 3.0, 0]]}
    judged, small = judge(Gate(slices=Slices.model_validate(rule)), {**found, "slices": known})
    assert (judged.passed, judged.told, small.told) == (True, False, True)
    assert "not judged: carrier=AA (12 rows)" in small.text
    assert judge(Gate(slices=Slices.model_validate(rule)), {"slices": {}, "small_slices": None}) == []  # no champion
