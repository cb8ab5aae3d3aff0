"""A challenger beside the champion on held-out rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ratchet import catalog, extensions
from ratchet.contract.rules import Bound, Gate, Slices
from ratchet.data import features
from ratchet.decisions import duel
from ratchet.training import evaluation
from ratchet.training.baseline import Baseline
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


def test_what_answers_were_shifted_by_is_kept_by_day(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    model = rows.breeze(loop)
    shifts = {"2013-01-03": (0.25,), "2013-01-04": (-0.5,)}
    ours, theirs = (
        evaluation.of_model(model, table, shifts),
        evaluation.of_models(dict.fromkeys(shifts, model), table, {"2013-01-04": (1.0,)}),
    )
    plain = Baseline(kind="mean of the last week", values=(14.0,), rows=9, first="2013-01-01", until="2013-01-01")
    found = evaluation.compare(loop, table, ours, theirs, plain, {"2013-01-02": (2.0,)})
    assert found["shifts"] == {
        "challenger": {"2013-01-03": [0.25], "2013-01-04": [-0.5]},
        "champion": {"2013-01-04": [1.0]},
        "baseline": {"2013-01-02": [2.0]},
    }
    alone = evaluation.compare(loop, table, evaluation.of_model(model, table), None)
    assert alone["shifts"] == {"challenger": {}, "champion": {}, "baseline": {}}


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


def test_a_baseline_stands_beside_challenger_and_champion(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    loop = loop.model_copy(update={"gate": loop.gate.model_copy(update={"level": 0.05})})
    ours = evaluation.of_model(rows.breeze(loop), table)
    plain = Baseline(kind="mean of the last week", values=(14.0,), rows=9, first="2013-01-01", until="2013-01-01")
    found, without = (evaluation.compare(loop, table, ours, ours, each) for each in (plain, None))
    losses = (ours.target - 14.0) ** 2
    days = np.array(table.column(features.PARTITION).to_pylist())
    assert found["metrics"]["baseline"].keys() == found["metrics"]["challenger"].keys()
    assert found["metrics"]["baseline"]["rmse"] == np.sqrt(losses.mean())
    assert found["baseline_loss"] == losses.mean()
    assert found["days"]["2013-01-03"]["baseline"] == losses[days == "2013-01-03"].mean()
    own = (ours.target - ours.prediction) ** 2
    assert duel.load(found["baseline"]) == duel.cluster(days, own, losses)
    assert found["baseline_words"] == plain.words
    assert [*found["too_few"]] == ["rows", "clusters"]
    assert (without["baseline"], without["baseline_loss"], without["baseline_words"]) == (None, None, "")
    assert "baseline" not in without["metrics"]
    assert "baseline" not in without["days"]["2013-01-03"]
    same = {"metrics", "days", "baseline", "baseline_loss", "baseline_words", "usual_loss"}
    assert {k: v for k, v in found.items() if k not in same} == {k: v for k, v in without.items() if k not in same}


def test_what_is_usual_is_known_before_the_holdout(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    ours = evaluation.of_model(rows.breeze(loop), table)
    one = Baseline(kind="mean of the last week", values=(14.0,), rows=9, first="2013-01-01", until="2013-01-01")
    weeks = one.model_copy(update={"losses": {"training window": 31.0, "last week": 29.0}})

    def usual(plain: Baseline | None, before: float | None = None) -> float | None:
        found: float | None = evaluation.compare(loop, table, ours, ours, plain, before=before)["usual_loss"]
        return found

    assert (usual(weeks), usual(one), usual(None), usual(weeks, 7.0)) == (29.0, None, None, 7.0)


def test_a_metric_of_the_loops_own_that_takes_no_constant_is_left_out_of_the_baseline(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    loop = loop.model_copy(update={"gate": Gate(floors={"own": Bound(min=0.0)}, loss="squared_error")})

    def measure(target: np.ndarray, prediction: np.ndarray) -> float:
        return 1 / float(np.ptp(prediction)) if np.ptp(prediction) else 1 / 0

    monkeypatch.setattr(extensions, "find", lambda *_: SimpleNamespace(measure=measure))
    plain = Baseline(kind="mean of the last week", values=(14.0,), rows=9, first="2013-01-01", until="2013-01-01")
    target = np.array(table.column("wind"))
    found = evaluation.compare(loop, table, Side(np.ones(len(target), dtype=bool), target, target + 1), None, plain)
    assert found["metrics"]["challenger"].keys() - found["metrics"]["baseline"].keys() == {"own"}


def test_a_baseline_is_not_measured_by_how_rows_are_ordered() -> None:
    """It orders none of a day: what its areas came to, 0.44 say, was the order of the days' shifts."""
    import pyarrow as pa

    loop = catalog.load("flight_delays").model_copy(update={"gate": Gate()})
    days, target = ["a", "a", "b", "b"], np.array([1.0, 0.0, 1.0, 1.0])
    table = pa.table({features.PARTITION: days, loop.target.name: target})
    ours = Side(np.ones(4, dtype=bool), target, np.array([0.9, 0.2, 0.8, 0.6]))
    plain = Baseline(kind="shares", values=(0.6,), rows=9, first="0", until="1")
    found = evaluation.compare(loop, table, ours, None, plain, {"a": (0.1,), "b": (-0.1,)})["metrics"]
    assert found["challenger"].keys() - found["baseline"].keys() == {"roc_auc", "average_precision"}
    assert {"log_loss", "brier", "calibration_error"} == found["baseline"].keys()


def test_a_baseline_is_asked_in_its_own_order_of_classes() -> None:
    """The challenger may know other classes than the anchor's baseline of long ago; both are told by those of both."""
    import pyarrow as pa

    loop = catalog.load("flight_delays")
    loop = loop.model_copy(update={"task": "multiclass", "target": loop.target.model_copy(update={"name": "kind"})})
    table = pa.table({features.PARTITION: ["b", "a", "b", "c"], "kind": ["x", "y", "z", "x"]})
    old = Baseline(
        kind="shares", values=(0.2, 0.8), classes=("y", "x"), rows=9, first="0", until="1", losses={}, note=""
    )
    new = old.model_copy(update={"values": (0.5, 0.4, 0.1), "classes": ("x", "y", "z")})
    found = evaluation.of_baselines(loop, {"a": new, "b": old}, table)
    assert found.rows.tolist() == [True, True, True, False]
    assert found.classes == ("x", "y", "z")
    assert found.target.tolist() == [0, 1, -1]  # in the order of the rows; what the old one does not know stays so
    assert [each.tolist() for each in found.prediction] == [[0.8, 0.2, 0.0], [0.5, 0.4, 0.1], [0.8, 0.2, 0.0]]


def test_what_rows_cost_stands_beside_their_losses(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    ours = evaluation.of_model(rows.breeze(loop), table)
    assert evaluation.compare(loop, table, ours, None)["value"] is None
    told = {"unit": "hours", "sql": "CASE WHEN origin = 'JFK' THEN 2 * abs(prediction - label) ELSE 0 END"}
    loop = loop.model_copy(update={"gate": Gate.model_validate({"loss": "absolute_error", "value": told})})
    jfk = np.array(table.column("origin").to_pylist()) == "JFK"
    own = 2 * jfk * np.abs(ours.target - ours.prediction)
    plain = Baseline(kind="mean of the last week", values=(14.0,), rows=9, first="2013-01-01", until="2013-01-01")
    usual = 2 * jfk * np.abs(ours.target - 14.0)
    days = np.array(table.column(features.PARTITION).to_pylist())
    alone = evaluation.compare(loop, table, ours, None, plain)["value"]
    assert alone["challenger"] == pytest.approx(own.mean())
    assert alone["baseline"] == pytest.approx(usual.mean())
    assert (alone["unit"], alone["champion"], alone["against"]) == ("hours", None, "baseline")
    assert [(each.key, each.rows) for each in duel.load(alone["days"])] == [(f"2013-01-0{n}", 24) for n in (2, 3, 4)]
    assert sum(each.total for each in duel.load(alone["days"])) == pytest.approx((own - usual).sum())
    assert {*alone["daily"]} == {"2013-01-02", "2013-01-03", "2013-01-04"}
    first = days == "2013-01-02"
    assert alone["daily"]["2013-01-02"] == pytest.approx(
        {"challenger": own[first].sum(), "baseline": usual[first].sum()}
    )
    late = days > "2013-01-02"
    theirs = Side(late, ours.target[late], ours.prediction[late] + 100)
    found = evaluation.compare(loop, table, ours, theirs, plain)["value"]
    assert found["champion"] > found["challenger"]
    assert found["against"] == "champion"
    assert [key for key, *_ in found["days"]] == [*found["daily"]] == ["2013-01-03", "2013-01-04"]
    assert {*found["daily"]["2013-01-03"]} == {"challenger", "champion"}
    assert evaluation.compare(loop, table, ours, None)["value"]["daily"] == {}
    duelled = loop.model_copy(update={"gate": Gate.model_validate({"loss": "value", "bound": 5, "value": told})})
    whole = evaluation.compare(duelled, table, ours, theirs, plain)
    assert whole["compared"] == found["days"] == whole["value"]["days"]
    assert whole["challenger_loss"] == pytest.approx(own.mean())
    assert whole["loss"].startswith("value:")
    assert evaluation.against(duelled, table, ours, theirs) == found["days"]
