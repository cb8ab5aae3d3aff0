"""What is too good to be true is found on training and holdout rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ratchet import catalog, partitions
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.data.sources import Asked, nycflights
from ratchet.training import too_good
from ratchet.training.evaluation import Side
from ratchet.training.metrics import measure


def _rows(target: Any, count: int = 400, **columns: Any) -> pa.Table:
    moments = [dt.datetime(2013, 1, 2) + dt.timedelta(minutes=30 * n) for n in range(count)]
    days = [str(moment.date()) for moment in moments]
    return pa.table({features.PARTITION: days, "event_time": moments, **columns, "wind": target})


@pytest.fixture
def wind(place: Path) -> Loop:
    return catalog.load("wind")


def _told(loop: Loop, table: pa.Table) -> list[tuple[str, ...]]:
    return [tuple(each["names"]) for each in too_good.of_features(loop, table)]


def test_two_parts_of_a_sum_and_a_copy_are_named_and_a_signal_is_not(wind: Loop) -> None:
    rng = np.random.default_rng(1)
    casual, registered, noise = rng.integers(0, 90, 400), rng.integers(0, 900, 400), rng.normal(size=400)
    count = (casual + registered).astype(float)
    parts = _rows(count, casual=casual, registered=registered, noise=noise)
    assert _told(wind, parts) == [("casual", "registered")]
    assert "casual" in too_good.of_features(wind, parts)[0]["words"]
    assert _told(wind, _rows(count, copied=count * 2 + 1, noise=noise)) == [("copied",)]
    assert _told(wind, _rows(count, near=count + 30 * noise, other=rng.normal(size=400))) == []


def test_a_binary_target_told_by_one_column(place: Path) -> None:
    loop = catalog.load("wind").model_copy(update={"task": "binary"})
    delay = np.random.default_rng(2).normal(0, 30, 400)
    late = (delay > 15).astype(int)
    noisy = delay + np.random.default_rng(3).normal(0, 20, 400)
    assert _told(loop, _rows(late, delay=delay)) == [("delay",)]
    assert _told(loop, _rows(late, delay=noisy)) == []


def test_constants_and_what_grows_are_not_the_gates_business(wind: Loop) -> None:
    target = np.random.default_rng(4).normal(size=400)
    assert _told(wind, _rows(target, same=np.ones(400), number=np.arange(400.0))) == []


def test_the_flights_are_not_flagged(place: Path) -> None:
    loop = catalog.load("flight_delays")
    parts: dict[str, list[pa.Table]] = {"flights": [], "weather": []}
    for day in partitions.parse("2013-02-01..2013-02-12"):
        date = dt.date.fromisoformat(day)
        for name, table in nycflights.fetch(nycflights.Options(), Asked(date, date, Path())).items():
            parts[name].append(table.append_column(features.PARTITION, pa.array([day] * table.num_rows, pa.string())))
    given = {name: pa.concat_tables(found) for name, found in parts.items()}
    assert too_good.of_features(loop, features.compute(loop, given, "2013-02-09", "2013-02-12")) == []


def _found(loop: Loop, target: Any, prediction: Any, told: Any = (), model: Any = None) -> list[dict[str, Any]]:
    target, prediction = np.asarray(target, float), np.asarray(prediction, float)
    side = Side(np.ones(len(target), dtype=bool), target, prediction)
    table = _rows(target, len(target), a=target, b=target)
    metrics = measure(loop.task, target, prediction)
    return too_good.find(loop, told, table, side, metrics, lambda: model or _model(lambda t: prediction, []))


def _model(predict: Any, names: list[str]) -> Any:
    return SimpleNamespace(predict=predict, encoder=SimpleNamespace(features=names))


def test_a_regression_that_explains_all_is_too_good_and_one_that_explains_much_is_not(wind: Loop) -> None:
    rng = np.random.default_rng(5)
    target, noise = rng.normal(size=300), rng.normal(size=300)
    (found,) = _found(wind, target, target + 0.01 * noise)
    assert found["model"]
    assert "R² on 300 held-out rows is 0.999" in found["words"]
    assert _found(wind, target, target + 0.1 * noise) == []
    assert _found(wind, target[:99], target[:99]) == []  # too few rows to say


def test_a_binary_model_is_too_good_by_its_order_or_by_its_certainty(wind: Loop) -> None:
    loop = wind.model_copy(update={"task": "binary"})
    target = np.arange(400) % 2
    blurred = np.where(target == 1, 0.9, 0.1)
    (found,) = _found(loop, target, blurred)
    assert "ROC AUC on 400 held-out rows is 1.00000" in found["words"]
    blurred[:40] = 1 - blurred[:40]
    assert _found(loop, target, blurred) == []
    rare = (np.arange(400) < 19).astype(int)
    assert _found(loop, rare, np.where(rare == 1, 0.99, 0.01)) == []  # nineteen positives are no proof


def test_a_multiclass_model_wants_both_hits_and_certainty(wind: Loop) -> None:
    loop = wind.model_copy(update={"task": "multiclass"})
    target = np.arange(300) % 3
    sure = np.full((300, 3), 0.0005)
    sure[np.arange(300), target] = 0.999
    assert _found(loop, target, sure)[0]["model"]
    unsure = np.full((300, 3), 0.2)
    unsure[np.arange(300), target] = 0.6
    assert _found(loop, target, unsure) == []


def test_the_columns_that_a_model_is_so_good_by_are_named(wind: Loop) -> None:
    rng = np.random.default_rng(6)
    a, b, noise = rng.normal(size=300), rng.normal(size=300), rng.normal(size=300)
    target = np.sin(3 * a) + b**3
    table = _rows(target, 300, a=a, b=b, noise=noise)
    model = _model(lambda t: np.sin(3 * t["a"].to_numpy()) + t["b"].to_numpy() ** 3, ["a", "b", "noise"])
    side = Side(np.ones(300, dtype=bool), target, target)
    metrics = measure("regression", target, target)
    (found,) = too_good.find(wind, [], table, side, metrics, lambda: model)
    assert found["names"] == ["a", "b"]
    told = [{"names": ["a", "b"], "model": False, "words": "x"}]
    assert too_good.find(wind, told, table, side, metrics, lambda: model) == told  # said already
