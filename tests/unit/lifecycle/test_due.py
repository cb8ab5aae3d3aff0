"""Days that are fetched again because their labels are due."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.lifecycle import dataset, due
from ratchet.partitions import shift
from tests.conftest import ingest
from tests.given.shop import day_of, deliver, lay, order


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 9))
def test_spans_hold_every_day_once_without_a_gap(days: set[int], most: int) -> None:
    listed = [shift("2024-02-20", n) for n in sorted(days)]
    spans = due.spans(listed, most)
    assert [day for span in spans for day in span] == listed
    assert all(len(span) <= most for span in spans)
    assert all(later == shift(earlier, 1) for span in spans for earlier, later in pairwise(span))


def test_only_days_that_were_published_and_only_where_the_contract_says_so(place: Path) -> None:
    folder = lay(place, training="label_delay_days: 2\nlabels: fetched_again\ntraining: {holdout_days: 2}")
    for day in (1, 2):
        deliver(folder, day, *([order(day, day)] if day == 1 else []))
        ingest("shop", day_of(day))
    loop, registry = catalog.load("shop"), dataset.registry()
    assert due.days(registry, loop, day_of(3)) == [day_of(1)]
    assert due.days(registry, loop, day_of(4)) == []  # the second was empty
    assert due.days(registry, loop, f"{day_of(1)}..{day_of(9)}") == []  # it is among those that are asked for
    assert due.days(registry, loop, f"{day_of(2)}..{day_of(9)}") == [day_of(1)]
    assert due.days(registry, loop.model_copy(update={"labels": None}), day_of(3)) == []
