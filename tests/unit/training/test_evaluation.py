"""A challenger beside the champion on held-out rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ratchet import catalog
from ratchet.contract.rules import Gate, Slices
from ratchet.data import features
from ratchet.training import evaluation
from ratchet.training.evaluation import Side
from ratchet.training.model import Model
from tests.given import rows


def test_days_that_the_champion_was_trained_on_are_left_out() -> None:
    """A champion with a later window, restored by a rollback, say, has seen days of the holdout."""
    import pyarrow as pa

    loop = catalog.load("flight_delays")

    class Half(Model):
        def of_arrays(self, codes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
            return np.full(len(codes), 0.5)

    from ratchet.training.encoding import learn

    rows = pa.table({features.PARTITION: ["a", "a", "b", "c"], "late": [0, 1, 1, 0]})
    half = Half("x", learn("binary", "late", [], [], rows), None, None)
    loop = loop.model_copy(update={"gate": Gate()})
    found = evaluation.compare(
        loop, rows, evaluation.of_model(half, rows), evaluation.of_models({"b": half, "c": half}, rows)
    )
    assert found["compared"] == [["b", 1, 0.0, 0], ["c", 1, 0.0, 0]]
    assert found["rows"] == 4
    assert "champion" not in found["days"]["a"]


def test_a_model_a_day_answers_for_its_own_day(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    first, second = rows.breeze(loop), rows.breeze(loop, seed=5)
    said = evaluation.of_models({"2013-01-03": first, "2013-01-04": second}, table)
    days = np.array(table.column(features.PARTITION).to_pylist())
    assert np.array_equal(said.rows, days != "2013-01-02")
    assert np.array_equal(said.prediction, np.r_[first.predict(table)[24:48], second.predict(table)[48:]])
    assert evaluation.of_models({}, table).rows.sum() == 0


def test_slices_and_challengers_alone(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    gate = Gate(slices=Slices(columns=("origin",), rows=20), loss="absolute_error")
    loop = loop.model_copy(update={"gate": gate})
    ours = evaluation.of_model(rows.breeze(loop), table)
    alone = evaluation.compare(loop, table, ours, None)
    assert (alone["compared"], alone["champion_loss"], alone["slices"]) == (None, None, {})
    worse = Side(ours.rows, ours.target, ours.prediction + 100)
    found = evaluation.compare(loop, table, ours, worse)
    assert set(found["slices"]) == {"origin=EWR", "origin=JFK", "origin=LGA"}
    assert [(key, count) for key, count, *_ in found["slices"]["origin=JFK"]] == [
        (f"2013-01-0{day}", 8) for day in (2, 3, 4)
    ]
    assert found["champion_loss"] - found["challenger_loss"] > 90


def test_a_distance_is_in_deviations_and_a_signature_is_what_a_caller_knows(place: Path) -> None:
    theirs = np.array([0.0, 2.0])
    assert evaluation.distance(theirs + 3, theirs) == 3
    assert evaluation.distance(np.array([np.nan, 0.0]), theirs) == np.inf
    assert evaluation.distance(np.zeros(3), theirs) == np.inf
    assert evaluation.signature(rows.breeze(catalog.load("wind"))) == {
        "inputs": {"origin": "category", "wind_now": "number", "temp_now": "number"},
        "outputs": ["regression"],
    }
