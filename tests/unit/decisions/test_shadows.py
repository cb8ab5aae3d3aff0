"""Who stands in shadow, read from the ledger."""

from __future__ import annotations

from typing import Any

from ratchet.decisions import shadows
from tests.given.entries import entry


def _wait(run: str, line: str, since: str = "2013-02-01") -> Any:
    return entry("waiting", run, line=line, since=since, champion="1", day=since)


def test_the_ring_is_read_from_the_ledger() -> None:
    entries = [_wait("a", "A"), _wait("b", "B"), _wait("c", "C"), entry("left", "a"), entry("rejected", "b")]
    assert [each.run for each in shadows.challengers(entries)] == ["c"]
    promoted = entry("promoted", "c", version="4", replaces="1", day="2013-02-20", champion="1", line="C")
    assert shadows.challengers([*entries, promoted]) == []
    assert shadows.predecessor([*entries, promoted]) == shadows.Predecessor("1", "2013-02-20", ("4",))
    again = entry("promoted", "d", version="6", replaces="4", day="2013-02-21", champion="4", line="C")
    assert shadows.predecessor([promoted, again]) == shadows.Predecessor("1", "2013-02-20", ("4", "6"))
    assert shadows.predecessor([promoted, entry("released", version="1")]) is None
    assert shadows.predecessor([promoted, again, entry("released", version="1")]) == shadows.Predecessor(
        "4", "2013-02-21", ("6",)
    )
    assert shadows.predecessor([promoted, entry("rolled_back", version="1")]) is None


def test_a_predecessor_that_is_lost_comes_back_no_more() -> None:
    first = entry("promoted", "c", version="4", replaces="1", day="2013-02-20", champion="1")
    again = entry("promoted", "d", version="6", replaces="4", day="2013-02-21", champion="4")
    anew = entry("promoted", "e", version="7", day="2013-02-22")
    lost = {version: entry("lost", version=version) for version in ("1", "4")}
    assert shadows.predecessor([first, lost["1"]]) is None
    assert shadows.predecessor([first, again, lost["1"]]) == shadows.Predecessor("4", "2013-02-21", ("6",))
    assert shadows.predecessor([first, again, lost["4"]]) == shadows.Predecessor("1", "2013-02-20", ("4", "6"))
    assert shadows.predecessor([first, again, lost["4"], entry("released", version="1")]) is None
    assert shadows.predecessor([first, again, lost["1"], lost["4"]]) is None
    assert shadows.predecessor([first, again, entry("lost", version="6", vacant=True)]) is None
    assert shadows.predecessor([first, again, entry("lost", version="6", vacant=True), anew]) is None


def test_who_has_to_leave_the_ring() -> None:
    waiting = shadows.challengers([_wait("a", "A", "2013-01-01"), _wait("b", "B"), _wait("c", "C")])
    assert set(shadows.leaving(waiting, None, 3, 28, "2013-02-10")) == {"a"}
    newcomer = shadows.Challenger("d", "d", "B", "2013-02-08", "1")
    assert set(shadows.leaving(waiting, newcomer, 3, 28, "2013-02-10")) == {"a"}
    crowded = shadows.leaving(waiting, newcomer, 2, 28, "2013-02-10")
    assert set(crowded) == {"a", "d"}  # of two of one recipe the younger, though it is the newcomer
    assert "who came before it have more evidence" in crowded["d"]
    other = shadows.Challenger("d", "d", "D", "2013-02-08", "1")
    assert set(shadows.leaving(waiting, other, 2, 28, "2013-02-10")) == {"a", "b"}
    assert set(shadows.leaving(waiting, other, 3, 28, "2013-02-10")) == {"a"}


def test_a_baseline_is_named_after_the_run_that_it_was_trained_with() -> None:
    assert shadows.baseline("abc") == "baseline:abc"
    assert shadows.trained_with(shadows.baseline("abc")) == "abc"
    assert shadows.trained_with("abc") is None
