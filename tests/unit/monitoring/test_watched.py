"""What is watched of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.monitoring import watched
from tests.given import rows


def test_every_feature_is_watched_and_the_prediction(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    found = watched.columns(loop, rows.breeze(loop), table)
    assert watched.kinds(found) == (
        ["wind_now", "temp_now", "prediction"],
        ["origin", "wind_now is", "temp_now is"],
    )
    assert found.num_rows == table.num_rows
    plain = watched.plain(found)
    assert watched.plain(watched.coded(plain)).equals(plain)


def test_what_is_missing_or_infinite_has_a_column_of_its_own(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-06")
    values = table.column("wind_now").to_numpy().copy()
    values[:10], values[10] = np.nan, np.inf
    broken = table.set_column(table.column_names.index("wind_now"), "wind_now", pa.array(values, from_pandas=True))
    found = watched.columns(loop, rows.breeze(loop), broken)
    assert found.column("wind_now is").to_pylist() == ["missing"] * 11 + ["there"] * (len(values) - 11)
    assert np.isnan(found.column("wind_now").to_numpy()[:11]).all()


@pytest.mark.parametrize("values", [[2**60 + 1, 5], [True, False]])
def test_a_number_of_any_type_is_watched(place: Path, values: list[int]) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-02").slice(0, 2)
    model = rows.breeze(loop)
    found = watched.columns(loop, model, table.set_column(4, "wind_now", pa.array(values)))
    assert table.column_names[4] == "wind_now"
    assert found.column("wind_now").to_pylist() == [float(value) for value in values]


def test_a_category_without_a_value_has_a_level_of_its_own(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-03")
    origin = pa.array([None, *table.column("origin").to_pylist()[1:]], pa.string())
    found = watched.columns(loop, rows.breeze(loop), table.set_column(3, "origin", origin))
    assert found.column("origin").to_pylist()[:2] == ["(null)", "JFK"]


def test_rows_are_parted_by_day_in_whatever_order_they_come(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-04")
    model = rows.breeze(loop)
    parts = watched.by_day(table, watched.columns(loop, model, table))
    assert [*parts] == ["2013-01-02", "2013-01-03", "2013-01-04"]
    mixed = table.take(np.random.default_rng(0).permutation(table.num_rows))
    again = watched.by_day(mixed, watched.columns(loop, model, mixed))
    for day, part in parts.items():
        assert sorted(part.column("wind_now").to_pylist()) == sorted(again[day].column("wind_now").to_pylist())
