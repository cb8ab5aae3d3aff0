"""The champion's own training data, as the monitor compares with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.data.features import PARTITION
from ratchet.monitoring import distances, reference, watched
from ratchet.monitoring.histograms import Cells
from ratchet.training.model import Model
from tests.given import rows

WATCHED = ["wind_now", "temp_now", "origin", "wind_now is", "temp_now is", "prediction"]


def _made(loop: Loop, model: Model, table: pa.Table) -> dict[str, bytes]:
    return reference.make(loop, model, reference.sampled(loop, table), [table])


def test_the_reference_is_what_is_watched_and_does_not_differ_from_itself(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    made = _made(loop, model, table)
    past = reference.read(made.__getitem__, made)
    assert [*past.counted] == [*past.limits(3)] == WATCHED
    assert (past.about["window_days"], past.about["alarms_per_year"], past.about["days"]) == (3, 2, 8)
    found = reference.judged(loop, model, past, table, 8, lambda: table)
    assert [each.column for each in found] == WATCHED
    assert all(each.distance < 1e-3 for each in found)
    assert _made(loop, model, table) == made


def test_all_rows_are_counted_however_few_are_drawn(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-31")
    model = rows.breeze(loop)
    days = [table.filter(pc.equal(table.column(PARTITION), f"2013-01-{day:02}")) for day in range(2, 32)]
    made = reference.make(loop, model, table.slice(0, 40), days)
    past = reference.read(made.__getitem__, made)
    assert all(each.rows.sum() == table.num_rows for each in past.counted.values())
    assert past.about["days"] == 30
    numbers = past.counted["wind_now"]
    assert isinstance(numbers, Cells)
    found = pc.min_max(table.column("wind_now")).as_py()
    assert (numbers.low, numbers.high) == (found["min"], found["max"])


def test_of_a_champion_of_before_all_rows_were_counted_there_is_the_sample(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    made = _made(loop, model, table)
    old = {reference.REFERENCE: made[reference.REFERENCE]}
    about = json.loads(made[reference.THRESHOLDS])
    old[reference.THRESHOLDS] = json.dumps(
        {name: about[name] for name in ("thresholds", "window_days", "alarms_per_year")}
    ).encode()
    past = reference.read(old.__getitem__, old)
    now = reference.read(made.__getitem__, made)
    assert past.growing == ()
    for name, each in now.counted.items():
        assert (past.counted[name].rows == each.rows).all()
    assert past.limits(1) == {name: limit * 3**0.5 for name, limit in now.about["thresholds"].items()}


def test_a_verdict_is_that_of_the_values_themselves(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-21")
    model = rows.breeze(loop)
    made = _made(loop, model, table)
    past = reference.read(made.__getitem__, made)
    window = rows.wind("2013-01-22..2013-01-24", seed=1)
    truth = distances.values(window.column("wind_now").to_numpy(), table.column("wind_now").to_numpy())
    for threshold in (truth * (1 - 1e-7), truth * (1 + 1e-7)):
        about = {**past.about, "thresholds": {"wind_now": threshold}}
        (found,) = reference.judged(loop, model, reference.Reference(past.counted, about), window, 3, lambda: table)
        assert found.drifted == (truth >= threshold)


def test_fixed_thresholds_alarm_more_often_than_calibrated_ones(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    counted = reference.counts(loop, model, watched.columns(loop, model, table), [table])
    limits = json.loads(_made(loop, model, table)[reference.THRESHOLDS])["thresholds"]
    found = reference.alarms(loop, counted, limits, 4)
    assert {name: len(years) for name, years in found.items()} == dict.fromkeys(found, 4)
    assert np.mean(found["calibrated"]) < np.mean(found["evidently, any column"])
