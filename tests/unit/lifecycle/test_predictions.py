"""Who stands for a model in a duel, and what it predicts."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.contract.loop import Loop, Task
from ratchet.contract.rules import Gate
from ratchet.data import tables
from ratchet.decisions import shadows
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, predictions, records
from ratchet.lifecycle.records import Record
from ratchet.partitions import shift
from ratchet.training.baseline import Baseline
from tests.conftest import step
from tests.given import duels, rows
from tests.given import watched as given

PLAIN = Baseline(kind="mean of the last week", values=(14.5,), rows=9, first="2013-01-01", until="2013-01-07")


def test_a_challenger_is_compared_with_the_champions_twin_where_the_refit_has_seen_the_day(
    second: str, dueling: tuple[Path, str, str]
) -> None:
    with runs.connected():
        opponent = predictions.contender(catalog.load(duels.NAME), dueling[2])
    assert opponent.on("2013-01-12") == dueling[2]
    assert opponent.on("2013-01-09") not in (None, dueling[2])
    assert opponent.on("2013-01-05") is None


def test_a_prediction_is_laid_beside_its_label_by_key(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02")
    model = rows.breeze(loop)
    said = predictions.predict(loop, model, table, "7", seen=False)
    assert said.column_names == ["observed_at", "origin", "event_time", "prediction", "model_version", "seen"]
    assert set(said.column("model_version").to_pylist()) == {"7"}
    shuffled = said.take(list(range(said.num_rows))[::-1])
    target, values, joined = predictions.paired(loop, shuffled, table)
    assert joined.select(["observed_at", "origin"]).equals(table.select(["observed_at", "origin"]))
    assert np.array_equal(values, model.predict(table))
    assert np.array_equal(target, table.column("wind"))
    losses = predictions.losses(loop, said.slice(4), table)
    assert len(losses) == table.num_rows - 4
    assert list(losses.values()) == pytest.approx(((target - values) ** 2)[4:])
    assert predictions.without(table, said.slice(4), ["observed_at", "origin"]).num_rows == 4


def test_a_row_costs_what_its_own_columns_say(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02")
    model = rows.breeze(loop)
    said = predictions.predict(loop, model, table, "7", seen=False)
    told = {"unit": "hours", "sql": "CASE WHEN origin = 'JFK' THEN abs(prediction - label) * wind_now ELSE 0 END"}
    loop = loop.model_copy(update={"gate": Gate.model_validate({"loss": "value", "bound": 3, "value": told})})
    shuffled = table.take(list(range(table.num_rows))[::-1])
    found = predictions.losses(loop, said.slice(4), shuffled)
    now, jfk = np.array(table.column("wind_now")), np.array(table.column("origin").to_pylist()) == "JFK"
    expected = jfk * np.abs(np.array(table.column("wind")) - model.predict(table)) * now
    assert list(found.values()) == pytest.approx(expected[4:])


@pytest.mark.parametrize(
    ("task", "label", "decision"), [("binary", pa.int64(), [0, 1]), ("binary", pa.bool_(), [0, 1])]
)
def test_what_costs_decide_stands_beside_the_prediction(task: Task, label: pa.DataType, decision: list[int]) -> None:
    loop = catalog.load("flight_delays")
    told = {"unit": "minutes", "costs": {"false_positive": 15, "false_negative": 60}}
    loop = loop.model_copy(update={"gate": Gate.model_validate({"value": told})})
    plain = Baseline(kind="", values=(0.19,), rows=9, first="0", until="1")
    keys = {name: pa.array(["a"]) for name in loop.main_table.key}
    table = pa.table({**keys, "event_time": ["t"], "late": pa.array([None], label)})
    for share, expected in ((0.19, decision[0]), (0.21, decision[1])):
        record = Record(run="r", baseline=plain.model_copy(update={"values": (share,)}))
        said = predictions.predict_baseline(loop, record, table, seen=False)
        assert said.column("decision").to_pylist() == [expected]
        assert said.column("decision").type == label
    bare = loop.model_copy(update={"gate": Gate()})
    assert "decision" not in predictions.predict_baseline(bare, record, table, seen=False).column_names


def test_of_classes_the_one_that_costs_least_is_decided() -> None:
    loop = catalog.load("flight_delays")
    told = {"unit": "minutes", "costs": {"late": {"early": 60}, "early": {"late": 15}}}
    loop = loop.model_copy(update={"task": "multiclass", "gate": Gate.model_validate({"value": told})})
    plain = Baseline(kind="", values=(0.7, 0.3), classes=("early", "late"), rows=9, first="0", until="1")
    table = pa.table({**{name: ["a"] for name in loop.main_table.key}, "event_time": ["t"]})
    said = predictions.predict_baseline(loop, Record(run="r", baseline=plain), table, seen=False)
    assert said.select(["prediction", "decision"]).to_pylist() == [{"prediction": "early", "decision": "late"}]


def test_who_has_seen_a_day_does_not_stand_on_it() -> None:
    refit = predictions.Contender((("refit", "2013-01-11"), ("judged", "2013-01-07")))
    assert [refit.on(f"2013-01-{day:02}") for day in (12, 11, 8, 7)] == ["refit", "judged", "judged", None]


def _unmark(path: Path, rows: int = 72) -> None:
    """Write the first predictions of a day as they were before predictions were marked."""
    tables.write_table(tables.read_table(path).drop_columns(["seen"]).slice(0, rows), path)


def test_what_was_told_before_predictions_were_marked_is_marked_by_what_its_version_was_trained_on(
    watched: Path,
) -> None:
    loop, seen = catalog.load("wind_watched"), "2013-01-08"
    step("score", "wind_watched", partition=seen)
    for day in (seen, given.NIGHT):
        _unmark(predictions.live(loop, day), rows=70)
    for day, marked in ((seen, True), (given.NIGHT, False)):
        told = predictions.told(loop, day)
        assert told is not None
        assert told.column("seen").to_pylist() == [marked] * 70
        assert predictions.unseen(told).num_rows == (0 if marked else 70)
    assert step("score", "wind_watched", partition=seen).new == 2
    assert tables.read_table(predictions.live(loop, seen)).column("seen").to_pylist() == [True] * 72
    assert predictions.told(loop, "2013-01-07") is None
    assert predictions.trained(loop) == {"1": "2013-01-09"}


def test_a_shadow_is_marked_too(second: str) -> None:
    duels.live_night()
    loop = catalog.load(duels.NAME)
    (path,) = predictions.folder(loop, second).glob(f"{duels.NIGHT}.parquet")
    assert tables.read_table(path).column("seen").to_pylist() == [False] * 72
    _unmark(path)
    step("score", duels.NAME, partition=duels.NIGHT)
    rows = tables.read_table(predictions.live(loop, duels.NIGHT))
    assert _shadow(loop, second, rows, duels.NIGHT).column("seen").to_pylist() == [False] * 72


def test_a_baseline_predicts_in_the_form_of_a_model(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02")
    said = predictions.predict_baseline(loop, Record(run="abc", baseline=PLAIN), table, seen=False)
    model = predictions.predict(loop, rows.breeze(loop), table, "7", seen=False)
    assert said.schema == model.schema
    assert set(said.column("model_version").to_pylist()) == {"baseline:abc"}
    assert set(said.column("prediction").to_pylist()) == {14.5}
    losses = predictions.losses(loop, said, table)
    assert [*losses.values()] == pytest.approx((np.array(table.column("wind")) - 14.5) ** 2)
    assert predictions.predict_baseline(loop, Record(run="abc", baseline=PLAIN), table.slice(0, 0), False).num_rows == 0


@hypothesis.given(st.integers(0, 9), st.integers(2, 4))
def test_a_baseline_of_classes_predicts_in_the_form_of_a_model(count: int, classes: int) -> None:
    shares = tuple(range(1, classes + 1))
    about = PLAIN.model_dump() | {"values": [each / sum(shares) for each in shares], "classes": [*"abcd"[:classes]]}
    loop = catalog.load("flight_delays").model_copy(update={"task": "multiclass"})
    keys = {name: pa.array([str(n) for n in range(count)], pa.string()) for name in loop.main_table.key}
    table = pa.table(
        {
            **keys,
            "event_time": pa.array(range(count), pa.int64()),
            loop.target.name: pa.array(["a"] * count, pa.string()),
        }
    )
    record = Record(run="abc", baseline=Baseline.model_validate(about))
    said = predictions.predict_baseline(loop, record, table, seen=True)
    assert said.column_names[-2:] == ["model_version", "seen"]
    assert said.column("prediction").to_pylist() == ["abcd"[classes - 1]] * count
    assert np.array_equal(predictions.probabilities(loop, said), record.baseline.predict(count))
    target, values, _ = predictions.paired(loop, said, table)
    assert (target.tolist(), values.shape) == ([0.0] * count, (count, classes))


def test_a_baseline_stands_in_shadow_as_a_run_does_and_kept_is_what_it_has_said(place: Path) -> None:
    loop, day = catalog.load("wind"), "2013-01-10"
    until = {"judged": "2013-01-07", "refit": day}
    for run, last in until.items():
        about = {"evaluated": "judged"} if run == "refit" else {"key": "k"}
        plain = PLAIN.model_copy(update={"until": last})
        data = {"train": f"2013-01-02..{shift(last, 1)}"}  # of whose last day no label is known
        records.keep(loop, Record(run=run, data=data, baseline=plain, **about))
    stands = predictions.contender(loop, shadows.baseline("refit"))
    assert stands.runs == (("baseline:refit", day), ("baseline:judged", "2013-01-07"))
    assert [stands.on(f"2013-01-{n:02}") for n in (11, 10, 7)] == ["baseline:refit", "baseline:judged", None]
    table = rows.wind(day)
    said = _shadow(loop, "baseline:judged", table.slice(0, 20), day)
    assert (said.num_rows, set(said.column("seen").to_pylist())) == (20, {False})
    assert _shadow(loop, "baseline:judged", table, day).num_rows == table.num_rows
    path = predictions.folder(loop, "baseline:judged") / f"{day}.parquet"
    before = path.stat().st_mtime_ns
    assert _shadow(loop, "baseline:judged", table, day).num_rows == table.num_rows
    assert path.stat().st_mtime_ns == before
    assert set(_shadow(loop, "baseline:refit", table, day).column("seen").to_pylist()) == {True}
    _unmark(path, rows=20)
    assert _shadow(loop, "baseline:judged", table, day).column("seen").to_pylist() == [False] * 24


def test_a_training_of_before_there_were_baselines_has_none_that_could_stand(place: Path) -> None:
    loop = catalog.load("wind")
    records.keep(loop, Record(run="old", data={"train": "2013-01-02..2013-01-07"}))
    for ask in (
        lambda: predictions.contender(loop, "baseline:old"),
        lambda: predictions.shadow(
            dataset.registry(), loop, "HEAD", "baseline:old", rows.wind("2013-01-10"), "2013-01-10"
        ),
    ):
        with pytest.raises(DataError, match="old has no baseline: it was trained before there were any"):
            ask()


def _shadow(loop: Loop, run: str, of: pa.Table, day: str) -> pa.Table:
    return predictions.shadow(dataset.registry(), loop, "HEAD", run, of, day)
