"""`ratchet start` and `stop`: what they do to the DAGs of a loop, what they wait for, and what they say comes next.

Airflow is a fake of its REST API on a real socket: tests/slow/test_commands.py starts a loop in the real one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.environment import Local
from ratchet import catalog, cli
from ratchet.adapters import writing
from ratchet.cli import start
from ratchet.lifecycle import dataset, ledger
from ratchet.settings import Settings
from tests.conftest import free_port, ingest
from tests.given.deliveries import DAY, deliver, rows_of_day
from tests.given.entries import entry
from tests.unit.cli.conftest import FakeAirflow

PARTS = ("ingest", "train", "score", "monitor")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import error is told at once, a leftover or not."""
    monkeypatch.setattr(start, "LASTING", 0.0)


def _ratchet(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = 0
    try:
        cli.main(list(arguments))
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_starting_lets_the_dags_run_and_says_what_comes_next(
    airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]
) -> None:
    others = {"wind.replay": True, "flight_delays.ingest": True}
    airflow.dags = {**{f"wind.{part}": True for part in PARTS}, **others}
    code, out, _ = _ratchet("start", "wind", capsys=capsys)
    assert code == 0
    assert airflow.dags == {**{f"wind.{part}": False for part in PARTS}, **others}
    assert 'ratchet airflow dags trigger wind.ingest --conf \'{"partitions": "20' in out
    assert 'ratchet airflow dags trigger wind.train --conf \'{"reason": "first champion"}\'' in out
    assert "ratchet stop wind" in out


def test_the_next_night_is_told(airflow: FakeAirflow, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.dags = {f"wind.{part}": True for part in PARTS}
    path = place / "loops" / "wind" / "loop.yaml"
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith(("schedule:", "  ingest:")))
    path.write_text(f"{text}\nschedule: {{ingest: 0 6 * * *}}\n")
    assert "at 2026-11-26 06:00 UTC it ingests the day before" in _ratchet("start", "wind", capsys=capsys)[1]
    path.write_text(f"{text}\nschedule: {{ingest: null}}\n")
    assert "nothing by itself" in _ratchet("start", "wind", capsys=capsys)[1]


def test_what_is_published_is_not_asked_for_again(airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.dags = {f"wind.{part}": True for part in PARTS}
    ingest("wind", "2013-01-02..2013-01-03")
    out = _ratchet("start", "wind", capsys=capsys)[1]
    assert "2 days, 2013-01-02 to 2013-01-03" in out
    assert '{"partitions": "2013-01-04..2013-02-02"}' in out


def test_what_was_refused_and_what_is_long_past_is_told(
    airflow: FakeAirflow, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.dags = {f"wind.{part}": True for part in PARTS}
    ingest("wind", "2013-01-03..2013-01-04")
    deliver(place, [{**row, "wind_speed": 400.0} for row in rows_of_day()])
    ingest("wind", DAY)
    with writing.held(dataset.registry()) as writer:
        ledger.write(
            writer, catalog.load("wind"), [entry("rejected", "first", reason="rejected: r2 is 0.1, below 0.6")]
        )
    out = _ratchet("start", "wind", capsys=capsys)[1]
    assert "Data: 2 days, 2013-01-03 to 2013-01-04. The nights of now are far from that" in out
    assert f"Refused: 1 day, the last {DAY}: rejected: weather: 100.0% of 60 rows" in out
    assert "ratchet quarantine readmit wind DAY" in out
    assert "Champion: none yet. The training first was rejected: r2 is 0.1, below 0.6" in out


def test_stopping_lets_them_rest(airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.dags = {f"wind.{part}": False for part in (*PARTS, "approve")} | {"flight_delays.ingest": False}
    code, out, _ = _ratchet("stop", "wind", capsys=capsys)
    assert code == 0
    assert [name for name, paused in airflow.dags.items() if not paused] == ["flight_delays.ingest"]
    assert "ratchet start wind" in out
    airflow.dags = {}
    assert "Airflow knows no DAG of wind" in _ratchet("stop", "wind", capsys=capsys)[1]


def test_it_waits_for_the_dag_processor(airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.later = {f"wind.{part}": True for part in (*PARTS, "approve")}
    code, out, err = _ratchet("start", "wind", capsys=capsys)
    assert code == 0
    assert "wind.approve" in out
    assert "waiting for Airflow to find wind.ingest" in err
    assert not any(airflow.dags.values())


def test_a_dag_that_does_not_come_is_one_sentence(
    airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "PATIENCE", 0.0)
    code, _, err = _ratchet("start", "wind", capsys=capsys)
    assert code == cli.FAILED
    assert "has not found wind.ingest" in err
    assert "wind.py?" in err


def test_an_import_error_is_told(airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.errors = [
        {"filename": "flight_delays.py", "stack_trace": "another's"},
        {"filename": "wind.py", "stack_trace": "SyntaxError: it is broken"},
    ]
    code, _, err = _ratchet("start", "wind", capsys=capsys)
    assert code == cli.FAILED
    assert "it is broken" in err
    assert "another's" not in err


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_without_an_installation_it_says_what_to_do(
    place: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _ratchet(verb, "wind", capsys=capsys)
    assert (code, err.count("\n")) == (cli.FAILED, 1)
    assert "Start it: make up" in err
    monkeypatch.setenv("RATCHET_AIRFLOW_PORT", str(free_port()))
    local = Local.current()
    local.password()
    local.describe()
    code, _, err = _ratchet(verb, "wind", capsys=capsys)
    assert (code, err.count("\n")) == (cli.FAILED, 1)
    assert "does not answer" in err
    assert "make up" in err
    assert "did you mean 'wind'" in _ratchet(verb, "wnd", capsys=capsys)[2]


def test_another_installations_airflow_is_one_sentence(
    airflow: FakeAirflow, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.password = "another"
    code, _, err = _ratchet("start", "wind", capsys=capsys)
    assert code == cli.FAILED
    assert "another installation's" in err
    (Settings.current().var / "airflow" / "passwords.json").write_text("")
    assert "no password of admin" in _ratchet("start", "wind", capsys=capsys)[2]


def test_a_new_loop_ends_with_the_next_steps(
    place: Path, observations: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(place))
    code, out, _ = _ratchet("new", "gusts", "--sample", str(observations), "--target", "wind_speed", capsys=capsys)
    assert code == 0
    after = out[out.index("Next:") :]
    for step in ("features.sql", "ratchet lint gusts", "make up", "ratchet start gusts"):
        assert step in after
    assert "five Airflow DAGs" in (place / "dags" / "gusts.py").read_text()
