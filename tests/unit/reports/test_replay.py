"""What a replay is shown as."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ratchet.reports import replay
from ratchet.reports.replay import Row


def _row(name: str, loss: float, retrainings: int, gap: float = 0.0) -> Row:
    return Row(name, loss, (gap, gap, gap), 0, retrainings, 0, 0, 0, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=1))
def test_whoever_is_off_the_frontier_is_beaten_by_one_on_it(points: list[tuple[float, int]]) -> None:
    rows = [_row(str(i), *point) for i, point in enumerate(points)]
    kept = replay.frontier(rows)
    for row in rows:
        better = [each for each in kept if each.loss <= row.loss and each.retrainings <= row.retrainings]
        assert better
        assert row not in kept or better == [row]


def test_the_page_carries_its_picture_and_escapes_what_it_is_told() -> None:
    rows = [_row("never", 0.5, 0, math.nan), _row("few <3>", 0.45, 3)]
    drawn = replay.figure(rows, [0.5, 0.44], "t")
    assert drawn.startswith(b"\x89PNG")
    nights = [
        {"night": "2013-01-02", "decided": "retrain", "reason": "drift: <temp>", "gate": "promote"},
        {"night": "2013-01-03", "decided": "wait", "reason": "unseen", "gate": ""},
    ]
    page = replay.page("a & b", rows, drawn, "few costs least", "+ days: 3", {"few": nights})
    assert "few &lt;3&gt;" in page
    assert "2013-01-02: drift: &lt;temp&gt; → promote" in page
    assert "few: 1 retrainings" in page
    assert "unseen" not in page
    assert "was worth" not in page
    worth = [{**nights[0], "worth": "1,840 <minutes> a week (95 %: 400 to 3,280, by 7 days)"}, nights[1]]
    told = replay.page("a", rows, drawn, "", "", {"few": worth, "never": nights})
    assert "<li>promoting on 2013-01-02 was worth 1,840 &lt;minutes&gt; a week (95 %: 400 to 3,280, by 7 days)" in told
    assert told.count("1 promotions") == 1
    assert "http" not in page.replace("data:image", "")


def test_a_line_leaves_out_what_is_undefined() -> None:
    assert _row("never", 0.5, 0, math.nan).cells()[2] == ""
    assert _row("few", 0.5, 0, 0.1).cells()[2] == "+0.10000 [+0.10000, +0.10000]"


def test_a_line_tells_what_a_policy_was_worth() -> None:
    row = Row("few", 0.5, (0, 0, 0), 0, 3, 0, 0, 0, 0, 0, "minutes", 41200.0, (1840.0, 400.4, 3279.6))
    assert row.cells()[-2:] == ["41,200", "1,840 [400, 3,280]"]
    assert len(replay.head("minutes")) == len(row.cells())
    assert len(replay.head("")) == len(_row("few", 0.5, 0).cells())
    assert replay.head("minutes")[-2] == "minutes a week"
    said = "it was worth 1,840 minutes a week against the policy of now (95 % over nights: 400 to 3,280)"
    assert replay.worth(row) == said
    assert replay.worth(_row("few", 0.5, 0)) == ""
