"""The champion's own training data, as the monitor compares with it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet import catalog
from ratchet.monitoring import distances, reference
from tests.given import rows


def test_the_reference_is_what_is_watched_and_does_not_differ_from_itself(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    made = reference.make(loop, model, table)
    frame = pd.read_parquet(io.BytesIO(made[reference.REFERENCE]))
    about = json.loads(made[reference.THRESHOLDS])
    assert list(frame) == ["wind_now", "temp_now", "origin", "wind_now is", "temp_now is", "prediction"]
    assert set(about["thresholds"]) == set(frame)
    assert (about["window_days"], about["alarms_per_year"]) == (3, 2)
    numbers, categories = reference.kinds(frame)
    assert numbers == ["wind_now", "temp_now", "prediction"]
    assert set(distances.between(frame, frame, numbers, categories).values()) == {0.0}
    assert reference.make(loop, model, table) == made


def test_what_is_missing_has_a_column_of_its_own(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-06")
    values = table.column("wind_now").to_numpy().copy()
    values[:10] = np.nan
    broken = table.set_column(table.column_names.index("wind_now"), "wind_now", pa.array(values, from_pandas=True))
    frame = reference.columns(loop, rows.breeze(loop), broken)
    assert frame["wind_now is"].tolist() == ["missing"] * 10 + ["there"] * (len(values) - 10)


def test_fixed_thresholds_alarm_more_often_than_calibrated_ones(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    model = rows.breeze(loop)
    limits = json.loads(reference.make(loop, model, table)[reference.THRESHOLDS])["thresholds"]
    found = reference.alarms(loop, model, table, limits, 4)
    assert {name: len(years) for name, years in found.items()} == dict.fromkeys(found, 4)
    assert np.mean(found["calibrated"]) < np.mean(found["evidently, any column"])
