"""Which column is the time, the key and the target."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from ratchet.errors import RequestError
from ratchet.layout import look, roles
from ratchet.layout.roles import Roles
from ratchet.layout.sample import Sample

HOURS = [dt.datetime(2024, 3, 1) + dt.timedelta(hours=hour) for hour in range(60)]


def _sample(**columns: Any) -> Sample:
    return look.at_table(pa.table({"at": HOURS, "shop": [f"s{n % 3}" for n in range(60)], **columns}))


def _find(sample: Sample, target: str, **given: Any) -> Roles:
    return roles.find(sample, given.get("time"), target, given.get("key", ()), given.get("task"))


@pytest.mark.parametrize(
    ("values", "task", "sql"),
    [
        ([n * 7 % 13 for n in range(60)], "regression", '"y"'),
        ([n % 2 for n in range(60)], "binary", 'CAST("y" AS BIGINT)'),
        ([n % 2 == 0 for n in range(60)], "binary", 'CAST("y" AS BIGINT)'),
        ([float(n % 2) if n % 5 else float("nan") for n in range(60)], "binary", None),
        ([f"it's {n % 2}" for n in range(60)], "binary", "CAST(\"y\" = 'it''s 1' AS BIGINT)"),
        ([f"{n % 2}" for n in range(60)], "binary", 'CAST("y" AS BIGINT)'),
        ([f"c{n % 4}" for n in range(60)], "multiclass", '"y"'),
        (pa.array([n % 9 for n in range(60)], pa.uint8()), "regression", '"y"'),
    ],
)
def test_the_task_is_that_of_the_targets_values(values: Any, task: str, sql: str | None) -> None:
    found = _find(_sample(y=values), "y")
    assert found.task == task
    assert found.sql == (sql or "CAST(nullif(\"y\", 'NaN'::DOUBLE) AS BIGINT)")


def test_the_key_is_the_fewest_columns_that_name_each_row() -> None:
    assert _find(_sample(y=range(60)), "y").key == ("at",)
    twice = look.at_table(pa.table({"at": HOURS[:30] * 2, "shop": ["a"] * 30 + ["b"] * 30, "y": range(60)}))
    assert _find(twice, "y").key == ("at", "shop")
    with pytest.raises(RequestError, match="Say which do"):
        _find(look.at_table(pa.table({"at": HOURS[:2] * 2, "y": [1.0, 2.0, 1.0, 3.0]})), "y")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"time": "shop"}, "shop holds strings, not timestamps"),
        ({"time": "wen"}, "no column 'wen'"),
        ({"key": ("shpo",)}, "no column 'shpo'"),
        ({"key": ("gone",)}, "a key never is"),
        ({"time": "late"}, "every row needs its moment"),
        ({"task": "binary"}, "a binary target has two"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], words: str) -> None:
    late = [None, *HOURS[1:]]
    with pytest.raises(RequestError, match=words):
        _find(_sample(y=[n * 7 % 13 for n in range(60)], gone=[None, *range(59)], late=late), "y", **given)


def test_a_sample_without_times_and_a_target_without_values_are_refused() -> None:
    with pytest.raises(RequestError, match="no column of timestamps"):
        _find(look.at_table(pa.table({"x": [1, 2], "y": [1, 2]})), "y")
    with pytest.raises(RequestError, match="is empty in the sample"):
        _find(_sample(y=pa.nulls(60, pa.float64())), "y")


def test_features_are_neither_names_nor_moments_nor_leaks() -> None:
    sample = _sample(
        id=[f"i{n}" for n in range(60)], copy=[n * 7 % 13 * 2 for n in range(60)], y=[n * 7 % 13 for n in range(60)]
    )
    assert roles.features(sample, _find(sample, "y")) == ["shop"]


def test_the_targets_name_is_one_of_a_contract() -> None:
    assert roles.target_name(Roles("at", ("id",), "Amount", "regression", "", ())) == "amount"
    assert roles.target_name(Roles("at", ("id",), "_y", "regression", "", ())) == "target"
    assert roles.target_name(Roles("at", ("y",), "y", "regression", "", ())) == "y_target"
