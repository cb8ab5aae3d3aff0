"""The target: which columns it reads, and whether the task can learn it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.contract.loop import Target
from ratchet.data import known
from ratchet.linting import target


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("CAST(arr_delay > 15 AS BIGINT)", ["arr_delay"]),
        ("CASE WHEN Dep_Delay > 0 AND \"tailnum\" = 'seats' THEN arr_delay END", ["dep_delay", "tailnum", "arr_delay"]),
        ("flights.arr_delay - dep_delay", ["arr_delay", "dep_delay"]),
        ("1", []),
        ("not sql at all (", []),
    ],
)
def test_the_columns_that_it_reads(place: Path, text: str, columns: list[str]) -> None:
    loop = catalog.load("flight_delays").model_copy(update={"target": Target(sql=text)})
    assert sorted(known.labels(loop)) == sorted(columns)


@pytest.mark.parametrize(
    ("task", "text", "fits"),
    [
        ("regression", "arr_delay", True),
        ("regression", "arr_delay * 1.5", True),
        ("regression", "arr_delay / 2", True),
        ("regression", "carrier", False),
        ("regression", "arr_delay > 15", False),
        ("regression", "arrived_at", False),
        ("binary", "arr_delay > 15", True),
        ("binary", "CAST(arr_delay > 15 AS INTEGER)", True),
        ("binary", "arr_delay", True),
        ("binary", "arr_delay / 60", False),
        ("binary", "CASE WHEN arr_delay > 15 THEN 1.0 ELSE 0.0 END", False),
        ("binary", "carrier", False),
        ("multiclass", "carrier", True),
        ("multiclass", "arr_delay // 60", True),
        ("multiclass", "arr_delay > 15", True),
        ("multiclass", "arr_delay / 60", False),
        ("multiclass", "CAST(arrived_at AS DATE)", False),
        ("regression", "arr_dely", False),
        ("regression", "'a'; DROP TABLE flights", False),
    ],
)
def test_the_type_that_the_task_wants(place: Path, task: str, text: str, fits: bool) -> None:
    loop = catalog.load("flight_delays").model_copy(update={"target": Target(sql=text), "task": task})
    wrong = [str(each) for each in target.mistakes(loop)]
    assert len(wrong) == (not fits), wrong
    assert all("loop.yaml" in each and "target.sql" in each for each in wrong)


def test_a_text_that_ends_too_early_is_told_by_its_own_end(place: Path) -> None:
    """DuckDB's words were of a bracket that Ratchet had put around it."""
    text = "CASE WHEN arr_delay > 15 THEN 'late'"
    loop = catalog.load("flight_delays").model_copy(update={"target": Target(sql=text), "task": "multiclass"})
    (wrong,) = map(str, target.mistakes(loop))
    assert f"target.sql fails: mend {text!r}" in wrong
    assert """at or near "'late'", where it ends: something is missing, as END or a bracket""" in wrong
