"""Feature tables as arrays."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet.contract.loop import Task
from ratchet.errors import DataError, StorageError
from ratchet.training import encoding
from tests.given.rows import rows


def test_a_binary_target_is_zero_or_one() -> None:
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], rows("binary"))
    with pytest.raises(DataError, match="must give 0, 1"):
        encoder.target_values(pa.table({"y": [0.0, 2.0]}))


def test_many_categories_keep_the_most_frequent() -> None:
    names = [f"c{i % 400}" for i in range(4000)] + ["c7"] * 50
    encoder = encoding.learn("regression", "y", ["k"], [], pa.table({"k": names, "y": [0.0] * len(names)}))
    assert len(encoder.vocabularies["k"]) == encoding.MOST_CATEGORIES
    assert "c7" in encoder.vocabularies["k"]
    assert encoding.Encoder.model_validate(json.loads(encoder.model_dump_json())) == encoder


def test_what_is_missing_or_unknown_is_told_apart_from_what_is_known() -> None:
    table = rows("multiclass")
    encoder = encoding.learn("multiclass", "y", ["kind"], ["x"], table)
    arrays = encoder.arrays(table)
    names, numbers = table.column("kind").to_pylist(), table.column("x").to_numpy()
    assert [encoder.vocabularies["kind"][code - 1] if code else None for code in arrays.codes[:, 0]] == names
    assert np.array_equal(np.isnan(arrays.numbers[:, 0]), np.isnan(numbers))
    assert abs(np.nanmean(arrays.numbers)) < 1e-3
    assert np.nanstd(arrays.numbers) == pytest.approx(1, abs=1e-3)
    assert [encoder.classes[int(code)] for code in arrays.target] == table.column("y").to_pylist()
    stranger = pa.table({"kind": ["z"], "x": [0.0], "y": ["never seen"]})
    assert encoder.arrays(stranger).codes[0, 0] == 0
    assert encoder.target_values(stranger)[0] == -1


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rows_on_the_disk_are_encoded_to_the_same_bits_as_in_memory(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows(task)
    encoder = encoding.learn(task, "y", ["kind"], ["x"], table)
    whole = encoder.arrays(table)
    monkeypatch.setattr(encoding, "BLOCK", 37)
    parts = encoder.arrays(table, tmp_path)
    for name in ("codes", "numbers", "target"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    assert not [*tmp_path.iterdir()], "nothing stays that a killed process would leave"
    learnt = encoding.learn(task, "y", ["kind"], ["x"], table)
    assert (learnt.vocabularies, learnt.classes) == (encoder.vocabularies, encoder.classes)
    assert learnt.means == pytest.approx(encoder.means, rel=1e-12)
    assert learnt.deviations == pytest.approx(encoder.deviations, rel=1e-12)


@pytest.mark.parametrize("values", [[], [None, None], [float("nan")] * 3, [None, 5.0, None, 5.0]])
def test_a_number_that_says_nothing_has_a_deviation_of_one(
    values: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", 2)
    table = pa.table({"x": pa.array(values, pa.float64()), "y": pa.array([0.0] * len(values), pa.float64())})
    encoder = encoding.learn("regression", "y", [], ["x"], table)
    assert (encoder.means, encoder.deviations) == ((5.0 if 5.0 in values else 0.0,), (1.0,))


def test_a_disk_without_room_for_encoded_rows_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes a page that the disk has no room for is killed by SIGBUS."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    table = rows("binary")
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], table)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=str(tmp_path)):
        encoder.arrays(table, tmp_path)


def test_what_is_held_of_rows_on_the_disk_is_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BLOCK", 5_000)
    few = rows("binary")
    table = pa.concat_tables([few] * (200_000 // few.num_rows))
    tracemalloc.start()
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], table)
    arrays = encoder.arrays(table, tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    whole = arrays.codes.nbytes + arrays.numbers.nbytes + arrays.target.nbytes
    assert most < whole / 8
