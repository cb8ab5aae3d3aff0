"""Made-up rows: they fit the contract, they join, and their keys are apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop, Source, Target
from ratchet.contract.table import Table
from ratchet.data import features
from ratchet.linting import rows


@pytest.mark.parametrize("name", ["flight_delays", "wind"])
def test_they_are_what_the_sql_is_given_and_no_key_comes_twice(place: Path, name: str) -> None:
    loop = catalog.load(name)
    made = rows.made(loop)
    given = rows.arrow(loop, made)
    for table, spec in loop.tables.items():
        assert len({tuple(row[key] for key in spec.key) for row in made[table]}) == len(made[table])
        assert given[table].column_names == [*spec.columns, features.PARTITION]
    assert given[loop.main][features.PARTITION].to_pylist()[-1] == str(rows.DAY)
    assert features.compute(loop, given, str(rows.DAY), str(rows.DAY)).num_rows == 5


def test_a_key_without_the_time_is_apart_and_labels_have_the_keys_of_their_rows() -> None:
    columns = {"ride": "string", "at": "timestamp", "day": "date", "long": "bool"}
    rides = Table(key=("ride", "day"), time="at", suite="x", columns=columns)
    ends = Table(key=("ride", "day"), time="ended", suite="x", columns={**columns, "ended": "timestamp"})
    loop = Loop(
        name="rides",
        description="x",
        task="binary",
        source=Source(kind="query"),
        tables={"rides": rides, "ends": ends},
        target=Target(sql="long"),
        labels="ends",
    )
    made = rows.made(loop)
    assert len({row["ride"] for row in made["rides"]}) == 5
    for name in ("ride", "day"):
        assert [row[name] for row in made["ends"]] == [row[name] for row in made["rides"]]
