"""Columns that a model must not learn from: what is found, and what is left alone."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ratchet.data import leaks
from ratchet.data.sources import Asked, nycflights

BEGIN = dt.datetime(2024, 3, 1)


def _table(rows: int = 600, **columns: Any) -> pa.Table:
    """Make rows an hour apart, with noise beside what a test gives."""
    noise = np.random.default_rng(7)
    return pa.table(
        {
            "at": [BEGIN + dt.timedelta(hours=row) for row in range(rows)],
            "wind": noise.normal(size=rows),
            "shop": noise.choice(["north", "south", "east"], rows),
            **columns,
        }
    )


def _found(table: pa.Table, target: str = "amount") -> dict[tuple[str, ...], str]:
    return {leak.columns: leak.kind for leak in leaks.find(table, target, table.column_names, "at")}


def _draw(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_two_columns_that_add_up_to_the_target_are_named_with_their_sum() -> None:
    casual, registered = _draw(1).integers(0, 90, 600), _draw(2).integers(0, 400, 600)
    table = _table(casual=casual, registered=registered, amount=casual + registered)
    found = leaks.find(table, "amount", table.column_names, "at")
    assert [(leak.columns, leak.kind) for leak in found] == [(("casual", "registered"), "summed")]
    assert found[0].words == "casual + registered is amount"


def test_a_difference_with_a_factor_is_found_among_many_columns() -> None:
    gross, fee = _draw(1).normal(90, 9, 600), _draw(2).normal(9, 1, 600)
    others = {f"other_{number}": _draw(number + 3).normal(size=600) for number in range(30)}
    table = _table(gross=gross, fee=fee, amount=2 * (gross - fee), **others)
    found = leaks.find(table, "amount", table.column_names, "at")
    assert [(leak.columns, leak.words) for leak in found] == [(("gross", "fee"), "gross - fee, times 2, is amount")]


def test_a_price_times_a_quantity_is_found() -> None:
    price, quantity = _draw(1).uniform(1, 20, 600), _draw(2).integers(1, 9, 600)
    table = _table(price=price, quantity=quantity, amount=price * quantity)
    assert [leak.words for leak in leaks.find(table, "amount", table.column_names, "at")] == [
        "price * quantity is amount"
    ]


def test_an_end_less_the_time_that_is_the_duration_is_found() -> None:
    table = _table()
    minutes = _draw(1).integers(3, 90, 600)
    ended = [at + dt.timedelta(minutes=int(more)) for at, more in zip(table["at"].to_pylist(), minutes, strict=True)]
    table = table.append_column("ended", pa.array(ended)).append_column("amount", pa.array(minutes))
    assert _found(table).get(("ended",)) in ("summed", "grows")


@pytest.mark.parametrize(
    "of", [lambda y: 1.1 * y + 3, lambda y: np.exp(y / 50), lambda y: -y], ids=["line", "rank", "-"]
)
def test_a_column_in_step_with_the_target_is_found(of: Any) -> None:
    amount = _draw().normal(50, 20, 600)
    assert _found(_table(copy=of(amount), amount=amount)) == {("copy",): "determines"}


@pytest.mark.parametrize("kind", ["number", "text", "flag"])
def test_a_column_that_tells_a_binary_target_is_found(kind: str) -> None:
    late = _draw().random(600) < 0.2
    told = {
        "number": np.where(late, 20, 0) + _draw(2).normal(size=600),
        "text": np.where(late, _draw(2).choice(["late", "gone"], 600), "fine"),
        "flag": ~late,
    }[kind]
    assert _found(_table(told=told, amount=late)) == {("told",): "determines"}


def test_a_column_that_is_there_for_one_class_alone_is_found() -> None:
    left = _draw().random(600) < 0.1
    reason = [word if gone else None for word, gone in zip(_draw(2).choice(["dear", "moved"], 600), left, strict=True)]
    table = _table(reason=pa.array(reason), amount=left)
    assert "missing" in leaks.find(table, "amount", ["reason"], "at")[0].words


@pytest.mark.parametrize("of_text", [True, False])
def test_a_code_that_goes_with_one_value_of_the_target_is_found(of_text: bool) -> None:
    code = _draw().integers(0, 12, 600)
    kinds = np.array(["bread", "milk", "wine", "salt"])[code % 4] if of_text else (code * 7919 % 13) * 1.5
    assert _found(_table(code=np.char.add("c", code.astype(str)), amount=kinds)) == {("code",): "determines"}


def test_a_column_that_only_grows_or_falls_with_time_is_found() -> None:
    table = _table(
        arrival_date_num=np.arange(600) // 24 + 61,
        days_left=700 - np.arange(600) // 24,
        order_id=10_000 + np.arange(600) * 3,
        amount=_draw().normal(size=600),
    )
    assert _found(table) == {("arrival_date_num",): "grows", ("days_left",): "grows", ("order_id",): "grows"}


def test_what_the_calendar_brings_again_does_not_grow() -> None:
    table = _table(amount=_draw().normal(size=600))
    parts = {name: getattr(pc, name)(table["at"]) for name in ("hour", "day", "day_of_week", "month")}
    assert _found(pa.table({**_columns(table), **parts})) == {("month",): "constant"}


def test_a_constant_and_an_empty_column_are_found() -> None:
    table = _table(
        store=["one"] * 600, sensor=pa.nulls(600, pa.float64()), nan=[float("nan")] * 600, amount=_draw().random(600)
    )
    assert _found(table) == {("store",): "constant", ("sensor",): "constant", ("nan",): "constant"}


def test_yesterdays_value_of_a_slow_series_is_no_leak() -> None:
    level = np.cumsum(_draw().normal(size=601))
    assert _found(_table(yesterday=level[:-1], amount=level[1:])) == {}


def test_few_rows_chance_and_a_customer_of_two_rows_are_no_leak() -> None:
    draws = _draw()
    table = _table(12, code=[f"c{number % 6}" for number in range(12)], amount=[number % 2 for number in range(12)])
    assert _found(table) == {}
    customers = np.repeat(np.arange(300), 2)
    assert _found(_table(customer=np.char.add("k", customers.astype(str)), amount=draws.random(600) < 0.05)) == {}


def test_flights_hold_no_leak_but_those_that_are() -> None:
    asked = Asked(dt.date(2013, 2, 1), dt.date(2013, 2, 14), Path())
    table = nycflights.fetch(nycflights.Options(), asked)["flights"]
    late = pc.if_else(pc.greater(table["arr_delay"], 15), 1, 0)
    table = table.append_column("late", pc.if_else(pc.is_null(table["arr_delay"]), None, late))
    found = leaks.find(table, "late", table.column_names, "sched_dep")
    assert {leak.columns: leak.kind for leak in found} == {
        ("departed_at",): "grows",
        ("arr_delay",): "determines",
        ("arrived_at",): "grows",
    }


def test_a_hundred_thousand_rows_of_fifty_columns_take_seconds() -> None:
    draws = _draw()
    columns = {f"number_{n}": draws.normal(size=100_000) for n in range(30)}
    columns |= {f"word_{n}": draws.integers(0, 50, 100_000).astype(str) for n in range(20)}
    table = _table(100_000, **columns, amount=draws.normal(size=100_000))
    begun = time.perf_counter()
    assert _found(table) == {}
    assert time.perf_counter() - begun < 30  # 2 s on an idle core


def _columns(table: pa.Table) -> dict[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))
