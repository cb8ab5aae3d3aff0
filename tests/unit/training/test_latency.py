"""How long a prediction takes, whatever the machine is busy with."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.training import latency
from ratchet.training.latency import Latency
from tests.given import rows


class Machine:
    """A machine whose clock a test turns: work takes its time divided by the speed, and is interrupted at times."""

    def __init__(self, speed: float, interrupted: Callable[[], float]) -> None:
        self.now, self.speed, self.interrupted = 0.0, speed, interrupted

    def work(self, seconds: float) -> Callable[[], None]:
        """Return work that takes so long."""

        def do() -> None:
            self.now += seconds / self.speed + self.interrupted()

        return do

    def measure(self, seconds: float) -> Latency:
        """Measure work of so many seconds beside a reference of a millisecond."""
        return latency.compare(self.work(seconds), self.work(0.001), lambda: self.now)


def _never() -> float:
    return 0.0


@given(st.floats(0.01, 100), st.floats(0.0001, 0.5))
def test_a_slow_machine_changes_nothing(speed: float, seconds: float) -> None:
    found = Machine(speed, _never).measure(seconds)
    assert found.ms == pytest.approx(seconds * 1000)
    assert found.wall_ms == pytest.approx(seconds * 1000 / speed)


@given(st.floats(0.0001, 0.005), st.integers(1, 3))
def test_interruptions_change_nothing_where_some_rounds_are_quiet(seconds: float, stretch: int) -> None:
    """Stretches of calls are interrupted, one after the other is not."""
    calls = itertools.count()
    found = Machine(1, lambda: 0.02 * (next(calls) // (40 * stretch) % 2)).measure(seconds)
    assert found.ms == pytest.approx(seconds * 1000, rel=1e-6)


@pytest.mark.parametrize(("most", "rounds"), [(None, latency.LEAST), (499.0, latency.LEAST), (501.0, latency.EARLIEST)])
def test_what_is_far_within_its_bound_is_measured_shortly(most: float | None, rounds: int) -> None:
    """A replay of 314 models spent two minutes on timing them."""
    machine, calls = Machine(1, _never), itertools.count()
    work = machine.work(0.05)

    def counted() -> None:
        next(calls)
        work()

    found = latency.compare(counted, machine.work(0.001), lambda: machine.now, most)
    assert found.ms == pytest.approx(50.0)
    assert next(calls) == 1 + 5 + rounds, "once, five times to begin with, and a round each"


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    """Keep the machine busy with so many processes that compute."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_compute, daemon=True) for _ in range(processes)]
    for each in others:
        each.start()
    try:
        yield
    finally:
        for each in others:
            each.kill()
            each.join()


def _compute() -> None:
    while True:
        latency.reference()


@pytest.mark.parametrize("trainer", ["gradient_boosting", "torch_mlp"])
def test_a_busy_machine_changes_little(trainer: str) -> None:
    model, table = rows.fitted("binary", trainer)[0], rows.rows("binary", 10)
    quiet = min(latency.latency(model, table).ms for _ in range(3))
    with _busy(4):
        busy = min(latency.latency(model, table).ms for _ in range(3))
    assert quiet / 2 < busy < 2 * quiet


def test_what_one_row_takes_is_measured_however_many_there_are() -> None:
    model = rows.fitted("regression", "gradient_boosting")[0]
    one, many = (latency.latency(model, rows.rows("regression", count)) for count in (100, 100_000))
    assert many.ms < 3 * one.ms
    assert 0 < one.ms < 100
    assert one.wall_ms > 0
    assert latency.reference() == latency.reference()
