"""What the gate asks of a challenger beside its loss."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fairlearn import metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.rules import Fairness
from ratchet.training import probes
from tests.given import rows

KINDS = ("rows", "predicted", "positive", "true_positive", "false_positive")


@given(st.lists(st.sampled_from(["a", "b", "c", None])), st.integers(1, 9))
def test_every_level_of_enough_rows_is_a_slice(values: list[str | None], least: int) -> None:
    table = pa.table({"k": pa.array(values, pa.string())})
    found = dict(probes.levels(table, ("k",), least))
    texts = [str(value) for value in values]
    assert {name: int(of.sum()) for name, of in found.items()} == {
        f"k={level}": texts.count(level) for level in set(texts) if texts.count(level) >= least
    }


def test_groups_are_compared_by_their_positive_rates() -> None:
    table = pa.table({"sex": ["f"] * 10 + ["m"] * 10 + ["x"] * 3})
    target = np.array([1.0] * 5 + [0.0] * 5 + [1.0] * 5 + [0.0] * 5 + [1.0] * 3)
    said = np.array([0.9] * 5 + [0.1] * 5 + [0.9] * 2 + [0.1] * 8 + [0.9] * 3)
    rule = Fairness(columns=("sex",), rows=5)
    found = probes.fairness(rule, table, target, said)["sex"]
    assert found["demographic_parity"] == pytest.approx(0.5 - 0.2)
    assert found["equalized_odds"] == pytest.approx(1.0 - 0.4)  # of the true positive rates
    assert found["groups"]["sex=f"] == dict(zip(KINDS, (10, 5, 5, 5, 0), strict=True))
    assert found["groups"]["sex=x"] == dict(zip(KINDS, (3, 3, 3, 3, 0), strict=True))
    alone = probes.fairness(Fairness(columns=("sex",), rows=11), table, target, said)["sex"]
    assert (alone["demographic_parity"], alone["equalized_odds"]) == (None, None)  # it was nought, and passed
    assert alone["groups"] == found["groups"]
    lacking = probes.fairness(Fairness(columns=("sex",), rows=2), table, target, said)["sex"]
    assert (lacking["demographic_parity"], lacking["equalized_odds"]) == (pytest.approx(0.8), None)


_ROWS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=30)


@settings(max_examples=30)
@given(st.lists(_ROWS, min_size=2, max_size=4))
def test_rates_are_compared_as_fairlearn_does(of_levels: list[list[tuple[bool, float]]]) -> None:
    levels = np.repeat([f"level {i}" for i in range(len(of_levels))], [len(each) for each in of_levels])
    target, said = (np.array(each) for each in zip(*itertools.chain(*of_levels), strict=True))
    rule = Fairness(columns=("k",), rows=2)
    found = probes.fairness(rule, pa.table({"k": levels}), target.astype(float), said)["k"]
    told = (target, said >= rule.threshold)
    assert found["demographic_parity"] == metrics.demographic_parity_difference(*told, sensitive_features=levels)
    if found["equalized_odds"] is not None:
        assert found["equalized_odds"] == metrics.equalized_odds_difference(*told, sensitive_features=levels)


def test_levels_of_too_few_rows_are_named_the_largest_first() -> None:
    table = pa.table({"k": ["a"] * 9 + ["b"] * 2 + ["c"] * 3, "j": ["x"] * 14})
    assert probes.small(table, ("k", "j"), 5) == {"k": {"k=c": 3, "k=b": 2}, "j": {}}
    many = probes.small(pa.table({"k": [str(i) for i in range(30)]}), ("k",), 5)["k"]
    assert len(many) == probes.NAMED + 1
    assert many["10 others"] == 10


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_tenths_of_the_predictions_hold_all_rows_in_order(said: list[tuple[float, bool]]) -> None:
    prediction, target = (np.array([each[i] for each in said], dtype=float) for i in (0, 1))
    found = probes.calibration(target, prediction)
    assert sum(count for _, _, count in found) == len(said)
    assert sum(share * count for _, share, count in found) == pytest.approx(target.sum())
    assert all(a[0] <= b[0] + 1e-12 for a, b in itertools.pairwise(found))


def test_what_predictions_come_from_comes_first(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    found = probes.importance(model, table, 0)
    assert set(found) == {"origin", "wind_now", "temp_now"}
    assert next(iter(found)) == "wind_now"
    assert found["temp_now"] < 0.2 * found["wind_now"]
    assert probes.importance(model, table, 0) == found


def test_a_delivered_level_is_one_short_line_of_a_name_of_its_own() -> None:
    """It wrote lines of the log, and paragraphs of the form in which a promotion is approved."""
    forged = "AA\nINFO promote: v9 is the champion\x1b[2J"
    levels = [forged, "x" * 200, "x" * 200 + "y", "z", "z ", "z (2)"]
    found = dict(probes.levels(pa.table({"k": levels * 3}), ("k",), 3))
    assert len(found) == len(levels)
    assert {int(of.sum()) for of in found.values()} == {3}
    assert "k=AA INFO promote: v9 is the champion\\x1b[2J" in found
    assert all(name.isprintable() and len(name) < 100 for name in found)
    assert sorted(name for name in found if "z" in name) == ["k=z", "k=z (2)", "k=z (2) (2)"]
