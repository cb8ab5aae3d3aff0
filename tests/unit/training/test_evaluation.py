"""A challenger beside the champion on held-out rows."""

from __future__ import annotations

import numpy as np

from ratchet import catalog
from ratchet.contract.rules import Gate
from ratchet.data import features
from ratchet.training import evaluation
from ratchet.training.model import Model


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
