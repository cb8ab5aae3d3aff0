"""`ratchet lint`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.contract.loop import Loop
from tests.conftest import ingest
from tests.given.duels import NAME, win
from tests.given.mistakes import MISTAKES, Mistake, change, expected
from tests.unit.cli.conftest import Ratchet


def test_lint_finds_all_in_order(place: Path, ratchet: Ratchet) -> None:
    code, out, _ = ratchet("lint")
    assert code == 0
    assert out.count("In order") == 3


def test_lint_tells_every_mistake_at_once(place: Path, ratchet: Ratchet) -> None:
    (place / "loops" / "wind" / "features.sql").write_text("SELECT nothing FROM weather")
    (place / "suites" / "expectations" / "flights.json").write_text("{")
    code, _, err = ratchet("lint")
    assert code == cli.FAILED
    assert "features.sql" in err
    assert "flights.json is not an expectation suite" in err
    assert ratchet("lint", "wnd")[2].count("did you mean 'wind'") == 1


def test_an_approval_is_refused_where_everybody_is_anybody(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada]\n"))
    assert ratchet("lint", "wind")[0] == 0
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    code, _, err = ratchet("lint", "wind")
    assert code == 2
    assert "who has answered would not be known" in err
    assert "loop.yaml:4" in err


def test_an_approval_that_names_nobody_is_refused(place: Path, ratchet: Ratchet) -> None:
    """As contracts said before logins were named."""
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: required\n"))
    code, _, err = ratchet("lint", "wind")
    assert code == 2
    assert "approval: [ada, grace]" in err


def test_a_bound_that_no_day_comes_to_is_a_remark_and_no_mistake(place: Path, ratchet: Ratchet) -> None:
    contract = place / "loops" / "flight_delays" / "loop.yaml"
    text = contract.read_text()
    assert "  loss: log_loss" in text
    assert "  bound: 0.05" in text
    contract.write_text(text.replace("  loss: log_loss", "  loss: brier").replace("  bound: 0.05", "  bound: 5"))
    code, out, err = ratchet("lint", "flight_delays")
    assert (code, err) == (0, "")
    assert "flight_delays: gate.bound is 5, and two answers to a row never differ by more than 1 (brier)" in out
    assert "In order" in out


def test_one_loop_keeps_no_other_from_being_checked(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the first loop of the list stopped all after it."""
    known = catalog.load

    def load(name: str) -> Loop:
        if name == "flight_classes":
            raise ValueError("Exceeds the limit")
        return known(name)

    monkeypatch.setattr(catalog, "load", load)
    code, out, err = ratchet("lint")
    assert code == 2
    assert out.count("In order") == 2
    assert "flight_classes: ValueError: Exceeds the limit" in err


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(place: Path, ratchet: Ratchet, mistake: Mistake) -> None:
    """All of these were in order, or told of line 1 or of no line, or of the line of what they stand in."""
    change(place, mistake)
    code, out, err = ratchet("lint", mistake.loop)
    assert code == cli.FAILED, out
    told = "\n".join(line for line in err.splitlines() if expected(place, mistake) in line)
    assert told, err
    assert [word for word in mistake.words if word not in told] == [], err


def test_a_folder_without_a_contract_is_told(place: Path, ratchet: Ratchet) -> None:
    """It was passed over in silence: whoever had named the file loop.yml waited for DAGs."""
    (place / "loops" / "__pycache__").mkdir()
    (place / "loops" / "shop").mkdir()
    (place / "loops" / "shop" / "features.sql").write_text("SELECT 1")
    code, _, err = ratchet("lint")
    assert code == cli.FAILED
    assert f"{place / 'loops' / 'shop'}: there is no loop.yaml, so this is no loop" in err
    assert "Write one (ratchet new shop), or move the folder away" in err
    assert "__pycache__" not in err
    (place / "loops" / "shop" / "loop.yml").write_text("name: shop")
    assert "Rename loop.yml to loop.yaml" in ratchet("lint")[2]
    assert ratchet("lint", "wind")[0] == 0


def test_a_source_is_asked_for_a_day_where_that_is_wanted(place: Path, ratchet: Ratchet) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("temp: float64", "temp: float64\n      gust: float64"))
    assert ratchet("lint", "wind")[0] == 0
    code, _, err = ratchet("lint", "wind", "--sources", "--day", "2013-01-05")
    assert code == cli.FAILED
    assert "the delivery of 2013-01-05 has no column 'gust'" in err
    code, out, err = ratchet("lint", "flight_delays", "--sources")
    assert (code, err) == (0, "")
    assert "flight_delays: weather: " in out


def test_labels_that_come_late_and_say_how_are_in_order(place: Path, ratchet: Ratchet) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    text = path.read_text()
    for labels in ("delivered", "fetched_again"):
        path.write_text(f"{text}\nlabel_delay_days: 3\nlabels: {labels}\n")
        assert ratchet("lint", "wind")[0] == 0


def test_features_are_proved_on_what_is_published(place: Path, ratchet: Ratchet) -> None:
    assert "nothing is published yet" in ratchet("lint", "wind", "--data")[2]
    ingest("wind", "2013-01-02..2013-01-06")
    code, out, _ = ratchet("lint", "wind", "--data")
    assert code == 0
    assert "wind: the features of " in out
    assert " rows of 2013-01-02..2013-01-06 see nothing that is known later" in out
    sql = place / "loops" / "wind" / "features.sql"
    sql.write_text(sql.read_text().replace("past.temp AS temp_now", "asked.wind_speed AS temp_now"))
    code, _, err = ratchet("lint", "wind", "--data")
    assert code == cli.FAILED
    assert f"{sql}:7: the feature 'temp_now' sees what was known only later" in err


def test_what_a_margin_needs_is_told_by_the_loops_own_duels(second: str, tmp_path: Path, ratchet: Ratchet) -> None:
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    code, out, _ = ratchet("lint", NAME, "--data")
    assert code == 0
    assert f"{NAME}: A duel needs at least 3 days, whatever they hold, to hold within 2 at level 0.3" in out
    assert "4 days of this loop's own duels are too few to say how many more; patience_days is 28" in out
    win(second)  # fifteen days
    code, out, _ = ratchet("lint", NAME, "--data")
    assert code == 0
    found = re.search(r"will need about (\d+) days \((\d+) in nine of ten\) to hold within 2 at level 0.3", out)
    assert found, out
    assert "by 15 days of this loop's own duels; patience_days is 28" in out
    text = path.read_text()
    path.write_text(text.replace("gate:\n", "gate:\n  patience_days: 4\n"))
    assert ratchet("lint", NAME)[0] == 0
    code, out, _ = ratchet("lint", NAME, "--data")
    assert code == 0  # the loop's days change, and the contract does not
    assert f"{NAME}: A challenger as good as the champion will need about {found[1]} days" in out
    assert "so a patience of 4 days decides nothing about most of them. It counts from the first day of" in out
    # Another loss: nothing of what was seen is in it.
    path.write_text(text.replace("loss: squared_error", "loss: absolute_error"))
    out = ratchet("lint", NAME, "--data")[1]
    assert f"{NAME}: A duel needs at least 3 days, whatever they hold, to hold within 2 at level 0.3; patience" in out


def test_a_feature_that_is_never_there_is_told(place: Path, ratchet: Ratchet) -> None:
    """The target reads it, so it counts as a label: nothing of it is shown on its own day."""
    contract, sql = place / "loops" / "wind" / "loop.yaml", place / "loops" / "wind" / "features.sql"
    text = contract.read_text().replace("sql: wind_speed", "sql: wind_speed - pressure")
    contract.write_text(text.replace("gate:\n", "gate:\n  accept: [pressure_now]\n"))
    sql.write_text(sql.read_text().replace("past.pressure AS pressure_now", "asked.pressure AS pressure_now"))
    ingest("wind", "2013-01-02..2013-01-03")
    code, out, _ = ratchet("lint", "wind", "--data")
    assert code == 0
    assert "nothing in any row of pressure_now" in out
    assert "What target.sql reads (pressure) counts as known at the end of the day on the day after its own" in out
