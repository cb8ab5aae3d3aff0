"""The target of rows: the contract's SQL, and the labels that a table brings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.data import features, targets
from ratchet.data.known import PARTITION
from ratchet.errors import ContractError, DataError

AT = [dt.datetime(2013, 1, 1, hour) for hour in range(4)]


def _loop(sql: str = "wind_speed") -> Loop:
    loop = catalog.load("wind")
    return loop.model_copy(update={"target": loop.target.model_copy(update={"sql": sql})})


def _weather(speeds: list[float | None]) -> pa.Table:
    rows = len(speeds)
    columns = {"temp": [1.0] * rows, "humid": [1.0] * rows, "wind_speed": speeds, "pressure": [1.0] * rows}
    at = {"observed_at": pa.array(AT[:rows], pa.timestamp("us")), "origin": ["EWR"] * rows}
    return pa.table({**at, **columns, PARTITION: ["2013-01-01"] * rows})


def test_a_target_that_is_no_number_is_not_known(place: Path) -> None:
    found = targets.compute(_loop(), _weather([1.0, float("nan"), None, 2.0]))
    assert found.column("wind").to_pylist() == [1.0, None, None, 2.0]
    assert found.column_names == ["observed_at", "origin", PARTITION, "wind"]


def test_rows_come_in_order_of_their_keys(place: Path) -> None:
    rows = _weather([1.0, 2.0, 3.0, 4.0]).take([2, 0, 3, 1])
    assert targets.compute(_loop(), rows).column("wind").to_pylist() == [1.0, 2.0, 3.0, 4.0]


def test_a_table_brings_the_labels_that_came_last(place: Path) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    columns = "{observed_at: timestamp, origin: string, told_at: timestamp, gust: float64}"
    more = f"  gusts:\n    key: [observed_at, origin]\n    time: told_at\n    suite: wind\n    columns: {columns}\n"
    text = (
        contract.read_text().replace("\ntarget:\n", f"\n{more}\ntarget:\n", 1).replace("sql: wind_speed", "sql: gust")
    )
    contract.write_text(f"{text}\nlabels: gusts\n")
    loop, rows = catalog.load("wind"), _weather([1.0, 2.0])
    told = [(AT[0], AT[1], 7.0), (AT[0], AT[2], 8.0)]
    labels = pa.table(
        {
            "observed_at": pa.array([at for at, _, _ in told], pa.timestamp("us")),
            "origin": ["EWR"] * 2,
            "told_at": pa.array([at for _, at, _ in told], pa.timestamp("us")),
            "gust": [gust for _, _, gust in told],
            PARTITION: ["2013-01-01"] * 2,
        }
    )
    assert targets.compute(loop, rows, labels).column("wind").to_pylist() == [8.0, None]
    assert targets.compute(loop, rows).column("wind").to_pylist() == [None, None], "none is known"


def test_its_type_is_told_and_what_fails_is_told_at_its_line(place: Path) -> None:
    assert targets.type_of(_loop()) == "DOUBLE"
    assert targets.type_of(_loop("wind_speed > 10")) == "BOOLEAN"
    for call in (targets.type_of, lambda loop: targets.compute(loop, _weather([1.0]))):
        with pytest.raises(ContractError, match=r"loop\.yaml:\d+: .*target\.sql fails: .*speed"):
            call(_loop("speed"))


def test_where_no_target_is_known_it_is_said_so(place: Path) -> None:
    found = targets.compute(_loop(), _weather([1.0, None]))
    assert targets.known(_loop(), found).num_rows == 1
    with pytest.raises(DataError, match="No row of wind has a known wind"):
        targets.known(_loop(), found.slice(1))


def test_targets_of_other_rows_are_refused(place: Path) -> None:
    loop, told = _loop(), targets.compute(_loop(), _weather([1.0, 2.0]))
    made = told.drop_columns(["wind"]).append_column("event_time", told.column("observed_at"))
    assert features.with_target(loop, made, told).column("wind").to_pylist() == [1.0, 2.0]
    with pytest.raises(DataError, match="not of the rows whose targets are known"):
        features.with_target(loop, made.slice(1), told)
