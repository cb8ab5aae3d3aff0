"""The price of a stale champion, learnt from past duels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions import staleness
from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import Terms
from ratchet.partitions import shift
from tests.given.entries import entry
from tests.given.facts import NIGHT


@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.integers(1, 20), st.floats(0, 2)), max_size=20))
def test_a_slope_is_never_negative_and_never_undefined(duels: list[tuple[float, int, float]]) -> None:
    past = [staleness.Compared(shift(NIGHT, -i), *each) for i, each in enumerate(duels)]
    found = staleness.slope(past, 0.45, NIGHT)
    assert 0 <= found < 10


def test_a_slope_is_learnt() -> None:
    rng = np.random.default_rng(0)
    past = [
        staleness.Compared(shift("2013-06-01", i), 0.2 * x + 0.01 * rng.standard_normal(), 7, x)
        for i, x in enumerate(rng.uniform(0, 0.5, 60))
    ]
    assert abs(staleness.slope(past, 0.45, "2013-08-01") - 0.2) < 0.02
    assert staleness.slope(past, 0.45, "2012-01-01") == pytest.approx(
        staleness.EXPONENT * 0.45
    )  # nothing of it was known then


def test_what_was_learnt_in_another_loss_teaches_nothing_of_this_one() -> None:
    about = {"cluster": "day", "margin": 0.0, "bound": 1.0, "level": 0.05}
    first = {"day": NIGHT, "gain": 0.1, "clusters": 7, "news": 0.2}
    entries = [
        entry(
            "waiting",
            loss,
            since=NIGHT,
            first={**first, "gain": gain},
            terms=Terms(loss=loss, **about) if loss else None,
        )
        for loss, gain in (("", 0.1), ("log_loss", 0.2), ("brier", 0.3))
    ]
    assert [each.gain for each in staleness.past(entries, "brier")] == [0.1, 0.3]  # the first does not say


def test_staleness_is_counted_from_the_training() -> None:
    counts = {f"2013-01-{d:02}": 100 for d in range(1, 11)}
    path = staleness.path(counts, "2013-01-01..2013-01-05", "2013-01-07")
    assert path == [pytest.approx(math.log(6 / 5)), pytest.approx(math.log(7 / 5))]
    compared = [Cluster("2013-01-06", 10, -0.2), Cluster("2013-01-07", 10, 0.1)]
    stood = {"2013-01-06": "2013-01-01..2013-01-03", "2013-01-07": "2013-01-01..2013-01-05"}
    first = staleness.first_look(counts, compared, stood, "2013-01-01..2013-01-05")
    assert first is not None
    assert (first["day"], first["clusters"], first["gain"]) == (
        "2013-01-06",
        1,
        pytest.approx(0.02),
    )  # the other was no fresher
    assert first["news"] == pytest.approx(math.log(5 / 3))
    assert (
        staleness.first_look(counts, compared, dict.fromkeys(stood, "2013-01-01..2013-01-05"), "2013-01-01..2013-01-05")
        is None
    )
