"""Examples: a list of day files, read a day at a time."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.data import examples, tables
from ratchet.data.examples import Day, Examples
from ratchet.errors import DataError

Targets = list[float | None]


def written(folder: Path, days: list[Targets]) -> tuple[Examples, pa.Table]:
    """Write days with these targets; return their examples, and the rows that they are."""
    made, parts = [], []
    for number, targets in enumerate(days):
        found = pa.table(
            {
                "key": pa.array([f"{number}-{n}" for n in range(len(targets))], pa.string()),
                "x": pa.array([random.Random(n).choice([None, float(n)]) for n in range(len(targets))], pa.float64()),
            }
        )
        told = pa.table({"y": pa.array(targets, pa.float64())})
        name = folder / f"2024-03-{number + 1:02d}"
        tables.write_table(found, name / "shown.parquet")
        examples.write(name / "shown.told.parquet", found, told)
        made.append(examples.read(folder, name.name, name / "shown.parquet", name / "shown.told.parquet"))
        parts.append(found.append_column("y", told["y"]))
    whole = pa.concat_tables(parts)
    return Examples(folder, tuple(made)), whole.filter(pc.is_valid(whole["y"]))


few = st.lists(st.lists(st.one_of(st.none(), st.floats(0, 9)), max_size=9), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(days=few, seed=st.integers(0, 9), count=st.integers(1, 50))
def test_they_are_the_rows_with_a_target_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, days: list[Targets], seed: int, count: int
) -> None:
    found, whole = written(tmp_path_factory.mktemp("days"), days)
    assert found.num_rows == whole.num_rows
    assert found.table().equals(whole)
    assert pa.Table.from_batches(found.stream(), found.schema).equals(whole)
    told = [*found.targets()]
    assert [day for day, _ in told] == [each.day for each in found.days]
    assert [value for _, column in told for value in column.drop_null().to_pylist()] == whole["y"].to_pylist()
    assert found.head(count).equals(whole.slice(0, count))
    assert found.sample(count, seed).equals(whole.take(tables.drawn(whole.num_rows, count, seed)))
    halves = Examples(found.folder, found.days[:1] + found.days[1:])
    assert (halves.digest, halves.num_rows) == (found.digest, found.num_rows)


def test_their_hash_is_of_their_content_alone(tmp_path: Path) -> None:
    one, _ = written(tmp_path / "one", [[1.0, None], [2.0]])
    same, _ = written(tmp_path / "other", [[1.0, None], [2.0]])
    assert one.digest == same.digest
    assert one.last == "2024-03-02"
    for days in ([[1.0, 3.0], [2.0]], [[1.0, None], [2.5]], [[1.0, None]], [[1.0, None], [2.0], [None]]):
        other, _ = written(tmp_path / str(random.random()), days)
        assert other.digest != one.digest


def test_a_day_at_a_time_is_in_memory(tmp_path: Path) -> None:
    found, _ = written(tmp_path, [[1.0] * 20_000] * 12)
    day = found.days[0].table(tmp_path).nbytes
    before, most = pa.total_allocated_bytes(), 0
    for batch in found.stream():
        most = max(most, pa.total_allocated_bytes() - before)
        assert batch.num_rows == 20_000
    assert 0 < most < 6 * day < found.table().nbytes


@pytest.mark.parametrize("lost", ["shown.parquet", "shown.told.parquet"])
def test_a_file_that_is_gone_is_named(tmp_path: Path, lost: str) -> None:
    found, _ = written(tmp_path, [[1.0]])
    assert found.there
    (tmp_path / "2024-03-01" / lost).unlink()
    assert not found.there
    with pytest.raises(DataError, match=f"There is no file .*{lost}"):
        found.table()


def test_targets_of_other_rows_are_refused(tmp_path: Path) -> None:
    found, _ = written(tmp_path, [[1.0, 2.0], [3.0]])
    mixed = Day.model_validate({**found.days[0].model_dump(), "targets": found.days[1].targets})
    with pytest.raises(DataError, match=r"told\.parquet is not of the rows of .*shown\.parquet"):
        Examples(tmp_path, (mixed,)).table()


def test_a_draw_is_in_order_and_whole_where_there_are_few() -> None:
    assert tables.drawn(5, 9, 0).tolist() == [0, 1, 2, 3, 4]
    places = tables.drawn(1000, 50, 3)
    assert len(np.unique(places)) == 50
    assert (np.diff(places) > 0).all()
