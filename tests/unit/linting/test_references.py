"""What a contract, its suites and its tests name. The mistakes themselves: tests/unit/cli/test_lint.py."""

from __future__ import annotations

import json
from pathlib import Path

from ratchet import catalog
from ratchet.contract.loop import Source
from ratchet.data import features
from ratchet.linting import references


def test_loops_in_order_have_none(place: Path) -> None:
    for name in catalog.names():
        loop = catalog.load(name)
        assert [*references.suites(loop), *references.queries(loop)] == []
        assert [*references.columns(loop, features.dry_run(loop))] == []


def test_every_mistake_is_told_and_not_the_first_alone(place: Path) -> None:
    loop = catalog.load("flight_delays")
    gate = loop.gate.model_copy(update={"accept": ("seats", "too_good", "x")})
    wrong = [str(each) for each in references.columns(loop.model_copy(update={"gate": gate}), ["seats"])]
    assert sum("gate.slices" in each for each in wrong) == 0  # carrier and origin are key columns
    assert sum("gate.accept: 'x'" in each for each in wrong) == 1
    assert sum("behaviour.yaml" in each for each in wrong) > 10


def test_an_expectation_about_the_whole_table_names_no_column(place: Path) -> None:
    path = place / "suites" / "expectations" / "wind.json"
    suite = json.loads(path.read_text())
    suite["expectations"].append({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}})
    path.write_text(json.dumps(suite))
    assert [*references.suites(catalog.load("wind"))] == []


def test_another_sources_options_are_its_own(place: Path) -> None:
    loop = catalog.load("wind").model_copy(update={"source": Source(kind="mine", options={"tables": {"x": "y"}})})
    assert [*references.queries(loop)] == []


def test_the_line_of_a_word_is_the_last_that_holds_the_whole_word(tmp_path: Path) -> None:
    path = tmp_path / "features.sql"
    path.write_text("SELECT late_rate,\n  late AS late,\n  later\n")
    assert references.line(path, "late") == 2
    assert references.line(path, "nowhere") == 1


def test_the_line_of_a_feature_is_where_it_gets_its_name(tmp_path: Path) -> None:
    """It was the line of the join, whose table is called as the feature is."""
    path = tmp_path / "features.sql"
    lines = ["WITH late AS (SELECT id,", "  n AS late", "FROM x)", "SELECT a.id,", "  late.late, -- how late"]
    lines += ["  round(a.x) AS b,", '  a."c d",', "  seats", "FROM a", "LEFT JOIN late USING (id)", "LEFT JOIN seats"]
    path.write_text("\n".join(lines))
    assert [references.defined(path, name) for name in ("late", "b", "c d", "seats", "nowhere")] == [5, 6, 7, 8, 1]
