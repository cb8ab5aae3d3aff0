"""Features that know the target of their own row; those that look at earlier rows alone are left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.data import features
from ratchet.errors import ContractError
from ratchet.linting import hindsight
from tests.conftest import ROOT, bring


def _told(name: str) -> list[str]:
    loop = catalog.load(name)
    return [str(each) for each in hindsight.mistakes(loop, features.dry_run(loop))]


def test_the_loops_of_the_project_and_of_the_tests_have_none(place: Path) -> None:
    for name in ("harbour", "tides"):
        shutil.copytree(ROOT / "tests" / "loops" / name, place / "loops" / name)
        shutil.copy(ROOT / "tests" / "loops" / f"{name}.suite.json", place / "suites" / "expectations" / f"{name}.json")
    bring(place / "loops" / "tides")
    _trainer(place / "loops" / "harbour")
    assert {name: _told(name) for name in catalog.names()} == {name: [] for name in catalog.names()}


def _trainer(folder: Path) -> None:
    (folder / "trainers").mkdir()
    shutil.copy(
        ROOT / "tests" / "distribution" / "ratchet_tides" / "least_squares.py", folder / "trainers" / "linear.py"
    )


def _selected(place: Path, column: str, target: str = "wind_speed") -> list[str]:
    folder = place / "loops" / "wind"
    (folder / "features.sql").write_text(
        f"SELECT observed_at, origin, observed_at - INTERVAL 1 HOUR AS event_time, {column} AS said\n"
        "FROM weather AS asked\n"
    )
    contract = folder / "loop.yaml"
    contract.write_text(contract.read_text().replace("sql: wind_speed", f"sql: {target}"))
    return _told("wind")


@pytest.mark.parametrize(
    "column",
    [
        "wind_speed",
        "round(sqrt(abs(wind_speed)))",
        "CASE WHEN wind_speed > 40 THEN 1 ELSE 0 END",
        "wind_speed IS NULL",
        "avg(wind_speed) OVER (PARTITION BY origin)",
        "avg(wind_speed) OVER (PARTITION BY origin ORDER BY observed_at)",
        "rank() OVER (ORDER BY wind_speed)",
        "(SELECT max(other.wind_speed) FROM weather AS other WHERE other.observed_at <= asked.observed_at)",
        "temp + wind_speed * 0.001",
    ],
)
def test_what_knows_its_own_rows_target_is_found(place: Path, column: str) -> None:
    (told,) = _selected(place, column)
    assert "features.sql:1: the feature 'said' knows the target" in told
    assert "gate.accept: [said]" in told


@pytest.mark.parametrize(
    "column",
    [
        "temp",
        "random()",
        "epoch(current_localtimestamp())",
        "lag(wind_speed) OVER (PARTITION BY origin ORDER BY observed_at)",
        "avg(wind_speed) OVER (ORDER BY observed_at ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING)",
        "(SELECT max(other.wind_speed) FROM weather AS other WHERE other.observed_at < asked.observed_at)",
        "hour(observed_at)",
    ],
)
def test_what_looks_at_earlier_rows_or_other_columns_is_not(place: Path, column: str) -> None:
    assert _selected(place, column) == []


def test_a_text_that_the_target_is_compared_with_is_tried(place: Path) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("      temp: float64", "      temp: float64\n      state: string"))
    (told,) = _selected(place, "state = 'gust'", target="\"CAST(state = 'gust' AS BIGINT) + wind_speed\"")
    assert "changes with state of its own row" in told


def test_what_a_person_accepts_is_said_no_more(place: Path) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("  floors:", "  accept: [said]\n  floors:"))
    assert _selected(place, "wind_speed") == []


def test_a_target_of_the_time_alone_changes_nothing(place: Path) -> None:
    assert _selected(place, "hour(observed_at)", target="hour(observed_at)") == []


def test_sql_that_does_not_run_over_made_up_rows_is_no_mistake_of_the_loop(place: Path) -> None:
    with pytest.raises(ContractError, match="Conversion"):
        _selected(place, "CAST(origin || '!' AS BIGINT)")
